package org.telltale.engine.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Writes a file that appears under its name only when it is complete and on the disk. Until then it is a temporary file in
 * the same folder, named {@code .NAME.*.tmp}, which a failure removes and a kill leaves behind.
 */
public final class WholeFile {
    private WholeFile() {}

    /** Writes what the file holds. */
    @FunctionalInterface
    public interface Content {
        void to(FileChannel out) throws IOException;
    }

    /** Writes bytes. */
    public static void write(Path file, byte[] content) throws IOException {
        write(file, out -> writeFully(out, ByteBuffer.wrap(content)));
    }

    /** Writes a file, in place of the one that may be there. */
    public static void write(Path file, Content content) throws IOException {
        Path target = file.toAbsolutePath();
        Path folder = target.getParent();
        if (folder == null) {
            throw new IOException("not the name of a file");
        }
        // not createTempFile, which would make the file readable by its owner only
        String unique = Long.toHexString(ProcessHandle.current().pid()) + "-" + Long.toHexString(System.nanoTime());
        Path temporary = folder.resolve("." + target.getFileName() + "." + unique + ".tmp");
        try {
            try (FileChannel out =
                    FileChannel.open(temporary, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
                content.to(out);
                out.force(true);
            }
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
        forceFolder(folder);
    }

    static void writeFully(FileChannel out, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    /** Makes the new name durable; where folders cannot be opened (Windows) the file system has to see to it. */
    private static void forceFolder(Path folder) {
        try (FileChannel f = FileChannel.open(folder, StandardOpenOption.READ)) {
            f.force(true);
        } catch (IOException e) {
            // the file itself is complete and on the disk
        }
    }
}
