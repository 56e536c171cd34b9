package org.telltale.app.fusion;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Scores;

/**
 * Score-level fusion, SPEC §14: {@code y = (1 - w) image + w text}, 0 <= w <= 1, joined by id, label by label. The
 * prediction is the likeliest label, of equal ones the first in the image classifier's order.
 */
public final class Fusion {
    private static final int NAMED = 3;

    private final List<Pair> pairs;

    private Fusion(List<Pair> pairs) {
        this.pairs = pairs;
    }

    /** The probabilities of both sides by label, in the image classifier's order; a grid of weights goes over them often. */
    private static final class Pair {
        final String id;
        final List<String> labels;
        private final double[] image;
        private final double[] text;

        Pair(Scores image, Scores text) {
            id = image.id();
            labels = List.copyOf(image.probabilities().keySet());
            this.image = new double[labels.size()];
            this.text = new double[labels.size()];
            for (int k = 0; k < labels.size(); k++) {
                this.image[k] = image.probabilities().getOrDefault(labels.get(k), 0.0);
                this.text[k] = text.probabilities().getOrDefault(labels.get(k), 0.0);
            }
        }

        double at(int label, double weight) {
            return (1 - weight) * image[label] + weight * text[label];
        }
    }

    /**
     * Joins the scores of both sides.
     *
     * @throws DataException if an id is on one side only or twice on a side, or if the labels differ
     */
    public static Fusion of(List<Scores> image, List<Scores> text) {
        Map<String, Scores> images = byId(image, "image");
        Map<String, Scores> texts = byId(text, "text");
        requireBoth(images, texts);
        List<Pair> pairs = new ArrayList<>(image.size());
        for (Scores s : image) {
            Scores t = texts.getOrDefault(s.id(), s);
            if (!s.probabilities().keySet().equals(t.probabilities().keySet())) {
                throw new DataException(s.id() + ": the labels differ: image scores "
                        + s.probabilities().keySet() + ", text scores "
                        + t.probabilities().keySet());
            }
            pairs.add(new Pair(s, t));
        }
        return new Fusion(pairs);
    }

    /** Those of both sides whose id is on both. */
    public static Fusion ofCommon(List<Scores> image, List<Scores> text) {
        Map<String, Scores> images = byId(image, "image");
        Map<String, Scores> texts = byId(text, "text");
        List<Scores> i = image.stream().filter(s -> texts.containsKey(s.id())).toList();
        List<Scores> t = text.stream().filter(s -> images.containsKey(s.id())).toList();
        if (i.isEmpty()) {
            throw new DataException("no id has both image scores and text scores");
        }
        return of(i, t);
    }

    private static Map<String, Scores> byId(List<Scores> scores, String side) {
        Map<String, Scores> map = new HashMap<>();
        for (Scores s : scores) {
            if (map.put(s.id(), s) != null) {
                throw new DataException("the id \"" + s.id() + "\" has " + side + " scores twice");
            }
        }
        return map;
    }

    private static void requireBoth(Map<String, Scores> images, Map<String, Scores> texts) {
        List<String> problems = new ArrayList<>();
        missing(images, texts).ifPresent(ids -> problems.add("without text scores: " + ids));
        missing(texts, images).ifPresent(ids -> problems.add("without image scores: " + ids));
        if (!problems.isEmpty()) {
            throw new DataException(String.join("; ", problems));
        }
    }

    /** How many ids of the one are not in the other, and the first of them. */
    private static Optional<String> missing(Map<String, Scores> of, Map<String, Scores> in) {
        if (in.keySet().containsAll(of.keySet())) {
            return Optional.empty();
        }
        TreeSet<String> ids = new TreeSet<>(of.keySet());
        ids.removeAll(in.keySet());
        List<String> first = ids.stream().limit(NAMED).toList();
        return Optional.of(ids.size() + " (" + String.join(", ", first) + (ids.size() > NAMED ? ", ..." : "") + ")");
    }

    /**
     * The fused scores, in the order of the image scores.
     *
     * @param weight of the text, 0 to 1
     */
    public List<Scores> at(double weight) {
        require(weight);
        List<Scores> fused = new ArrayList<>();
        for (Pair p : pairs) {
            Map<String, Double> y = new LinkedHashMap<>();
            for (int k = 0; k < p.labels.size(); k++) {
                y.put(p.labels.get(k), p.at(k, weight));
            }
            fused.add(new Scores(p.id, Scores.Source.FUSED, y));
        }
        return fused;
    }

    /**
     * The likeliest labels alone, as those of {@link #at}, but without a map for every picture: grids of weights, trials
     * and systems come to millions.
     */
    public List<String> tops(double weight) {
        require(weight);
        List<String> tops = new ArrayList<>(pairs.size());
        for (Pair p : pairs) {
            int top = 0;
            for (int k = 1; k < p.labels.size(); k++) {
                top = p.at(k, weight) > p.at(top, weight) ? k : top;
            }
            tops.add(p.labels.get(top));
        }
        return tops;
    }

    private static void require(double weight) {
        if (!(weight >= 0 && weight <= 1)) {
            throw new IllegalArgumentException("the weight is " + weight + ", expected 0 to 1");
        }
    }
}
