package org.telltale.engine.spi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.autograd.Autograd;
import org.telltale.engine.autograd.ClipByGlobalNorm;
import org.telltale.engine.nn.Dropout;
import org.telltale.engine.testing.Values;

class BackwardPassTest {
    private static final int BATCH = 64;
    private static final int WIDTH = 8;
    private static final MemoryPlan.InPlace POINTWISE = (t, k) -> t.op() instanceof Primitive.Unary
            || (t.op() instanceof Primitive.Binary && t.inputs().get(k).shape().equals(t.shape()));

    /** Takes the graph with the most nodes, so the one that computes the most again. */
    private static final ToLongFunction<Graph> MOST_NODES = g -> -g.nodes().size();

    private final NaiveBackend backend = new NaiveBackend();
    private final Tensor counter = Tensor.input("counter", DType.I32, 2);
    private final Tensor x = Tensor.input("x", DType.F32, BATCH, WIDTH);

    @AfterEach
    void close() {
        backend.close();
    }

    private static Tensor weight(String name) {
        return Tensor.state(name, WIDTH, WIDTH);
    }

    private Tensor block(Tensor in, int number) {
        return block(in, number, 0.1f);
    }

    /** x + dropout(tanh(x a)) b. */
    private Tensor block(Tensor in, int number, float rate) {
        Tensor inner = in.matmul(weight("a" + number)).unary(Primitive.UnaryKind.TANH);
        return in.add(Dropout.of(inner, rate, counter, number).matmul(weight("b" + number)));
    }

    private Tensor blocks(int count) {
        return blocks(count, 0.1f);
    }

    private Tensor blocks(int count, float rate) {
        Tensor y = x;
        for (int i = 0; i < count; i++) {
            y = block(y, i, rate);
        }
        return y;
    }

    /** A step down the clipped gradient of the loss by every state that it reads. */
    private static Graph step(Tensor loss, Map<Tensor, Tensor> more) {
        List<Tensor> states = Graph.order(List.of(loss)).stream()
                .filter(t -> t.op() instanceof Primitive.State && !more.containsKey(t))
                .toList();
        ClipByGlobalNorm clipped = ClipByGlobalNorm.of(Autograd.gradients(loss, states), 1);
        Map<Tensor, Tensor> updates = new LinkedHashMap<>(more);
        for (int i = 0; i < states.size(); i++) {
            updates.put(
                    states.get(i), states.get(i).sub(clipped.gradients().get(i).mul(0.1f)));
        }
        return Graph.of("step", List.of(loss, clipped.norm()), updates);
    }

    private static Graph step(Tensor y) {
        return step(y.square().sumAll(), Map.of());
    }

    private static long memory(Graph graph) {
        return Program.memory(graph, POINTWISE);
    }

    private static Graph ordered(Graph graph) {
        return BackwardPass.of(graph, false, POINTWISE);
    }

    private static Graph recomputed(Graph graph) {
        return BackwardPass.of(graph, true, POINTWISE);
    }

    /** The bits of all outputs and states of some runs. */
    private List<float[]> runs(Graph graph, boolean recompute) {
        CompileOptions options = new CompileOptions(CompileOptions.Precision.F32, recompute);
        List<float[]> out = new ArrayList<>();
        try (Executable e = backend.compile(graph, new Values(Map.of()), options)) {
            List<HostTensor> states = new ArrayList<>();
            for (Tensor t : graph.nodes()) {
                if (t.op() instanceof Primitive.State s) {
                    HostTensor state = e.state(s.name());
                    fill(state, s.name().hashCode());
                    states.add(state);
                }
            }
            for (int run = 0; run < 3; run++) {
                for (Tensor t : graph.nodes()) {
                    if (t.op() instanceof Primitive.Input in && in.type() == DType.F32) {
                        fill(e.input(in.name()), run);
                    } else if (t.op() instanceof Primitive.Input in) {
                        e.input(in.name()).setInts(new int[] {5, run});
                    }
                }
                e.run();
                for (int i = 0; i < graph.outputs().size(); i++) {
                    out.add(e.output(i).toFloats());
                }
                states.forEach(s -> out.add(s.toFloats()));
            }
        }
        return out;
    }

    private static void fill(HostTensor t, int seed) {
        for (long i = 0; i < t.size(); i++) {
            t.set(i, (float) Math.sin(seed + i * 0.7) * 0.4f);
        }
    }

