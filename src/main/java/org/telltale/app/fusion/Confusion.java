package org.telltale.app.fusion;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.telltale.app.data.DataException;

/**
 * How often each label was taken for each, and what follows from that. A ratio whose denominator is zero is 0, and counts as
 * such in a mean over classes, as scikit-learn's do with {@code zero_division=0}; {@code MetricsGoldenTest} compares all of them.
 *
 * @param labels in the order of rows and columns
 * @param counts by true label, then by predicted label
 */
public record Confusion(List<String> labels, List<List<Integer>> counts) {
    public Confusion {
        labels = List.copyOf(labels);
        counts = counts.stream().map(List::copyOf).toList();
    }

    /**
     * Counts predictions.
     *
     * @param truth the true labels
     * @param predicted as many
     * @throws DataException if a label is none of the labels, or there is no sample
     */
    public static Confusion of(List<String> labels, List<String> truth, List<String> predicted) {
        if (truth.size() != predicted.size() || truth.isEmpty()) {
            throw new DataException(
                    predicted.size() + " predictions for " + truth.size() + " samples, expected one for each");
        }
        Map<String, Integer> places = new HashMap<>();
        labels.forEach(l -> places.put(l, places.size()));
        int[][] counts = new int[labels.size()][labels.size()];
        for (int i = 0; i < truth.size(); i++) {
            counts[place(places, truth.get(i))][place(places, predicted.get(i))]++;
        }
        List<List<Integer>> rows = new ArrayList<>();
        for (int[] row : counts) {
            rows.add(IntStream.of(row).boxed().toList());
        }
        return new Confusion(labels, rows);
    }

    private static int place(Map<String, Integer> places, String label) {
        Integer place = places.get(label);
        if (place == null) {
            throw new DataException("the label \"" + label + "\" is none of " + places.keySet());
        }
        return place;
    }

    /** The counts of several trials, one after the other; they have the same labels. */
    public Confusion plus(Confusion other) {
        if (!labels.equals(other.labels)) {
            throw new IllegalArgumentException("the labels differ: " + labels + " and " + other.labels);
        }
        List<List<Integer>> sum = new ArrayList<>();
        for (int i = 0; i < labels.size(); i++) {
            List<Integer> row = new ArrayList<>();
            for (int j = 0; j < labels.size(); j++) {
                row.add(count(i, j) + other.count(i, j));
            }
            sum.add(row);
        }
        return new Confusion(labels, sum);
    }

    public int count(int truth, int predicted) {
        return counts.get(truth).get(predicted);
    }

    public int samples() {
        return IntStream.range(0, labels.size()).map(this::support).sum();
    }

    public int correct() {
        return IntStream.range(0, labels.size()).map(i -> count(i, i)).sum();
    }

    public double accuracy() {
        return ratio(correct(), samples());
    }

    /** How many samples have the label. */
    public int support(int label) {
        return counts.get(label).stream().mapToInt(n -> n).sum();
    }

    /** How many samples were taken to have the label. */
    public int predicted(int label) {
        return counts.stream().mapToInt(row -> row.get(label)).sum();
    }

    public double precision(int label) {
        return ratio(count(label, label), predicted(label));
    }

    public double recall(int label) {
        return ratio(count(label, label), support(label));
    }

    /** The harmonic mean of precision and recall. */
    public double f1(int label) {
        return ratio(2.0 * count(label, label), support(label) + predicted(label));
    }

    public double macroPrecision() {
        return macro(this::precision);
    }

    public double macroRecall() {
        return macro(this::recall);
    }

    /** The mean over all labels, also those of no sample. */
    public double macroF1() {
        return macro(this::f1);
    }

    /** The mean over the labels that some sample has or was taken to have. */
    public double macroF1OfPresent() {
        return IntStream.range(0, labels.size())
                .filter(i -> support(i) + predicted(i) > 0)
                .mapToDouble(this::f1)
                .average()
                .orElse(0);
    }

    /** The mean over the labels, weighed by how many samples have them. */
    public double weightedF1() {
        double sum = 0;
        for (int i = 0; i < labels.size(); i++) {
            sum += support(i) * f1(i);
        }
        return ratio(sum, samples());
    }

    private double macro(IntToDoubleFunction value) {
        return ratio(IntStream.range(0, labels.size()).mapToDouble(value).sum(), labels.size());
    }

    private static double ratio(double part, double whole) {
        return whole == 0 ? 0 : part / whole;
    }

    /** The sum of one or more. */
    public static Confusion sum(List<Confusion> trials) {
        return trials.stream().reduce(Confusion::plus).orElseThrow();
    }

    /** The most frequent of numbers by label; the first of equal ones. */
    public static int most(List<Integer> counts) {
        return counts.indexOf(Collections.max(counts));
    }
}
