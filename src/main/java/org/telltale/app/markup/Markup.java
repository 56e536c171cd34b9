package org.telltale.app.markup;

/** Text of elsewhere inside a document. */
public final class Markup {
    private Markup() {}

    /**
     * Text as HTML and XML show it, between tags and inside quoted attributes. Characters that XML does not allow become
     * the replacement character: a single one would make an SVG unreadable.
     */
    public static String escape(String text) {
        StringBuilder b = new StringBuilder(text.length() + 16);
        text.codePoints().forEach(c -> {
            switch (c) {
                case '&' -> b.append("&amp;");
                case '<' -> b.append("&lt;");
                case '>' -> b.append("&gt;");
                case '"' -> b.append("&quot;");
                case '\'' -> b.append("&#39;");
                default -> b.appendCodePoint(isXml(c) ? c : 0xFFFD);
            }
        });
        return b.toString();
    }

    private static boolean isXml(int c) {
        return c == '\t'
                || c == '\n'
                || c == '\r'
                || (c >= 0x20 && c <= 0xD7FF)
                || (c >= 0xE000 && c <= 0xFFFD)
                || (c >= 0x10000 && c <= 0x10FFFF);
    }
}
