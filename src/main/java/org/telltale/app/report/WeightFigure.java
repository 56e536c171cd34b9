package org.telltale.app.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import org.telltale.app.fusion.Trials;

/**
 * Accuracy against the weight of the text for one classifier of pictures, a line for each captioner, as the paper's figures 4
 * and 5. The band is the standard deviation over the trials to both sides; a number is the highest point, where it lies between
 * the ends.
 */
final class WeightFigure {
    private static final double WIDTH = 480;
    private static final double HEIGHT = 340;
    private static final double LEFT = 36;
    private static final double TOP = 54;
    private static final double BOTTOM = 290;
    private static final double LINE = 17;
    private static final int LABEL = 18;

    /** So far from a line a number is read without doubt. */
    private static final double CLEAR = 14;

    private static final double NEAR = 0.11;

    private final Svg svg;
    private final double right;
    private final double low;
    private final double high;
    private final double step;

    /** A label at the right end; y moves where another one is. */
    private record Label(int series, String text, double y) {}

    private WeightFigure(String title, String classifier, List<PairResult> pairs) {
        double label = pairs.stream()
                .mapToDouble(p -> Svg.widthOf(Svg.shortened(p.captioner(), LABEL) + " 00.0", 13))
                .max()
                .orElse(0);
        label = Math.max(label, Svg.widthOf(Svg.shortened(classifier, LABEL) + " 00.0", 13));
        right = WIDTH - 22 - label;
        double least = 1;
        double most = 0;
        for (PairResult p : pairs) {
            for (PairResult.Point point : p.curve()) {
                double mean = point.accuracy().mean().orElseThrow();
                double spread = point.accuracy().deviation().orElse(0);
                least = Math.min(least, mean - spread);
                most = Math.max(most, mean + spread);
            }
        }
        double range = Math.max(100 * (most - least), 1);
        step = range > 60 ? 20 : range > 25 ? 10 : range > 12 ? 5 : range > 5 ? 2 : range > 2 ? 1 : 0.5;
        low = Math.max(0, Math.floor(100 * least / step) * step);
        high = Math.min(100, Math.ceil((100 * most + 0.1 * step) / step) * step);
        svg = new Svg(WIDTH, HEIGHT, title);
    }

    /** @param pairs those of the classifier that have trials */
    static Svg of(TaskResult result, String classifier, List<PairResult> pairs) {
        String task = Words.title(result.task().name());
        WeightFigure f = new WeightFigure(
                "Accuracy against the weight of the text, " + classifier + ", " + task, classifier, pairs);
        f.svg.text("ink b", 0, 17, "start", Svg.shortened(task, 40));
        f.svg.text("soft sm", 0, 36, "start", "accuracy, %");
        f.axes(pairs);
        List<Label> labels = new ArrayList<>();
        OptionalDouble alone = pairs.getFirst().image().mean();
        if (alone.isPresent()) {
            double y = f.y(alone.getAsDouble());
            f.svg.line("axis dash", LEFT, y, f.right, y);
            labels.add(new Label(-1, Svg.shortened(classifier, LABEL) + " " + Words.percent1(alone.getAsDouble()), y));
        }
        for (int i = 0; i < pairs.size(); i++) {
            PairResult p = pairs.get(i);
            f.svg.begin(Svg.series(i));
            f.band(p);
            f.svg.end();
        }
        for (int i = 0; i < pairs.size(); i++) {
            PairResult p = pairs.get(i);
            f.svg.begin(Svg.series(i));
            f.curve(p, i);
            f.svg.end();
            double last = p.curve().getLast().accuracy().mean().orElseThrow();
            labels.add(new Label(i, Svg.shortened(p.captioner(), LABEL) + " " + Words.percent1(last), f.y(last)));
        }
        List<Label> placed = new ArrayList<>();
        for (int i = 0; i < pairs.size(); i++) {
            f.best(i, pairs, placed);
        }
        f.labels(labels);
        return f.svg;
    }

    private void axes(List<PairResult> pairs) {
        for (double v = low; v <= high + 1e-9; v += step) {
            double y = y(v / 100);
            svg.line("grid", LEFT, y, right, y);
            svg.text("soft sm", LEFT - 7, y + 4, "end", String.format(Locale.ROOT, step < 1 ? "%.1f" : "%.0f", v));
        }
        for (int i = 0; i <= 5; i++) {
            double w = i / 5.0;
            svg.line("axis", x(w), BOTTOM, x(w), BOTTOM + 4);
            svg.text(
                    "soft sm",
                    x(w),
                    BOTTOM + 18,
                    "middle",
                    String.format(Locale.ROOT, i % 5 == 0 ? "%.0f" : "%.1f", w));
        }
        svg.line("axis", LEFT, BOTTOM, right, BOTTOM);
        svg.text("soft sm", LEFT, BOTTOM + 38, "start", "picture only");
        svg.text("soft sm", (LEFT + right) / 2, BOTTOM + 38, "middle", "weight w of the text");
        svg.text("soft sm", right, BOTTOM + 38, "end", pairs.isEmpty() ? "" : "text only");
    }

