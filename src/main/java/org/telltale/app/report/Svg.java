package org.telltale.app.report;

import java.util.Locale;
import org.telltale.app.markup.Markup;

/**
 * A figure as it is drawn. Its looks are classes of one style sheet, for light and dark ground, so that a page holds them
 * once and a file by itself has them too.
 */
final class Svg {
    /** Lines that colour-blind readers tell apart, after Okabe and Ito; marks differ too. */
    static final int SERIES = 6;

    private static final String[] LIGHT = {"#0072b2", "#d55e00", "#009e73", "#a14d8c", "#6b5bd2", "#5f6b6d"};
    private static final String[] DARK = {"#56b4e9", "#ff9248", "#2ccb9b", "#e6a3c8", "#b3a5ff", "#b0bec5"};

    private final StringBuilder body = new StringBuilder();
    private final double width;
    private final double height;
    private final String title;

    /** @param title what a reader of screens says */
    Svg(double width, double height, String title) {
        this.width = width;
        this.height = height;
        this.title = title;
    }

    /** The style sheet of all figures. */
    static String style() {
        return ".tt{font:13px system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",sans-serif}"
                + rules("#1d2126", "#5b646e", "#e3e6ea", "#98a1ab", "#fff", LIGHT)
                + ".tt .b{font-weight:600}.tt .sm{font-size:11.5px}.tt .grid{stroke-width:1}.tt .axis{stroke-width:1}"
                + ".tt .dash{stroke-dasharray:4 4}.tt .line{fill:none;stroke:currentColor;stroke-width:2.2;"
                + "stroke-linejoin:round;stroke-linecap:round}.tt .band{fill:currentColor;opacity:.16}"
                + ".tt .mark{fill:currentColor}.tt .whisker{stroke:currentColor;stroke-width:2.2;stroke-linecap:round}"
                + ".tt .thin{stroke-width:1.2;opacity:.55}.tt .ring{fill:none;stroke:currentColor;stroke-width:2}"
                + ".tt .halo{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}"
                + "@media(prefers-color-scheme:dark){"
                + rules("#e8ebee", "#a3adb8", "#30363d", "#6b7580", "#14171b", DARK)
                + "}";
    }

    private static String rules(String ink, String soft, String grid, String axis, String ground, String[] series) {
        StringBuilder b = new StringBuilder(".tt .ink{fill:" + ink + "}.tt .soft{fill:" + soft + "}.tt .grid{stroke:"
                + grid
                + "}.tt .axis{stroke:" + axis + "}.tt .ground{fill:" + ground + "}.tt .halo{stroke:" + ground
                + "}.tt .gap{stroke:" + ground + "}.tt .hi{fill:" + ground + "}.tt .lo{fill:" + ink
                + "}.tt .paper{stroke-width:1.3;stroke:" + ink + ";fill:"
                + ground + "}");
        for (int i = 0; i < series.length; i++) {
            b.append(".tt .s").append(i).append("{color:").append(series[i]).append('}');
        }
        return b.toString();
    }

    /** The class of a line. */
    static String series(int number) {
        return "s" + number % SERIES;
    }

    void line(String css, double x1, double y1, double x2, double y2) {
        add("<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>%n", css, x1, y1, x2, y2);
    }

    /** @param anchor start, middle or end */
    void text(String css, double x, double y, String anchor, String text) {
        add(
                "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>%n",
                css, x, y, anchor, Markup.escape(text));
    }

    /** Text that is turned around where it begins. */
    void turned(String css, double x, double y, double degrees, String anchor, String text) {
        add(
                "<text class=\"%s\" transform=\"translate(%.1f %.1f) rotate(%.0f)\" text-anchor=\"%s\">%s</text>%n",
                css, x, y, degrees, anchor, Markup.escape(text));
    }

    void path(String css, String d) {
        add("<path class=\"%s\" d=\"%s\"/>%n", css, d);
    }

    /** @param title shown where a pointer rests */
    void rectangle(String css, double opacity, double x, double y, double w, double h, String title) {
        add(
                "<rect class=\"%s\" fill-opacity=\"%.3f\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">"
                        + "<title>%s</title></rect>%n",
                css, opacity, x, y, w, h, Markup.escape(title));
    }

    /** The mark of a line: a disc, a square, a triangle, a diamond, and these once more. */
    void mark(int series, double x, double y, double size, String title) {
        String d = switch (series % 4) {
            case 0 -> circle(x, y, size);
            case 1 ->
                String.format(
                        Locale.ROOT, "M%.1f %.1fh%.1fv%.1fh%.1fz", x - size, y - size, 2 * size, 2 * size, -2 * size);
            case 2 ->
                String.format(
                        Locale.ROOT,
                        "M%.1f %.1fL%.1f %.1fL%.1f %.1fz",
                        x,
                        y - 1.3 * size,
                        x + 1.25 * size,
                        y + size,
                        x - 1.25 * size,
                        y + size);
            default ->
                String.format(
                        Locale.ROOT,
                        "M%.1f %.1fL%.1f %.1fL%.1f %.1fL%.1f %.1fz",
                        x,
                        y - 1.4 * size,
                        x + 1.4 * size,
                        y,
                        x,
                        y + 1.4 * size,
                        x - 1.4 * size,
                        y);
        };
        add("<path class=\"mark\" d=\"%s\"><title>%s</title></path>%n", d, Markup.escape(title));
    }

    void ring(double x, double y, double radius) {
        path("ring", circle(x, y, radius));
    }

    private static String circle(double x, double y, double r) {
        return String.format(
                Locale.ROOT,
                "M%.1f %.1fa%.1f %.1f 0 1 0 %.1f 0a%.1f %.1f 0 1 0 %.1f 0z",
                x - r,
                y,
                r,
                r,
                2 * r,
                r,
                r,
                -2 * r);
    }

    void begin(String css) {
        add("<g class=\"%s\">%n", css);
    }

    void end() {
        body.append("</g>\n");
    }

    private void add(String pattern, Object... values) {
        body.append(String.format(Locale.ROOT, pattern.replace("%n", "\n"), values));
    }

    /** For a page that has the style sheet. */
    String inline() {
        return open("") + body + "</svg>\n";
    }

    /** For a file. */
    String file() {
        return open(" width=\"" + String.format(Locale.ROOT, "%.0f", 1.5 * width) + "\"") + "<style>" + style()
                + "</style><rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n" + body + "</svg>\n";
    }

    private String open(String size) {
        String escaped = Markup.escape(title);
        return String.format(
                Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"tt\" viewBox=\"0 0 %.0f %.0f\"%s role=\"img\""
                        + " aria-label=\"%s\">\n<title>%s</title>\n",
                width,
                height,
                size,
                escaped,
                escaped);
    }

    /** About how wide a text is, in letters of the figures' font. */
    static double widthOf(String text, double size) {
        return text.codePointCount(0, text.length()) * size * 0.62;
    }

    /** A text of at most so many characters. */
    static String shortened(String text, int most) {
        return text.codePointCount(0, text.length()) <= most
                ? text
                : text.substring(0, text.offsetByCodePoints(0, most - 1)) + "…";
    }
}
