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

    private final List<Scores> image;
    private final Map<String, Scores> text;

    private Fusion(List<Scores> image, Map<String, Scores> text) {
        this.image = image;
        this.text = text;
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
        for (Scores s : image) {
            Scores t = texts.getOrDefault(s.id(), s);
            if (!s.probabilities().keySet().equals(t.probabilities().keySet())) {
                throw new DataException(s.id() + ": the labels differ: image scores "
                        + s.probabilities().keySet() + ", text scores "
                        + t.probabilities().keySet());
            }
        }
        return new Fusion(List.copyOf(image), texts);
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
        for (Scores i : image) {
            Map<String, Double> t = text.getOrDefault(i.id(), i).probabilities();
            Map<String, Double> y = new LinkedHashMap<>();
            i.probabilities()
                    .forEach((label, p) -> y.put(label, (1 - weight) * p + weight * t.getOrDefault(label, 0.0)));
            fused.add(new Scores(i.id(), Scores.Source.FUSED, y));
        }
        return fused;
    }

    /**
     * The likeliest labels alone, as those of {@link #at}, but without a map for every picture: grids of weights, trials
     * and systems come to millions.
     */
    public List<String> tops(double weight) {
        require(weight);
        List<String> tops = new ArrayList<>(image.size());
        for (Scores i : image) {
            Map<String, Double> t = text.getOrDefault(i.id(), i).probabilities();
            String top = "";
            double most = Double.NEGATIVE_INFINITY;
            for (Map.Entry<String, Double> e : i.probabilities().entrySet()) {
                double y = (1 - weight) * e.getValue() + weight * t.getOrDefault(e.getKey(), 0.0);
                if (y > most) {
                    most = y;
                    top = e.getKey();
                }
            }
            tops.add(top);
        }
        return tops;
    }

    private static void require(double weight) {
        if (!(weight >= 0 && weight <= 1)) {
            throw new IllegalArgumentException("the weight is " + weight + ", expected 0 to 1");
        }
    }
}
