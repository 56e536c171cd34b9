package org.telltale.app.data;

/**
 * How a data set without splits is divided: parts of one, the same for every label.
 *
 * @param seed of the division; the same seed and the same samples give the same splits
 */
public record Shares(double dev, double test, long seed) {
    public Shares {
        if (!(dev >= 0 && test >= 0 && dev + test < 1)) {
            throw new IllegalArgumentException(
                    "shares of " + dev + " for dev and " + test + " for test, expected 0 or more, together below 1");
        }
    }

    /** A tenth for dev, a fifth for test, and the rest for train. */
    public static Shares of(long seed) {
        return new Shares(0.1, 0.2, seed);
    }

    /** How many of n samples of one label go to a split; train keeps at least one. */
    int of(Split split, int n) {
        int test = Math.min((int) Math.round(n * this.test), n - 1);
        int dev = Math.min((int) Math.round(n * this.dev), n - 1 - test);
        return switch (split) {
            case TRAIN -> n - test - dev;
            case DEV -> dev;
            case TEST -> test;
        };
    }
}
