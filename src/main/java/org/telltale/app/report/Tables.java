package org.telltale.app.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;
import org.telltale.app.data.Scores;
import org.telltale.app.data.Split;
import org.telltale.app.fusion.Confusion;
import org.telltale.app.fusion.Trials;

/**
 * The tables as CSV (RFC 4180 with line feeds), a header line first. Accuracies and other shares are in percent with four
 * decimals; what is not known is empty. Text of elsewhere that a spreadsheet would take for a formula begins with an
 * apostrophe.
 */
final class Tables {
    private static final CSVFormat FORMAT =
            CSVFormat.RFC4180.builder().setRecordSeparator('\n').get();

    private final StringBuilder out = new StringBuilder();
    private final CSVPrinter printer;

    private Tables(List<Object> header) {
        try {
            printer = new CSVPrinter(out, FORMAT);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        row(header);
    }

    private void row(List<Object> values) {
        try {
            printer.printRecord(values);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String toString() {
        return out.toString();
    }

    /** Pictures by task and label; a row without a label has all of them. */
    static String table1(Evaluation evaluation) {
        Tables t = new Tables(row("task", "label", "train", "dev", "test", "paper_train", "paper_dev", "paper_test"));
        for (TaskResult r : evaluation.tasks()) {
            List<Object> sums = row(text(r.task().name()), "");
            for (Split s : Split.values()) {
                sums.add(r.task().counts().getOrDefault(s, List.of()).stream()
                        .mapToInt(n -> n)
                        .sum());
            }
            for (Split s : Split.values()) {
                sums.add(Paper.count(r.task().name(), s).map(Object.class::cast).orElse(""));
            }
            t.row(sums);
            for (int i = 0; i < r.task().labels().size(); i++) {
                List<Object> row =
                        row(text(r.task().name()), text(r.task().labels().get(i)));
                for (Split s : Split.values()) {
                    List<Integer> counts = r.task().counts().getOrDefault(s, List.of());
                    row.add(i < counts.size() ? counts.get(i) : "");
                }
                row.addAll(List.of("", "", ""));
                t.row(row);
            }
        }
        return t.toString();
    }

    /** The single systems. */
    static String table2(Evaluation evaluation) {
        List<Object> header = row(
                "task",
                "source",
                "system",
                "trials",
                "planned",
                "mean",
                "sd",
                "low_95",
                "high_95",
                "paper",
                "difference",
                "macro_f1",
                "weighted_f1");
        header.addAll(numbered(evaluation));
        Tables t = new Tables(header);
        for (TaskResult r : evaluation.tasks()) {
            for (TaskResult.Baseline b : r.baselines()) {
                List<Object> row = row(
                        text(r.task().name()),
                        "baseline",
                        "always " + text(b.label()) + " (most frequent in "
                                + b.split().word() + ")",
                        "",
                        "",
                        percent(b.accuracy()));
                while (row.size() < header.size()) {
                    row.add("");
                }
                t.row(row);
            }
            for (SystemResult s : r.systems()) {
                Trials a = s.accuracy();
                OptionalDouble paper = Paper.accuracy(r.task().name(), s.name());
                List<Object> row = row(
                        text(r.task().name()),
                        word(s.source()),
                        text(s.name()),
                        s.trials(),
                        evaluation.findings().trials(),
                        percent(a.mean()),
                        percent(a.deviation()),
                        percent(sum(a.mean(), a.margin(), -1)),
                        percent(sum(a.mean(), a.margin(), 1)),
                        percent(paper),
                        percent(sum(a.mean(), paper, -1)),
                        percent(s.trials(Confusion::macroF1).mean()),
                        percent(s.trials(Confusion::weightedF1).mean()));
                row.addAll(values(evaluation, a));
                t.row(row);
            }
        }
        return t.toString();
    }

    /** Every classifier with every captioner at every weight. */
    static String fusion(Evaluation evaluation) {
        List<Object> header = row("task", "classifier", "captioner", "weight", "trials", "mean", "sd");
        header.addAll(numbered(evaluation));
        Tables t = new Tables(header);
        for (TaskResult r : evaluation.tasks()) {
            for (PairResult p : r.pairs()) {
                for (double weight : evaluation.findings().weights()) {
                    Trials a = p.curve().stream()
                            .filter(point -> point.weight() == weight)
                            .map(PairResult.Point::accuracy)
                            .findFirst()
                            .orElse(new Trials(List.of()));
                    List<Object> row = row(
                            text(r.task().name()),
                            text(p.classifier()),
                            text(p.captioner()),
                            weight,
                            a.count(),
                            percent(a.mean()),
                            percent(a.deviation()));
                    row.addAll(values(evaluation, a));
                    t.row(row);
                }
            }
        }
        return t.toString();
    }

    /** The counts of a task, all trials together; fused are equal weights. */
    static String confusion(TaskResult r) {
        List<Object> header = row("source", "system", "trials", "label");
        r.task().labels().forEach(l -> header.add("predicted " + l));
        Tables t = new Tables(header);
        for (SystemResult s : r.systems()) {
            confusion(t, word(s.source()), text(s.name()), s.confusions());
        }
        for (PairResult p : r.pairs()) {
            confusion(t, word(Scores.Source.FUSED), text(p.classifier() + " + " + p.captioner()), p.halfConfusions());
        }
        return t.toString();
    }

    private static void confusion(Tables t, String source, String system, List<Confusion> trials) {
        if (trials.isEmpty()) {
            return;
        }
        Confusion all = Confusion.sum(trials);
        for (int i = 0; i < all.labels().size(); i++) {
            List<Object> row =
                    row(source, system, trials.size(), text(all.labels().get(i)));
            row.addAll(all.counts().get(i));
            t.row(row);
        }
    }

    /** Precision, recall and F1 of every label, in the mean over the trials; fused are equal weights. */
    static String classes(Evaluation evaluation) {
        Tables t =
                new Tables(row("task", "source", "system", "trials", "label", "support", "precision", "recall", "f1"));
        for (TaskResult r : evaluation.tasks()) {
            for (SystemResult s : r.systems()) {
                classes(t, r, word(s.source()), s.name(), s.confusions());
            }
            for (PairResult p : r.pairs()) {
                classes(t, r, word(Scores.Source.FUSED), p.classifier() + " + " + p.captioner(), p.halfConfusions());
            }
        }
        return t.toString();
    }

    private static void classes(Tables t, TaskResult r, String source, String system, List<Confusion> trials) {
        for (int i = 0; i < r.task().labels().size() && !trials.isEmpty(); i++) {
            int label = i;
            t.row(row(
                    text(r.task().name()),
                    source,
                    text(system),
                    trials.size(),
                    text(r.task().labels().get(i)),
                    trials.getFirst().support(i),
                    percent(trials.stream().mapToDouble(c -> c.precision(label)).average()),
                    percent(trials.stream().mapToDouble(c -> c.recall(label)).average()),
                    percent(trials.stream().mapToDouble(c -> c.f1(label)).average())));
        }
    }

    /** What the captions are like. */
    static String texts(Evaluation evaluation) {
        Tables t = new Tables(row(
                "captioner",
                "captions",
                "words",
                "mean_words",
                "distinct_words",
                "type_token_ratio",
                "distinct_captions",
                "shared_captions",
                "shared",
                "frequent_words"));
        for (TextStatistics s : evaluation.texts()) {
            t.row(row(
                    text(s.captioner()),
                    s.captions(),
                    s.words(),
                    number(s.meanWords()),
                    s.distinct(),
                    number(s.typeTokenRatio()),
                    s.texts(),
                    s.shared(),
                    percent(s.sharedRatio()),
                    s.frequent().stream().map(w -> w.word() + " " + w.count()).collect(Collectors.joining("; "))));
        }
        return t.toString();
    }

    private static List<Object> row(Object... values) {
        return new ArrayList<>(Arrays.asList(values));
    }

    private static List<Object> numbered(Evaluation evaluation) {
        List<Object> names = new ArrayList<>();
        for (int k = 1; k <= most(evaluation); k++) {
            names.add("trial_" + k);
        }
        return names;
    }

    private static List<Object> values(Evaluation evaluation, Trials trials) {
        List<Object> values = new ArrayList<>();
        for (int k = 0; k < most(evaluation); k++) {
            values.add(k < trials.count() ? percent(trials.values().get(k)) : "");
        }
        return values;
    }

    /** The trials planned, or those there are if they should be more. */
    private static int most(Evaluation evaluation) {
        return Math.max(
                evaluation.findings().trials(),
                evaluation.tasks().stream()
                        .flatMap(t -> t.systems().stream())
                        .mapToInt(SystemResult::trials)
                        .max()
                        .orElse(0));
    }

    private static String word(Scores.Source source) {
        return source.name().toLowerCase(Locale.ROOT);
    }

    private static OptionalDouble sum(OptionalDouble a, OptionalDouble b, int sign) {
        return a.isEmpty() || b.isEmpty()
                ? OptionalDouble.empty()
                : OptionalDouble.of(a.getAsDouble() + sign * b.getAsDouble());
    }

    private static String percent(OptionalDouble v) {
        return v.isEmpty() ? "" : percent(v.getAsDouble());
    }

    private static String percent(double v) {
        return number(100 * v);
    }

    private static String number(double v) {
        return String.format(Locale.ROOT, "%.4f", v);
    }

    private static String text(String text) {
        return !text.isEmpty() && "=+-@\t\r\n".indexOf(text.charAt(0)) >= 0 ? "'" + text : text;
    }
}
