package org.telltale.app.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** The lines of a UTF-8 stream, each of bounded length. */
final class Lines {
    private final InputStream in;
    private final String name;
    private final int limit;
    private final byte[] buffer = new byte[1 << 16];
    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    private int from;
    private int to;
    private long number;
    private long end;
    private boolean terminated = true;

    /**
     * Over a stream, of which more is read than the lines that were asked for.
     *
     * @param name stands for the stream in error messages
     * @param limit the most bytes of a line
     */
    Lines(InputStream in, String name, int limit) {
        this.in = in;
        this.name = name;
        this.limit = limit;
    }

    /** The next line without its line break, or nothing at the end. */
    Optional<String> next() throws IOException {
        if (!filled()) {
            return Optional.empty();
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        number++;
        terminated = false;
        while (!terminated && filled()) {
            int start = from;
            int at = start;
            while (at < to && buffer[at] != '\n') {
                at++;
            }
            from = at;
            if (bytes.size() + from - start > limit) {
                throw new DataException(where() + ": a line longer than " + limit + " bytes");
            }
            bytes.write(buffer, start, from - start);
            terminated = from < to;
            from += terminated ? 1 : 0;
        }
        end += bytes.size() + (terminated ? 1 : 0);
        byte[] line = bytes.toByteArray();
        int length = line.length > 0 && line[line.length - 1] == '\r' ? line.length - 1 : line.length;
        return Optional.of(text(line, length));
    }

    private String text(byte[] line, int length) {
        String fast = new String(line, 0, length, StandardCharsets.UTF_8);
        if (fast.indexOf('\uFFFD') < 0) {
            return fast;
        }
        // either malformed, or it holds this character itself
        try {
            return decoder.decode(ByteBuffer.wrap(line, 0, length)).toString();
        } catch (CharacterCodingException e) {
            throw new DataException(where() + ": not UTF-8", e);
        }
    }

    /** Whether there are bytes to be looked at. */
    private boolean filled() throws IOException {
        if (from == to) {
            from = 0;
            to = Math.max(0, in.read(buffer));
        }
        return from < to;
    }

    /** Whether the last line ended with a line break. */
    boolean terminated() {
        return terminated;
    }

    /** The bytes up to the end of the last line, its line break included. */
    long end() {
        return end;
    }

    /** Name and number of the last line. */
    String where() {
        return where(number);
    }

    /** Name and number of a line. */
    String where(long line) {
        return name + ":" + line;
    }

    /** The number of the last line, from 1. */
    long number() {
        return number;
    }
}
