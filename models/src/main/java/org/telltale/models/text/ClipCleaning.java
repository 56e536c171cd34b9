package org.telltale.models.text;

import java.text.Normalizer;
import java.util.regex.Pattern;

/**
 * What CLIP's tokenizer does to a text before it splits it (SPEC §11.3 and §21): repairs, HTML references resolved twice,
 * white space, lower case. The repairs are those of {@code ftfy.fix_text} that real texts need; each is proven by
 * {@code TokenizersGoldenTest}. Of mojibake only UTF-8 read as Windows-1252 is repaired.
 */
final class ClipCleaning {
    private static final Pattern TERMINAL_ESCAPE = Pattern.compile("\u001b\\[[0-9;]*[a-zA-Z]");
    private static final Pattern LINE_BREAK = Pattern.compile("\r\n|[\r\u2028\u2029\u0085]");
    private static final String[] LATIN_LIGATURES = {
        "\u0132", "IJ", "\u0133", "ij", "\u0149", "\u02BCn", "\u01C4", "D\u017D", "\u01C5", "D\u017E", "\u01C6",
        "d\u017E", "\u01C7", "LJ", "\u01C8", "Lj", "\u01C9", "lj", "\u01CA", "NJ", "\u01CB", "Nj", "\u01CC", "nj",
        "\u01F1", "DZ", "\u01F2", "Dz", "\u01F3", "dz", "\uFB00", "ff", "\uFB01", "fi", "\uFB02", "fl", "\uFB03", "ffi",
        "\uFB04", "ffl", "\uFB05", "\u017Ft", "\uFB06", "st"
    };

    private ClipCleaning() {}

    /** The text that is split into words. */
    static String clean(String text) {
        String plain = HtmlEntities.unescape(HtmlEntities.unescape(repair(text)));
        return PythonStrings.lower(String.join(" ", PythonStrings.split(plain)));
    }

    /** Line by line, as the original; HTML references are left alone from the first line on that holds a tag. */
    static String repair(String text) {
        StringBuilder out = new StringBuilder(text.length());
        boolean html = true;
        for (int from = 0; from < text.length(); ) {
            int end = text.indexOf('\n', from) + 1;
            String line = text.substring(from, end == 0 ? text.length() : end);
            html &= line.indexOf('<') < 0;
            out.append(repairLine(line, html));
            from += line.length();
        }
        return out.toString();
    }

    private static String repairLine(String line, boolean html) {
        String after = line;
        String before;
        do {
            before = after;
            String s = html ? HtmlEntities.unescapeComplete(before) : before;
            s = Mojibake.repair(s);
            s = characters(s);
            s = LINE_BREAK.matcher(s).replaceAll("\n");
            s = TERMINAL_ESCAPE.matcher(s).replaceAll("");
            s = withoutControls(s);
            after = Normalizer.normalize(s, Normalizer.Form.NFC);
        } while (!after.equals(before));
        return after;
    }

    /** Latin-1's control characters, ligatures, widths and curly quotes. */
    private static String characters(String s) {
        if (s.chars().noneMatch(c -> c >= 0x80)) {
            return s;
        }
        StringBuilder out = new StringBuilder(s.length());
        for (int i = 0; i < s.length(); i++) {
            char c = Windows1252.character(s.charAt(i));
            String unfolded = ligature(c);
            for (int k = 0; k < unfolded.length(); k++) {
                out.append(quotes(width(unfolded.charAt(k))));
            }
        }
        return out.toString();
    }

    private static String ligature(char c) {
        if (c >= '\u0132') {
            for (int i = 0; i < LATIN_LIGATURES.length; i += 2) {
                if (LATIN_LIGATURES[i].charAt(0) == c) {
                    return LATIN_LIGATURES[i + 1];
                }
            }
        }
        return String.valueOf(c);
    }

    private static String width(char c) {
        if (c == '\u3000') {
            return " ";
        }
        return c >= '\uFF01' && c <= '\uFFEF'
                ? Normalizer.normalize(String.valueOf(c), Normalizer.Form.NFKC)
                : String.valueOf(c);
    }

    private static String quotes(String s) {
        char c = s.charAt(0);
        if (c == '\u02BC' || (c >= '\u2018' && c <= '\u201B')) {
            return "'";
        }
        return c >= '\u201C' && c <= '\u201F' ? "\"" : s;
    }

    private static String withoutControls(String s) {
        StringBuilder out = new StringBuilder(s.length());
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            boolean pair =
                    (Character.isHighSurrogate(c) && i + 1 < s.length() && Character.isLowSurrogate(s.charAt(i + 1)))
                            || (Character.isLowSurrogate(c) && i > 0 && Character.isHighSurrogate(s.charAt(i - 1)));
            if (Character.isSurrogate(c) && !pair) {
                out.append('\uFFFD');
            } else if (!isControl(c)) {
                out.append(c);
            }
        }
        return out.toString();
    }

    private static boolean isControl(char c) {
        return (c < 0x20 && c != '\t' && c != '\n' && c != '\f' && c != '\r')
                || c == 0x7F
                || (c >= '\u206A' && c <= '\u206F')
                || c == '\uFEFF'
                || (c >= '\uFFF9' && c <= '\uFFFC');
    }
}
