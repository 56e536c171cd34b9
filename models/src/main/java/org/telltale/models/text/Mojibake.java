package org.telltale.models.text;

import java.util.regex.Pattern;

/**
 * UTF-8 that was read as Windows-1252, such as {@code cafÃ©}. A sequence of characters is repaired when their bytes are
 * one character in UTF-8, and when it begins as the common accents, quotes, symbols, kana and Cyrillic letters do;
 * other beginnings may be capitals before punctuation ({@code CLICHÉ…}), and need a second such sequence beside them.
 */
final class Mojibake {
    private static final Pattern LOST_SPACE = Pattern.compile("(?<=^|[a-z]|[a-z]\\s)Ã (?=\\S)");
    private static final String CERTAIN = "ÂÃÐâãïð";

    private Mojibake() {}

    static String repair(String text) {
        if (text.chars().noneMatch(c -> c >= 0xC2 && c <= 0xF4)) {
            return text;
        }
        // The second byte of à is a no-break space, which often has become a blank.
        String in = LOST_SPACE.matcher(text).replaceAll("à ");
        StringBuilder out = new StringBuilder(in.length());
        int at = 0;
        while (at < in.length()) {
            int end = at;
            int sequences = 0;
            boolean certain = false;
            StringBuilder repaired = new StringBuilder();
            for (int length = sequence(in, end); length > 0; length = sequence(in, end)) {
                certain |= CERTAIN.indexOf(in.charAt(end)) >= 0;
                repaired.appendCodePoint(codePoint(in, end, length));
                end += length;
                sequences++;
            }
            if (certain || sequences > 1) {
                out.append(repaired);
                at = end;
            } else {
                out.append(in.charAt(at++));
            }
        }
        return out.toString();
    }

    /** How many characters from here on are the bytes of one character in UTF-8; 0 if they are not. */
    private static int sequence(String text, int at) {
        if (at >= text.length()) {
            return 0;
        }
        int lead = text.charAt(at);
        int length = lead < 0xC2 || lead > 0xF4 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        if (length == 0 || at + length > text.length()) {
            return 0;
        }
        for (int i = 1; i < length; i++) {
            int b = Windows1252.toByte(text.charAt(at + i));
            if (b < 0x80 || b > 0xBF) {
                return 0;
            }
        }
        int code = codePoint(text, at, length);
        boolean shortest = length == 2 || (length == 3 ? code >= 0x800 : code >= 0x10000);
        boolean surrogate = code >= Character.MIN_SURROGATE && code <= Character.MAX_SURROGATE;
        return shortest && !surrogate && code <= Character.MAX_CODE_POINT ? length : 0;
    }

    private static int codePoint(String text, int at, int length) {
        int code = text.charAt(at) & (0xFF >> (length + 1));
        for (int i = 1; i < length; i++) {
            code = (code << 6) | (Windows1252.toByte(text.charAt(at + i)) & 0x3F);
        }
        return code;
    }
}
