package org.telltale.app.fusion;

import java.util.BitSet;

/**
 * McNemar's exact test: whether one of two systems is right more often, judged by the samples that only one of them has right.
 *
 * @param first how many only the first has right
 * @param second how many only the second has right
 */
public record McNemar(int first, int second) {
    /** Counts samples, given those that either system has right. */
    public static McNemar of(BitSet first, BitSet second) {
        BitSet a = (BitSet) first.clone();
        a.andNot(second);
        BitSet b = (BitSet) second.clone();
        b.andNot(first);
        return new McNemar(a.cardinality(), b.cardinality());
    }

    /**
     * How probable a difference at least as large is, either way, if each of these samples were as likely the one system's as
     * the other's: twice a tail of the binomial distribution, at most 1.
     */
    public double p() {
        int n = first + second;
        double log = -n * Math.log(2);
        double tail = 0;
        for (int i = 0; i <= Math.min(first, second); i++) {
            tail += Math.exp(log);
            log += Math.log((n - i) / (i + 1.0));
        }
        return Math.min(1, 2 * tail);
    }
}
