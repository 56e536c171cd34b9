package org.telltale.app.report;

import java.util.List;
import java.util.Locale;
import org.telltale.app.fusion.Confusion;

/** A confusion matrix: of the pictures with a label (row), the share that was taken for each (column), all trials together. */
final class HeatMap {
    private static final double SIDE = 266;

    /** From here on a cell is so dark that its text has to be light. */
    private static final double DARK = 0.55;

    private static final int NAMED = 40;
    private static final int NUMBERED = 12;
    private static final int LABEL = 16;

    private HeatMap() {}

    static Svg of(String system, String task, Confusion c) {
        int n = c.labels().size();
        boolean named = n <= NAMED;
        List<String> labels = c.labels().stream()
                .map(l -> Svg.shortened(Words.label(l), LABEL))
                .toList();
        double names = named
                ? 8
                        + labels.stream()
                                .mapToDouble(l -> Svg.widthOf(l, 11.5))
                                .max()
                                .orElse(0)
                : 8;
        double slope = named ? names * 0.72 + 4 : 8;
        double top = 42 + slope;
        double cell = Math.min(SIDE / n, 62);
        double width = Math.max(names + cell * n + names * 0.62, 300);
        Svg svg = new Svg(width, top + cell * n + 8, "Confusion matrix, " + system + ", " + task);
        svg.text("ink b", 0, 16, "start", Svg.shortened(system, 36));
        svg.text("soft sm", 0, 33, "start", "true (rows), taken for (columns), %");
        svg.begin(Svg.series(0));
        for (int i = 0; i < n; i++) {
            double y = top + i * cell;
            if (named) {
                svg.text("ink sm", names - 7, y + cell / 2 + 4, "end", labels.get(i));
                svg.turned("ink sm", names + (i + 0.5) * cell + 2, top - 6, -45, "start", labels.get(i));
            }
            for (int j = 0; j < n; j++) {
                double share = c.support(i) == 0 ? 0 : (double) c.count(i, j) / c.support(i);
                svg.rectangle(
                        "mark",
                        0.05 + 0.95 * share,
                        names + j * cell + 0.75,
                        y + 0.75,
                        cell - 1.5,
                        cell - 1.5,
                        c.labels().get(i) + " taken for " + c.labels().get(j) + ": " + Words.percent1(share) + " %, "
                                + c.count(i, j) + " of " + c.support(i));
                if (n <= NUMBERED && c.count(i, j) > 0) {
                    svg.text(
                            (share > DARK ? "hi" : "lo") + " sm",
                            names + (j + 0.5) * cell,
                            y + cell / 2 + 4,
                            "middle",
                            share < 0.005 ? "<1" : String.format(Locale.ROOT, "%.0f", 100 * share));
                }
            }
        }
        svg.end();
        return svg;
    }
}
