package org.telltale.app.demo;

import java.util.ArrayList;
import java.util.List;
import org.telltale.models.CounterRandom;

/** The random choices of one picture: a pure function of the seed, the picture and how many choices were made before. */
final class Dice {
    private final long seed;
    private final long picture;
    private long choices;

    Dice(long seed, long picture) {
        this.seed = seed;
        this.picture = picture;
    }

    /** From 0 to less than 1. */
    double next() {
        return CounterRandom.uniform(seed, picture, choices++, 0);
    }

    double between(double least, double most) {
        return least + (most - least) * next();
    }

    int below(int bound) {
        return (int) (bound * next());
    }

    boolean chance(double probability) {
        return next() < probability;
    }

    @SafeVarargs
    final <T> T one(T... of) {
        return of[below(of.length)];
    }

    /** Some of a list, in random order. */
    <T> List<T> some(int count, List<T> of) {
        List<T> left = new ArrayList<>(of);
        List<T> taken = new ArrayList<>();
        while (taken.size() < count && !left.isEmpty()) {
            taken.add(left.remove(below(left.size())));
        }
        return taken;
    }
}
