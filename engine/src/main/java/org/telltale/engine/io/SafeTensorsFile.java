package org.telltale.engine.io;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.Shape;

/**
 * One open safetensors file: 8 bytes of header length, a JSON header, then the values, little-endian and without gaps.
 *
 * <p>The header is validated completely before anything else is read: afterwards every tensor lies inside the file, no
 * two share a byte, and every byte belongs to one.
 */
final class SafeTensorsFile {
    /** The limit of the original library. */
    static final long MAX_HEADER = 100_000_000;

    static final String METADATA = "__metadata__";

    private static final int MAX_RANK = 64;

    /** The most elements of a tensor: tighter than what {@link Shape} admits. */
    private static final long MAX_ELEMENTS = Integer.MAX_VALUE * 64L;

    private static final long MAX_READ = 1L << 30;

    /** Bytes per element of the types of the format that are stored in whole bytes. */
    private static final Map<String, Integer> TYPES = Map.ofEntries(
            Map.entry("F64", 8),
            Map.entry("F32", 4),
            Map.entry("F16", 2),
            Map.entry("BF16", 2),
            Map.entry("F8_E4M3", 1),
            Map.entry("F8_E5M2", 1),
            Map.entry("I64", 8),
            Map.entry("I32", 4),
            Map.entry("I16", 2),
            Map.entry("I8", 1),
            Map.entry("U64", 8),
            Map.entry("U32", 4),
            Map.entry("U16", 2),
            Map.entry("U8", 1),
            Map.entry("BOOL", 1));

    /** A tensor of the file; {@code begin} counts from the start of the file. */
    record Entry(SafeTensorsFile file, String name, String type, Shape shape, long begin, long bytes) {}

    final Path path;
    final Map<String, Entry> entries;
    final Map<String, String> metadata;
    private final FileChannel channel;

    private SafeTensorsFile(Path path, FileChannel channel) throws IOException {
        this.path = path;
        this.channel = channel;
        long size = channel.size();
        byte[] header = readHeader(size);
        Map<String, Entry> found = new LinkedHashMap<>();
        Map<String, String> texts = new LinkedHashMap<>();
        parse(new JsonReader(header, path + ": header"), 8L + header.length, found, texts);
        requireContiguous(found, 8L + header.length, size);
        this.entries = Collections.unmodifiableMap(found);
        this.metadata = Collections.unmodifiableMap(texts);
    }

