package org.telltale.engine.spi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.telltale.engine.Activation;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.testing.Compare;
import org.telltale.engine.testing.Eval;

class GraphPassesTest {
    private static final Window WINDOW = Window.same(3, 1, 5, 6);

    private final Tensor x = Tensor.input("x", DType.F32, 2, 5, 6, 4);

    private static Tensor weight(String name, int... dims) {
        return Tensor.of(new Primitive.Weight(name, Shape.of(dims)));
    }

    private Tensor convolution(int groups, boolean bias, Activation activation) {
        Tensor w = weight("w", 4, 4 / groups, 3, 3);
        Fused.Conv2d op = new Fused.Conv2d(WINDOW, groups, activation);
        return bias ? Tensor.of(op, x, w, weight("b", 4)) : Tensor.of(op, x, w);
    }

    private static Tensor norm(Tensor x) {
        return Tensor.of(
                new Fused.BatchNorm(1e-3f),
                x,
                weight("scale", 4),
                weight("shift", 4),
                weight("mean", 4),
                weight("variance", 4));
    }

    private static boolean has(Graph g, Class<?> op) {
        return g.nodes().stream().anyMatch(t -> op.isInstance(t.op()));
    }

    private static void assertSameValues(Graph before, Graph after) {
        Map<String, float[]> values = new HashMap<>();
        SplittableRandom random = new SplittableRandom(1);
        for (Tensor t : before.nodes()) {
            float[] v = new float[(int) t.shape().size()];
            for (int i = 0; i < v.length; i++) {
                v[i] = (float) random.nextDouble(
                        t.op() instanceof Primitive.Weight w && w.name().equals("variance") ? 0.5 : -1, 1);
            }
            switch (t.op()) {
                case Primitive.Input in -> values.put(in.name(), v);
                case Primitive.Weight w -> values.put(w.name(), v);
                default -> {}
            }
        }
        List<float[]> expected = Eval.run(before, values);
        List<float[]> actual = Eval.run(after, values);
        for (int i = 0; i < expected.size(); i++) {
            int[] shape = {expected.get(i).length};
            Compare.assertClose("output " + i, actual.get(i), expected.get(i), shape, 1e-5, 1e-5);
            assertThat(after.outputs().get(i).shape())
                    .isEqualTo(before.outputs().get(i).shape());
        }
    }

    @Test
    void aFoldedBatchNormKeepsTheValues() {
        for (int groups : new int[] {1, 2, 4}) {
            for (boolean bias : new boolean[] {false, true}) {
                Graph g = Graph.of(
                        "g", norm(convolution(groups, bias, Activation.NONE)).activate(Activation.RELU6));
                Graph folded = GraphPasses.foldBatchNorm(g);
                assertThat(has(folded, Fused.BatchNorm.class)).isFalse();
                assertThat(has(folded, Fused.Activate.class)).isFalse();
                assertThat(folded.outputs().getFirst().op())
                        .isEqualTo(new Fused.Conv2d(WINDOW, groups, Activation.RELU6));
                assertSameValues(g, folded);
            }
        }
    }

    @Test
    void aConvolutionThatAnotherTensorReadsIsNotFolded() {
        Tensor y = convolution(1, false, Activation.NONE);
        Graph g = Graph.of("g", norm(y).add(y));
        Graph same = GraphPasses.foldBatchNorm(g);
        assertThat(same.nodes()).isEqualTo(g.nodes());
    }

    @Test
    void aConvolutionThatIsAnOutputOrAnUpdateIsNotFolded() {
        Tensor y = convolution(1, false, Activation.NONE);
        Graph output = Graph.of("g", norm(y), y);
        assertThat(GraphPasses.foldBatchNorm(output).nodes()).isEqualTo(output.nodes());
        Tensor state = Tensor.state("s", y.shape().dims());
        Graph update = Graph.of("g", List.of(norm(y)), Map.of(state, y));
        assertThat(GraphPasses.foldBatchNorm(update).nodes()).isEqualTo(update.nodes());
    }

    @Test
    void aConvolutionWithAnActivationIsNotFolded() {
        Graph g = Graph.of("g", norm(convolution(1, false, Activation.RELU)));
        assertThat(GraphPasses.foldBatchNorm(g).nodes()).isEqualTo(g.nodes());
    }

    @Test
    void statisticsThatAreNotWeightsAreNotFolded() {
        Tensor y = convolution(1, false, Activation.NONE);
        Tensor mean = Tensor.input("mean", DType.F32, 4);
        Tensor n = Tensor.of(
                new Fused.BatchNorm(1e-3f), y, weight("scale", 4), weight("shift", 4), mean, weight("variance", 4));
        Graph g = Graph.of("g", n);
        assertThat(GraphPasses.foldBatchNorm(g).nodes()).isEqualTo(g.nodes());
    }

    @Test
    void aBatchNormWithoutAConvolutionStays() {
        Graph g = Graph.of("g", norm(x));
        assertThat(GraphPasses.foldBatchNorm(g).nodes()).isEqualTo(g.nodes());
    }

    @Test
    void anActivationBehindALinearBecomesItsEpilogue() {
        Tensor y = Tensor.of(new Fused.Linear(Activation.NONE), x, weight("w", 3, 4), weight("b", 3));
        Graph g = Graph.of("g", y.activate(Activation.GELU_ERF));
        Graph fused = GraphPasses.foldBatchNorm(g);
        assertThat(fused.outputs().getFirst().op()).isEqualTo(new Fused.Linear(Activation.GELU_ERF));
        assertSameValues(g, fused);
        Graph read = Graph.of("g", y.activate(Activation.GELU_ERF), y);
        assertThat(GraphPasses.foldBatchNorm(read).nodes()).isEqualTo(read.nodes());
    }

    @Test
    void aSecondActivationIsNotLost() {
        Tensor y = Tensor.of(new Fused.Linear(Activation.NONE), x, weight("w", 3, 4));
        Graph g = Graph.of("g", y.activate(Activation.TANH).activate(Activation.SIGMOID));
        assertSameValues(g, GraphPasses.foldBatchNorm(g));
        assertThat(has(GraphPasses.foldBatchNorm(g), Fused.Activate.class)).isTrue();
    }

    @Test
    void equalOperationsOnTheSameOperandsBecomeOneAndInputsStay() {
        Tensor y = x.square().add(x.square()).mul(x.neg());
        Graph g = Graph.of("g", y, x.neg());
        Graph shared = GraphPasses.shareEqual(g);
        assertThat(shared.nodes()).hasSize(g.nodes().size() - 2);
        assertSameValues(g, shared);
        Graph twoInputs = Graph.of("g", Tensor.input("a", DType.F32, 2).add(Tensor.input("a", DType.F32, 2)));
        assertThat(GraphPasses.shareEqual(twoInputs).nodes()).hasSize(3);
    }
}
