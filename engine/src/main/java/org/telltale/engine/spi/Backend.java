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

    /** The most bytes that executables have held at once on a device with memory of its own; 0 where that is the host's. */
    default long peakMemory() {
        return 0;
    }

    @Override
    void close();

    /** How an application finds backends, through {@link java.util.ServiceLoader}. */
    interface Provider {
        /** The word that {@code --device} takes. */
        String device();

        /** Why this backend cannot be used here, naming what would change it; empty when it can. */
        Optional<String> unavailable();

        /** How many such devices there are; 0 when it cannot be used. */
        default int count() {
            return unavailable().isEmpty() ? 1 : 0;
        }

        /** Whether {@code --device auto} may take it. */
        default boolean automatic() {
            return true;
        }

        /** Opens the first one with a number of threads for computing, the caller's included. */
        default Backend open(int threads) {
            return open(threads, 0);
        }

        /**
         * Opens one of them.
         *
         * @param threads for computing on the host, the caller's included
         * @param number of the device, from 0 to {@link #count} - 1
         */
        Backend open(int threads, int number);
    }
}
