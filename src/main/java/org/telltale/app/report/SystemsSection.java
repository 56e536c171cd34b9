package org.telltale.app.report;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.telltale.app.data.Scores;
import org.telltale.app.fusion.Trials;
import org.telltale.app.markup.Markup;

/** Table 2: what every single system reaches, beside the paper’s numbers. */
record SystemsSection(Evaluation evaluation, List<Figure> figures, Html html) {
    void write() {
        html.begin("systems", "Single systems");
        html.paragraph(
                "Accuracy on the test split in percent: the mean over the trials, their standard deviation (sd), and the 95 %"
                        + " interval of the mean by Student’s t, which tells what another round of trainings on the same data might"
                        + " give. The paper’s value is its mean of " + Paper.TRIALS
                        + " trials; the difference is in percentage points. Bold is the best of its kind.");
        html.raw("<div class=\"pair\">");
        for (TaskResult r : evaluation.tasks()) {
            table2(r);
        }
        html.raw("</div>");
        html.figures(
                Figure.of(figures, Figure.Kind.SYSTEMS, ""),
                "<b>Table 2 as a figure.</b> Discs are means, thick lines their 95 % intervals, thin strokes single trials, and"
                        + " open diamonds the paper’s values. Blue systems see the picture, orange ones read its caption.");
        html.end();
    }

    private void table2(TaskResult r) {
        html.table(
                "<b>Table 2.</b> " + Markup.escape(Words.title(r.task().name())),
                List.of("System", "mean", "sd", "95 % interval", "paper", "difference"));
        for (Scores.Source source : List.of(Scores.Source.IMAGE, Scores.Source.TEXT)) {
            if (r.systems(source).findAny().isEmpty()) {
                continue;
            }
            html.raw("<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"6\">"
                    + (source == Scores.Source.IMAGE ? "From the picture" : "From the caption") + "</th></tr>\n");
            String best = r.best(source).map(SystemResult::name).orElse("");
            r.systems(source).forEach(s -> {
                Trials a = s.accuracy();
                OptionalDouble paper = Paper.accuracy(r.task().name(), s.name());
                html.raw(s.trials() > 0 && s.name().equals(best) ? "<tr class=\"best\">" : "<tr>");
                html.raw("<th scope=\"row\">").text(s.name());
                if (s.trials() < evaluation.findings().trials()) {
                    html.raw(" <small>" + s.trials() + " of "
                            + Words.count(evaluation.findings().trials(), "trial", "trials") + "</small>");
                }
                html.raw("</th>");
                List<String> cells = new ArrayList<>(List.of(
                        Words.percent(a.mean()), Words.percent(a.deviation()), interval(a), Words.percent(paper)));
                cells.add(
                        paper.isEmpty() || a.mean().isEmpty()
                                ? "–"
                                : Words.points(a.mean().getAsDouble() - paper.getAsDouble()));
                cells.forEach(c -> html.element("td", c));
                html.raw("</tr>\n");
            });
        }
        html.raw("<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"6\">From nothing</th></tr>\n");
        for (TaskResult.Baseline b : r.baselines()) {
            html.row(
                    "",
                    "Always “" + Words.label(b.label()) + "”, most frequent in "
                            + b.split().word(),
                    List.of(Words.percent(b.accuracy()), "–", "–", "–", "–"));
        }
        html.endTable();
    }

    /** Two trials far apart give an interval that leaves the possible: it ends there. */
    private static String interval(Trials a) {
        if (a.margin().isEmpty()) {
            return "–";
        }
        double mean = a.mean().orElseThrow();
        double margin = a.margin().getAsDouble();
        return Words.percent(Math.max(0, mean - margin)) + " – " + Words.percent(Math.min(1, mean + margin));
    }
}
