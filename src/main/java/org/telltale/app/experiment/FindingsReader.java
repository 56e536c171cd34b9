package org.telltale.app.experiment;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Reasons;
import org.telltale.app.data.Records;
import org.telltale.app.data.Scores;
import org.telltale.app.data.Split;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads from the folder of an experiment what it has found so far. */
public final class FindingsReader {
    private final ExperimentFolder folder;
    private final ObjectNode description;
    private final Extent extent;

    private FindingsReader(ExperimentFolder folder) {
        this.folder = folder;
        description = folder.description();
        extent = Extent.of(description.path("extent"));
    }

    /** What a folder holds, whether or not a process works in it. */
    public static Findings read(Path root) {
        try (ExperimentFolder folder = ExperimentFolder.look(root)) {
            return new FindingsReader(folder).findings();
        }
    }

    private Findings findings() {
        List<Findings.Task> tasks = extent.tasks().stream().map(this::task).toList();
        Map<String, Map<String, String>> captions = new LinkedHashMap<>();
        ObjectNode provenance = description.deepCopy();
        provenance.remove("extent");
        ObjectNode made = provenance.putObject("captioners");
        for (String c : extent.captioners()) {
            Path file = folder.captions(c);
            if (Files.exists(file)) {
                captions.put(c, Records.texts(file));
                made.set(c, ExperimentFolder.essence(Records.header(file)));
            }
        }
        ObjectNode classifiers = provenance.putObject("classifiers");
        for (String task : extent.tasks()) {
            for (Stage side : List.of(Stage.IMAGE, Stage.TEXT)) {
                for (String c : side == Stage.IMAGE ? extent.classifiers() : extent.captioners()) {
                    Path file = scores(side, task, c, 1);
                    if (Files.exists(file)) {
                        classifiers.set(
                                side.word() + " " + task + " " + c, ExperimentFolder.essence(Records.header(file)));
                    }
                }
            }
        }
        return new Findings(
                tasks,
                extent.trials(),
                captions,
                extent.figures(),
                extent.weights(),
                provenance,
                summed(folder.times()));
    }

    private Path scores(Stage side, String task, String system, int trial) {
        return folder.trial(side.word(), task, system, trial).resolve("scores.jsonl");
    }

    private Findings.Task task(String name) {
        List<String> labels = new ArrayList<>();
        for (JsonNode l : description.path("tasks").path(name).path("labels")) {
            labels.add(l.stringValue(""));
        }
        Map<Split, int[]> counts = new EnumMap<>(Split.class);
        List<Findings.Picture> test = new ArrayList<>();
        Path data = Path.of(description.path("producer").path("data").stringValue(""));
        Path file = folder.samples(name);
        try {
            List<String> lines = Files.readAllLines(file);
            for (int i = 1; i < lines.size(); i++) {
                List<String> fields = List.of(lines.get(i).split("\t", -1));
                int label = fields.size() == 3 ? labels.indexOf(fields.get(2)) : -1;
                Split split = label < 0 ? null : Split.of(fields.get(0)).orElse(null);
                if (split == null) {
                    throw new DataException(file + ":" + (i + 1) + ": expected a split, an id and one of " + labels);
                }
                counts.computeIfAbsent(split, s -> new int[labels.size()])[label]++;
                if (split == Split.TEST) {
                    test.add(new Findings.Picture(fields.get(1), data.resolve(fields.get(1)), fields.get(2)));
                }
            }
        } catch (IOException e) {
            throw new DataException(file + ": cannot be read: " + Reasons.of(e), e);
        }
        Map<Split, List<Integer>> lists = new EnumMap<>(Split.class);
        for (Split split : Split.values()) {
            int[] n = counts.getOrDefault(split, new int[labels.size()]);
            lists.put(split, Arrays.stream(n).boxed().toList());
        }
        return new Findings.Task(
                name,
                labels,
                lists,
                test,
                trials(Stage.IMAGE, name, extent.classifiers()),
                trials(Stage.TEXT, name, extent.captioners()));
    }

    /** The trials that are done, from the first on without a gap, so that trial k stays trial k. */
    private Map<String, List<List<Scores>>> trials(Stage side, String task, List<String> systems) {
        Map<String, List<Path>> files = new LinkedHashMap<>();
        for (String system : systems) {
            List<Path> done = new ArrayList<>();
            for (int k = 1; k <= extent.trials() && Files.exists(scores(side, task, system, k)); k++) {
                done.add(scores(side, task, system, k));
            }
            files.put(system, done);
        }
        // a hundred files of thousands of records at the paper's size
        Map<Path, List<Scores>> read = files.values().stream().flatMap(List::stream).toList().parallelStream()
                .collect(Collectors.toConcurrentMap(f -> f, Records::scores));
        Map<String, List<List<Scores>>> all = new LinkedHashMap<>();
        files.forEach((system, done) -> all.put(
                system, done.stream().map(f -> read.getOrDefault(f, List.of())).toList()));
        return all;
    }

    /** One entry for each job: the seconds of its sittings together. */
    static List<Findings.Time> summed(List<Findings.Time> sittings) {
        Map<String, Findings.Time> jobs = new LinkedHashMap<>();
        for (Findings.Time t : sittings) {
            String key = t.stage() + "\t" + t.task() + "\t" + t.system() + "\t" + t.trial();
            jobs.merge(
                    key,
                    t,
                    (a, b) -> new Findings.Time(
                            a.stage(),
                            a.task(),
                            a.system(),
                            a.trial(),
                            a.seconds() + b.seconds(),
                            a.samples() + b.samples(),
                            b.machine().isEmpty() ? a.machine() : b.machine()));
        }
        return List.copyOf(jobs.values());
    }
}
