package org.telltale.app.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** The lines of a UTF-8 stream, each of bounded length. */
final class Lines {
    private final InputStream in;
    private final String name;
    private final int limit;
    private long number;
    private long end;
    private boolean terminated = true;

    /**
     * Over a stream, best a buffered one.
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
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        int b = in.read();
        if (b < 0) {
            return Optional.empty();
        }
        number++;
        for (; b >= 0 && b != '\n'; b = in.read()) {
            if (bytes.size() == limit) {
                throw new DataException(where() + ": a line longer than " + limit + " bytes");
            }
            bytes.write(b);
        }
        terminated = b == '\n';
        end += bytes.size() + (terminated ? 1 : 0);
        byte[] line = bytes.toByteArray();
        int length = line.length > 0 && line[line.length - 1] == '\r' ? line.length - 1 : line.length;
        try {
            return Optional.of(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(line, 0, length))
                    .toString());
        } catch (CharacterCodingException e) {
            throw new DataException(where() + ": not UTF-8", e);
        }
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
        return name + ":" + number;
    }
}
