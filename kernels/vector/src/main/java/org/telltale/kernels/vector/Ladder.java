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
            MicroKernel kernel = new EmittedMicroKernel(rung);
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

    /** Computes a small product with ragged edges, and compares all bits with a loop. */
    private static boolean right(MicroKernel kernel) {
        int rows = kernel.rows() + 2;
        int columns = kernel.columns() + 3;
        int depth = 7;
        int width = kernel.columns();
        long panelBytes = 4L * depth * width;
        try (Arena arena = Arena.ofConfined()) {
            long a = arena.allocate(4L * rows * depth, 64).address();
            long b = arena.allocate(2 * panelBytes, 64).address();
            long c = arena.allocate(4L * rows * columns, 64).address();
            long scratch = arena.allocate(kernel.scratchBytes(depth, false), 64).address();
            for (int i = 0; i < rows * depth; i++) {
                Memory.set(a + 4L * i, 1f / (i + 3));
            }
            for (int i = 0; i < 2 * depth * width; i++) {
                Memory.set(b + 4L * i, 1 - 2f / (i + 1));
            }
            kernel.prepare(Activation.NONE, false);
            kernel.block(
                    rows,
                    depth,
                    a,
                    4L * depth,
                    b,
                    panelBytes,
                    false,
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
                    for (int k = 0; k < depth; k++) {
                        long at = b + j / width * panelBytes + 4L * (k * width + j % width);
                        sum = Math.fma(Memory.get(a + 4L * (r * depth + k)), Memory.get(at), sum);
                    }
                    if (Memory.get(c + 4L * (r * columns + j)) != sum) {
                        return false;
                    }
                }
            }
        }
        return true;
    }
}
