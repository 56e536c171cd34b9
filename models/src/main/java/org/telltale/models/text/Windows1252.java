package org.telltale.models.text;

/** The characters of the bytes 0x80 to 0x9F in Windows-1252; its five holes are the control characters of Latin-1. */
final class Windows1252 {
    private static final String UPPER = "\u20AC\u0081\u201A\u0192\u201E\u2026\u2020\u2021\u02C6\u2030\u0160\u2039\u0152"
            + "\u008D\u017D\u008F\u0090\u2018\u2019\u201C\u201D\u2022\u2013\u2014\u02DC\u2122\u0161\u203A\u0153\u009D"
            + "\u017E\u0178";

    private Windows1252() {}

    /** The character of a byte. */
    static char character(int b) {
        return b >= 0x80 && b <= 0x9F ? UPPER.charAt(b - 0x80) : (char) b;
    }

    /** The byte of a character, or -1; a control character of Latin-1 is its own byte. */
    static int toByte(char c) {
        if (c <= 0xFF) {
            return c;
        }
        int at = UPPER.indexOf(c);
        return at < 0 ? -1 : 0x80 + at;
    }
}
