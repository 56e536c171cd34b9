package org.telltale.app.experiment;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Header;
import org.telltale.app.data.Reasons;
import org.telltale.app.data.Records;
import org.telltale.engine.io.WholeFile;
import tools.jackson.databind.node.ObjectNode;

/** Brings together what was done of one experiment on several machines. */
public final class Merge {
    private static final int DEPTH = 5;
    private static final List<String> TRIAL = List.of("run.json", "metrics.jsonl", "loss.svg", "report.html");

    private Merge() {}

    /**
     * Adds to a folder the finished jobs of others.
     *
     * @param to made where it is not there
     * @return how many files of captions and scores were added
     * @throws DataException if the folders are not of one experiment, or hold different results of one job
     */
    public static int into(Path to, List<Path> from) {
        ObjectNode description = describe(from.getFirst());
        for (Path other : from) {
            ExperimentFolder.difference(description, describe(other)).ifPresent(d -> {
                throw new DataException(other + ": of another experiment than " + from.getFirst() + ": " + d);
            });
        }
        int added = 0;
        try (ExperimentFolder target = ExperimentFolder.open(to, description)) {
            for (Path other : from) {
                try (ExperimentFolder source = ExperimentFolder.look(other)) {
                    if (source.busy()) {
                        throw new DataException(other + ": a process works in this folder; wait for its end");
                    }
                    for (Path file : results(other)) {
                        added += add(other, file, to) ? 1 : 0;
                    }
                    List<Findings.Time> there = target.times();
                    source.times().stream().filter(t -> !there.contains(t)).forEach(target::time);
                }
            }
        } catch (IOException e) {
            throw new DataException(to + ": cannot be written: " + Reasons.of(e), e);
        }
        return added;
    }

    private static ObjectNode describe(Path root) {
        try (ExperimentFolder folder = ExperimentFolder.look(root)) {
            return folder.description();
        }
    }

    /** The finished files of captions and scores, and the tables of samples. */
    private static List<Path> results(Path root) {
        List<Path> found = new ArrayList<>();
        for (String part : List.of("tasks", "captions", "image", "text")) {
            Path folder = root.resolve(part);
            if (Files.isDirectory(folder)) {
                try (Stream<Path> files = Files.walk(folder, DEPTH)) {
                    files.filter(Files::isRegularFile)
                            .filter(p -> part.equals("tasks")
                                    || (part.equals("captions") && p.toString().endsWith(".jsonl"))
                                    || p.endsWith("scores.jsonl"))
                            .sorted()
                            .forEach(found::add);
                } catch (IOException | UncheckedIOException e) {
                    throw new DataException(folder + ": cannot be listed: " + e.getMessage(), e);
                }
            }
        }
        return found;
    }

    private static boolean add(Path root, Path file, Path to) throws IOException {
        Path target = to.resolve(root.relativize(file).toString());
        if (Files.exists(target)) {
            boolean table = file.toString().endsWith(".tsv");
            if (!same(file, target, table)) {
                throw new DataException(file + " and " + target + " hold different results of one job"
                        + (table ? "" : difference(file, target)));
            }
            return false;
        }
        Files.createDirectories(target.toAbsolutePath().getParent());
        if (file.endsWith("scores.jsonl")) {
            for (String name : TRIAL) {
                if (Files.exists(file.resolveSibling(name))) {
                    WholeFile.write(target.resolveSibling(name), Files.readAllBytes(file.resolveSibling(name)));
                }
            }
        }
        WholeFile.write(target, Files.readAllBytes(file));
        return true;
    }

    /** The same records, wherever they were made. */
    private static boolean same(Path a, Path b, boolean table) throws IOException {
        if (table) {
            return Files.mismatch(a, b) < 0;
        }
        try (Stream<String> x = Files.lines(a);
                Stream<String> y = Files.lines(b)) {
            return x.skip(1).toList().equals(y.skip(1).toList())
                    && ExperimentFolder.essence(Records.header(a)).equals(ExperimentFolder.essence(Records.header(b)));
        }
    }

    private static String difference(Path a, Path b) {
        return Header.difference(
                        ExperimentFolder.essence(Records.header(a)), ExperimentFolder.essence(Records.header(b)))
                .map(d -> ": " + d)
                .orElse(": the records differ");
    }
}
