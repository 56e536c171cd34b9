package org.telltale.kernels.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.telltale.engine.Activation;
import org.telltale.kernels.vector.jit.CpuFeatures;
import org.telltale.kernels.vector.jit.Rung;

/**
 * Every rung of emitted code that this CPU has, bit for bit against a loop, or as near as sums in another order are; the
 * others are skipped by name.
 */
class MicroKernelTest {
    private static final float GUARD = 12345.75f;

    private static EmittedMicroKernel kernel(Rung rung) {
        assumeTrue(System.getProperty("os.arch").equals("amd64"), rung + " needs x86-64");
        Optional<String> lacking = rung.unavailable(CpuFeatures.read());
        assumeTrue(lacking.isEmpty(), () -> rung + ": " + lacking.orElseThrow());
        return new EmittedMicroKernel(rung, 0);
    }

    private static float value(long i) {
        return (float) Math.sin(0.7 * i + 1) * 2;
    }

    private static void check(
            MicroKernel kernel, int rows, int columns, int depth, boolean accumulate, boolean bias, Activation f) {
        check(kernel, false, rows, columns, depth, accumulate, bias, f);
        check(kernel, true, rows, columns, depth, accumulate, bias, f);
    }

    private static float operand(float value, boolean rounded) {
        int bits = Float.floatToRawIntBits(value);
        return rounded ? Float.intBitsToFloat(Bfloat16.round(bits) << 16) : value;
    }

    /** An element of the right operand. */
    private static float right(int k, int j) {
        return value(3L * (k * 97 + j));
    }

    /** A product with operands and result in the midst of guarded memory. */
    private static void check(
            MicroKernel kernel,
            boolean bf16,
            int rows,
            int columns,
            int depth,
            boolean accumulate,
            boolean bias,
            Activation f) {
        int width = kernel.columns();
        int panels = Math.ceilDiv(columns, width);
        long panelBytes = bf16 ? 2L * Bfloat16.paddedDepth(depth) * width : 4L * depth * width;
        boolean rounds = bf16 && kernel.rounds();
        int aStep = depth + 3;
        int cStep = columns + 5;
        try (Arena arena = Arena.ofConfined()) {
            long a = arena.allocate(4L * rows * aStep + 4, 64).address();
            long b = arena.allocate(panels * panelBytes + 4, 64).address();
            long c = arena.allocate(4L * rows * cStep, 64).address();
            long biases = arena.allocate(4L * columns, 4).address();
            long scratch =
                    arena.allocate(kernel.scratchBytes(rows, depth, bf16), 64).address();
            for (int i = 0; i < rows * aStep; i++) {
                Memory.set(a + 4L * i, i % aStep < depth ? value(i) : Float.NaN);
            }
            for (int j = 0; j < panels * width; j++) {
                long panel = b + j / width * panelBytes;
                for (int k = 0; k < depth; k++) {
                    if (bf16) {
                        short half = Bfloat16.round(Float.floatToRawIntBits(right(k, j)));
                        Memory.ALL.set(Memory.SHORT, Bfloat16.place(panel, width, k, j % width), half);
                    } else {
                        Memory.set(panel + 4L * (k * width + j % width), right(k, j));
                    }
                }
            }
            for (int i = 0; i < rows * cStep; i++) {
                Memory.set(c + 4L * i, i % cStep < columns ? value(5 * i) : GUARD);
            }
            for (int i = 0; i < columns; i++) {
                Memory.set(biases + 4L * i, value(7 * i));
            }
            kernel.prepare(f, bf16);
            // every other product has its left operand rounded beforehand
            boolean rounded = rounds && (rows + columns + depth) % 2 == 0;
            long left = a;
            long leftStride = 4L * aStep;
            if (rounded) {
                leftStride = kernel.roundedStride(depth);
                left = arena.allocate((rows + kernel.rows()) * leftStride).address();
                kernel.round(rows, depth, a, 4L * aStep, left, scratch);
            }
            kernel.block(
                    rows,
                    depth,
                    left,
                    leftStride,
                    rounded,
                    b,
                    panelBytes,
                    bf16,
                    columns,
                    c,
                    4L * cStep,
                    accumulate,
                    true,
                    bias ? biases : 0,
                    f,
                    scratch);
            float[] expected = new float[columns];
            double[] allowed = new double[columns];
            for (int r = 0; r < rows; r++) {
                for (int j = 0; j < columns; j++) {
                    float sum = accumulate ? value(5L * (r * cStep + j)) : 0;
                    float magnitudes = Math.abs(sum);
                    for (int k = 0; k < depth; k++) {
                        float x = operand(value(r * aStep + k), rounds);
                        float y = operand(right(k, j), bf16);
                        sum = Math.fma(x, y, sum);
                        magnitudes += Math.abs(x * y);
                    }
                    expected[j] = bias ? sum + value(7 * j) : sum;
                    // sums of exact products, in any order, see Ladder; no activation is steeper than 1.2
                    allowed[j] = rounds ? 1.2 * (depth + 1) * Math.ulp(magnitudes + 2) : 0;
                }
                activate(f, expected);
                for (int j = 0; j < columns; j++) {
                    String what = rows + "x" + columns + "x" + depth + " " + f + " at " + r + ", " + j;
                    float found = Memory.get(c + 4L * (r * cStep + j));
                    if (f == Activation.NONE && !rounds) {
                        assertThat(found).as(what).isEqualTo(expected[j]);
                    } else {
                        // two vector lengths may round an exponential differently
                        assertThat((double) found).as(what).isCloseTo(expected[j], within(expected[j], allowed[j]));
                    }
                }
                for (int j = columns; j < cStep; j++) {
                    assertThat(Memory.get(c + 4L * (r * cStep + j))).isEqualTo(GUARD);
                }
            }
        }
    }

