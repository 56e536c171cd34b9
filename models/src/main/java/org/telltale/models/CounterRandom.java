package org.telltale.models;

/**
 * Random numbers without a state: each is a pure function of its keys, so that it does not matter which thread draws
 * when, or whether a run was resumed. SplitMix64's finaliser over the keys, one after the other.
 */
public final class CounterRandom {
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private CounterRandom() {}

    /** 64 random bits. */
    public static long bits(long seed, long first, long second, long third) {
        long z = mix(seed + GOLDEN);
        z = mix((z ^ first) + GOLDEN);
        z = mix((z ^ second) + GOLDEN);
        return mix((z ^ third) + GOLDEN);
    }

    /** A number from 0 (inclusive) to 1 (exclusive), a multiple of 2^-53. */
    public static double uniform(long seed, long first, long second, long third) {
        return (bits(seed, first, second, third) >>> 11) * 0x1p-53;
    }

    /** A whole number from 0 (inclusive) to a bound (exclusive); the bias is below bound / 2^64. */
    public static int below(int bound, long seed, long first, long second, long third) {
        if (bound < 1) {
            throw new IllegalArgumentException("a random number below " + bound + ", expected a bound of at least 1");
        }
        return (int) Math.unsignedMultiplyHigh(bits(seed, first, second, third), bound);
    }

    private static long mix(long bits) {
        long z = bits;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