    private void band(PairResult p) {
        if (p.image().count() < 2) {
            return;
        }
        StringBuilder d = new StringBuilder();
        List<PairResult.Point> points = p.curve();
        for (int i = 0; i < points.size(); i++) {
            edge(d, points.get(i), 1, i == 0 ? 'M' : 'L');
        }
        for (int i = points.size() - 1; i >= 0; i--) {
            edge(d, points.get(i), -1, 'L');
        }
        svg.path("band", d.append('z').toString());
    }

    private void edge(StringBuilder d, PairResult.Point point, int side, char move) {
        Trials a = point.accuracy();
        double v = a.mean().orElseThrow() + side * a.deviation().orElse(0);
        d.append(String.format(Locale.ROOT, "%c%.1f %.1f", move, x(point.weight()), y(v)));
    }

    private void curve(PairResult p, int series) {
        StringBuilder d = new StringBuilder();
        for (PairResult.Point point : p.curve()) {
            d.append(String.format(
                    Locale.ROOT,
                    "%c%.1f %.1f",
                    d.isEmpty() ? 'M' : 'L',
                    x(point.weight()),
                    y(point.accuracy().mean().orElseThrow())));
        }
        svg.path("line", d.toString());
        for (PairResult.Point point : p.curve()) {
            Trials a = point.accuracy();
            svg.mark(
                    series,
                    x(point.weight()),
                    y(a.mean().orElseThrow()),
                    3,
                    p.captioner() + ", w = " + Words.weight(point.weight()) + ": " + Words.spread(a));
        }
    }

    /** Where an inner weight is better than both ends: above the line, or below it where others are in the way. */
    private void best(int series, List<PairResult> pairs, List<Label> placed) {
        PairResult.Comparison best = pairs.get(series).best();
        if (best == null || best.meanGain() <= 0 || best.weight() <= 0 || best.weight() >= 1) {
            return;
        }
        double mean = best.fused().mean().orElseThrow();
        double y = y(mean);
        double above = room(series, pairs, placed, best.weight(), y - 13);
        boolean up = above >= CLEAR || above >= room(series, pairs, placed, best.weight(), y + 16);
        svg.begin(Svg.series(series));
        svg.mark(
                series,
                x(best.weight()),
                y,
                5,
                pairs.get(series).captioner() + ", best: " + Words.spread(best.fused()));
        svg.end();
        svg.text("ink b sm halo", x(best.weight()), up ? y - 9 : y + 20, "middle", Words.percent1(mean));
        placed.add(new Label(series, "", up ? y - 13 : y + 16));
    }

    /** How far a place is from the other lines and from what is written. */
    private double room(int series, List<PairResult> pairs, List<Label> placed, double weight, double y) {
        double room = Double.POSITIVE_INFINITY;
        for (int i = 0; i < pairs.size(); i++) {
            for (PairResult.Point point : pairs.get(i).curve()) {
                if (i != series && Math.abs(point.weight() - weight) < NEAR) {
                    room = Math.min(room, Math.abs(y(point.accuracy().mean().orElseThrow()) - y));
                }
            }
        }
        for (Label l : placed) {
            room = Math.min(room, Math.abs(l.y - y));
        }
        return room;
    }

    /** The labels from top to bottom, pushed apart. */
    private void labels(List<Label> labels) {
        List<Label> sorted =
                labels.stream().sorted(Comparator.comparingDouble(Label::y)).toList();
        double[] at = new double[sorted.size()];
        for (int i = 0; i < at.length; i++) {
            at[i] = i == 0 ? sorted.get(i).y : Math.max(sorted.get(i).y, at[i - 1] + LINE);
        }
        double over = at.length == 0 ? 0 : Math.max(0, at[at.length - 1] - BOTTOM);
        for (int i = at.length - 1; i >= 0 && over > 0; i--) {
            at[i] = Math.min(at[i], BOTTOM - (at.length - 1 - i) * LINE);
        }
        for (int i = 0; i < at.length; i++) {
            Label l = sorted.get(i);
            svg.begin(l.series < 0 ? "ink" : Svg.series(l.series));
            if (l.series < 0) {
                svg.line("axis dash", right + 4, at[i], right + 14, at[i]);
            } else {
                svg.mark(l.series, right + 11, at[i], 3.6, l.text);
            }
            svg.end();
            svg.text(l.series < 0 ? "soft" : "ink", right + 19, at[i] + 4.5, "start", l.text);
        }
    }

    private double x(double weight) {
        return LEFT + weight * (right - LEFT);
    }

    private double y(double share) {
        return BOTTOM - (100 * share - low) / (high - low) * (BOTTOM - TOP);
    }
}
