package org.telltale.app.experiment;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.telltale.app.data.CrisisTsv;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Dataset;
import org.telltale.app.data.Fingerprint;
import org.telltale.app.data.InputNotFoundException;
import org.telltale.app.data.PictureData;
import org.telltale.app.data.Reasons;
import org.telltale.app.data.Sample;
import org.telltale.app.data.Split;
import org.telltale.app.data.Subset;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The labelled pictures of a task.
 *
 * @param tables that they were read from, by split
 * @param absent how many of them are not there
 */
record TaskData(Plan.Task task, Dataset<Sample.Picture> set, Map<Split, List<Path>> tables, List<String> absent) {
    private static final String SUFFIX = "_final(\\.subset)?\\.tsv";

    /**
     * Reads the tables of a task.
     *
     * @param data the folder with CrisisNLP's folders in it
     */
    static TaskData read(Plan.Task task, Plan.Scope scope, Path data) {
        Map<Split, List<Path>> tables = task.given().isEmpty() ? find(task.name(), scope.tables(), data) : task.given();
        Dataset<Sample.Picture> all = PictureData.tables(tables, CrisisTsv.LABEL, data, Optional.empty());
        List<String> absent = new ArrayList<>();
        Map<Split, List<Sample.Picture>> present = new EnumMap<>(Split.class);
        for (Split split : Split.values()) {
            List<Sample.Picture> there = new ArrayList<>();
            for (Sample.Picture p : all.samples(split)) {
                if (Files.isRegularFile(p.file())) {
                    there.add(p);
                } else {
                    absent.add(p.id());
                }
            }
            present.put(split, there);
        }
        Dataset<Sample.Picture> set = scope.missing() == Plan.Missing.SKIP
                ? new Dataset<>(all.labels(), present, List.of())
                : new Dataset<>(all.labels(), all.splits(), List.of());
        if (scope.subset().isPresent()) {
            set = Subset.of(set, scope.subset().getAsInt(), scope.seed());
        }
        return new TaskData(task, set, tables, absent);
    }

    /** Refuses an experiment whose pictures are not there. */
    void requirePictures(Plan.Scope scope) {
        if (scope.missing() == Plan.Missing.REFUSE && !absent.isEmpty()) {
            throw new InputNotFoundException(task.name() + ": " + absent.size()
                    + " pictures of the tables do not exist, such as " + absent.getFirst() + " below the data folder;"
                    + " 'telltale data crisisnlp' tells which, and --missing skip leaves them out");
        }
        for (Split split : List.of(Split.TRAIN, Split.TEST)) {
            if (set.samples(split).isEmpty()) {
                throw new InputNotFoundException(task.name() + ": no picture of " + split.word() + " exists");
            }
        }
    }

    /** What the files of the tables and the samples are, for headers: the same elsewhere when nothing differs. */
    ObjectNode describe() {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        ObjectNode files = node.putObject("tablesSha256");
        tables.forEach((split, paths) -> paths.forEach(p -> {
            try {
                files.put(split.word() + "/" + p.getFileName(), Fingerprint.sha256(p));
            } catch (IOException e) {
                throw new DataException(p + ": cannot be read: " + Reasons.of(e), e);
            }
        }));
        ObjectNode samples = node.putObject("samples");
        for (Split split : Split.values()) {
            samples.put(split.word(), set.samples(split).size());
        }
        return node;
    }

    /** How many samples of each label a split has, in the order of the labels. */
    List<Integer> counts(Split split) {
        Map<String, Integer> counts = new TreeMap<>();
        set.samples(split).forEach(p -> counts.merge(p.label(), 1, Integer::sum));
        return set.labels().stream().map(l -> counts.getOrDefault(l, 0)).toList();
    }

    /** How the consolidated tables of a task begin: SPEC §2.2. */
    private static String prefix(String task) {
        return "consolidated_" + (task.equals("damage_severity") ? "damage" : task) + "_";
    }

    private static Map<Split, List<Path>> find(String task, Plan.Tables which, Path data) {
        List<Path> folders = new ArrayList<>();
        Path tasks = data.resolve("tasks").resolve(task);
        if (which == Plan.Tables.UNION) {
            folders.addAll(list(tasks, Files::isDirectory).stream()
                    .filter(p -> !p.endsWith("consolidated"))
                    .toList());
        } else {
            folders.add(tasks.resolve("consolidated"));
            folders.add(tasks);
            folders.add(data);
        }
        Map<Split, List<Path>> found = new EnumMap<>(Split.class);
        for (Split split : Split.values()) {
            String name = which == Plan.Tables.UNION ? ".+_" : prefix(task);
            for (Path folder : folders) {
                List<Path> files = list(folder, Files::isRegularFile).stream()
                        .filter(p -> p.getFileName().toString().matches(name + split.word() + SUFFIX))
                        .toList();
                found.computeIfAbsent(split, s -> new ArrayList<>()).addAll(files);
                if (which == Plan.Tables.CONSOLIDATED && !files.isEmpty()) {
                    break;
                }
            }
        }
        if (found.getOrDefault(Split.TRAIN, List.of()).isEmpty()
                || found.getOrDefault(Split.TEST, List.of()).isEmpty()) {
            throw new InputNotFoundException(
                    which == Plan.Tables.UNION
                            ? task + ": no tables *_train_final.tsv and *_test_final.tsv in folders of " + tasks
                                    + "; --split consolidated looks for " + prefix(task) + "*_final.tsv, and a plan may"
                                    + " name tables of any name"
                            : task + ": no tables " + prefix(task) + "{train,dev,test}_final.tsv in " + folders
                                    + "; a plan may name tables of any name");
        }
        return found;
    }

    private static List<Path> list(Path folder, java.util.function.Predicate<Path> wanted) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(wanted).sorted().toList();
        } catch (IOException | UncheckedIOException e) {
            throw new DataException(folder + ": cannot be listed: " + e.getMessage(), e);
        }
    }
}
