package org.telltale.app.data;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A file of records in the making. Records are appended to {@code NAME.part}, each flushed, and the file gets its name
 * when all are there: it is complete or absent. A {@code .part} that a killed run left behind is continued when its
 * header equals this run's; a last line without its end is cut off.
 *
 * <p>What is no regular file, such as {@code /dev/stdout}, is written directly.
 */
public final class RecordFile implements Results {
    private final Path file;
    private final Path part;
    private final FileChannel channel;
    private final @Nullable Rendering rendering;
    private final Set<String> done = new HashSet<>();
    private boolean empty = true;

    /** Writes the file, of the records, in the end. */
    @FunctionalInterface
    public interface Rendering {
        /**
         * Writes a file that appears when it is complete.
         *
         * @param part the complete JSONL
         */
        void write(Path part, Path file);
    }

    private RecordFile(Path file, Path part, FileChannel channel, @Nullable Rendering rendering) {
        this.file = file;
        this.part = part;
        this.channel = channel;
        this.rendering = rendering;
    }

    /**
     * Refuses, before any work, a file that could not be written in the end.
     *
     * @throws DataException if the name is a folder's, or the folder is missing or may not be written
     */
    public static void check(Path file) {
        Path folder = file.toAbsolutePath().getParent();
        if (Files.isDirectory(file)) {
            throw new DataException(file + ": cannot be written: a folder");
        }
        if (folder == null || !Files.isDirectory(folder)) {
            throw new DataException(file + ": cannot be written: no such folder: " + folder);
        }
        if (!special(file) && !Files.isWritable(folder)) {
            throw new DataException(file + ": cannot be written: permission denied");
        }
    }

    /**
     * Opens a file for the records of a run, or continues the one that an earlier run left.
     *
     * @param restart whether to discard what an earlier run left
     */
    public static RecordFile open(Path file, JsonNode header, boolean restart) {
        return open(file, header, restart, null);
    }

    /** As the other {@code open}, for a file that is made of the records when all are there. */
    public static RecordFile rendered(Path file, JsonNode header, boolean restart, Rendering rendering) {
        check(file);
        if (special(file)) {
            throw new DataException(file + ": not a regular file, expected one that can be written at the end");
        }
        return open(file, header, restart, rendering);
    }

    private static RecordFile open(Path file, JsonNode header, boolean restart, @Nullable Rendering rendering) {
        check(file);
        Path part = special(file) ? file : file.resolveSibling(file.getFileName() + ".part");
        try {
            FileChannel channel = special(file)
                    ? FileChannel.open(part, StandardOpenOption.WRITE)
                    : FileChannel.open(
                            part, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
            RecordFile records = new RecordFile(file, part, channel, rendering);
            try {
                records.begin(header, restart);
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
            return records;
        } catch (IOException e) {
            throw failure(file, e);
        }
    }

    private void begin(JsonNode header, boolean restart) throws IOException {
        if (!part.equals(file)) {
            lock();
            long keep = restart ? 0 : complete(header);
            channel.truncate(keep);
            channel.position(keep);
            empty = done.isEmpty();
            if (keep > 0) {
                return;
            }
        }
        write(header);
    }

    private void lock() throws IOException {
        try {
            if (channel.tryLock() != null) {
                return;
            }
        } catch (OverlappingFileLockException e) {
            throw new DataException(part + ": another run is writing it", e);
        }
        throw new DataException(part + ": another run is writing it");
    }

    /** How many bytes an earlier run left that this one can continue; their ids are done. */
    private long complete(JsonNode header) throws IOException {
        channel.position(0);
        Lines lines = new Lines(
                new BufferedInputStream(Channels.newInputStream(channel), 1 << 16), part.toString(), Records.MAX_LINE);
        Optional<String> line = lines.next();
        if (line.isEmpty() || !lines.terminated()) {
            return 0;
        }
        Header.difference(Records.parse(line.get(), lines.where()), header).ifPresent(difference -> {
            throw new DataException(part + ": left by another run: " + difference
                    + "; --restart discards it, another --output keeps it");
        });
        long keep = lines.end();
        Function<JsonNode, ? extends Entry> reader =
                Records.reader(header.path(Header.KIND).stringValue(""));
        for (line = lines.next(); line.isPresent() && lines.terminated(); line = lines.next()) {
            done.add(Records.record(line.get(), lines.where(), reader).id());
            keep = lines.end();
        }
        return keep;
    }

    @Override
    public Set<String> done() {
        return Set.copyOf(done);
    }

    @Override
    public void add(Entry entry) {
        try {
            write(entry.json());
        } catch (IOException e) {
            throw failure(file, e);
        }
        empty = false;
    }

    private void write(JsonNode line) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** Gives the file its name, or removes it when no record came. */
    @Override
    public void finish() {
        if (part.equals(file)) {
            return;
        }
        try {
            if (empty) {
                Files.deleteIfExists(part);
                return;
            }
            channel.force(true);
            if (rendering != null) {
                rendering.write(part, file);
                Files.delete(part);
                return;
            }
            try {
                Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
            } catch (AtomicMoveNotSupportedException e) {
                Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException e) {
            throw failure(file, e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw failure(file, e);
        }
    }

    private static boolean special(Path file) {
        return Files.exists(file) && !Files.isRegularFile(file);
    }

    private static DataException failure(Path file, IOException e) {
        return new DataException(file + ": cannot be written: " + Reasons.of(e), e);
    }
}
