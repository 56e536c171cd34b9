package org.telltale.convert;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Loads HDF5 files whole, and refuses incomplete ones. */
final class H5Bytes {
    private static final long MAX_FILE = 1L << 30;
    private static final String ZIP_ENTRY = "model.weights.h5";

    private H5Bytes() {}

    /**
     * The bytes of an HDF5 file, or of the {@code model.weights.h5} inside a {@code .keras} archive.
     *
     * @throws ConvertException if they are truncated or more than 1 GiB
     */
    static byte[] load(Path path) {
        byte[] bytes = read(path);
        requireComplete(path, bytes);
        return bytes;
    }

    private static byte[] read(Path path) {
        try {
            byte[] head;
            try (InputStream in = Files.newInputStream(path)) {
                head = in.readNBytes(4);
            }
            if (Arrays.equals(head, new byte[] {'P', 'K', 3, 4})) {
                return unzip(path);
            }
            long size = Files.size(path);
            if (size > MAX_FILE) {
                throw new ConvertException(path + ": " + size + " bytes, at most " + MAX_FILE + " are read");
            }
            return Files.readAllBytes(path);
        } catch (IOException e) {
            throw new ConvertException(path + ": cannot be read: " + e, e);
        }
    }

    private static byte[] unzip(Path path) throws IOException {
        try (ZipFile zip = new ZipFile(path.toFile())) {
            ZipEntry entry = zip.getEntry(ZIP_ENTRY);
            if (entry == null) {
                throw new ConvertException(path + ": a zip file without " + ZIP_ENTRY);
            }
            try (InputStream in = zip.getInputStream(entry)) {
                byte[] bytes = in.readNBytes((int) MAX_FILE);
                if (in.read() >= 0) {
                    throw new ConvertException(path + ": " + ZIP_ENTRY + " is larger than " + MAX_FILE + " bytes");
                }
                return bytes;
            }
        }
    }

    /** The superblock says how long the file is; the library does not look, and would read the part that is there. */
    private static void requireComplete(Path path, byte[] bytes) {
        byte[] signature = {(byte) 0x89, 'H', 'D', 'F', '\r', '\n', 0x1A, '\n'};
        if (bytes.length < 48 || !Arrays.equals(bytes, 0, 8, signature, 0, 8)) {
            throw new ConvertException(path + ": not an HDF5 file");
        }
        int version = bytes[8];
        int offsetBytes = version < 2 ? bytes[13] : bytes[9];
        int endAt = version < 2 ? 24 + 4 * version + 2 * offsetBytes : 12 + 2 * offsetBytes;
        if (version < 0 || version > 3 || offsetBytes != 8) {
            throw new ConvertException(path + ": HDF5 superblock version " + version + " with addresses of "
                    + offsetBytes + " bytes, expected version 0 to 3 and 8 bytes");
        }
        long end = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(endAt);
        if (end < 0 || end > bytes.length) {
            throw new ConvertException(path + ": truncated: " + bytes.length + " bytes, the HDF5 superblock says "
                    + Long.toUnsignedString(end));
        }
    }
}
