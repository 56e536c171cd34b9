package org.telltale.app.experiment;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.telltale.app.data.Scores;
import org.telltale.app.data.Split;
import tools.jackson.databind.node.ObjectNode;

/**
 * What an experiment found, as its folder holds it: all that a report tells of.
 *
 * @param tasks in the plan's order
 * @param trials how many trials of every classifier the plan asks for; fewer may be done
 * @param captions by captioner, in the plan's order, the text of every picture by its id; of all splits and tasks
 * @param figures the classifiers whose accuracy is drawn against the weight of the text, in the plan's order
 * @param weights of the text that fusion is computed with, ascending, 0 and 1 among them
 * @param provenance configuration, SHA-256 of data and models, version, commit, backend, precision; the same for a run that was
 *     stopped and continued
 * @param times of the jobs that have ended, in their order
 */
public record Findings(
        List<Task> tasks,
        int trials,
        Map<String, Map<String, String>> captions,
        List<String> figures,
        List<Double> weights,
        ObjectNode provenance,
        List<Time> times) {
    public Findings {
        tasks = List.copyOf(tasks);
        captions = ordered(captions);
        figures = List.copyOf(figures);
        weights = List.copyOf(weights);
        times = List.copyOf(times);
    }

    /**
     * A task.
     *
     * @param name as the plan calls it, such as {@code disaster_types}
     * @param labels in the order of their ids
     * @param counts how many samples of each label every split has, in the order of the labels
     * @param test the pictures of the test split, in the order of the tables
     * @param images the scores of the test split by each classifier of pictures, in the plan's order: a list for each trial that
     *     is done, in order
     * @param texts the same by each captioner, of the classifier that reads its captions
     */
    public record Task(
            String name,
            List<String> labels,
            Map<Split, List<Integer>> counts,
            List<Picture> test,
            Map<String, List<List<Scores>>> images,
            Map<String, List<List<Scores>>> texts) {
        public Task {
            labels = List.copyOf(labels);
            counts = ordered(counts);
            test = List.copyOf(test);
            images = ordered(images);
            texts = ordered(texts);
        }
    }

    /**
     * A picture of the test split.
     *
     * @param file where it lies, which may be nowhere on this machine
     */
    public record Picture(String id, Path file, String label) {}

    /**
     * What a job took.
     *
     * @param stage captions, image, text or fusion
     * @param task empty where a job belongs to all
     * @param system the classifier or captioner
     * @param trial from 1; 0 where there is none
     * @param seconds of work, all sittings together
     * @param samples that went through
     * @param machine such as "AMD EPYC, 2 threads, avx512"
     */
    public record Time(
            String stage, String task, String system, int trial, double seconds, long samples, String machine) {}

    private static <K, V> Map<K, V> ordered(Map<K, V> map) {
        return Collections.unmodifiableMap(new LinkedHashMap<>(map));
    }
}
