package org.telltale.convert;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.Inflater;
import java.util.zip.InflaterInputStream;

/**
 * The entries of a zip file by name, whose stored data can be read by position, which the JDK's readers do not offer. Names
 * are only names: nothing is extracted. What the directory says is checked against the file before it is believed.
 */
final class ZipDirectory {
    private static final int END = 0x06054b50;
    private static final int END_64_LOCATOR = 0x07064b50;
    private static final int END_64 = 0x06064b50;
    private static final int CENTRAL = 0x02014b50;
    private static final int LOCAL = 0x04034b50;
    private static final int STORED = 0;
    private static final int DEFLATED = 8;
    private static final long MOST_DIRECTORY = 32L << 20;
    private static final int LONGEST_COMMENT = 0xFFFF;
    private static final long FOLLOWS = 0xFFFFFFFFL;

    /** Deflate's best ratio is 1032. */
    private static final long MOST_RATIO = 1040;

    private final Path path;
    private final FileChannel channel;
    private final long directory;
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    /** An entry; {@code header} is where its local header lies. */
    record Entry(String name, int method, int flags, int crc, long compressed, long size, long header) {
        boolean stored() {
            return method == STORED;
        }
    }

    /** Reads the directory of a file that stays open. */
    ZipDirectory(Path path, FileChannel channel) throws IOException {
        this.path = path;
        this.channel = channel;
        long size = channel.size();
        int tail = (int) Math.min(size, LONGEST_COMMENT + 22);
        ByteBuffer last = read(size - tail, tail);
        int end = tail - 22;
        while (end >= 0
                && !(last.getInt(end) == END && Short.toUnsignedInt(last.getShort(end + 20)) == tail - end - 22)) {
            end--;
        }
        if (end < 0) {
            throw error("a zip file without its directory at the end; it is cut off");
        }
        long count = Short.toUnsignedInt(last.getShort(end + 10));
        long length = Integer.toUnsignedLong(last.getInt(end + 12));
        long begin = Integer.toUnsignedLong(last.getInt(end + 16));
        boolean disks = last.getInt(end + 4) != 0 || last.getShort(end + 8) != last.getShort(end + 10);
        long endAt = size - tail + end;
        if (count == 0xFFFF || length == FOLLOWS || begin == FOLLOWS) {
            ByteBuffer e = end64(endAt);
            count = e.getLong(32);
            length = e.getLong(40);
            begin = e.getLong(48);
            disks = e.getLong(16) != 0 || e.getLong(24) != count;
        }
        if (disks) {
            throw error("a zip file in several parts, which is not read");
        }
        if (begin < 0 || length < 0 || length > MOST_DIRECTORY || begin > endAt - length) {
            throw error("the zip directory of " + Long.toUnsignedString(length) + " bytes at "
                    + Long.toUnsignedString(begin) + " does not lie within the file");
        }
        directory = begin;
        list(read(begin, (int) length), count);
    }

    /** All entries, in the order of the directory. */
    Map<String, Entry> entries() {
        return Collections.unmodifiableMap(entries);
    }

    ConvertException error(String message) {
        return new ConvertException(path + ": " + message);
    }

    /** The position of an entry's data in the file. */
    long dataAt(Entry e) throws IOException {
        if (e.header > directory - 30) {
            throw error("the zip entry \"" + PickleReader.shown(e.name) + "\" does not lie within the file");
        }
        ByteBuffer local = read(e.header, 30);
        boolean later = (local.getShort(6) & 8) != 0;
        long compressed = Integer.toUnsignedLong(local.getInt(18));
        long size = Integer.toUnsignedLong(local.getInt(22));
        boolean same = local.getInt(0) == LOCAL
                && Short.toUnsignedInt(local.getShort(8)) == e.method
                && (later || compressed == FOLLOWS || compressed == e.compressed)
                && (later || size == FOLLOWS || size == e.size);
        long begin = e.header + 30 + Short.toUnsignedInt(local.getShort(26)) + Short.toUnsignedInt(local.getShort(28));
        if (!same || begin > directory - e.compressed) {
            throw error("the zip entry \"" + PickleReader.shown(e.name)
                    + "\" is not where or what the directory says: damaged");
        }
        return begin;
    }

    /** The content of an entry, which ends at the size that the directory says or is an error. */
    InputStream open(Entry e) throws IOException {
        InputStream raw = new Part(dataAt(e), e.compressed);
        if (e.stored()) {
            return raw;
        }
        if (e.method != DEFLATED) {
            throw error("the zip entry \"" + PickleReader.shown(e.name) + "\" is compressed by method " + e.method
                    + ", expected 0 or 8");
        }
        return new InflaterInputStream(raw, new Inflater(true)) {
            @Override
            public void close() throws IOException {
                inf.end();
                super.close();
            }
        };
    }

