package org.telltale.app.experiment;

import java.nio.file.Path;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.IntStream;
import org.telltale.app.data.Split;
import org.telltale.app.train.Parent;
import org.telltale.app.train.RecipeChanges;
import org.telltale.models.decode.GenerationOptions;
import org.telltale.models.interrogate.Mode;
import org.telltale.models.interrogate.Rules;

/**
 * What an experiment is: tasks, classifiers of pictures, captioners, the classifier of their texts, and how often each is
 * trained. The default is the paper's ({@code telltale experiment plan} shows it).
 *
 * @param step of the weights of the text from 0 to 1
 * @param figures the classifiers of pictures whose fusion is drawn
 */
public record Plan(
        Scope scope,
        List<Task> tasks,
        List<Classifier> classifiers,
        List<Captioner> captioners,
        Reader reader,
        double step,
        List<String> figures) {
    public Plan {
        tasks = List.copyOf(tasks);
        classifiers = List.copyOf(classifiers);
        captioners = List.copyOf(captioners);
        figures = List.copyOf(figures);
    }

    /**
     * How much of it, and on what.
     *
     * @param data the folder that has CrisisNLP's folder {@code data} in it, if the plan says so
     * @param tables whose tables are read where a task names none
     * @param trials of each classifier, with seeds one after the other
     * @param seed of the first trial, and of the subset
     * @param subset the most samples of a split, drawn with the labels' shares; empty for all
     */
    public record Scope(
            Optional<Path> data,
            Tables tables,
            int trials,
            long seed,
            OptionalInt subset,
            Keep keep,
            Missing missing) {}

    /** Which tables of CrisisNLP divide the pictures (SPEC §2.3). */
    public enum Tables {
        /** Those of the sources, one after the other: the counts of the paper's Table 1. */
        UNION,
        /** The consolidated ones, whose test pictures have no near duplicates in train. */
        CONSOLIDATED
    }

    /** What stays of a trial when its scores are written. */
    public enum Keep {
        /** The scores, the course of the training, and its report. */
        SCORES,
        /** The trained model too. */
        MODELS
    }

    /** What becomes of pictures of the tables that are not there. */
    public enum Missing {
        REFUSE,
        SKIP
    }

    /**
     * A task.
     *
     * @param given its tables by split; without any they are found in the data folder by CrisisNLP's names
     */
    public record Task(String name, Map<Split, List<Path>> given) {
        public Task {
            Map<Split, List<Path>> copy = new EnumMap<>(Split.class);
            given.forEach((split, files) -> copy.put(split, List.copyOf(files)));
            given = copy;
        }
    }

    /** How a classifier starts and learns. */
    public record Training(String model, boolean scratch, RecipeChanges changes) {}

    /** A classifier of pictures. */
    public record Classifier(String name, Training training, Parent.Resize resize) {}

    /** The classifier of texts, one kind for all captioners. */
    public record Reader(String name, Training training) {}

    /** Where texts of pictures come from. */
    public sealed interface Captioner {
        String name();
    }

    /** BLIP. */
    public record Blip(String name, String model, String prompt, GenerationOptions how) implements Captioner {}

    /**
     * An attention and GRU captioner.
     *
     * @param sampled the seed where words are drawn as in the tutorial; greedy without
     */
    public record AttentionGru(String name, String model, OptionalLong sampled) implements Captioner {}

    /** The CLIP Interrogator, with BLIP as its captioner. */
    public record Interrogated(
            String name,
            String model,
            String captioner,
            Path lists,
            Rules rules,
            Mode mode,
            OptionalInt flavors,
            OptionalInt beams,
            Optional<String> tableName,
            Optional<Path> cache)
            implements Captioner {}

    /** Captions that are there already, as {@code telltale caption} or {@code interrogate} writes them. */
    public record Given(String name, Path file) implements Captioner {}

    /** The same systems with another scope and some of the tasks. */
    public Plan with(Scope otherScope, List<Task> otherTasks) {
        return new Plan(otherScope, otherTasks, classifiers, captioners, reader, step, figures);
    }

    /** The folders and ids of all models that some stages open, each once. */
    public Set<String> models(Set<Stage> stages) {
        Set<String> models = new LinkedHashSet<>();
        if (stages.contains(Stage.CAPTIONS)) {
            for (Captioner c : captioners) {
                switch (c) {
                    case Blip b -> models.add(b.model());
                    case AttentionGru a -> models.add(a.model());
                    case Interrogated i -> {
                        models.add(i.model());
                        models.add(i.captioner());
                    }
                    case Given g -> {}
                }
            }
        }
        if (stages.contains(Stage.IMAGE)) {
            classifiers.forEach(c -> models.add(c.training().model()));
        }
        if (stages.contains(Stage.TEXT) && !captioners.isEmpty()) {
            models.add(reader.training().model());
        }
        return models;
    }

    /** The weights of the text, from 0 to 1. */
    public List<Double> weights() {
        int n = (int) Math.round(1 / step);
        return IntStream.rangeClosed(0, n).mapToObj(i -> (double) i / n).toList();
    }

    /** A system's name as a part of a file's. */
    static String slug(String name) {
        return name.replaceAll("[^A-Za-z0-9.+_-]", "-");
    }
}
