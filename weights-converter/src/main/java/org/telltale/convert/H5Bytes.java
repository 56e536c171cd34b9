package org.telltale.convert;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Loads HDF5 files whole into native memory, and refuses incomplete ones. */
final class H5Bytes {
    private static final long MAX_FILE = 1L << 30;
    private static final String ZIP_ENTRY = "model.weights.h5";
    private static final String CONFIG = "config.json";
    private static final long MAX_CONFIG = 16L << 20;
    private static final byte[] SIGNATURE = {(byte) 0x89, 'H', 'D', 'F', '\r', '\n', 0x1A, '\n'};
    private static final int STEP = 1 << 16;

    private H5Bytes() {}

    /** Whether a zip file is a {@code .keras} archive. */
    static boolean isArchive(Path path) {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            return new ZipDirectory(path, channel).entries().containsKey(ZIP_ENTRY);
        } catch (IOException e) {
            throw new ConvertException(path + ": cannot be read: " + e, e);
        }
    }

    /** The description of the model inside a {@code .keras} archive, JSON; empty where there is none. */
    static Optional<String> config(Path path) {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            if (!isZip(channel)) {
                return Optional.empty();
            }
            ZipDirectory zip = new ZipDirectory(path, channel);
            ZipDirectory.@Nullable Entry entry = zip.entries().get(CONFIG);
            if (entry == null) {
                return Optional.empty();
            }
            if (entry.size() > MAX_CONFIG) {
                throw new ConvertException(
                        path + ": " + CONFIG + " has " + entry.size() + " bytes, at most " + MAX_CONFIG + " are read");
            }
            try (InputStream in = zip.open(entry)) {
                return Optional.of(new String(in.readNBytes((int) MAX_CONFIG), StandardCharsets.UTF_8));
            }
        } catch (IOException e) {
            throw new ConvertException(path + ": cannot be read: " + e, e);
        }
    }

    private static boolean isZip(FileChannel channel) throws IOException {
        byte[] head = new byte[4];
        channel.read(ByteBuffer.wrap(head), 0);
        return head[0] == 'P' && head[1] == 'K' && head[2] == 3 && head[3] == 4;
    }

    /**
     * The bytes of an HDF5 file, or of the {@code model.weights.h5} inside a {@code .keras} archive.
     *
     * @throws ConvertException if they are truncated or more than 1 GiB
     */
    static MemorySegment load(Path path, Arena arena) {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            MemorySegment bytes = read(path, channel, arena);
            requireComplete(path, bytes);
            return bytes;
        } catch (IOException e) {
            throw new ConvertException(path + ": cannot be read: " + e, e);
        }
    }

    private static MemorySegment read(Path path, FileChannel channel, Arena arena) throws IOException {
        if (isZip(channel)) {
            ZipDirectory zip = new ZipDirectory(path, channel);
            ZipDirectory.@Nullable Entry entry = zip.entries().get(ZIP_ENTRY);
            if (entry == null) {
                throw new ConvertException(path + ": a zip file without " + ZIP_ENTRY);
            }
            try (InputStream in = zip.open(entry)) {
                return copy(path, in, entry.size(), arena);
            }
        }
        try (InputStream in = java.nio.channels.Channels.newInputStream(channel.position(0))) {
            return copy(path, in, channel.size(), arena);
        }
    }

    private static MemorySegment copy(Path path, InputStream in, long size, Arena arena) throws IOException {
        if (size > MAX_FILE) {
            throw new ConvertException(path + ": " + size + " bytes, at most " + MAX_FILE + " are read");
        }
        MemorySegment bytes = arena.allocate(size, 8);
        byte[] buffer = new byte[STEP];
        for (long done = 0; done < size; ) {
            int count = in.read(buffer, 0, (int) Math.min(STEP, size - done));
            if (count < 0) {
                throw new ConvertException(path + ": truncated: " + done + " bytes, expected " + size);
            }
            MemorySegment.copy(buffer, 0, bytes, ValueLayout.JAVA_BYTE, done, count);
            done += count;
        }
        return bytes;
    }

    /** The superblock says how long the file is; the library does not look, and would read the part that is there. */
    private static void requireComplete(Path path, MemorySegment bytes) {
        if (bytes.byteSize() < 48 || MemorySegment.ofArray(SIGNATURE).mismatch(bytes) != SIGNATURE.length) {
            throw new ConvertException(path + ": not an HDF5 file");
        }
        int version = bytes.get(ValueLayout.JAVA_BYTE, 8);
        int offsetBytes = bytes.get(ValueLayout.JAVA_BYTE, version < 2 ? 13 : 9);
        int endAt = version < 2 ? 24 + 4 * version + 2 * offsetBytes : 12 + 2 * offsetBytes;
        if (version < 0 || version > 3 || offsetBytes != 8) {
            throw new ConvertException(path + ": HDF5 superblock version " + version + " with addresses of "
                    + offsetBytes + " bytes, expected version 0 to 3 and 8 bytes");
        }
        long end = bytes.get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), endAt);
        if (end < 0 || end > bytes.byteSize()) {
            throw new ConvertException(path + ": truncated: " + bytes.byteSize() + " bytes, the HDF5 superblock says "
                    + Long.toUnsignedString(end));
        }
    }
}
