package org.telltale.app.train;

/** How long the steps of a run take in the mean, from the first one that is heard of on. */
final class Pace {
    private final long start = System.nanoTime();
    private long first = -1;

    /**
     * Seconds a step so far. Every step is told of.
     *
     * @param left steps that are still to come
     */
    double after(long left) {
        if (first < 0) {
            first = left + 1;
        }
        return (System.nanoTime() - start) / 1e9 / Math.max(first - left, 1);
    }
}
