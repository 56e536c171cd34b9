package org.telltale.app.report;

import java.util.List;
import org.telltale.app.markup.Markup;

/** HTML as it is written: what comes from elsewhere goes through {@link #text}. */
final class Html {
    private final StringBuilder out = new StringBuilder();
    private int tables;

    /** Markup of our own. */
    Html raw(String markup) {
        out.append(markup);
        return this;
    }

    /** Text, escaped. */
    Html text(String text) {
        out.append(Markup.escape(text));
        return this;
    }

    /** An element that holds text alone. */
    Html element(String tag, String text) {
        return raw("<" + tag + ">").text(text).raw("</" + tag.split(" ", 2)[0] + ">");
    }

    /** A section under its headline. */
    Html begin(String id, String title) {
        return raw("<section id=\"" + id + "\"><h2>" + title + "</h2>\n");
    }

    Html end() {
        return raw("</section>\n");
    }

    Html paragraph(String markup) {
        return raw("<p>" + markup + "</p>\n");
    }

    /** Figures beside each other, and what they show; nothing where there are none. */
    void figures(List<Figure> shown, String caption) {
        if (shown.isEmpty()) {
            return;
        }
        raw("<figure><div class=\"pair\">\n");
        shown.forEach(f -> raw("<div>" + f.svg().inline() + "</div>\n"));
        raw("</div><figcaption>" + caption + "</figcaption></figure>\n");
    }

    /** A table's head, in a box that scrolls where the page is too narrow; what the table shows stands above it. */
    Html table(String caption, List<String> columns) {
        tables++;
        raw("<div><p class=\"caption\" id=\"t" + tables + "\">")
                .raw(caption)
                .raw("</p><div class=\"scroll\" tabindex=\"0\">");
        raw("<table aria-labelledby=\"t" + tables + "\"><thead><tr>");
        columns.forEach(c -> raw("<th scope=\"col\">").text(c).raw("</th>"));
        return raw("</tr></thead><tbody>\n");
    }

    /** @param css of the row, may be empty */
    Html row(String css, String head, List<String> cells) {
        raw(css.isEmpty() ? "<tr>" : "<tr class=\"" + css + "\">");
        raw("<th scope=\"row\">").text(head).raw("</th>");
        cells.forEach(c -> raw("<td>").text(c).raw("</td>"));
        return raw("</tr>\n");
    }

    Html endTable() {
        return raw("</tbody></table></div></div>\n");
    }

    @Override
    public String toString() {
        return out.toString();
    }
}
