package org.telltale.kernels.vector.planted;

import java.util.stream.IntStream;

/** Broken rules for ArchitectureTest to find. */
public final class StreamingKernel {
    private StreamingKernel() {}

    static int sum(int n) {
        if (n < 0) {
            System.exit(1);
        }
        return IntStream.range(0, n).sum();
    }
}
