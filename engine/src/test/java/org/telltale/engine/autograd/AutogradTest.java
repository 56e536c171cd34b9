package org.telltale.engine.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.telltale.engine.Activation;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.ShapeException;
import org.telltale.engine.Tensor;
import org.telltale.engine.testing.Eval;

class AutogradTest {
    private final Tensor x = Tensor.input("x", DType.F32, 2);
    private final Tensor w = Tensor.input("w", DType.F32, 2);
    private final Map<String, float[]> values = Map.of("x", new float[] {3, -2}, "w", new float[] {0.5f, 4});

    private float[] gradient(Tensor loss, Tensor of) {
        return Eval.run(Autograd.gradients(loss, List.of(of)).getFirst(), values);
    }

    @Test
    void theChainRuleHoldsThroughASmallNetwork() {
        Tensor x = Tensor.input("x", DType.F32, 1, 2);
        Tensor w1 = Tensor.input("w1", DType.F32, 2, 2);
        Tensor b1 = Tensor.input("b1", DType.F32, 2);
        Tensor w2 = Tensor.input("w2", DType.F32, 1, 2);
        Tensor hidden = Tensor.of(new Fused.Linear(Activation.TANH), x, w1, b1);
        Tensor loss = Tensor.of(new Fused.Linear(Activation.NONE), hidden, w2)
                .square()
                .sumAll();
        Graph g = Graph.of("gradients", Autograd.gradients(loss, List.of(x, w1, b1, w2)), Map.of());
        List<float[]> actual = Eval.run(
                g,
                Map.of(
                        "x", new float[] {1, 2},
                        "w1", new float[] {0.1f, 0.2f, -0.3f, 0.4f},
                        "b1", new float[] {0.5f, -0.5f},
                        "w2", new float[] {2, -1}));
        double h0 = Math.tanh(0.1 + 0.4 + 0.5);
        double h1 = Math.tanh(-0.3 + 0.8 - 0.5);
        double dy = 2 * (2 * h0 - h1);
        double d0 = dy * 2 * (1 - h0 * h0);
        double d1 = dy * -1 * (1 - h1 * h1);
        assertClose(actual.get(0), 0.1 * d0 - 0.3 * d1, 0.2 * d0 + 0.4 * d1);
        assertClose(actual.get(1), d0, 2 * d0, d1, 2 * d1);
        assertClose(actual.get(2), d0, d1);
        assertClose(actual.get(3), dy * h0, dy * h1);
    }

