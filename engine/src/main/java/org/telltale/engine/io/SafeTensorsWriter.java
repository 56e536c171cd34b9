package org.telltale.engine.io;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;

/**
 * Writes safetensors files: all or nothing, and the same bytes for the same content.
 *
 * <p>The file appears under its name only when it is complete and on the disk; until then it is a temporary file in the
 * same folder, which a failure removes. Tensors lie in the order of falling element size and then of names, so that each
 * is aligned to its element; the header is padded with blanks to a multiple of 8 bytes, as the original library does.
 */
public final class SafeTensorsWriter {
    private static final long MAX_WRITE = 1L << 30;

    private SafeTensorsWriter() {}

    /** What the header says about a tensor. */
    public record Entry(String name, DType dtype, Shape shape) {}

    /** Supplies tensors one at a time, for instance {@code weights::read}. */
    @FunctionalInterface
    public interface Source {
        /** The values of a tensor; memory taken from the arena is free again as soon as they are written. */
        HostTensor read(String name, Arena arena);
    }

    /** Writes tensors that are in memory. */
    public static void write(Path file, Map<String, HostTensor> tensors, Map<String, String> metadata) {
        List<Entry> entries = new ArrayList<>();
        tensors.forEach((name, t) -> entries.add(new Entry(name, t.dtype(), t.shape())));
        write(file, entries, metadata, (name, arena) -> Objects.requireNonNull(tensors.get(name)));
    }

    /**
     * Writes tensors of which only one at a time is in memory.
     *
     * @throws WeightsException if the file cannot be written, a name occurs twice, or the source gives a tensor of
     *     another type or shape than its entry
     */
    public static void write(Path file, List<Entry> entries, Map<String, String> metadata, Source source) {
        List<Entry> order = new ArrayList<>(entries);
        order.sort(Comparator.comparingInt((Entry e) -> -e.dtype.bytes()).thenComparing(Entry::name));
        ByteBuffer header = header(file, order, metadata);
        if (file.toAbsolutePath().getParent() == null) {
            throw new WeightsException(file + ": not the name of a file");
        }
        try {
            WholeFile.write(file, out -> {
                WholeFile.writeFully(out, header);
                for (Entry entry : order) {
                    writeTensor(file, out, entry, source);
                }
            });
        } catch (IOException e) {
            // the message of a FileSystemException is the file's name alone
            throw new WeightsException(
                    file + ": cannot be written: " + (e instanceof FileSystemException ? e : e.getMessage()), e);
        }
    }

    private static ByteBuffer header(Path file, List<Entry> order, Map<String, String> metadata) {
        StringBuilder json = new StringBuilder("{");
        if (!metadata.isEmpty()) {
            json.append(quote(SafeTensorsFile.METADATA)).append(":{");
            new TreeMap<>(metadata)
                    .forEach((key, value) -> json.append(quote(key))
                            .append(':')
                            .append(quote(value))
                            .append(','));
            json.setCharAt(json.length() - 1, '}');
            json.append(',');
        }
        Set<String> names = new HashSet<>();
        names.add(SafeTensorsFile.METADATA);
        long begin = 0;
        for (Entry e : order) {
            if (!names.add(e.name)) {
                throw new WeightsException(file + ": the tensor name \"" + e.name + "\" is taken");
            }
            long end = begin + e.shape.size() * e.dtype.bytes();
            json.append(quote(e.name))
                    .append(":{\"dtype\":\"")
                    .append(e.dtype)
                    .append("\",\"shape\":")
                    .append(e.shape.toString().replace(" ", ""))
                    .append(",\"data_offsets\":[")
                    .append(begin)
                    .append(',')
                    .append(end)
                    .append("]},");
            begin = end;
        }
        if (json.length() > 1) {
            json.setLength(json.length() - 1);
        }
        json.append('}');
        ByteBuffer utf8;
        try {
            utf8 = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(json));
        } catch (CharacterCodingException e) {
            throw new WeightsException(file + ": a name or metadata has half a surrogate pair", e);
        }
        int length = (utf8.remaining() + 7) / 8 * 8;
        if (length > SafeTensorsFile.MAX_HEADER) {
            throw new WeightsException(
                    file + ": a header of " + length + " bytes, at most " + SafeTensorsFile.MAX_HEADER);
        }
        ByteBuffer header = ByteBuffer.allocate(8 + length).order(ByteOrder.LITTLE_ENDIAN);
        header.putLong(length).put(utf8);
        while (header.hasRemaining()) {
            header.put((byte) ' ');
        }
        return header.flip();
    }

    private static void writeTensor(Path file, FileChannel out, Entry e, Source source) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            HostTensor t = source.read(e.name, arena);
            if (t.dtype() != e.dtype || !t.shape().equals(e.shape)) {
                throw new WeightsException(
                        file + ": tensor \"" + e.name + "\" is " + t + ", announced as " + e.dtype + " " + e.shape);
            }
            MemorySegment data = t.data();
            for (long done = 0; done < data.byteSize(); ) {
                long length = Math.min(MAX_WRITE, data.byteSize() - done);
                WholeFile.writeFully(out, data.asSlice(done, length).asByteBuffer());
                done += length;
            }
        }
    }

    /** A JSON string literal. */
    private static String quote(String s) {
        StringBuilder q = new StringBuilder("\"");
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            if (c == '"' || c == '\\') {
                q.append('\\').append(c);
            } else if (c < 0x20) {
                q.append(String.format("\\u%04x", (int) c));
            } else {
                q.append(c);
            }
        }
        return q.append('"').toString();
    }
}
