package org.telltale.app.report;

import java.util.ArrayList;
import java.util.List;
import org.telltale.app.fusion.McNemar;
import org.telltale.app.fusion.Trials;
import org.telltale.app.markup.Markup;

/** Figures 4 and 5, and whether fused scores are better than single ones. */
record FusionSection(Evaluation evaluation, List<Figure> figures, Html html) {
    void write() {
        if (evaluation.tasks().stream().allMatch(t -> t.bestHalf().isEmpty())) {
            return;
        }
        html.begin("fusion", "Fusion");
        html.paragraph(
                "The probabilities of both sides are averaged, <i>y</i> = (1 − <i>w</i>) <i>y</i><sub>picture</sub> + <i>w</i>"
                        + " <i>y</i><sub>text</sub>, trial <i>k</i> with trial <i>k</i>; an accuracy is the mean over the trials.");
        for (String classifier : evaluation.findings().figures()) {
            String number = Paper.figure(classifier)
                    .map(n -> "<b>Figure " + n + ".</b> ")
                    .orElse("");
            html.figures(
                    Figure.of(figures, Figure.Kind.WEIGHTS, classifier),
                    number + "Accuracy of " + Markup.escape(classifier)
                            + " fused with each captioner, against the weight <i>w</i> of the text. Bands are one standard"
                            + " deviation over the trials to both sides; a number is the highest point where it lies between the"
                            + " ends; at the right are the accuracies of the text alone, and, dashed, of the picture alone.");
        }
        html.raw("<h3>Does fusion help?</h3>\n");
        html.paragraph(
                "Fused scores beside the better of the two systems that they are made of. Which of them is the better is read"
                        + " off the test split, which works against fusion. The paper says of no weight how it was chosen; equal weights"
                        + " (<i>w</i> = 0.5) are chosen by nobody and are what is tested. <i>p</i> comes from the exact paired permutation"
                        + " test on the mean over the trials: if two systems did not differ, what they say of a picture could be exchanged,"
                        + " in all trials at once, so that trials of one picture never count as independent. It takes the pictures for what"
                        + " is drawn at random and the trainings as they were run; the interval of the gain, by Student’s t over the"
                        + " trials, is the other way round. Corrected is <i>p</i> after Holm for all the pairs of a task.");
        for (TaskResult r : evaluation.tasks()) {
            comparisons(r);
        }
        html.raw("<h3>The best weight of the grid</h3>\n");
        html.paragraph(
                "The weight with the highest accuracy <em>on the test split itself</em>: an optimistic figure, which a weight chosen"
                        + " on other pictures would not reach. Here <i>p</i> is multiplied by the number of inner weights (Bonferroni)"
                        + " before Holm’s correction.");
        for (TaskResult r : evaluation.tasks()) {
            chosen(r);
        }
        html.end();
    }

    private void comparisons(TaskResult r) {
        html.table(
                "Equal weights, " + Markup.escape(Words.label(r.task().name())),
                List.of("Pair", "picture", "text", "fused", "gain", "95 % interval", "p", "corrected"));
        for (PairResult p : r.pairs()) {
            PairResult.Comparison c = p.half();
            if (c == null) {
                html.row("", p.name(), List.of("–", "–", "–", "–", "–", "–", "–"));
                continue;
            }
            html.row(
                    c.verdict() > 0 ? "best" : "",
                    p.name() + incomplete(p),
                    List.of(
                            Words.percent(p.image().mean()),
                            Words.percent(p.text().mean()),
                            Words.percent(c.fused().mean()),
                            Words.points(c.meanGain()),
                            gain(c.gain()),
                            Words.p(c.p()),
                            Words.p(c.corrected())));
        }
        html.endTable();
        html.raw("<details><summary>McNemar’s exact test of every trial, ")
                .text(Words.label(r.task().name()))
                .raw("</summary>\n");
        int most = r.pairs().stream().mapToInt(p -> p.image().count()).max().orElse(0);
        List<String> columns = new ArrayList<>(List.of("Pair"));
        for (int k = 1; k <= most; k++) {
            columns.add("trial " + k);
        }
        html.table(
                "Pictures that only the fused scores have right : those that only the better single system has, and"
                        + " <i>p</i> of the trial by itself",
                columns);
        for (PairResult p : r.pairs()) {
            PairResult.Comparison c = p.half();
            if (c != null) {
                html.raw("<tr><th scope=\"row\">").text(p.name()).raw("</th>");
                for (int k = 0; k < most; k++) {
                    html.raw("<td>");
                    if (k < c.perTrial().size()) {
                        McNemar m = c.perTrial().get(k);
                        html.raw(m.first() + " : " + m.second() + "<br><small>").text("p " + Words.p(m.p()));
                        html.raw("</small>");
                    }
                    html.raw("</td>");
                }
                html.raw("</tr>\n");
            }
        }
        html.endTable().raw("</details>\n");
    }

    private void chosen(TaskResult r) {
        html.table(
                "Best of the grid, " + Markup.escape(Words.label(r.task().name()))
                        + ": chosen on the test split, optimistic",
                List.of("Pair", "w", "fused", "gain", "p, corrected", "w = 0.5"));
        for (PairResult p : r.pairs()) {
            PairResult.Comparison best = p.best();
            PairResult.Comparison half = p.half();
            if (best != null && half != null) {
                html.row(
                        best.verdict() > 0 ? "best" : "",
                        p.name() + incomplete(p),
                        List.of(
                                Words.weight(best.weight()),
                                Words.percent(best.fused().mean()),
                                Words.points(best.meanGain()),
                                Words.p(best.corrected()),
                                Words.percent(half.fused().mean())));
            }
        }
        html.endTable();
    }

    private String incomplete(PairResult p) {
        return p.image().count() < evaluation.findings().trials()
                ? " (" + p.image().count() + " of " + evaluation.findings().trials() + ")"
                : "";
    }

    private static String gain(Trials gain) {
        if (gain.margin().isEmpty()) {
            return "–";
        }
        double mean = gain.mean().orElseThrow();
        double margin = gain.margin().getAsDouble();
        return Words.points(mean - margin) + " to " + Words.points(mean + margin);
    }
}
