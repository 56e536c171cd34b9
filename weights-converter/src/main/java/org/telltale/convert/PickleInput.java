package org.telltale.convert;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** The bytes of a pickle, of which nothing is allocated before it is known to be there. */
final class PickleInput {
    private static final int LONGEST_LINE = 4096;

    private final String where;
    private final InputStream in;
    private final long start;
    private final long limit;
    private long position;

    /**
     * @param where the start of every message
     * @param start the position of the first byte, for messages
     * @param limit how many bytes there are at most
     */
    PickleInput(String where, InputStream in, long start, long limit) {
        this.where = where;
        this.in = in;
        this.start = start;
        this.limit = limit;
    }

    /** Bytes read so far. */
    long read() {
        return position;
    }

    /** The position of the next byte. */
    long position() {
        return start + position;
    }

    ConvertException error(String message) {
        return new ConvertException(where + ": " + message);
    }

    int octet() {
        if (position >= limit) {
            throw error("the pickle does not end within the " + limit + " bytes that it may have");
        }
        try {
            int b = in.read();
            if (b < 0) {
                throw error("the pickle is cut off at byte " + position());
            }
            position++;
            return b;
        } catch (IOException e) {
            throw new ConvertException(where + ": cannot be read: " + e.getMessage(), e);
        }
    }

    byte[] octets(long count) {
        if (count < 0 || count > limit - position) {
            throw error("at byte " + position() + " a value of " + Long.toUnsignedString(count) + " bytes begins, but "
                    + (limit - position) + " are left");
        }
        try {
            byte[] bytes = in.readNBytes((int) count);
            position += bytes.length;
            if (bytes.length != count) {
                throw error("the pickle is cut off at byte " + position());
            }
            return bytes;
        } catch (IOException e) {
            throw new ConvertException(where + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /** How many bytes there may still be. */
    long left() {
        return limit - position;
    }

    /** An unsigned little-endian number of up to four bytes. */
    long unsigned(int bytes) {
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            value |= (long) octet() << (8 * i);
        }
        return value;
    }

    int int32() {
        return (int) unsigned(4);
    }

    long int64() {
        return ByteBuffer.wrap(octets(8)).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    double bigEndianDouble() {
        return ByteBuffer.wrap(octets(8)).getDouble();
    }

    /** The text up to the next line feed, which is consumed. */
    String line() {
        byte[] bytes = new byte[LONGEST_LINE];
        int length = 0;
        for (int b = octet(); b != '\n'; b = octet()) {
            if (length == LONGEST_LINE) {
                throw error("a line of more than " + LONGEST_LINE + " bytes before byte " + position());
            }
            bytes[length++] = (byte) b;
        }
        return utf8(ByteBuffer.wrap(bytes, 0, length));
    }

    String text(long bytes) {
        return utf8(ByteBuffer.wrap(octets(bytes)));
    }

    private String utf8(ByteBuffer bytes) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
        } catch (CharacterCodingException e) {
            throw error("a text that ends at byte " + position() + " is not UTF-8");
        }
    }
}