    private static void assertSame(List<float[]> actual, List<float[]> expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            assertThat(actual.get(i)).isEqualTo(expected.get(i));
        }
    }

    @Test
    void gradientsOfActivationsDieWithTheirBlock() {
        Graph few = step(blocks(4, 0));
        Graph many = step(blocks(16, 0));
        long activation = 4L * BATCH * WIDTH;
        // a block keeps its input and the result of tanh; it had kept their gradients as well
        assertThat(memory(ordered(many)) - memory(ordered(few))).isEqualTo(12 * 2 * activation);
        assertThat(memory(many) - memory(few)).isGreaterThan(12 * 3 * activation);
        assertThat(ordered(many).nodes()).hasSameSizeAs(many.nodes());
    }

    @Test
    void aChainOfBlocksKeepsItsCuts() {
        Graph graph = step(blocks(24));
        Graph recomputed = recomputed(graph);
        assertThat(recomputed.nodes()).hasSizeGreaterThan(graph.nodes().size());
        assertThat(memory(recomputed)).isLessThan(memory(ordered(graph)) * 6 / 10);
        assertSame(runs(graph, true), runs(graph, false));
    }

    @Test
    void valuesThatSkipBlocksAreKeptToo() {
        Tensor early = block(x, 100);
        Tensor mask = x.greater(Tensor.fill(0.1f));
        Tensor y = early;
        for (int i = 0; i < 12; i++) {
            y = block(y, i).mul(mask);
        }
        y = y.mul(early);
        for (int i = 12; i < 24; i++) {
            y = block(y, i).add(mask);
        }
        Graph graph = step(y);
        assertThat(memory(recomputed(graph))).isLessThan(memory(ordered(graph)) * 7 / 10);
        assertSame(runs(graph, true), runs(graph, false));
    }

    /** A moving mean that the forward pass reads, and that changes in the same step. */
    @Test
    void statesOfTheForwardPassAreReadBeforeTheyChange() {
        Tensor mean = Tensor.state("mean", WIDTH);
        Tensor y = blocks(8);
        Tensor batch = y.mean(0);
        y = y.sub(mean);
        for (int i = 8; i < 16; i++) {
            y = block(y, i);
        }
        Map<Tensor, Tensor> moved = Map.of(mean, mean.mul(0.9f).add(batch.mul(0.1f)));
        Graph graph = step(y.square().sumAll(), moved);
        assertThat(memory(recomputed(graph))).isLessThan(memory(ordered(graph)));
        List<float[]> runs = runs(graph, true);
        assertSame(runs, runs(graph, false));
        assertThat(runs.getFirst()).isNotEqualTo(runs.get(runs.size() / 3));
    }

    @Test
    void aStepWithNothingToRecomputeIsLeftAlone() {
        Graph graph = step(x.matmul(weight("w")));
        assertThat(recomputed(graph)).isSameAs(graph);
    }

    @Test
    void aGraphThatUpdatesNothingIsLeftAlone() {
        Tensor y = blocks(8);
        Graph graph = Graph.of("inference", y.square(), y.sumAll(), y.mean(1));
        assertThat(BackwardPass.of(graph, true, MOST_NODES)).isSameAs(graph);
    }

    /** Also where the first output is not the loss, so that more or less counts as the forward pass. */
    @Test
    void anyStepHasTheSameBitsWhateverIsComputedAgain() {
        int computedAgain = 0;
        for (int seed = 0; seed < 100; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            Graph step = step(randomLoss(random), Map.of());
            List<Tensor> outputs = new ArrayList<>(step.outputs());
            if (seed % 3 == 0) {
                List<Tensor> floats = step.nodes().stream()
                        .filter(t -> t.dtype() == DType.F32)
                        .toList();
                outputs.addFirst(Tensor.of(new Primitive.Detach(), floats.get(random.nextInt(floats.size()))));
            }
            Graph graph = Graph.of("random", outputs, step.updates());
            Graph most = BackwardPass.of(graph, true, MOST_NODES);
            assertOrdered(most, graph);
            computedAgain += most.nodes().size() - graph.nodes().size();
            List<float[]> expected = runs(graph, false);
            assertSame(runs(most, false), expected);
            assertSame(runs(graph, true), expected);
        }
        assertThat(computedAgain).isGreaterThan(300);
    }

    private static void assertOrdered(Graph actual, Graph expected) {
        Set<Tensor> done = new HashSet<>();
        for (Tensor t : actual.nodes()) {
            assertThat(done).containsAll(t.inputs());
            assertThat(done.add(t)).isTrue();
        }
        assertThat(done)
                .containsAll(actual.outputs())
                .containsAll(actual.updates().values());
        assertThat(leaves(actual)).isEqualTo(leaves(expected));
    }

    private static Set<Tensor> leaves(Graph graph) {
        Set<Tensor> out = new HashSet<>(graph.nodes());
        out.removeIf(t -> !(t.op() instanceof Primitive.Leaf));
        return out;
    }

    private Tensor randomLoss(SplittableRandom random) {
        List<Tensor> all = new ArrayList<>(List.of(x));
        for (int i = 0; i < 4 + random.nextInt(60); i++) {
            Tensor a = all.getLast();
            int back = random.nextInt(10) == 0 ? all.size() : 3;
            Tensor b = all.get(Math.max(0, all.size() - 1 - random.nextInt(back)));
            all.add(
                    switch (random.nextInt(7)) {
                        case 0 -> a.add(b);
                        case 1 -> a.mul(b);
                        case 2 -> a.unary(Primitive.UnaryKind.TANH);
                        case 3 -> Dropout.of(a, 0.2f, counter, i);
                        case 4 -> Tensor.concat(0, a.slice(0, 0, BATCH / 2), b.slice(0, BATCH / 2, BATCH));
                        case 5 ->
                            a.reshape(-1).unary(Primitive.UnaryKind.SIGMOID).reshape(x.shape());
                        default -> a.matmul(weight("w" + i));
                    });
        }
        return all.getLast()
                .matmul(weight("last"))
                .unary(Primitive.UnaryKind.TANH)
                .square()
                .sumAll();
    }
}
