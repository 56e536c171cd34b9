package org.telltale.app.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.telltale.app.data.Split;

/** Loss and accuracy by epoch as one SVG picture, readable on light and dark ground. */
final class LossCurve {
    private static final int WIDTH = 860;
    private static final int HEIGHT = 320;
    private static final int LEFT = 56;
    private static final int PANEL = 360;
    private static final int TOP = 40;
    private static final int BOTTOM = 270;

    /** Blue, orange and green that colour-blind readers tell apart. */
    private static final String[] COLOURS = {"#3b7dd8", "#e08214", "#1b9e77"};

    private LossCurve() {}

    private record Line(String name, String colour, List<@Nullable Double> values) {}

    static String svg(List<EpochRecord> history) {
        StringBuilder svg = new StringBuilder();
        svg.append(String.format(
                Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" font-family=\"sans-serif\""
                        + " font-size=\"12\"><style>text{fill:#555}line.g{stroke:#8884}@media(prefers-color-scheme:dark)"
                        + "{text{fill:#bbb}}</style>%n",
                WIDTH,
                HEIGHT));
        panel(svg, history, LEFT, "loss", EpochRecord.Score::loss, false);
        panel(svg, history, LEFT + PANEL + 70, "accuracy", EpochRecord.Score::accuracy, true);
        return svg.append("</svg>\n").toString();
    }

    private static void panel(
            StringBuilder svg,
            List<EpochRecord> history,
            int left,
            String title,
            Function<EpochRecord.Score, Double> value,
            boolean share) {
        List<Line> lines = new ArrayList<>();
        lines.add(line("train", COLOURS[0], history, r -> value.apply(r.train())));
        lines.add(line("dev", COLOURS[1], history, r -> measured(r, Split.DEV, value)));
        lines.add(line("test", COLOURS[2], history, r -> measured(r, Split.TEST, value)));
        double most = share ? 1 : top(lines);
        int width = PANEL - 20;
        svg.append(text(left, TOP - 18, "start", title));
        for (int i = 0; i <= 4; i++) {
            double v = most * i / 4;
            double y = y(v, most);
            svg.append(String.format(
                    Locale.ROOT,
                    "<line class=\"g\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>%n",
                    left,
                    left + width,
                    y,
                    y));
            svg.append(text(left - 6, y + 4, "end", share ? Math.round(v * 100) + " %" : number(v)));
        }
        int n = history.size();
        for (int i = 0; i < n; i += Math.max(1, n / 8)) {
            svg.append(text(x(i, n, left, width), BOTTOM + 18, "middle", Integer.toString(i + 1)));
        }
        svg.append(text(left + width / 2.0, BOTTOM + 38, "middle", "epoch"));
        for (int i = 1; i < n; i++) {
            if (!history.get(i).phase().equals(history.get(i - 1).phase())) {
                double at = (x(i, n, left, width) + x(i - 1, n, left, width)) / 2;
                svg.append(String.format(
                        Locale.ROOT,
                        "<line class=\"g\" stroke-dasharray=\"3 3\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>%n",
                        at,
                        at,
                        TOP,
                        BOTTOM));
            }
        }
        int legend = left + 70;
        for (Line l : lines) {
            if (l.values.stream().allMatch(v -> v == null)) {
                continue;
            }
            StringBuilder points = new StringBuilder();
            for (int i = 0; i < n; i++) {
                Double v = l.values.get(i);
                if (v != null) {
                    double x = x(i, n, left, width);
                    points.append(String.format(Locale.ROOT, "%.1f,%.1f ", x, y(v, most)));
                    svg.append(String.format(
                            Locale.ROOT,
                            "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\" fill=\"%s\"><title>%s, epoch %d: %s</title></circle>%n",
                            x,
                            y(v, most),
                            l.colour,
                            l.name,
                            i + 1,
                            number(v)));
                }
            }
            svg.append(String.format(
                    Locale.ROOT,
                    "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"%s\"/>%n",
                    l.colour,
                    points.toString().strip()));
            svg.append(String.format(
                    Locale.ROOT,
                    "<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"4\" fill=\"%s\"/>%n",
                    legend,
                    TOP - 25,
                    l.colour));
            svg.append(text(legend + 17, TOP - 18, "start", l.name));
            legend += 70;
        }
    }

    private static @Nullable Double measured(EpochRecord r, Split split, Function<EpochRecord.Score, Double> value) {
        EpochRecord.Score s = r.measured().get(split);
        return s == null ? null : value.apply(s);
    }

    private static Line line(
            String name, String colour, List<EpochRecord> history, Function<EpochRecord, @Nullable Double> value) {
        List<@Nullable Double> values = new ArrayList<>();
        history.forEach(r -> values.add(value.apply(r)));
        return new Line(name, colour, values);
    }

    private static double top(List<Line> lines) {
        double most = 0;
        for (Line l : lines) {
            for (Double v : l.values) {
                most = v == null ? most : Math.max(most, v);
            }
        }
        double step = Math.pow(10, Math.floor(Math.log10(Math.max(most, 1e-6))));
        return Math.max(Math.ceil(most / step * 2) / 2 * step, 1e-6);
    }

    private static double x(int i, int n, int left, int width) {
        return left + (n == 1 ? width / 2.0 : i * (double) width / (n - 1));
    }

    private static double y(double v, double most) {
        return BOTTOM - v / most * (BOTTOM - TOP);
    }

    private static String number(double v) {
        return String.format(Locale.ROOT, Math.abs(v) < 0.1 ? "%.3g" : "%.2f", v);
    }

    private static String text(double x, double y, String anchor, String text) {
        return String.format(
                Locale.ROOT, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>%n", x, y, anchor, text);
    }
}