    private ByteBuffer end64(long endAt) throws IOException {
        if (endAt < 20 + 56) {
            throw error("the end of the zip directory is malformed");
        }
        ByteBuffer locator = read(endAt - 20, 20);
        long at = locator.getLong(8);
        if (locator.getInt(0) != END_64_LOCATOR || at < 0 || at > endAt - 76) {
            throw error("the end of the zip directory is malformed");
        }
        ByteBuffer e = read(at, 56);
        if (e.getInt(0) != END_64) {
            throw error("the end of the zip directory is malformed");
        }
        return e;
    }

    private void list(ByteBuffer d, long count) {
        for (long i = 0; i < count; i++) {
            if (d.remaining() < 46 || d.getInt(d.position()) != CENTRAL) {
                throw error(
                        "the zip directory says that it has " + Long.toUnsignedString(count) + " entries, found " + i);
            }
            int at = d.position();
            int name = Short.toUnsignedInt(d.getShort(at + 28));
            int extra = Short.toUnsignedInt(d.getShort(at + 30));
            int comment = Short.toUnsignedInt(d.getShort(at + 32));
            if (d.remaining() < 46 + name + extra + comment) {
                throw error("the zip directory is cut off");
            }
            Entry e = entry(d, at, name, extra);
            if (entries.put(e.name, e) != null) {
                throw error("two zip entries are named \"" + PickleReader.shown(e.name) + "\"");
            }
            d.position(at + 46 + name + extra + comment);
        }
    }

    private Entry entry(ByteBuffer d, int at, int nameBytes, int extraBytes) {
        byte[] bytes = new byte[nameBytes];
        d.get(at + 46, bytes);
        String name = new String(bytes, StandardCharsets.UTF_8);
        long compressed = Integer.toUnsignedLong(d.getInt(at + 20));
        long size = Integer.toUnsignedLong(d.getInt(at + 24));
        long header = Integer.toUnsignedLong(d.getInt(at + 42));
        int flags = Short.toUnsignedInt(d.getShort(at + 8));
        int method = Short.toUnsignedInt(d.getShort(at + 10));
        int end = at + 46 + nameBytes + extraBytes;
        for (int x = at + 46 + nameBytes; x + 4 <= end; x += 4 + Short.toUnsignedInt(d.getShort(x + 2))) {
            int length = Short.toUnsignedInt(d.getShort(x + 2));
            if (d.getShort(x) == 1 && x + 4 + length <= end) {
                int field = x + 4;
                int last = field + length - 8;
                if (size == FOLLOWS && field <= last) {
                    size = d.getLong(field);
                    field += 8;
                }
                if (compressed == FOLLOWS && field <= last) {
                    compressed = d.getLong(field);
                    field += 8;
                }
                if (header == FOLLOWS && field <= last) {
                    header = d.getLong(field);
                }
                break;
            }
        }
        Entry e = new Entry(name, method, flags, d.getInt(at + 16), compressed, size, header);
        boolean fits = size >= 0 && compressed >= 0 && header >= 0 && compressed <= directory;
        boolean likely = method == STORED ? size == compressed : size <= (compressed + 1) * MOST_RATIO;
        if (!fits || !likely) {
            throw error("the zip entry \"" + PickleReader.shown(name) + "\" says that it has "
                    + Long.toUnsignedString(size) + " bytes, " + Long.toUnsignedString(compressed)
                    + " in the file, which cannot be");
        }
        if ((flags & 1) != 0) {
            throw error("the zip entry \"" + PickleReader.shown(name) + "\" is encrypted, which is not read");
        }
        return e;
    }

    private ByteBuffer read(long position, int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            if (channel.read(bytes, position + bytes.position()) < 0) {
                throw new EOFException("the file became shorter while it was read");
            }
        }
        return bytes.flip();
    }

    /** A part of the file. */
    private final class Part extends InputStream {
        private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16).limit(0);
        private final long end;
        private long position;

        Part(long begin, long length) {
            position = begin;
            end = begin + length;
        }

        private boolean fill() throws IOException {
            if (buffer.hasRemaining()) {
                return true;
            }
            if (position >= end) {
                return false;
            }
            buffer.clear().limit((int) Math.min(buffer.capacity(), end - position));
            int count = channel.read(buffer, position);
            if (count <= 0) {
                throw new EOFException("the file became shorter while it was read");
            }
            position += count;
            buffer.flip();
            return true;
        }

        @Override
        public int read() throws IOException {
            return fill() ? buffer.get() & 0xFF : -1;
        }

        @Override
        public int read(byte[] b, int off, int len) throws IOException {
            if (len == 0) {
                return 0;
            }
            if (!fill()) {
                return -1;
            }
            int count = Math.min(len, buffer.remaining());
            buffer.get(b, off, count);
            return count;
        }
    }
}