    static SafeTensorsFile open(Path path) {
        if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            throw new WeightsException(path + ": safetensors values are little-endian, this machine is not");
        }
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            throw new WeightsException(path + ": not a regular file");
        }
        try {
            FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
            try {
                return new SafeTensorsFile(path, channel);
            } catch (Throwable e) {
                channel.close();
                throw e;
            }
        } catch (NoSuchFileException e) {
            throw new WeightsException(path + ": no such file", e);
        } catch (IOException e) {
            throw new WeightsException(path + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * Fills the segment with bytes of the file from a position on.
     *
     * <p>Positional reads straight into the caller's memory instead of a mapping: the file never counts as this
     * process's memory beside the copy, a file that is cut meanwhile is an exception instead of a fault in the middle
     * of a copy, and kernels never see mapped segments, which would slow their call sites down.
     */
    void read(MemorySegment into, long position) {
        try {
            for (long done = 0; done < into.byteSize(); ) {
                long length = Math.min(MAX_READ, into.byteSize() - done);
                ByteBuffer part = into.asSlice(done, length).asByteBuffer();
                while (part.hasRemaining()) {
                    if (channel.read(part, position + done + part.position()) < 0) {
                        throw new WeightsException(path + ": the file became shorter while it was read");
                    }
                }
                done += length;
            }
        } catch (IOException e) {
            throw new WeightsException(path + ": cannot be read: " + e, e);
        }
    }

    void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new WeightsException(path + ": cannot be closed: " + e.getMessage(), e);
        }
    }

    private byte[] readHeader(long size) throws IOException {
        if (size < 8) {
            throw new WeightsException(path + ": " + size + " bytes, a safetensors file has at least 10");
        }
        ByteBuffer start =
                ByteBuffer.wrap(readBytes(0, (int) Math.min(64, size))).order(ByteOrder.LITTLE_ENDIAN);
        String text = new String(start.array(), StandardCharsets.ISO_8859_1);
        if (text.startsWith("version https://git-lfs")) {
            throw new WeightsException(path + ": a git-lfs pointer, not the file itself; fetch it with git lfs pull");
        }
        if (text.startsWith("<")) {
            throw new WeightsException(path + ": an HTML or XML page, not a safetensors file");
        }
        long length = start.getLong(0);
        if (length < 0 || length > MAX_HEADER) {
            throw new WeightsException(path + ": header length " + Long.toUnsignedString(length) + ", at most "
                    + MAX_HEADER + " is expected");
        }
        if (length > size - 8) {
            throw new WeightsException(
                    path + ": header length " + length + ", but the file has only " + size + " bytes");
        }
        byte[] header = readBytes(8, (int) length);
        if (length == 0 || header[0] != '{') {
            throw new WeightsException(path + ": the header does not start with '{'");
        }
        return header;
    }

    private byte[] readBytes(long position, int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length);
        while (bytes.hasRemaining()) {
            if (channel.read(bytes, position + bytes.position()) < 0) {
                throw new WeightsException(path + ": the file became shorter while it was read");
            }
        }
        return bytes.array();
    }

    private void parse(JsonReader json, long dataStart, Map<String, Entry> found, Map<String, String> texts) {
        boolean hasMetadata = false;
        json.beginObject("the header");
        while (json.hasField()) {
            String name = json.field();
            if (name.equals(METADATA)) {
                if (hasMetadata) {
                    throw json.error(METADATA + " occurs twice");
                }
                hasMetadata = true;
                json.beginObject(METADATA);
                while (json.hasField()) {
                    String key = json.field();
                    if (texts.put(key, json.string("metadata \"" + JsonReader.shorten(key) + "\"")) != null) {
                        throw json.error("metadata \"" + JsonReader.shorten(key) + "\" occurs twice");
                    }
                }
            } else if (found.put(name, entry(json, name, dataStart)) != null) {
                throw json.error("tensor \"" + JsonReader.shorten(name) + "\" occurs twice");
            }
        }
        json.end();
    }

    private Entry entry(JsonReader json, String name, long dataStart) {
        String what = "tensor \"" + JsonReader.shorten(name) + "\"";
        @Nullable String type = null;
        @Nullable List<Long> extents = null;
        @Nullable List<Long> offsets = null;
        json.beginObject(what);
        while (json.hasField()) {
            String field = json.field();
            switch (field) {
                case "dtype" -> {
                    requireOnce(json, type, what, field);
                    type = json.string("dtype of " + what);
                }
                case "shape" -> {
                    requireOnce(json, extents, what, field);
                    extents = naturals(json, "shape of " + what, MAX_RANK);
                }
                case "data_offsets" -> {
                    requireOnce(json, offsets, what, field);
                    offsets = naturals(json, "data_offsets of " + what, 2);
                }
                default -> throw json.error(what + " has the unknown field \"" + JsonReader.shorten(field) + "\"");
            }
        }
        if (type == null || extents == null || offsets == null) {
            throw json.error(what + " has no " + (type == null ? "dtype" : extents == null ? "shape" : "data_offsets"));
        }
        Integer width = TYPES.get(type);
        if (width == null) {
            throw json.error(what + " has the unknown dtype \"" + JsonReader.shorten(type) + "\"");
        }
        if (offsets.size() != 2 || offsets.get(0) > offsets.get(1)) {
            throw json.error(what + " has data_offsets " + offsets + ", expected [begin, end]");
        }
        long bytes = offsets.get(1) - offsets.get(0);
        Shape shape = shape(json, what, extents);
        if (shape.size() * width != bytes) {
            throw json.error(what + " " + type + " " + shape + " takes " + shape.size() * width
                    + " bytes, its data_offsets hold " + bytes);
        }
        if (offsets.get(1) > Long.MAX_VALUE - dataStart) {
            throw json.error(what + " lies beyond the end of the file");
        }
        return new Entry(this, name, type, shape, dataStart + offsets.get(0), bytes);
    }

    private static void requireOnce(JsonReader json, @Nullable Object value, String what, String field) {
        if (value != null) {
            throw json.error(what + " has two fields " + field);
        }
    }

    private static List<Long> naturals(JsonReader json, String what, int most) {
        List<Long> values = new ArrayList<>();
        json.beginArray(what);
        while (json.hasElement()) {
            if (values.size() == most) {
                throw json.error(what + " has more than " + most + " numbers");
            }
            values.add(json.natural("a number in " + what));
        }
        return values;
    }

    private static Shape shape(JsonReader json, String what, List<Long> extents) {
        long size = 1;
        for (long extent : extents) {
            boolean overflows = Math.multiplyHigh(size, extent) != 0 || size * extent < 0;
            if (extent > Integer.MAX_VALUE || overflows || size * extent > MAX_ELEMENTS) {
                throw json.error(what + " has the shape " + extents + ", which is too large");
            }
            size *= extent;
        }
        return Shape.of(extents.stream().mapToInt(Long::intValue).toArray());
    }

    private void requireContiguous(Map<String, Entry> found, long dataStart, long size) {
        List<Entry> order = new ArrayList<>(found.values());
        order.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::bytes));
        long expected = dataStart;
        for (Entry e : order) {
            if (e.begin != expected) {
                throw new WeightsException(path + ": tensor \"" + JsonReader.shorten(e.name) + "\" starts at byte "
                        + e.begin + " of the file, the one before it ends at " + expected
                        + (e.begin > expected ? " (a gap)" : " (an overlap)"));
            }
            expected = e.begin + e.bytes;
        }
        if (expected != size) {
            throw new WeightsException(path + ": the file has " + size + " bytes, its header describes " + expected);
        }
    }
}
