package org.telltale.kernels.tornado;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.Activation;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.spi.NaiveBackend;
import org.telltale.engine.testing.Compare;
import org.telltale.engine.testing.Values;

/** Every kernel against the naive reference, at sizes beside those of its tiles and groups. */
class GpuOpTest {
    private static final double ATOL = 2e-6;
    private static final double RTOL = 1e-5;

    private final Map<String, Tensor> cases = new LinkedHashMap<>();

    private static Tensor f32(String name, int... dims) {
        return Tensor.input(name, DType.F32, dims);
    }

    private static Tensor weight(String name, int... dims) {
        return Tensor.of(new Primitive.Weight(name, Shape.of(dims)));
    }

    private static Tensor ids(String name, int... dims) {
        return Tensor.input(name, DType.I32, dims);
    }

    private void add(String name, Tensor t) {
        cases.put(name, t);
    }

    @TestFactory
    Stream<DynamicTest> everyKernelComputesWhatTheReferenceDoes() {
        products();
        pictures();
        rows();
        attention();
        movement();
        return cases.entrySet().stream()
                .map(e -> DynamicTest.dynamicTest(e.getKey(), () -> check(e.getKey(), e.getValue())));
    }

    private void products() {
        for (int[] d : new int[][] {{1, 1, 1}, {63, 65, 17}, {64, 64, 16}, {65, 1, 33}}) {
            String size = " " + d[0] + " " + d[1] + " " + d[2];
            add("matmul" + size, f32("a", d[0], d[2]).matmul(f32("b", d[2], d[1]), false, false));
            add("matmul turned" + size, f32("a", d[2], d[0]).matmul(f32("b", d[1], d[2]), true, true));
        }
        add("matmul by batches", f32("a", 2, 3, 5, 7).matmul(f32("b", 2, 3, 7, 4), false, false));
        add("matmul of rows", f32("a", 2, 5, 7).matmul(f32("b", 7, 3), false, false));
        for (Activation a : Activation.values()) {
            Tensor x = f32("x", 3, 5, 18);
            add("linear " + a, Tensor.of(new Fused.Linear(a), x, weight("w", 7, 18), weight("b", 7)));
        }
        add("linear without bias", Tensor.of(new Fused.Linear(Activation.NONE), f32("x", 3, 18), weight("w", 7, 18)));
    }

    private void pictures() {
        Tensor x = f32("x", 2, 9, 8, 5);
        Window same = Window.same(3, 2, 9, 8);
        Fused.Conv2d conv = new Fused.Conv2d(same, 1, Activation.RELU6);
        add("convolution by a weight", Tensor.of(conv, x, weight("w", 67, 5, 3, 3), weight("b", 67)));
        add("convolution by an input", Tensor.of(conv, x, f32("w", 6, 5, 3, 3)));
        Fused.Conv2d alone = new Fused.Conv2d(same, 5, Activation.SILU);
        add("depthwise convolution", Tensor.of(alone, x, weight("w", 5, 1, 3, 3), weight("b", 5)));
        add("grouped convolution", Tensor.of(new Fused.Conv2d(same, 5, Activation.NONE), x, weight("w", 10, 1, 3, 3)));
        for (Fused.PoolKind kind : Fused.PoolKind.values()) {
            add("pool " + kind, Tensor.of(new Fused.Pool(kind, same), x));
        }
        Tensor windows = Tensor.of(new Primitive.Unfold(same, -2), x);
        add("unfold", windows);
        add(
                "fold",
                Tensor.of(
                        new Primitive.Fold(same, 9, 8), f32("y", windows.shape().dims())));
        add("resample", Tensor.of(new Primitive.ResampleGrid(3, 4, 5, 7, false), f32("x", 12, 3)));
        add("resample back", Tensor.of(new Primitive.ResampleGrid(3, 4, 5, 7, true), f32("x", 35, 3)));
    }

    private void rows() {
        for (int width : new int[] {1, 63, 65, 200}) {
            Tensor x = f32("x", 3, width);
            add(
                    "layer norm " + width,
                    Tensor.of(new Fused.LayerNorm(1e-5f), x, weight("w", width), weight("b", width)));
            add("softmax " + width, x.softmax(1));
            add("sum " + width, x.sum(1));
        }
        Tensor x = f32("x", 3, 5, 7);
        add("softmax across", x.softmax(1));
        add("logarithm of softmax", x.logSoftmax(0));
        add("sum across", x.sum(1));
        add("sum of outer axes", x.sum(0, 2));
        add("sum of all", x.sum(0, 1, 2));
        add("maximum", x.max(1));
        add("place of the maximum", x.argMax(1).toFloat());
    }