    private static void assertClose(float[] actual, double... expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            assertThat((double) actual[i]).as("element " + i).isCloseTo(expected[i], within(1e-5));
        }
    }

    @Test
    void whatFlowsBackOnSeveralPathsIsAdded() {
        assertThat(gradient(x.mul(x).add(x).add(x.mul(w)).sumAll(), x)).containsExactly(7.5f, 1f);
    }

    @Test
    void aTensorBothOperandsOfOneOpCountsTwice() {
        assertThat(gradient(x.mul(x).sumAll(), x)).containsExactly(6, -4);
        assertThat(gradient(x.sub(x).sumAll(), x)).containsExactly(0, 0);
        assertThat(gradient(
                        Tensor.concat(0, x, x).mul(Tensor.iota(0, Shape.of(4))).sumAll(), x))
                .containsExactly(2, 4);
    }

    @Test
    void anOperandThatOccursTwiceInAFusedOpCountsTwice() {
        Tensor q = Tensor.input("q", DType.F32, 1, 3, 2);
        Tensor k = Tensor.input("k", DType.F32, 1, 3, 2);
        Tensor v = Tensor.input("v", DType.F32, 1, 3, 2);
        Fused.Attention op = new Fused.Attention(1, 0.7f, false, 0, Fused.Masking.NONE);
        float[] same = {0.1f, -0.4f, 0.8f, 0.3f, -0.6f, 0.5f};
        Tensor weight = Tensor.iota(1, q.shape()).add(1);
        Tensor apart = Tensor.of(op, q, k, v).mul(weight).sumAll();
        List<float[]> parts = Eval.run(
                Graph.of("apart", Autograd.gradients(apart, List.of(q, k, v)), Map.of()),
                Map.of("q", same, "k", same, "v", same));
        Tensor self = Tensor.of(op, q, q, q).mul(weight).sumAll();
        float[] whole = Eval.run(Autograd.gradients(self, List.of(q)).getFirst(), Map.of("q", same));
        for (int i = 0; i < same.length; i++) {
            double sum = (double) parts.get(0)[i] + parts.get(1)[i] + parts.get(2)[i];
            assertThat((double) whole[i]).isCloseTo(sum, within(1e-6));
        }
    }

    @Test
    void aWantedTensorIsNotDifferentiatedThrough() {
        Tensor y = x.mul(w);
        List<Tensor> g = Autograd.gradients(y.square().sumAll(), List.of(x, y));
        assertThat(Eval.run(g.get(1), values)).containsExactly(3, -16);
        assertThat(Eval.run(g.get(0), values)).containsExactly(0, 0);
    }

    @Test
    void aLossThatDoesNotDependOnATensorHasZerosOfItsShape() {
        Tensor unused = Tensor.input("unused", DType.F32, 4, 5);
        Tensor g = Autograd.gradients(x.sumAll(), List.of(unused)).getFirst();
        assertThat(g.op()).isEqualTo(new Primitive.Fill(0, Shape.of(4, 5)));
        assertThat(gradient(x.detach().mul(w).sumAll(), x)).containsExactly(0, 0);
        assertThat(gradient(w.sumAll(), x)).containsExactly(0, 0);
    }

    @Test
    void detachStopsOnePathOnly() {
        assertThat(gradient(x.detach().mul(x).sumAll(), x)).containsExactly(3, -2);
    }

    @Test
    void gradientsCanBeDifferentiatedAgain() {
        Tensor cube = x.mul(x).mul(x).sumAll();
        Tensor first = Autograd.gradients(cube, List.of(x)).getFirst();
        Tensor second = Autograd.gradients(first.sumAll(), List.of(x)).getFirst();
        assertThat(Eval.run(first, values)).containsExactly(27, 12);
        assertThat(Eval.run(second, values)).containsExactly(18, -12);
        Tensor third = Autograd.gradients(second.sumAll(), List.of(x)).getFirst();
        assertThat(Eval.run(third, values)).containsExactly(6, 6);
    }

    @Test
    void theSecondDerivativeOfAFusedOpIsThatOfItsFunction() {
        Tensor y = x.mul(0.25f).activate(Activation.TANH).sumAll();
        Tensor first = Autograd.gradients(y, List.of(x)).getFirst();
        float[] second = Eval.run(Autograd.gradients(first.sumAll(), List.of(x)).getFirst(), values);
        for (int i = 0; i < 2; i++) {
            double t = Math.tanh(0.25 * values.get("x")[i]);
            assertThat((double) second[i]).isCloseTo(-2 * t * (1 - t * t) / 16, within(1e-6));
        }
    }

    @Test
    void cotangentsOfSeveralOutputsActTogether() {
        List<Tensor> g = Autograd.gradients(List.of(x.mul(2), x.mul(w)), List.of(w, Tensor.fill(10, 2)), List.of(x));
        assertThat(Eval.run(g.getFirst(), values)).containsExactly(6, 48);
    }

    @Test
    void anOutputThatIsWantedHasItsCotangentAsGradient() {
        assertThat(Autograd.gradients(List.of(x), List.of(w), List.of(x))).containsExactly(w);
    }

    @Test
    void theGradientGoesToTheFirstOfEqualMaxima() {
        Tensor rows = Tensor.input("rows", DType.F32, 1, 4);
        Tensor g = Autograd.gradients(rows.max(1).sumAll(), List.of(rows)).getFirst();
        assertThat(Eval.run(g, Map.of("rows", new float[] {1, 5, 5, 2}))).containsExactly(0, 1, 0, 0);
    }

    @Test
    void aLossMustBeAScalar() {
        assertThatThrownBy(() -> Autograd.gradients(x, List.of(x)))
                .isInstanceOf(ShapeException.class)
                .hasMessage("gradients: the loss must be a scalar, not [2]");
        assertThatThrownBy(() -> Autograd.gradients(List.of(x), List.of(Tensor.fill(1)), List.of(x)))
                .isInstanceOf(ShapeException.class)
                .hasMessage("gradients: cotangent [] for an output [2]");
    }

    @Test
    void networksOfThousandsOfLayersAreDifferentiatedWithoutOverflow() {
        Tensor y = x;
        for (int i = 0; i < 20_000; i++) {
            y = y.add(w);
        }
        assertThat(gradient(y.sumAll(), w)).containsExactly(20_000, 20_000);
    }

    @Test
    void gradientsAreClippedTogetherOnlyWhenTheirNormIsAboveTheLimit() {
        ClipByGlobalNorm tight = ClipByGlobalNorm.of(List.of(x, w), 1);
        double norm = Math.sqrt(9 + 4 + 0.25 + 16);
        assertClose(Eval.run(tight.norm(), values), norm);
        assertClose(Eval.run(tight.gradients().get(0), values), 3 / norm, -2 / norm);
        assertClose(Eval.run(tight.gradients().get(1), values), 0.5 / norm, 4 / norm);
        ClipByGlobalNorm loose = ClipByGlobalNorm.of(List.of(x, w), 6);
        assertThat(Eval.run(loose.gradients().get(0), values)).containsExactly(3, -2);
        assertThatThrownBy(() -> ClipByGlobalNorm.of(List.of(), 1)).isInstanceOf(IllegalArgumentException.class);
    }
}
