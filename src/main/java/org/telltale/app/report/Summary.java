package org.telltale.app.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.telltale.app.data.Scores;
import org.telltale.app.fusion.Trials;
import org.telltale.app.markup.Markup;

/** What was found, in sentences of HTML. */
final class Summary {
    private static final double LEVEL = 0.05;

    private Summary() {}

    /** How much of the plan is done. */
    static String progress(Evaluation e) {
        List<Integer> trials = e.tasks().stream()
                .flatMap(t -> t.systems().stream())
                .map(SystemResult::trials)
                .toList();
        int least = trials.stream().min(Comparator.naturalOrder()).orElse(0);
        int most = trials.stream().max(Comparator.naturalOrder()).orElse(0);
        int planned = e.findings().trials();
        if (most == 0) {
            return "No trial is done yet; " + Words.count(planned, "trial is", "trials are") + " planned.";
        }
        if (least >= planned) {
            return planned == 1
                    ? "Every system was trained once, so nothing is known of the spread between trainings."
                    : "Accuracies are means of " + planned
                            + " trials; ± is half the width of the 95 % interval of a mean.";
        }
        return "The experiment is not complete: " + (least == most ? "" + least : "between " + least + " and " + most)
                + " of " + planned + " trials of each system are done.";
    }

    static List<String> of(TaskResult r) {
        List<String> sentences = new ArrayList<>();
        Optional<SystemResult> image = r.best(Scores.Source.IMAGE);
        Optional<SystemResult> text = r.best(Scores.Source.TEXT);
        if (image.isPresent() && text.isPresent()) {
            sentences.add(better(r, image.get(), text.get()));
        } else {
            r.best()
                    .ifPresent(s -> sentences.add(
                            "So far <b>" + Markup.escape(s.name()) + "</b> is best: " + measured(s.accuracy()) + "."));
        }
        r.bestHalf().ifPresent(p -> equalWeights(sentences, r, p));
        r.bestOfGrid().ifPresent(p -> bestOfGrid(sentences, p));
        paper(r).ifPresent(sentences::add);
        if (sentences.isEmpty()) {
            sentences.add("No trial is done yet.");
        }
        return sentences;
    }

    private static String better(TaskResult r, SystemResult image, SystemResult text) {
        double difference =
                text.accuracy().mean().orElseThrow() - image.accuracy().mean().orElseThrow();
        double p = r.pairs().stream()
                .filter(x ->
                        x.classifier().equals(image.name()) && x.captioner().equals(text.name()))
                .mapToDouble(PairResult::direct)
                .findFirst()
                .orElse(1);
        String captions = "the captions of " + name(text.name()) + " come to " + measured(text.accuracy());
        String pictures =
                name(image.name()) + ", the best classifier of pictures, comes to " + measured(image.accuracy());
        String points = Words.percent(Math.abs(difference)) + " points";
        if (p >= LEVEL) {
            return "<b>Captions and pictures tell about as much</b>: " + captions + "; " + pictures
                    + ". A difference of " + points + " may be chance (p " + equal(p) + ").";
        }
        return difference > 0
                ? "<b>Captions tell more than pictures</b>: " + captions + "; " + pictures + ". That is " + points
                        + " less (p " + equal(p) + ")."
                : "<b>Pictures tell more than captions</b>: " + pictures + "; " + captions + ". That is " + points
                        + " less (p " + equal(p) + ").";
    }

    private static void equalWeights(List<String> sentences, TaskResult r, PairResult best) {
        PairResult.Comparison half = best.half();
        if (half == null) {
            return;
        }
        List<PairResult.Comparison> all = new ArrayList<>();
        for (PairResult p : r.pairs()) {
            PairResult.Comparison c = p.half();
            if (c != null) {
                all.add(c);
            }
        }
        long above = all.stream().filter(PairResult.Comparison::above).count();
        long better = all.stream().filter(c -> c.verdict() > 0).count();
        long worse = all.stream().filter(c -> c.verdict() < 0).count();
        sentences.add("<b>"
                + (better == 0
                        ? "Fusion does not help beyond chance"
                        : 2 * better > all.size() ? "Fusion helps" : "Fusion helps some pairs")
                + "</b>: with equal weights, which nobody chose, the fused scores of " + above + " of "
                + Words.count(all.size(), "pair", "pairs")
                + " of classifier and captioner are above the better of the two systems, " + better
                + " by more than chance at 5 %; " + worse + (worse == 1 ? " is" : " are")
                + " below it by more than chance. The best pair is "
                + name(best.classifier() + " + " + best.captioner())
                + " with " + measured(half.fused()) + ", " + Words.points(half.meanGain()) + " points against "
                + Markup.escape(half.better() == Scores.Source.TEXT ? best.captioner() : best.classifier())
                + " alone (corrected p " + equal(half.corrected()) + ").");
    }

    private static void bestOfGrid(List<String> sentences, PairResult p) {
        PairResult.Comparison best = p.best();
        if (best != null) {
            sentences.add("The best of the grid is " + pair(p) + " at w = " + Words.weight(best.weight()) + ": "
                    + measured(best.fused())
                    + ". This weight was chosen on the test split itself, so the figure is optimistic.");
        }
    }

    private static Optional<String> paper(TaskResult r) {
        int known = 0;
        int near = 0;
        double most = 0;
        String name = "";
        for (SystemResult s : r.systems()) {
            OptionalDouble paper = Paper.accuracy(r.task().name(), s.name());
            OptionalDouble mean = s.accuracy().mean();
            if (paper.isPresent() && mean.isPresent()) {
                double difference = mean.getAsDouble() - paper.getAsDouble();
                known++;
                near += Math.abs(difference) <= 0.01 ? 1 : 0;
                if (name.isEmpty() || Math.abs(difference) > Math.abs(most)) {
                    most = difference;
                    name = s.name();
                }
            }
        }
        return known == 0
                ? Optional.empty()
                : Optional.of("Of " + Words.count(known, "system", "systems") + " that the paper has too, "
                        + Words.count(near)
                        + " " + (near == 1 ? "is" : "are") + " within one point of it; the farthest is "
                        + Markup.escape(name) + " with " + Markup.escape(Words.points(most)) + " points.");
    }

    private static String name(String name) {
        return "<b>" + Markup.escape(name) + "</b>";
    }

    private static String pair(PairResult p) {
        return Markup.escape(p.classifier() + " + " + p.captioner());
    }

    private static String equal(double p) {
        String text = Words.p(p);
        return text.startsWith("<") ? "&lt;&nbsp;" + text.substring(1) : "=&nbsp;" + text;
    }

    /** Mean and interval. */
    private static String measured(Trials t) {
        return "<b class=\"n\">" + Words.percent(t.mean()) + " %</b>"
                + (t.margin().isEmpty() ? "" : " ± " + Words.percent(t.margin()));
    }
}