    private void attention() {
        for (int depth : new int[] {5, 64, 80, 200}) {
            Tensor q = f32("q", 2, 3, 2 * depth);
            Tensor k = f32("k", 2, 67, 2 * depth);
            Tensor v = f32("v", 2, 67, 2 * depth);
            add("attention " + depth, Tensor.of(new Fused.Attention(2, 0.3f, false, 0, Fused.Masking.NONE), q, k, v));
            add(
                    "attention, causal " + depth,
                    Tensor.of(new Fused.Attention(2, 0.3f, true, 63, Fused.Masking.NONE), q, k, v));
            Tensor mask = ids("mask", 2, 67);
            add(
                    "attention, some keys " + depth,
                    Tensor.of(new Fused.Attention(2, 0.3f, false, 0, Fused.Masking.KEYS), q, k, v, mask));
            Tensor bias = f32("bias", 1, 2, 3, 67);
            add(
                    "attention, bias " + depth,
                    Tensor.of(new Fused.Attention(2, 0.3f, false, 0, Fused.Masking.BIAS), q, k, v, bias));
            Fused.Attention dropping = new Fused.Attention(2, 0.3f, false, 0, Fused.Masking.KEYS, 0.25f, 5);
            add("attention, dropout " + depth, Tensor.of(dropping, q, k, v, mask, ids("counter", 2)));
        }
    }

    private void movement() {
        Tensor x = f32("x", 3, 5, 7);
        add("transpose", x.transpose(List.of(2, 0, 1)));
        add("broadcast", f32("x", 5, 1).broadcast(Shape.of(3, 5, 7)));
        add("slice", x.slice(1, 1, 4));
        add("slice of a slice", x.slice(0, 1, 3).add(1).slice(2, 2, 6));
        add("pad", x.pad(1, 2, 1, 0.5f));
        add("concat", Tensor.concat(1, x, f32("y", 3, 2, 7)));
        add("gather", f32("table", 2, 6).gather(ids("ids", 3, 5)));
        add("scatter add", Tensor.of(new Primitive.ScatterAdd(4), f32("rows", 3, 5, 6), ids("ids", 3, 5)));
        for (Primitive.BinaryKind kind : Primitive.BinaryKind.values()) {
            add("binary " + kind, Tensor.of(new Primitive.Binary(kind), x, f32("b", 5, 1)));
        }
        for (Primitive.UnaryKind kind : Primitive.UnaryKind.values()) {
            add("unary " + kind, x.square().add(0.1f).unary(kind));
        }
    }

    /** Values for the leaves: F32 in -1 to 1, ids 0 and 1. */
    private static Values values(Graph graph, Arena arena) {
        SplittableRandom random = new SplittableRandom(7);
        Map<String, HostTensor> values = new LinkedHashMap<>();
        for (Tensor t : graph.nodes()) {
            String name = t.op() instanceof Primitive.Input in ? in.name() : "";
            if (t.op() instanceof Primitive.Weight w) {
                name = w.name();
            }
            if (!name.isEmpty()) {
                HostTensor x = HostTensor.allocate(arena, t.dtype(), t.shape());
                for (long i = 0; i < x.size(); i++) {
                    if (t.dtype() == DType.I32) {
                        x.setInt(i, random.nextInt(2));
                    } else {
                        x.set(i, (float) random.nextDouble(-1, 1));
                    }
                }
                values.put(name, x);
            }
        }
        return new Values(values);
    }

    private static void check(String name, Tensor t) {
        Graph graph = Graph.of(name, t);
        try (Arena arena = Arena.ofShared();
                NaiveBackend naive = new NaiveBackend()) {
            Values values = values(graph, arena);
            HostTensor expected = values.run(naive, graph, arena).getFirst();
            List<HostTensor> actual = new ArrayList<>(values.run(Devices.first(), graph, arena));
            Compare.assertClose(name, actual.getFirst(), expected, ATOL, RTOL);
        }
    }

    @Test
    void aProductThatLeavesOutItsLastTermIsNoticed() {
        Tensor a = f32("a", 64, 65);
        Tensor b = f32("b", 65, 64);
        Graph whole = Graph.of("whole", a.matmul(b, false, false));
        Graph cut = Graph.of("cut", a.slice(1, 0, 64).matmul(b.slice(0, 0, 64), false, false));
        try (Arena arena = Arena.ofShared();
                NaiveBackend naive = new NaiveBackend()) {
            Values values = values(whole, arena);
            HostTensor expected = values.run(naive, whole, arena).getFirst();
            HostTensor actual = values.run(Devices.first(), cut, arena).getFirst();
            assertThatThrownBy(() -> Compare.assertClose("cut", actual, expected, ATOL, RTOL))
                    .isInstanceOf(AssertionError.class);
        }
    }
}
