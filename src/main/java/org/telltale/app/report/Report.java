package org.telltale.app.report;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Reasons;
import org.telltale.app.experiment.Findings;
import org.telltale.app.fusion.Trials;
import org.telltale.engine.io.WholeFile;

/**
 * The report of an experiment: {@code report.html} to read, {@code report.json} with all numbers, the tables as CSV, and the
 * figures as SVG in {@code figures}. An experiment that goes on has one too; it says how many trials it is made of. Apart
 * from the page, which tells times, the files are a function of what was found.
 */
public final class Report {
    private static final int NAME_LENGTH = 80;

    private final Evaluation evaluation;

    private Report(Evaluation evaluation) {
        this.evaluation = evaluation;
    }

    /**
     * Computes all numbers.
     *
     * @throws DataException if what was found does not fit together, such as scores of other pictures than the test
     *     split's
     */
    public static Report of(Findings findings) {
        return new Report(Evaluation.of(findings));
    }

    /**
     * Writes the files, each of which is complete at any moment.
     *
     * @param folder made where there is none
     * @throws DataException if a file cannot be written
     */
    public void write(Path folder) {
        files(evaluation).forEach((name, content) -> write(folder.resolve(name), content));
    }

    /** The mean accuracy of every system, and of each pair fused with equal weights, in lines for a terminal. */
    public String accuracies() {
        StringBuilder lines = new StringBuilder();
        for (TaskResult r : evaluation.tasks()) {
            lines.append(r.task().name()).append(":\n");
            r.systems().forEach(s -> lines.append(line(s.name(), s.accuracy())));
            for (PairResult p : r.pairs()) {
                PairResult.Comparison half = p.half();
                if (half != null) {
                    lines.append(line(p.classifier() + " with " + p.captioner(), half.fused()));
                }
            }
        }
        return lines.toString();
    }

    private static String line(String system, Trials accuracy) {
        return String.format(
                Locale.ROOT,
                "  %-24s %s%n",
                system,
                accuracy.mean().isEmpty() ? "–" : Words.percent1(accuracy.mean().getAsDouble()) + " %");
    }

    private static Map<String, String> files(Evaluation evaluation) {
        Map<String, String> files = new LinkedHashMap<>();
        files.put("report.json", ReportJson.of(evaluation).toPrettyString() + "\n");
        files.put("table1.csv", Tables.table1(evaluation));
        files.put("table2.csv", Tables.table2(evaluation));
        files.put("fusion.csv", Tables.fusion(evaluation));
        files.put("classes.csv", Tables.classes(evaluation));
        files.put("texts.csv", Tables.texts(evaluation));
        for (TaskResult task : evaluation.tasks()) {
            put(files, "confusion-", task.task().name(), ".csv", Tables.confusion(task));
        }
        List<Figure> figures = Figure.of(evaluation);
        for (Figure f : figures) {
            String task = evaluation.tasks().get(f.task()).task().name();
            put(files, "figures/", f.name() + "-" + task, ".svg", f.svg().file());
        }
        files.put("report.html", Page.of(evaluation, figures));
        return files;
    }

    /** A name of elsewhere becomes one that stays in its folder; of two that become the same the later gets a number. */
    static void put(Map<String, String> files, String before, String name, String after, String content) {
        String safe = name.replaceAll("[^A-Za-z0-9_-]+", "_");
        safe = before + (safe.length() > NAME_LENGTH ? safe.substring(0, NAME_LENGTH) : safe);
        String free = safe + after;
        for (int i = 2; files.containsKey(free); i++) {
            free = safe + "-" + i + after;
        }
        files.put(free, content);
    }

    private static void write(Path file, String content) {
        try {
            Path parent = file.getParent();
            if (parent != null) {
                Files.createDirectories(parent);
            }
            WholeFile.write(file, content.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new DataException(file + ": cannot be written: " + Reasons.of(e), e);
        }
    }
}
