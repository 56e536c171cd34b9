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

    /**
     * {@code bytes.decode("utf-8", "replace")}: one U+FFFD for each longest beginning of a character that does not go on as
     * one. Java's own decoder has one for all three bytes of a surrogate, Python has three.
     */
    public static String decode(byte[] utf8) {
        StringBuilder out = new StringBuilder(utf8.length);
        for (int i = 0; i < utf8.length; ) {
            int first = utf8[i] & 0xFF;
            int length =
                    first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
            // What the second byte may be, so that nothing is longer than needed, a surrogate, or beyond U+10FFFF.
            int low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
            int high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
            int point = length < 2 ? first : first & (0x7F >> length);
            int read = 1;
            for (; read < length && i + read < utf8.length; read++) {
                int next = utf8[i + read] & 0xFF;
                if (next < low || next > high) {
                    break;
                }
                point = point << 6 | (next & 0x3F);
                low = 0x80;
                high = 0xBF;
            }
            out.appendCodePoint(read == length ? point : 0xFFFD);
            i += read;
        }
        return out.toString();
    }

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
