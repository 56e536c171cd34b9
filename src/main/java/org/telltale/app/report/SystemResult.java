package org.telltale.app.report;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Scores;
import org.telltale.app.experiment.Findings;
import org.telltale.app.fusion.Confusion;
import org.telltale.app.fusion.Trials;

/**
 * What a system says of the test pictures, and how often it is right.
 *
 * @param name of the classifier, or of the captioner whose captions are read
 * @param scores by trial, in the order of the test pictures
 * @param predictions by trial, in that order
 * @param confusions by trial
 */
record SystemResult(
        String name,
        Scores.Source source,
        List<List<Scores>> scores,
        List<List<String>> predictions,
        List<Confusion> confusions) {

    /**
     * Scores of every trial, compared with the true labels.
     *
     * @throws DataException if the scores of a trial are not those of the test pictures, each once, with the labels of the task
     */
    static SystemResult of(Findings.Task task, String name, Scores.Source source, List<List<Scores>> trials) {
        List<String> truth = task.test().stream().map(Findings.Picture::label).toList();
        List<List<Scores>> scores = new ArrayList<>();
        List<List<String>> predictions = new ArrayList<>();
        List<Confusion> confusions = new ArrayList<>();
        for (List<Scores> trial : trials) {
            String where = task.name() + ", " + name + ", trial " + (scores.size() + 1) + ": ";
            try {
                List<Scores> ordered = ordered(task, trial);
                List<String> tops = ordered.stream().map(Scores::top).toList();
                confusions.add(Confusion.of(task.labels(), truth, tops));
                scores.add(ordered);
                predictions.add(tops);
            } catch (DataException e) {
                throw new DataException(where + e.getMessage(), e);
            }
        }
        return new SystemResult(name, source, scores, predictions, confusions);
    }

    private static List<Scores> ordered(Findings.Task task, List<Scores> trial) {
        Map<String, Scores> byId = new HashMap<>();
        for (Scores s : trial) {
            if (byId.put(s.id(), s) != null) {
                throw new DataException("the id \"" + s.id() + "\" has scores twice");
            }
        }
        List<Scores> ordered = new ArrayList<>();
        for (Findings.Picture p : task.test()) {
            Scores s = byId.remove(p.id());
            if (s == null) {
                throw new DataException("no scores of the test picture \"" + p.id() + "\"");
            }
            ordered.add(s);
        }
        if (!byId.isEmpty()) {
            throw new DataException("scores of " + byId.size() + " pictures that are not in the test split, such as \""
                    + byId.keySet().stream().sorted().findFirst().orElse("") + "\"");
        }
        return ordered;
    }

    int trials() {
        return predictions.size();
    }

    /** From 0 to 1. */
    Trials accuracy() {
        return trials(Confusion::accuracy);
    }

    /** A measure of every trial. */
    Trials trials(ToDoubleFunction<Confusion> measure) {
        return new Trials(confusions.stream().map(measure::applyAsDouble).toList());
    }

    /** In how many trials it is right about a picture. */
    int right(int picture, String label) {
        return (int)
                predictions.stream().filter(p -> p.get(picture).equals(label)).count();
    }

    /** Whether a trial is right, by picture. */
    BitSet correct(int trial, List<Findings.Picture> test) {
        return correct(predictions.get(trial), test);
    }

    static BitSet correct(List<String> predictions, List<Findings.Picture> test) {
        BitSet right = new BitSet(test.size());
        for (int i = 0; i < test.size(); i++) {
            right.set(i, predictions.get(i).equals(test.get(i).label()));
        }
        return right;
    }

    /** The probability of a picture's true label, in the mean over the trials. */
    double probability(int picture, String label) {
        return scores.stream()
                .mapToDouble(t -> t.get(picture).probabilities().getOrDefault(label, 0.0))
                .average()
                .orElse(0);
    }
}
