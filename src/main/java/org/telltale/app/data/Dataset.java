package org.telltale.app.data;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Labelled samples in three splits.
 *
 * @param labels in the order of their ids: sorted, unless they were given
 * @param splits the samples of every split, in the order of their files
 * @param findings what the user should be told
 */
public record Dataset<S extends Sample>(List<String> labels, Map<Split, List<S>> splits, List<Finding> findings) {
    private static final int MAX_LABELS = 10_000;

    public Dataset {
        labels = List.copyOf(labels);
        findings = List.copyOf(findings);
        Map<Split, List<S>> copy = new EnumMap<>(Split.class);
        for (Split split : Split.values()) {
            copy.put(split, List.copyOf(splits.getOrDefault(split, List.of())));
        }
        splits = copy;
    }

    public List<S> samples(Split split) {
        return splits.getOrDefault(split, List.of());
    }

    /** The label ids of a split's samples. */
    public int[] labelIds(Split split) {
        Map<String, Integer> ids = new HashMap<>();
        labels.forEach(label -> ids.put(label, ids.size()));
        return samples(split).stream()
                .mapToInt(s -> ids.getOrDefault(s.label(), -1))
                .toArray();
    }

    /** Collects samples with the places where they stand, for the error messages. */
    static final class Builder<S extends Sample> {
        private record Placed<S>(S sample, String where) {}

        private final String source;
        private final Optional<List<String>> given;
        private final Map<Split, List<Placed<S>>> splits = new EnumMap<>(Split.class);
        private final List<Placed<S>> undivided = new ArrayList<>();
        private final Map<String, String> ids = new HashMap<>();
        private final List<Finding> findings = new ArrayList<>();

        /**
         * @param source names the data set in messages
         * @param labels the labels there are, or nothing: those of the train split
         */
        Builder(String source, Optional<List<String>> labels) {
            this.source = source;
            this.given = labels;
            labels.ifPresent(l -> {
                if (Set.copyOf(l).size() < l.size()) {
                    throw new DataException(source + ": the labels that were given name one twice: " + l);
                }
            });
        }

        void add(Split split, S sample, String where) {
            register(sample, where + " in " + split.word(), where);
            placed(split).add(new Placed<>(sample, where));
        }

        /** Adds a sample that {@link #divide} gives a split. */
        void add(S sample, String where) {
            register(sample, where, where);
            undivided.add(new Placed<>(sample, where));
        }

        private void register(S sample, String place, String where) {
            String before = ids.putIfAbsent(sample.id(), place);
            if (before != null) {
                throw new DataException(where + ": \"" + sample.id() + "\" stands a second time, as " + place
                        + "; first " + before + "; expected each sample in one split, once");
            }
        }

        void find(Finding.Kind kind, String message) {
            findings.add(new Finding(kind, source + ": " + message));
        }

        /** Divides what has no split, label by label. */
        void divide(Shares shares) {
            Map<String, List<Placed<S>>> byLabel = new TreeMap<>();
            for (Placed<S> p : undivided) {
                byLabel.computeIfAbsent(p.sample.label(), l -> new ArrayList<>())
                        .add(p);
            }
            Map<Placed<S>, Split> chosen = new HashMap<>();
            int label = 0;
            for (List<Placed<S>> samples : byLabel.values()) {
                int[] order = Shuffle.permutation(samples.size(), shares.seed(), label++);
                int next = 0;
                for (Split split : Split.values()) {
                    for (int k = shares.of(split, samples.size()); k > 0; k--) {
                        chosen.put(samples.get(order[next++]), split);
                    }
                }
            }
            for (Placed<S> p : undivided) {
                placed(chosen.getOrDefault(p, Split.TRAIN)).add(p);
            }
            undivided.clear();
        }

        /** @throws DataException when there is nothing to train with, or a label has no id */
        Dataset<S> build() {
            if (placed(Split.TRAIN).isEmpty()) {
                throw new DataException(source + ": no sample in train, expected some to learn from");
            }
            Set<String> trained = new TreeSet<>();
            placed(Split.TRAIN).forEach(p -> trained.add(p.sample.label()));
            List<String> labels = given.orElseGet(() -> List.copyOf(trained));
            if (labels.size() < 2 || labels.size() > MAX_LABELS) {
                throw new DataException(
                        source + ": " + labels.size() + " labels, " + some(labels) + ", expected 2 to " + MAX_LABELS);
            }
            Set<String> known = new LinkedHashSet<>(labels);
            for (Split split : Split.values()) {
                for (Placed<S> p : placed(split)) {
                    requireKnown(p, split, known);
                }
                if (placed(split).isEmpty()) {
                    find(Finding.Kind.EMPTY_SPLIT, "no sample in " + split.word());
                }
            }
            List<String> unseen =
                    labels.stream().filter(l -> !trained.contains(l)).toList();
            if (!unseen.isEmpty()) {
                find(Finding.Kind.UNSEEN_LABEL, "no sample in train has the label " + some(unseen));
            }
            Map<Split, List<S>> samples = new EnumMap<>(Split.class);
            splits.forEach((split, list) ->
                    samples.put(split, list.stream().map(Placed::sample).toList()));
            return new Dataset<>(labels, samples, findings);
        }

        private void requireKnown(Placed<S> p, Split split, Set<String> known) {
            if (!known.contains(p.sample.label())) {
                throw new DataException(p.where + ": the label \"" + p.sample.label() + "\" of a sample in "
                        + split.word() + " is none of "
                        + (given.isPresent() ? "those that were given: " : "the labels of train: ") + some(known));
            }
        }

        private List<Placed<S>> placed(Split split) {
            return splits.computeIfAbsent(split, s -> new ArrayList<>());
        }
    }

    /** The first few of many names. */
    static String some(Collection<String> names) {
        int most = 10;
        return String.join(", ", names.stream().limit(most).toList())
                + (names.size() > most ? " and " + (names.size() - most) + " more" : "");
    }
}