    private static Offset<Double> within(float value) {
        return within(value, 0);
    }

    private static Offset<Double> within(float value, double more) {
        return Offset.offset(1e-6 * Math.max(1, Math.abs(value)) + more);
    }

    private static void activate(Activation f, float[] row) {
        try (Arena arena = Arena.ofConfined()) {
            long at = arena.allocate(4L * row.length, 64).address();
            for (int j = 0; j < row.length; j++) {
                Memory.set(at + 4L * j, row[j]);
            }
            Pointwise.loops(f, at, at, row.length);
            for (int j = 0; j < row.length; j++) {
                row[j] = Memory.get(at + 4L * j);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Rung.class)
    void everyRowCountAndWidthHasTheBitsOfALoop(Rung rung) {
        EmittedMicroKernel kernel = kernel(rung);
        for (int rows = 1; rows <= 2 * kernel.rows() + 1; rows++) {
            for (int columns = 1; columns <= 3 * kernel.columns() + 3; columns++) {
                check(kernel, rows, columns, 5, (rows + columns) % 2 == 0, columns % 3 == 0, Activation.NONE);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Rung.class)
    void everyDepthHasTheBitsOfALoop(Rung rung) {
        EmittedMicroKernel kernel = kernel(rung);
        for (int depth : new int[] {0, 1, 2, 3, 4, 7, 8, 31, 32, 33, 385}) {
            for (int rows : new int[] {1, 2, 3, 4, kernel.rows()}) {
                check(kernel, rows, 7 * kernel.columns() + 1, depth, depth % 2 == 1, true, Activation.NONE);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Rung.class)
    void everyActivationIsTheVectorApis(Rung rung) {
        EmittedMicroKernel kernel = kernel(rung);
        for (Activation f : Activation.values()) {
            check(kernel, 2 * kernel.rows() - 1, 3 * kernel.columns() - 1, 9, false, true, f);
            check(kernel, 2, 8 * kernel.columns() - 1, 9, false, true, f);
        }
    }

    @ParameterizedTest
    @EnumSource(Rung.class)
    void activationsOfAllMagnitudesAreRight(Rung rung) {
        EmittedMicroKernel kernel = kernel(rung);
        float[] values = {
            0f,
            -1e-30f,
            1e-8f,
            -0.5f,
            0.5f,
            3f,
            -3f,
            5.9f,
            -5.9f,
            6.1f,
            -6.1f,
            20f,
            -20f,
            90f,
            -90f,
            1e4f,
            -1e4f,
            -1e30f,
            -Float.MAX_VALUE,
            Float.MAX_VALUE,
            Float.POSITIVE_INFINITY,
            Float.NaN
        };
        int width = kernel.columns();
        try (Arena arena = Arena.ofConfined()) {
            long a = arena.allocate(64, 64).address();
            long b = arena.allocate(4L * width, 64).address();
            long c = arena.allocate(4L * width, 64).address();
            long scratch = arena.allocate(kernel.scratchBytes(1, 1, false), 64).address();
            Memory.set(b, 1);
            for (Activation f : Activation.values()) {
                for (float v : values) {
                    Memory.set(a, v);
                    kernel.prepare(f, false);
                    kernel.block(1, 1, a, 4, false, b, 4L * width, false, 1, c, 4, false, true, 0, f, scratch);
                    float[] expected = {v};
                    activate(f, expected);
                    float found = Memory.get(c);
                    if (Float.isFinite(expected[0])) {
                        assertThat((double) found).as("%s of %s", f, v).isCloseTo(expected[0], within(expected[0]));
                    } else {
                        assertThat(Float.valueOf(found)).as("%s of %s", f, v).isEqualTo(Float.valueOf(expected[0]));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Rung.class)
    void activationsAloneAreThoseOfTheSums(Rung rung) throws Throwable {
        int width = kernel(rung).columns();
        for (Activation f : Activation.values()) {
            if (!Rung.fuses(f)) {
                continue;
            }
            MethodHandle map = rung.map(f);
            for (int count = 0; count <= 3 * width + 1; count++) {
                try (Arena arena = Arena.ofConfined()) {
                    long x = arena.allocate(4L * count + 4, 64).address();
                    long y = arena.allocate(4L * count + 4, 64).address();
                    float[] expected = new float[count];
                    for (int i = 0; i < count; i++) {
                        expected[i] = 3 * value(i);
                        Memory.set(x + 4L * i, expected[i]);
                    }
                    Memory.set(y + 4L * count, GUARD);
                    activate(f, expected);
                    map.invokeExact(x, y, (long) count);
                    for (int i = 0; i < count; i++) {
                        assertThat((double) Memory.get(y + 4L * i))
                                .as("%s of %s values, at %s", f, count, i)
                                .isCloseTo(expected[i], within(expected[i]));
                    }
                    assertThat(Memory.get(y + 4L * count)).isEqualTo(GUARD);
                }
            }
        }
    }

    @Test
    void aKernelThatIsNotThereIsNamed() {
        Ladder none = new Ladder("sse9");
        assertThat(none.problem())
                .hasValueSatisfying(
                        p -> assertThat(p).startsWith("there is no kernel sse9; known: auto, vector, avx2"));
        assertThat(new Ladder("vector").problem()).isEmpty();
        assertThat(new Ladder("vector").kernel().name()).isEqualTo("vector");
        for (Rung rung : Rung.values()) {
            Ladder asked = new Ladder(Ladder.name(rung));
            assertThat(asked.kernel().name().equals(Ladder.name(rung)))
                    .isEqualTo(asked.problem().isEmpty());
            asked.problem().ifPresent(p -> assertThat(p).contains(Ladder.name(rung) + " cannot be used here: "));
        }
    }
}
