package org.telltale.app.data;

import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** A smaller data set, drawn from every split. */
public final class Subset {
    private Subset() {}

    /**
     * At most so many samples of each split, but for one of each label at least, with the labels' shares and in the order that they
     * had. The same seed draws the same samples.
     */
    public static <S extends Sample> Dataset<S> of(Dataset<S> set, int most, long seed) {
        Map<Split, List<S>> splits = new EnumMap<>(Split.class);
        for (Split split : Split.values()) {
            splits.put(split, draw(set.samples(split), set.labels(), most, seed));
        }
        return new Dataset<>(set.labels(), splits, set.findings());
    }

    private static <S extends Sample> List<S> draw(List<S> all, List<String> labels, int most, long seed) {
        if (all.size() <= most) {
            return all;
        }
        Set<Integer> kept = new HashSet<>();
        for (int k = 0; k < labels.size(); k++) {
            String label = labels.get(k);
            int[] of = IntStream.range(0, all.size())
                    .filter(i -> all.get(i).label().equals(label))
                    .toArray();
            int[] order = Shuffle.permutation(of.length, seed, k);
            long share = of.length == 0 ? 0 : Math.max(1, (long) of.length * most / all.size());
            for (int i = 0; i < share; i++) {
                kept.add(of[order[i]]);
            }
        }
        return IntStream.range(0, all.size())
                .filter(kept::contains)
                .mapToObj(all::get)
                .toList();
    }
}
