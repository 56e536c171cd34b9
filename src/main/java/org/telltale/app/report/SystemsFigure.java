package org.telltale.app.report;

import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import org.telltale.app.data.Scores;
import org.telltale.app.fusion.Trials;

/**
 * The accuracy of every single system: a disc with the 95 % interval over the trials, a stroke for each trial, a diamond where
 * the paper is, and a dashed line at the most frequent label of the test split.
 */
final class SystemsFigure {
    private static final double WIDTH = 480;
    private static final double ROW = 27;
    private static final double TOP = 60;

    private SystemsFigure() {}

    static Svg of(TaskResult result) {
        List<SystemResult> systems = result.systems();
        String task = Words.title(result.task().name());
        double left = 18
                + systems.stream()
                        .mapToDouble(s -> Svg.widthOf(Svg.shortened(s.name(), 22), 13))
                        .max()
                        .orElse(0);
        double right = WIDTH - 14;
        double bottom = TOP + ROW * systems.size() + 4;
        double low = 100;
        double high = 0;
        for (SystemResult s : systems) {
            Trials a = s.accuracy();
            for (double v : List.of(
                    a.mean().orElse(0.5) - a.margin().orElse(0),
                    a.mean().orElse(0.5) + a.margin().orElse(0),
                    Paper.accuracy(result.task().name(), s.name())
                            .orElse(a.mean().orElse(0.5)))) {
                low = Math.min(low, 100 * v);
                high = Math.max(high, 100 * v);
            }
        }
        double base = result.baselines().stream()
                .mapToDouble(TaskResult.Baseline::accuracy)
                .max()
                .orElse(low / 100);
        low = Math.max(0, Math.floor((Math.min(low, 100 * base) - 1) / 10) * 10);
        high = Math.min(100, Math.ceil((high + 0.5) / 5) * 5);
        double from = low;
        double scale = (right - left) / Math.max(1, high - low);
        Svg svg = new Svg(WIDTH, bottom + 46, "Accuracy of single systems, " + task);
        svg.text("ink b", 0, 17, "start", Svg.shortened(task, 40));
        double stride = high - low > 35 ? 10 : 5;
        for (double v = Math.ceil(low / stride) * stride; v <= high; v += stride) {
            double x = left + (v - from) * scale;
            svg.line("grid", x, TOP - 10, x, bottom);
            svg.text("soft sm", x, bottom + 17, "middle", String.format(Locale.ROOT, "%.0f", v));
        }
        svg.text("soft sm", (left + right) / 2, bottom + 37, "middle", "accuracy, %");
        double atBase = left + (100 * base - from) * scale;
        svg.line("axis dash", atBase, TOP - 10, atBase, bottom);
        svg.text("soft sm halo", atBase + 4, TOP - 16, "start", "most frequent label");
        for (int i = 0; i < systems.size(); i++) {
            SystemResult s = systems.get(i);
            double y = TOP + ROW * i + ROW / 2;
            if (i > 0 && s.source() != systems.get(i - 1).source()) {
                svg.line("axis", 0, y - ROW / 2, right, y - ROW / 2);
            }
            svg.text("ink", 0, y + 4.5, "start", Svg.shortened(s.name(), 22));
            svg.begin(Svg.series(s.source() == Scores.Source.IMAGE ? 0 : 1));
            system(svg, s.accuracy(), s.name(), y, v -> left + (100 * v - from) * scale);
            svg.end();
            OptionalDouble paper = Paper.accuracy(result.task().name(), s.name());
            if (paper.isPresent()) {
                double x = left + (100 * paper.getAsDouble() - from) * scale;
                svg.path("paper", String.format(Locale.ROOT, "M%.1f %.1fl5 5l-5 5l-5 -5z", x, y - 12));
            }
        }
        return svg;
    }

    private static void system(Svg svg, Trials a, String name, double y, java.util.function.DoubleUnaryOperator x) {
        if (a.mean().isEmpty()) {
            return;
        }
        double mean = a.mean().getAsDouble();
        a.values().forEach(v -> svg.line("whisker thin", x.applyAsDouble(v), y - 5, x.applyAsDouble(v), y + 5));
        a.margin().ifPresent(m -> svg.line("whisker", x.applyAsDouble(mean - m), y, x.applyAsDouble(mean + m), y));
        svg.mark(0, x.applyAsDouble(mean), y, 4.5, name + ": " + Words.spread(a));
    }
}
