package org.telltale.kernels.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.lang.foreign.Arena;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Op;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.autograd.Autograd;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.testing.Compare;
import org.telltale.engine.testing.Values;
import org.telltale.kernels.vector.OpRow.Form;
import org.telltale.kernels.vector.OpRow.Tolerance;

/** Every op: each backend against the naive one, fused against primitives, gradients against central differences. */
class OpTest {
    private static final List<OpRow> ROWS = OpRows.all();
    private static final double STEP = 1 / 32.0;

    @Test
    void everyOpAndEveryKindOfItHasARow() throws ReflectiveOperationException {
        Map<Class<?>, Set<Object>> kinds = new HashMap<>();
        for (OpRow row : ROWS) {
            Op op = row.op().apply(5);
            Set<Object> seen = kinds.computeIfAbsent(op.getClass(), c -> new HashSet<>());
            for (RecordComponent c : op.getClass().getRecordComponents()) {
                seen.add(c.getAccessor().invoke(op));
            }
        }
        for (Class<?> op : records(Op.class)) {
            assertThat(kinds).as("ops with a row").containsKey(op);
            for (RecordComponent c : op.getRecordComponents()) {
                if (c.getType().isEnum() && c.getType() != DType.class) {
                    assertThat(kinds.get(op))
                            .as(op.getSimpleName())
                            .contains(c.getType().getEnumConstants());
                }
            }
        }
    }

    static List<Class<?>> records(Class<?> sealed) {
        List<Class<?>> out = new ArrayList<>();
        for (Class<?> c : sealed.getPermittedSubclasses()) {
            if (c.isSealed()) {
                out.addAll(records(c));
            } else {
                out.add(c);
            }
        }
        return out;
    }

    @TestFactory
    Stream<DynamicTest> backendsComputeWhatTheNaiveOneDoes() {
        List<DynamicTest> tests = new ArrayList<>();
        Backends.all().forEach((name, backend) -> {
            if (!name.equals(Backends.NAIVE)) {
                ROWS.forEach(row -> tests.add(
                        DynamicTest.dynamicTest(row.name() + " on " + name, () -> againstNaive(row, backend))));
            }
        });
        return tests.stream();
    }

    private static void againstNaive(OpRow row, Backend backend) {
        for (int n : OpRow.EXTENTS) {
            try (Arena arena = Arena.ofShared()) {
                HostTensor expected = naive(row, n, arena);
                for (Form form : Form.values()) {
                    HostTensor actual = row.values(n, form, arena)
                            .run(backend, row.graph(n, form), arena)
                            .getFirst();
                    compare(row, n, "as " + form, actual, expected);
                }
            }
        }
    }

    @TestFactory
    Stream<DynamicTest> valuesDoNotDependOnHowOperandsReachTheNaiveOps() {
        return ROWS.stream().map(row -> DynamicTest.dynamicTest(row.name(), () -> againstNaive(row, Backends.naive())));
    }

    @TestFactory
    Stream<DynamicTest> fusedOpsAreWhatTheyDecomposeTo() {
        return ROWS.stream()
                .filter(row -> row.op().apply(5) instanceof Fused)
                .map(row -> DynamicTest.dynamicTest(row.name(), () -> {
                    for (int n : OpRow.EXTENTS) {
                        try (Arena arena = Arena.ofShared()) {
                            Graph primitives = row.graph(n, Form.INPUTS).lower(t -> false);
                            assertThat(primitives.nodes()).noneMatch(t -> t.op() instanceof Fused);
                            HostTensor actual = row.values(n, Form.INPUTS, arena)
                                    .run(Backends.naive(), primitives, arena)
                                    .getFirst();
                            compare(row, n, "in primitives", actual, naive(row, n, arena), Tolerance.DECOMPOSED);
                        }
                    }
                }));
    }

    @TestFactory
    Stream<DynamicTest> gradientsAreThoseOfCentralDifferences() {
        return ROWS.stream()
                .filter(row -> row.differentiable() && !(row.op().apply(5) instanceof Primitive.Leaf))
                .map(row -> DynamicTest.dynamicTest(row.name(), () -> {
                    for (int n : new int[] {1, 3, 5}) {
                        gradient(row, n);
                    }
                }));
    }

    private static void gradient(OpRow row, int n) {
        try (Arena arena = Arena.ofShared()) {
            Graph forward = row.graph(n, Form.INPUTS);
            Tensor y = forward.outputs().getFirst();
            List<Tensor> wanted =
                    y.inputs().stream().filter(t -> t.dtype() == DType.F32).toList();
            Map<String, HostTensor> values =
                    new HashMap<>(row.values(n, Form.INPUTS, arena).byName());
            values.values().forEach(OpTest::roundToSteps);
            HostTensor cotangent = HostTensor.allocate(arena, DType.F32, y.shape());
            OpRow.uniform(0.5, 1.5).filling().fill(cotangent, new SplittableRandom(n));
            values.put("dy", cotangent);
            Tensor dy = Tensor.input("dy", DType.F32, y.shape().dims());
            Graph backward = Graph.of("gradient", Autograd.gradients(List.of(y), List.of(dy), wanted), Map.of());
            List<HostTensor> gradients = new Values(values).run(Backends.naive(), backward, arena);
            try (Executable e = new Values(values).load(Backends.naive(), forward)) {
                for (int i = 0; i < wanted.size(); i++) {
                    String name = ((Primitive.Input) wanted.get(i).op()).name();
                    float[] expected = differences(e, e.input(name), cotangent);
                    compare(
                            row,
                            n,
                            "gradient of " + name,
                            gradients.get(i).toFloats(),
                            expected,
                            Tolerance.DIFFERENCES);
                }
            }
        }
    }

