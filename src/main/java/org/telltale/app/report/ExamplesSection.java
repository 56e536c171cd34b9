package org.telltale.app.report;

import java.util.List;
import java.util.Optional;
import org.telltale.app.data.Scores;
import org.telltale.app.experiment.Findings;
import org.telltale.app.markup.Markup;
import org.telltale.app.markup.Thumbnail;

/** Single pictures: what the systems say of them, and which only the text or only the picture gets right. */
record ExamplesSection(Evaluation evaluation, Html html) {
    private static final int LARGE = 420;
    private static final int SMALL = 260;

    /** Figure 3. */
    void disagreements() {
        if (evaluation.examples().stream().allMatch(e -> e.disagreements().isEmpty())) {
            return;
        }
        html.begin("examples", "Examples");
        html.paragraph(
                "Pictures on which about as many systems are right as wrong. A decision is that of most trials of a system; how"
                        + " many is said where not all agree.");
        html.raw("<figure>\n");
        for (int t = 0; t < evaluation.tasks().size(); t++) {
            for (Examples.Example e : evaluation.examples().get(t).disagreements()) {
                example(evaluation.tasks().get(t), e);
            }
        }
        html.raw("<figcaption><b>Figure 3.</b> What the systems say of single pictures, and the texts that they read."
                + "</figcaption></figure>\n");
        html.end();
    }

    private void example(TaskResult r, Examples.Example e) {
        html.raw("<article class=\"example\"><div class=\"picture\">");
        picture(e.picture(), LARGE);
        html.raw("<p><b>").text(Words.label(e.picture().label())).raw("</b> <small>");
        html.text(Words.label(r.task().name()))
                .raw("<br>")
                .text(e.picture().id())
                .raw("</small></p></div><dl>\n");
        for (Examples.Decision d : e.decisions()) {
            html.raw("<div><dt>").text(d.system()).raw("</dt><dd>");
            if (!d.caption().isEmpty()) {
                html.raw("<q>").text(d.caption()).raw("</q> ");
            }
            decision(e, d);
            html.raw("</dd></div>\n");
        }
        html.raw("</dl></article>\n");
    }

    /** Where one side is right and the other wrong. */
    void contrast() {
        if (evaluation.tasks().stream().allMatch(t -> t.bestHalf().isEmpty())) {
            return;
        }
        html.begin("contrast", "Where the text tells more than the picture");
        html.paragraph(
                "Test pictures that one side has right in more than half of its trials, and the other wrong in more than half of its"
                        + " own. The difference is the accuracy of the text less that of the picture, in points; <i>p</i> is the permutation"
                        + " test’s, not corrected.");
        for (int t = 0; t < evaluation.tasks().size(); t++) {
            TaskResult r = evaluation.tasks().get(t);
            Examples e = evaluation.examples().get(t);
            html.table(
                    Markup.escape(Words.title(r.task().name())) + ", "
                            + Words.count(r.task().test().size()) + " test pictures",
                    List.of("Pair", "only text", "only picture", "both", "neither", "undecided", "difference", "p"));
            for (PairResult p : r.pairs()) {
                if (p.half() != null) {
                    PairResult.Contrast c = p.tells();
                    html.row(
                            p.classifier().equals(e.classifier())
                                            && p.captioner().equals(e.captioner())
                                    ? "best"
                                    : "",
                            p.name(),
                            List.of(
                                    Words.count(c.text()),
                                    Words.count(c.image()),
                                    Words.count(c.both()),
                                    Words.count(c.neither()),
                                    Words.count(c.undecided(r.task().test().size())),
                                    Words.points(p.text().mean().orElseThrow()
                                            - p.image().mean().orElseThrow()),
                                    Words.p(p.direct())));
                }
            }
            html.endTable();
            strip(
                    e,
                    e.text(),
                    "Only the caption of " + e.captioner() + " is told right, not the picture by " + e.classifier());
            strip(
                    e,
                    e.image(),
                    "Only the picture is told right by " + e.classifier() + ", not the caption of " + e.captioner());
        }
        html.end();
    }

    private void strip(Examples all, List<Examples.Example> examples, String title) {
        if (examples.isEmpty()) {
            return;
        }
        html.element("h3", title).raw("<div class=\"strip\">\n");
        for (Examples.Example e : examples) {
            html.raw("<article>");
            picture(e.picture(), SMALL);
            html.raw("<p><b>").text(Words.label(e.picture().label())).raw("</b></p>");
            e.of(all.captioner(), Scores.Source.TEXT).ifPresent(d -> {
                html.raw("<p>");
                if (!d.caption().isEmpty()) {
                    html.raw("<q>").text(d.caption()).raw("</q><br>");
                }
                html.raw("text: ");
                decision(e, d);
                html.raw("</p>");
            });
            e.of(all.classifier(), Scores.Source.IMAGE).ifPresent(d -> {
                html.raw("<p>picture: ");
                decision(e, d);
                html.raw("</p>");
            });
            html.raw("</article>\n");
        }
        html.raw("</div>\n");
    }

    private void decision(Examples.Example e, Examples.Decision d) {
        boolean right = d.label().equals(e.picture().label());
        html.raw("<span class=\"" + (right ? "right" : "wrong") + "\">" + (right ? "✓ " : "✗ "));
        html.text(Words.label(d.label())).raw("</span>");
        if (d.votes() < d.trials()) {
            html.raw(" <small>" + d.votes() + " of " + d.trials() + "</small>");
        }
    }

    private void picture(Findings.Picture p, int side) {
        Optional<String> image = Thumbnail.jpeg(p.file(), side, side);
        if (image.isPresent()) {
            html.raw("<img src=\"" + image.get() + "\" alt=\"").text(p.id()).raw("\">");
        } else {
            html.raw("<div class=\"none\">The picture is not on this machine.</div>");
        }
    }
}
