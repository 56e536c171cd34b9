package org.telltale.engine.spi;

import java.util.Optional;
import org.telltale.engine.Graph;
import org.telltale.engine.io.Weights;

/** Turns graphs into executables on one device. Thread-safe; closing it ends its threads. */
public interface Backend extends AutoCloseable {
    /** A line for people: device, kernels in use, threads. */
    String description();

    /**
     * Plans all memory, reads and packs the weights, and returns what runs the graph. Executables compiled with the same
     * weights object share one copy of each weight.
     */
    Executable compile(Graph graph, Weights weights, CompileOptions options);

    /** Whether it gains speed from products in a precision: otherwise it computes in F32, with what is kept rounded. */
    default boolean multiplies(CompileOptions.Precision precision) {
        return precision == CompileOptions.Precision.F32;
    }

    @Override
    void close();

    /** How an application finds backends, through {@link java.util.ServiceLoader}. */
    interface Provider {
        /** The word that {@code --device} takes. */
        String device();

        /** Why this backend cannot be used here, naming what would change it; empty when it can. */
        Optional<String> unavailable();

        /** Opens it with a number of threads for computing, the caller's included. */
        Backend open(int threads);
    }
}