    /** To multiples of 2^-10, so that stepping from them is exact. */
    private static void roundToSteps(HostTensor t) {
        for (long i = 0; i < t.size() && t.dtype() == DType.F32; i++) {
            t.set(i, Math.round(t.get(i) * 1024) / 1024f);
        }
    }

    /** By the five-point rule, whose error falls with the fourth power of the step. */
    private static float[] differences(Executable e, HostTensor x, HostTensor cotangent) {
        float[] out = new float[(int) x.size()];
        for (int i = 0; i < out.length; i++) {
            float at = x.get(i);
            double[] f = new double[5];
            for (int k = -2; k <= 2; k++) {
                x.set(i, (float) (at + k * STEP));
                e.run();
                HostTensor y = e.output(0);
                for (long j = 0; j < y.size(); j++) {
                    f[k + 2] += (double) y.get(j) * cotangent.get(j);
                }
            }
            x.set(i, at);
            out[i] = (float) ((f[0] - 8 * f[1] + 8 * f[3] - f[4]) / (12 * STEP));
        }
        return out;
    }

    /** A kernel that leaves its last element unwritten fails at every tolerance, where that element is not nearly zero. */
    @TestFactory
    Stream<DynamicTest> anUnwrittenTailIsNoticed() {
        return ROWS.stream()
                .map(row -> DynamicTest.dynamicTest(row.name(), () -> {
                    for (int n : OpRow.EXTENTS) {
                        try (Arena arena = Arena.ofShared()) {
                            HostTensor expected = naive(row, n, arena);
                            float[] tail = floats(expected);
                            if (Math.abs(tail[tail.length - 1]) > 0.001) {
                                tail[tail.length - 1] = 0;
                                assertDiffers(row, n, tail, floats(expected), row.tolerance());
                                assertDiffers(row, n, tail, floats(expected), Tolerance.DECOMPOSED);
                            }
                        }
                    }
                }));
    }

    /**
     * A kernel that leaves the last element of each row of its first operand out of its sums fails at every tolerance for
     * sums. Rectified sums are left out: they may be zero with and without it.
     */
    @TestFactory
    Stream<DynamicTest> aTermLeftOutOfASumIsNoticed() {
        return ROWS.stream()
                .filter(row -> row.tolerance() == Tolerance.SUM && !row.name().contains("RELU"))
                .map(row -> DynamicTest.dynamicTest(row.name(), () -> {
                    for (int n : OpRow.EXTENTS.subList(1, OpRow.EXTENTS.size())) {
                        try (Arena arena = Arena.ofShared()) {
                            HostTensor expected = naive(row, n, arena);
                            Values values = row.values(n, Form.INPUTS, arena);
                            HostTensor x = values.byName().get("x0");
                            for (long i = x.shape().dim(-1) - 1;
                                    i < x.size();
                                    i += x.shape().dim(-1)) {
                                x.set(i, 0);
                            }
                            HostTensor dropped = values.run(Backends.naive(), row.graph(n, Form.INPUTS), arena)
                                    .getFirst();
                            assertDiffers(row, n, floats(dropped), floats(expected), Tolerance.SUM);
                            assertDiffers(row, n, floats(dropped), floats(expected), Tolerance.DECOMPOSED);
                        }
                    }
                }));
    }

    private static void assertDiffers(OpRow row, int n, float[] wrong, float[] expected, Tolerance tolerance) {
        assertThat(catchThrowable(() -> compare(row, n, "", wrong, expected, tolerance)))
                .as(row.name() + " with n = " + n + ": an error of " + tolerance)
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("differ");
    }

    private static HostTensor naive(OpRow row, int n, Arena arena) {
        return row.values(n, Form.INPUTS, arena)
                .run(Backends.naive(), row.graph(n, Form.INPUTS), arena)
                .getFirst();
    }

    private static void compare(OpRow row, int n, String how, HostTensor actual, HostTensor expected) {
        compare(row, n, how, actual, expected, row.tolerance());
    }

    private static void compare(
            OpRow row, int n, String how, HostTensor actual, HostTensor expected, Tolerance tolerance) {
        assertThat(actual.dtype()).isEqualTo(expected.dtype());
        assertThat(actual.shape()).isEqualTo(expected.shape());
        compare(row, n, how, floats(actual), floats(expected), tolerance);
    }

    private static void compare(OpRow row, int n, String how, float[] actual, float[] expected, Tolerance tolerance) {
        double root = Math.sqrt(row.terms().applyAsInt(n));
        String what = row.name() + " with n = " + n + " " + how;
        Compare.assertClose(
                what, actual, expected, new int[] {expected.length}, tolerance.atol * root, tolerance.rtol * root);
    }

    private static float[] floats(HostTensor t) {
        if (t.dtype() == DType.F32) {
            return t.toFloats();
        }
        float[] out = new float[(int) t.size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = t.getInt(i);
        }
        return out;
    }
}
