package org.telltale.kernels.vector;

import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.telltale.engine.Graph;
import org.telltale.engine.io.Weights;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.spi.Program;
import org.telltale.engine.spi.WeightStore;
import org.telltale.kernels.vector.jit.ExecutableMemory;

/** The CPU backend. */
public final class VectorBackend implements Backend {
    private final WeightStore.Pool pool = new WeightStore.Pool();
    private final Parallel parallel;
    private final Map<CompileOptions.Precision, Kernels> kernels = new EnumMap<>(CompileOptions.Precision.class);

    /**
     * Starts the threads.
     *
     * @throws IllegalStateException when the kernel that {@code telltale.kernel} asks for cannot be used here
     */
    public VectorBackend(int threads) {
        Ladder.INSTANCE.problem().ifPresent(problem -> {
            throw new IllegalStateException(problem);
        });
        parallel = new Parallel(threads);
        for (CompileOptions.Precision precision : CompileOptions.Precision.values()) {
            kernels.put(precision, new Kernels(parallel, precision));
        }
    }

    /** How an application finds this backend. */
    public static final class Provider implements Backend.Provider {
        @Override
        public String device() {
            return "cpu";
        }

        @Override
        public Optional<String> unavailable() {
            if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
                return Optional.of("the JVM runs without --add-modules jdk.incubator.vector");
            }
            if (!ExecutableMemory.nativeAccess()) {
                try {
                    // with a warning of the JVM's, or not at all where it is told to deny
                    MemorySegment.NULL.reinterpret(1);
                } catch (IllegalCallerException e) {
                    return Optional.of("the JVM runs without --enable-native-access=ALL-UNNAMED, and denies it");
                }
            }
            return Ladder.INSTANCE.problem();
        }

        @Override
        public Backend open(int threads) {
            return new VectorBackend(threads);
        }
    }

    @Override
    public String description() {
        String refused = String.join("; ", Ladder.INSTANCE.refused());
        return "cpu, kernel " + MicroKernel.BEST.name() + (refused.isEmpty() ? "" : " (" + refused + ")")
                + ", Vector API at " + Memory.SPECIES.vectorBitSize() + " bits, " + parallel.threads() + " thread"
                + (parallel.threads() == 1 ? "" : "s");
    }

    @Override
    public boolean multiplies(CompileOptions.Precision precision) {
        return precision == CompileOptions.Precision.F32 || MicroKernel.BEST.rounds();
    }

    @Override
    public Executable compile(Graph graph, Weights weights, CompileOptions options) {
        return Program.compile(graph, pool, weights, Objects.requireNonNull(kernels.get(options.precision())), options);
    }

    @Override
    public void close() {
        parallel.close();
    }
}
