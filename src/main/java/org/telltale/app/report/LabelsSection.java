package org.telltale.app.report;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;
import org.telltale.app.fusion.Confusion;
import org.telltale.app.markup.Markup;

/** Confusion matrices, and precision and recall of every label. */
record LabelsSection(Evaluation evaluation, List<Figure> figures, Html html) {
    void write() {
        if (evaluation.tasks().stream().allMatch(t -> t.best().isEmpty())) {
            return;
        }
        html.begin("labels", "Label by label");
        for (int t = 0; t < evaluation.tasks().size(); t++) {
            int task = t;
            TaskResult r = evaluation.tasks().get(t);
            html.raw("<figure><div class=\"maps\">\n");
            figures.stream()
                    .filter(f -> f.kind() == Figure.Kind.CONFUSION && f.task() == task)
                    .forEach(f -> html.raw("<div>" + f.svg().inline() + "</div>\n"));
            html.raw("</div><figcaption><b>Confusion matrices, ")
                    .text(Words.label(r.task().name()));
            html.raw(
                    ".</b> All trials together; a row adds up to 100 %, its diagonal is the recall of its label. The last is the"
                            + " best pair fused with equal weights.</figcaption></figure>\n");
            classes(r);
        }
        html.end();
    }

    private void classes(TaskResult r) {
        List<String> columns = new ArrayList<>(List.of("System"));
        r.task().labels().forEach(l -> columns.add(Words.label(l)));
        columns.add("macro F1");
        columns.add("weighted F1");
        html.table(
                "<b>" + Markup.escape(Words.title(r.task().name()))
                        + ":</b> precision / recall of every label and F1 over all, in percent, means over the trials",
                columns);
        for (SystemResult s : r.systems()) {
            classes(r, s.name(), s.confusions());
        }
        r.bestHalf().ifPresent(p -> classes(r, p.name(), p.halfConfusions()));
        html.endTable();
    }

    private void classes(TaskResult r, String system, List<Confusion> trials) {
        if (trials.isEmpty()) {
            return;
        }
        List<String> cells = new ArrayList<>();
        for (int i = 0; i < r.task().labels().size(); i++) {
            int label = i;
            cells.add(Words.percent1(mean(trials.stream().mapToDouble(c -> c.precision(label))))
                    + " / "
                    + Words.percent1(mean(trials.stream().mapToDouble(c -> c.recall(label)))));
        }
        cells.add(Words.percent1(mean(trials.stream().mapToDouble(Confusion::macroF1))));
        cells.add(Words.percent1(mean(trials.stream().mapToDouble(Confusion::weightedF1))));
        html.row("", system, cells);
    }

    private static double mean(DoubleStream values) {
        return values.average().orElse(0);
    }
}
