package org.telltale.engine.io;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * A strict pull parser for JSON in UTF-8 (RFC 8259), enough for the headers of checkpoints.
 *
 * <p>The caller asks for what the format requires next, so a hostile file is refused at its first wrong byte and never
 * becomes a tree that is many times larger than the text. No recursion: depth costs no stack.
 */
final class JsonReader {
    private static final int MAX_DEPTH = 64;

    private final byte[] text;
    private final String where;
    private int at;
    private int depth;
    private boolean first;

    /** @param where what the text is, the start of every message */
    JsonReader(byte[] text, String where) {
        this.text = text;
        this.where = where;
    }

    WeightsException error(String message) {
        return new WeightsException(where + ": " + message + ", at byte " + at);
    }

    void beginObject(String what) {
        begin('{', what + " is not a JSON object");
    }

    /** Whether another field follows; the end of the object is consumed. */
    boolean hasField() {
        return hasMore('}');
    }

    /** The name of the next field. */
    String field() {
        String name = string("a field name");
        blanks();
        expect(':', "no ':' after the field \"" + shorten(name) + "\"");
        return name;
    }

    void beginArray(String what) {
        begin('[', what + " is not a JSON array");
    }

    /** Whether another element follows; the end of the array is consumed. */
    boolean hasElement() {
        return hasMore(']');
    }

    /** A string; {@code what} names it in the error. */
    String string(String what) {
        blanks();
        expect('"', what + " is not a JSON string");
        StringBuilder s = new StringBuilder();
        while (true) {
            int start = at;
            while (peek() >= 0x20 && peek() != '"' && peek() != '\\') {
                at++;
            }
            s.append(decode(start, at));
            int c = peek();
            if (c != '"' && c != '\\') {
                throw error(c < 0 ? "the JSON ends inside a string" : "a control character inside a string");
            }
            at++;
            if (c == '"') {
                return s.toString();
            }
            escape(s);
        }
    }

    /** An integer from 0 to 2^63 - 1. */
    long natural(String what) {
        blanks();
        int start = at;
        long value = 0;
        while (isDigit(peek())) {
            int digit = peek() - '0';
            if (value > (Long.MAX_VALUE - digit) / 10) {
                throw error(what + " is larger than 2^63 - 1");
            }
            value = value * 10 + digit;
            at++;
        }
        boolean leadingZero = at - start > 1 && text[start] == '0';
        if (at == start || leadingZero || peek() == '.' || peek() == 'e' || peek() == 'E') {
            throw error(what + " is not a whole number of at least 0");
        }
        return value;
    }

    /** Passes over one value of any kind, checking its syntax. */
    void skip() {
        int base = depth;
        boolean[] objects = new boolean[MAX_DEPTH + 1];
        while (true) {
            blanks();
            int c = peek();
            if (c == '{' || c == '[') {
                begin((char) c, "");
                objects[depth] = c == '{';
            } else if (c == '"') {
                string("a value");
            } else if (c == '-' || isDigit(c)) {
                skipNumber();
            } else if (!skipWord("true") && !skipWord("false") && !skipWord("null")) {
                throw error("no JSON value where one is expected");
            }
            while (depth > base && !hasMore(objects[depth] ? '}' : ']')) {
                // hasMore closed the array or object; its parent may end here too
            }
            if (depth == base) {
                return;
            }
            if (objects[depth]) {
                field();
            }
        }
    }

    /** Checks that only blanks are left. */
    void end() {
        blanks();
        if (at != text.length) {
            throw error("bytes after the end of the JSON");
        }
    }

    private void begin(char bracket, String message) {
        blanks();
        expect(bracket, message);
        if (++depth > MAX_DEPTH) {
            throw error("JSON nested deeper than " + MAX_DEPTH);
        }
        first = true;
    }

    private boolean hasMore(char close) {
        blanks();
        boolean atStart = first;
        first = false;
        if (peek() == close) {
            at++;
            depth--;
            return false;
        }
        if (!atStart) {
            expect(',', "neither ',' nor '" + close + "' after a JSON value");
        }
        return true;
    }

    private void escape(StringBuilder s) {
        int c = peek();
        at++;
        switch (c) {
            case '"', '\\', '/' -> s.append((char) c);
            case 'b' -> s.append('\b');
            case 'f' -> s.append('\f');
            case 'n' -> s.append('\n');
            case 'r' -> s.append('\r');
            case 't' -> s.append('\t');
            case 'u' -> {
                char unit = hex4();
                s.append(unit);
                if (Character.isHighSurrogate(unit) && peek() == '\\') {
                    at++;
                    expect('u', "half a surrogate pair in a string");
                    char low = hex4();
                    s.append(low);
                    if (Character.isLowSurrogate(low)) {
                        return;
                    }
                }
                if (Character.isSurrogate(unit)) {
                    throw error("half a surrogate pair in a string");
                }
            }
            default -> throw error("an unknown escape in a string");
        }
    }

    private char hex4() {
        int value = 0;
        for (int i = 0; i < 4; i++) {
            int digit = peek() < 0 ? -1 : Character.digit(peek(), 16);
            if (digit < 0) {
                throw error("a \\u escape without four hexadecimal digits");
            }
            value = value * 16 + digit;
            at++;
        }
        return (char) value;
    }

    private void skipNumber() {
        if (peek() == '-') {
            at++;
        }
        int start = at;
        digits();
        if (at - start > 1 && text[start] == '0') {
            throw error("a number that starts with 0");
        }
        if (peek() == '.') {
            at++;
            digits();
        }
        if (peek() == 'e' || peek() == 'E') {
            at++;
            if (peek() == '+' || peek() == '-') {
                at++;
            }
            digits();
        }
    }

    private void digits() {
        if (!isDigit(peek())) {
            throw error("a number without digits");
        }
        while (isDigit(peek())) {
            at++;
        }
    }

    private boolean skipWord(String word) {
        for (int i = 0; i < word.length(); i++) {
            if (at + i >= text.length || text[at + i] != word.charAt(i)) {
                return false;
            }
        }
        at += word.length();
        return true;
    }

    private String decode(int from, int to) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(text, from, to - from))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new WeightsException(where + ": a string that is not UTF-8, at byte " + from, e);
        }
    }

    private void blanks() {
        while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') {
            at++;
        }
    }

    private void expect(char c, String message) {
        if (peek() != c) {
            throw error(peek() < 0 ? message + ": the JSON ends" : message);
        }
        at++;
    }

    /** The next byte as 0 to 255, or -1 at the end. */
    private int peek() {
        return at < text.length ? text[at] & 0xFF : -1;
    }

    private static boolean isDigit(int c) {
        return c >= '0' && c <= '9';
    }

    /** A name from a file as it may stand in a message: of bounded length, on one line. */
    static String shorten(String name) {
        String s = name.length() > 120 ? name.substring(0, 120) + "..." : name;
        return s.replaceAll("\\p{Cntrl}", "?");
    }
}
