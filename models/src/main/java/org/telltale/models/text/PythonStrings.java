package org.telltale.models.text;

import java.util.ArrayList;
import java.util.List;

/**
 * Python's {@code str} methods where Java's differ: the reference tokenizers are written in Python, and their results
 * depend on them.
 */
public final class PythonStrings {
    private static final int CAPITAL_SIGMA = 0x3A3;

    private PythonStrings() {}

    /** {@code str.isspace} of one code point: unlike Java's, true for NO-BREAK SPACE, U+0085 and U+001C to U+001F. */
    static boolean isSpace(int c) {
        return (c >= 0x09 && c <= 0x0D)
                || (c >= 0x1C && c <= 0x20)
                || c == 0x85
                || switch (Character.getType(c)) {
                    case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> true;
                    default -> false;
                };
    }

    /** {@code str.split()}: the longest runs without white space. */
    static List<String> split(String text) {
        List<String> words = new ArrayList<>();
        int start = -1;
        // Every white space character lies in the basic plane, so chars do.
        for (int i = 0; i < text.length(); i++) {
            if (isSpace(text.charAt(i))) {
                if (start >= 0) {
                    words.add(text.substring(start, i));
                }
                start = -1;
            } else if (start < 0) {
                start = i;
            }
        }
        if (start >= 0) {
            words.add(text.substring(start));
        }
        return words;
    }

    /** {@code str.strip()}. */
    public static String strip(String text) {
        int start = 0;
        int end = text.length();
        while (start < end && isSpace(text.charAt(start))) {
            start++;
        }
        while (start < end && isSpace(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(start, end);
    }

    /**
     * {@code str.lower()}: a capital sigma becomes a final one by its context in this string, where Java also heeds word
     * boundaries; I WITH DOT ABOVE becomes two code points.
     */
    static String lower(String text) {
        int[] points = text.codePoints().toArray();
        StringBuilder out = new StringBuilder(text.length() + 1);
        for (int i = 0; i < points.length; i++) {
            switch (points[i]) {
                case CAPITAL_SIGMA -> out.append(isFinalSigma(points, i) ? 'ς' : 'σ');
                case 0x130 -> out.append("i\u0307");
                default -> out.appendCodePoint(Character.toLowerCase(points[i]));
            }
        }
        return out.toString();
    }

    /** Unicode's Final_Sigma: a cased letter before and none after, case-ignorable characters skipped. */
    private static boolean isFinalSigma(int[] points, int at) {
        int before = at - 1;
        while (before >= 0 && isCaseIgnorable(points[before])) {
            before--;
        }
        int after = at + 1;
        while (after < points.length && isCaseIgnorable(points[after])) {
            after++;
        }
        return before >= 0 && isCased(points[before]) && (after == points.length || !isCased(points[after]));
    }

    private static boolean isCased(int c) {
        return Character.isLowerCase(c) || Character.isUpperCase(c) || Character.isTitleCase(c);
    }

    /** Unicode's Case_Ignorable: marks, formats, modifiers, and what may stand inside a word. */
    private static boolean isCaseIgnorable(int c) {
        return switch (Character.getType(c)) {
            case Character.NON_SPACING_MARK,
                    Character.ENCLOSING_MARK,
                    Character.FORMAT,
                    Character.MODIFIER_LETTER,
                    Character.MODIFIER_SYMBOL -> true;
            default ->
                "':.·\u0387\u055F\u05F4\u2018\u2019\u2024\u2027\uFE13\uFE52\uFE55\uFF07\uFF0E\uFF1A".indexOf(c) >= 0;
        };
    }
}
