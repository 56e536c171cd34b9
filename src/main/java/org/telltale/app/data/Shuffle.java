package org.telltale.app.data;

import org.telltale.models.CounterRandom;

/** Orders that are pure functions of a seed and an epoch. */
final class Shuffle {
    /** Keeps these numbers apart from those of the augmentation, whose third key is a sample. */
    private static final long PERMUTATION = -1;

    private Shuffle() {}

    /** The numbers from 0 to n - 1, each order being equally likely. */
    static int[] permutation(int n, long seed, long epoch) {
        int[] order = identity(n);
        for (int i = n - 1; i > 0; i--) {
            int j = CounterRandom.below(i + 1, seed, epoch, PERMUTATION, i);
            int swapped = order[i];
            order[i] = order[j];
            order[j] = swapped;
        }
        return order;
    }

    static int[] identity(int n) {
        int[] order = new int[n];
        for (int i = 0; i < n; i++) {
            order[i] = i;
        }
        return order;
    }
}
