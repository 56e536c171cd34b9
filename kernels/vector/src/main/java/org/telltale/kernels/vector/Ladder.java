package org.telltale.kernels.vector;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.Activation;
import org.telltale.kernels.vector.jit.CpuFeatures;
import org.telltale.kernels.vector.jit.ExecutableMemory;
import org.telltale.kernels.vector.jit.Rung;

/**
 * Which micro-kernel this process uses: the highest rung of emitted code that the CPU and the platform allow and whose
 * results are right, or else the Vector API. {@code -Dtelltale.kernel=NAME} asks for one.
 */
final class Ladder {
    private static final String VECTOR = "vector";

    static final Ladder INSTANCE = new Ladder(asked());

    private final String wanted;
    private final MicroKernel kernel;
    private final List<String> refused = new ArrayList<>();
    private final @Nullable String problem;

    Ladder(String wanted) {
        this.wanted = wanted;
        MicroKernel emitted = wanted.equals(VECTOR) ? null : emitted(wanted);
        kernel = emitted == null ? new VectorMicroKernel() : emitted;
        problem = wanted.equals("auto") || wanted.equals(kernel.name()) ? null : problem(wanted);
    }

    private static String asked() {
        return System.getProperty("telltale.kernel", "auto");
    }

    private String problem(String wanted) {
        List<String> known = new ArrayList<>(List.of("auto", VECTOR));
        for (Rung rung : Rung.values()) {
            known.add(name(rung));
        }
        return known.contains(wanted)
                ? "the kernel " + wanted + " cannot be used here: " + String.join("; ", refused)
                : "there is no kernel " + wanted + "; known: " + String.join(", ", known);
    }

    private @Nullable MicroKernel emitted(String wanted) {
        CpuFeatures cpu;
        try {
            cpu = CpuFeatures.read();
        } catch (ExecutableMemory.RefusedException e) {
            refused.add("emitted code: " + e.getMessage());
            return null;
        }
        for (Rung rung : List.of(Rung.values()).reversed()) {
            if (!wanted.equals("auto") && !wanted.equals(name(rung))) {
                continue;
            }
            Optional<String> lacking = rung.unavailable(cpu);
            if (lacking.isPresent()) {
                refused.add(name(rung) + ": " + lacking.get());
                continue;
            }
            MicroKernel kernel = new EmittedMicroKernel(rung, cpu.secondCache());
            if (right(kernel)) {
                return kernel;
            }
            refused.add(name(rung) + ": its results are wrong on this CPU; please report it");
        }
        return null;
    }

    static String name(Rung rung) {
        return rung.name().toLowerCase(Locale.ROOT);
    }

    /** The kernel; the Vector API where there is a {@link #problem}. */
    MicroKernel kernel() {
        return kernel;
    }

    /** The rung of emitted code in use; none for the Vector API. */
    static Optional<Rung> emitted() {
        return INSTANCE.kernel instanceof EmittedMicroKernel e ? Optional.of(e.rung()) : Optional.empty();
    }

    /** The rungs above the one in use, each with the reason. */
    List<String> refused() {
        return refused;
    }

    /** Why the kernel that was asked for cannot be used. */
    Optional<String> problem() {
        if (this == INSTANCE && (asked().equals("auto") || asked().equals(kernel.name()))) {
            return Optional.empty();
        }
        if (this == INSTANCE && !asked().equals(wanted)) {
            return Optional.of("this process computes with the kernel " + kernel.name()
                    + " already and cannot change to " + asked());
        }
        return Optional.ofNullable(problem);
    }

    private static boolean right(MicroKernel kernel) {
        return right(kernel, false) && right(kernel, true);
    }

    /**
     * Computes a small product with ragged edges, and compares it with a loop: all bits where sums are in the order of the
     * loop. Kernels that round both operands may add in any order, and round each sum up or down: products of bfloat16 are
     * exact in F32, so that n additions are off by no more than n units in the last place of the sum of the magnitudes.
     */
    private static boolean right(MicroKernel kernel, boolean bf16) {
        int rows = kernel.rows() + 2;
        int columns = kernel.columns() + 3;
        // one more than a tile of a matrix unit takes
        int depth = 33;
        int width = kernel.columns();
        long panelBytes = bf16 ? 2L * Bfloat16.paddedDepth(depth) * width : 4L * depth * width;
        boolean rounds = bf16 && kernel.rounds();
        try (Arena arena = Arena.ofConfined()) {
            long a = arena.allocate(4L * rows * depth, 64).address();
            long b = arena.allocate(4L * columns * depth, 64).address();
            long panels = arena.allocate(2 * panelBytes, 64).address();
            long c = arena.allocate(4L * rows * columns, 64).address();
            long scratch =
                    arena.allocate(kernel.scratchBytes(rows, depth, bf16), 64).address();
            for (int i = 0; i < rows * depth; i++) {
                Memory.set(a + 4L * i, 1f / (i % 61 + 3));
            }
            for (int j = 0; j < columns; j++) {
                long panel = panels + j / width * panelBytes;
                for (int k = 0; k < depth; k++) {
                    float value = 1 - 2f / ((j * depth + k) % 53 + 1);
                    Memory.set(b + 4L * (j * depth + k), value);
                    if (bf16) {
                        short half = Bfloat16.round(Float.floatToRawIntBits(value));
                        Memory.ALL.set(Memory.SHORT, Bfloat16.place(panel, width, k, j % width), half);
                    } else {
                        Memory.set(panel + 4L * (k * width + j % width), value);
                    }
                }
            }
            kernel.prepare(Activation.NONE, bf16);
            kernel.block(
                    rows,
                    depth,
                    a,
                    4L * depth,
                    false,
                    panels,
                    panelBytes,
                    bf16,
                    columns,
                    c,
                    4L * columns,
                    false,
                    true,
                    0,
                    Activation.NONE,
                    scratch);
            for (int r = 0; r < rows; r++) {
                for (int j = 0; j < columns; j++) {
                    float sum = 0;
                    float magnitudes = 0;
                    for (int k = 0; k < depth; k++) {
                        float x = operand(a + 4L * (r * depth + k), rounds);
                        float y = operand(b + 4L * (j * depth + k), bf16);
                        sum = Math.fma(x, y, sum);
                        magnitudes += Math.abs(x * y);
                    }
                    float off = Math.abs(Memory.get(c + 4L * (r * columns + j)) - sum);
                    if (!(off <= (rounds ? depth * Math.ulp(magnitudes) : 0))) {
                        return false;
                    }
                }
            }
        }
        return true;
    }

    private static float operand(long address, boolean rounded) {
        int bits = Memory.getInt(address);
        return Float.intBitsToFloat(rounded ? Bfloat16.round(bits) << 16 : bits);
    }
}
