package org.telltale.app.data;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Resized pictures of one data set, in native memory and in one file. The file's name is the SHA-256 of all that its
 * content depends on: paths, sizes and times of the pictures' files, and the preprocessing.
 *
 * <p>The file is a header and a slot of fixed size for each picture: a mark, a checksum and the levels. It is named
 * {@code .part} until every slot is filled; a run that was killed is continued by the next. Each slot is verified whenever
 * it is read, and one that is damaged is made again. What goes wrong with the file is noted, and the run goes on without.
 */
final class PictureCache implements AutoCloseable {
    private static final byte[] MAGIC = "TELLPIX1".getBytes(StandardCharsets.US_ASCII);
    private static final String PREFIX = "pictures-";
    private static final String SUFFIX = ".cache";
    private static final String PART = ".part";

    /** Magic, key, payload and slots. */
    private static final int HEADER = MAGIC.length + 32 + 2 * Integer.BYTES;

    /** Mark and checksum. */
    private static final int PREAMBLE = 2 * Integer.BYTES;

    private static final int FILLED = 0x46494C4C;

    private final int payload;
    private final List<String> notes = new ArrayList<>();

    /** A set, as two threads may meet the same damage at the end of one epoch and the beginning of the next. */
    private final Set<Integer> damaged = ConcurrentHashMap.newKeySet();

    private final Arena arena = Arena.ofShared();
    private final AtomicReferenceArray<@Nullable MemorySegment> memory;

    private @Nullable Store store;

    /** The open file. */
    private static final class Store {
        final Path file;
        final Path name;
        final FileChannel channel;
        final AtomicIntegerArray present;
        final AtomicInteger left;

        Store(Path file, Path name, FileChannel channel, int slots) {
            this.file = file;
            this.name = name;
            this.channel = channel;
            present = new AtomicIntegerArray(slots);
            left = new AtomicInteger(slots);
        }

        boolean complete() {
            return file.equals(name);
        }
    }

    private PictureCache(int payload, int inMemory) {
        this.payload = payload;
        this.memory = new AtomicReferenceArray<>(inMemory);
    }

    /**
     * Opens the cache of a data set.
     *
     * @param preprocessing all that the levels depend on besides the files
     * @param payload bytes of a picture
     */
    static PictureCache open(
            PictureOptions.Cache options, List<Sample.Picture> samples, String preprocessing, int payload) {
        int inMemory = (int) Math.min(samples.size(), options.maxMemoryBytes() / payload);
        PictureCache cache = new PictureCache(payload, inMemory);
        options.folder().ifPresent(folder -> {
            long slot = (long) payload + PREAMBLE;
            int slots = (int) Math.min(samples.size(), Math.max(0, options.maxFileBytes() - HEADER) / slot);
            if (slots > 0) {
                try {
                    Files.createDirectories(folder);
                    byte[] key = key(samples, preprocessing, slots);
                    cache.store = cache.open(folder, key, slots, options.maxFileBytes());
                } catch (IOException e) {
                    cache.note(folder + ": no cache of pictures there: " + Reasons.of(e));
                }
            }
        });
        return cache;
    }

    private static byte[] key(List<Sample.Picture> samples, String preprocessing, int slots) {
        MessageDigest digest = sha256();
        digest.update((preprocessing + "\n" + slots + "\n").getBytes(StandardCharsets.UTF_8));
        for (Sample.Picture p : samples.subList(0, slots)) {
            digest.update((p.file().toAbsolutePath() + "\0" + state(p.file()) + "\n").getBytes(StandardCharsets.UTF_8));
        }
        return digest.digest();
    }

    private static String state(Path file) {
        try {
            return Files.size(file) + " " + Files.getLastModifiedTime(file).toInstant();
        } catch (IOException e) {
            return "unreadable";
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private @Nullable Store open(Path folder, byte[] key, int slots, long maxBytes) throws IOException {
        Path name = folder.resolve(PREFIX + HexFormat.of().formatHex(key) + SUFFIX);
        long length = HEADER + slots * ((long) payload + PREAMBLE);
        if (Files.exists(name)) {
            Store store = new Store(name, name, read(name), slots);
            if (sound(store, key, length)) {
                Files.setLastModifiedTime(name, FileTime.from(Instant.now()));
                return store;
            }
            store.channel.close();
            Files.delete(name);
            note(name + ": not a whole cache of these pictures, made again");
        }
        Path part = name.resolveSibling(name.getFileName() + PART);
        if (!Files.exists(part)) {
            makeRoom(folder, length, maxBytes);
        }
        FileChannel channel =
                FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        Store store = new Store(part, name, channel, slots);
        if (!begin(store, key)) {
            channel.close();
            note(part + ": another run is writing it; this one works without the file");
            return null;
        }
        return store;
    }

    private boolean sound(Store store, byte[] key, long length) throws IOException {
        try {
            return valid(store, key) && store.channel.size() == length;
        } catch (IOException e) {
            store.channel.close();
            throw e;
        }
    }

    /** Continues what an earlier run left, or writes the header; not while another run does so. */
    private boolean begin(Store store, byte[] key) throws IOException {
        try {
            if (!locked(store.channel)) {
                return false;
            }
            if (valid(store, key)) {
                count(store);
            } else {
                store.channel.truncate(0);
                write(store.channel, header(key, store.present.length()), 0);
            }
            return true;
        } catch (IOException e) {
            store.channel.close();
            throw e;
        }
    }

    private static FileChannel read(Path name) throws IOException {
        return FileChannel.open(name, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    private static boolean locked(FileChannel channel) throws IOException {
        try {
            FileLock lock = channel.tryLock();
            return lock != null;
        } catch (OverlappingFileLockException e) {
            return false;
        }
    }

    private ByteBuffer header(byte[] key, int slots) {
        return ByteBuffer.allocate(HEADER)
                .put(MAGIC)
                .put(key)
                .putInt(payload)
                .putInt(slots)
                .flip();
    }

    private boolean valid(Store store, byte[] key) throws IOException {
        ByteBuffer found = ByteBuffer.allocate(HEADER);
        return readFully(store.channel, found, 0) && found.flip().equals(header(key, store.present.length()));
    }

    /** Which slots an earlier run left. */
    private void count(Store store) throws IOException {
        ByteBuffer mark = ByteBuffer.allocate(Integer.BYTES);
        for (int i = 0; i < store.present.length(); i++) {
            if (readFully(store.channel, mark.clear(), position(i)) && mark.getInt(0) == FILLED) {
                store.present.set(i, 1);
                store.left.decrementAndGet();
            }
        }
    }

    /** Removes the files that were not used for longest, until a new one fits; those that are being written stay. */
    private static void makeRoom(Path folder, long wanted, long maxBytes) throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.list(folder)) {
            files = new ArrayList<>(all.filter(p -> {
                        String name = String.valueOf(p.getFileName());
                        return name.startsWith(PREFIX) && (name.endsWith(SUFFIX) || name.endsWith(SUFFIX + PART));
                    })
                    .toList());
        }
        files.sort(Comparator.comparing(PictureCache::used));
        long total = wanted;
        for (Path file : files) {
            total += Files.size(file);
        }
        for (Path file : files) {
            if (total <= maxBytes) {
                return;
            }
            long size = Files.size(file);
            try (FileChannel channel = read(file)) {
                if (locked(channel)) {
                    Files.delete(file);
                    total -= size;
                }
            }
        }
    }

    private static FileTime used(Path file) {
        try {
            return Files.getLastModifiedTime(file);
        } catch (IOException e) {
            return FileTime.fromMillis(0);
        }
    }

    /** Bytes of a picture. */
    int payload() {
        return payload;
    }

    /** What went wrong, a line each. */
    synchronized List<String> notes() {
        List<String> all = new ArrayList<>(notes);
        if (!damaged.isEmpty()) {
            all.add("damaged pictures of the cache that were made again: " + damaged.size());
        }
        return all;
    }

    private synchronized void note(String line) {
        notes.add(line);
    }

    private synchronized @Nullable Store store() {
        return store;
    }

    /** Copies a picture, if it is here and sound. */
    boolean get(int sample, byte[] out) {
        if (sample < memory.length()) {
            MemorySegment kept = memory.get(sample);
            if (kept != null) {
                MemorySegment.copy(kept, ValueLayout.JAVA_BYTE, 0, out, 0, payload);
                return true;
            }
        }
        Store s = store();
        if (s == null || sample >= s.present.length() || !(s.complete() || s.present.get(sample) == 1)) {
            return false;
        }
        try {
            ByteBuffer preamble = ByteBuffer.allocate(PREAMBLE);
            boolean sound = readFully(s.channel, preamble, position(sample))
                    && readFully(s.channel, ByteBuffer.wrap(out), position(sample) + PREAMBLE)
                    && preamble.getInt(0) == FILLED
                    && preamble.getInt(Integer.BYTES) == checksum(sample, out);
            if (!sound) {
                damaged.add(sample);
                return false;
            }
        } catch (IOException e) {
            giveUp(s, e);
            return false;
        }
        remember(sample, out);
        return true;
    }

    /** Keeps a picture. */
    void put(int sample, byte[] levels) {
        remember(sample, levels);
        Store s = store();
        if (s == null || sample >= s.present.length()) {
            return;
        }
        try {
            // The mark comes last: a slot without it was not written to its end.
            write(s.channel, ByteBuffer.wrap(levels), position(sample) + PREAMBLE);
            ByteBuffer preamble = ByteBuffer.allocate(PREAMBLE)
                    .putInt(FILLED)
                    .putInt(checksum(sample, levels))
                    .flip();
            write(s.channel, preamble, position(sample));
            if (!s.complete() && s.present.compareAndSet(sample, 0, 1) && s.left.decrementAndGet() == 0) {
                s.channel.force(true);
                Files.move(s.file, s.name, StandardCopyOption.ATOMIC_MOVE);
            }
        } catch (IOException e) {
            giveUp(s, e);
        }
    }

    private void remember(int sample, byte[] levels) {
        if (sample < memory.length() && memory.get(sample) == null) {
            MemorySegment kept = arena.allocate(payload);
            MemorySegment.copy(levels, 0, kept, ValueLayout.JAVA_BYTE, 0, payload);
            memory.set(sample, kept);
        }
    }

    private synchronized void giveUp(Store s, IOException e) {
        if (store == s) {
            store = null;
            note(s.file + ": the cache of pictures is given up: " + Reasons.of(e));
        }
    }

    private long position(int sample) {
        return HEADER + sample * ((long) payload + PREAMBLE);
    }

    private static int checksum(int sample, byte[] levels) {
        CRC32C crc = new CRC32C();
        crc.update(levels);
        crc.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, sample));
        return (int) crc.getValue();
    }

    private static boolean readFully(FileChannel channel, ByteBuffer to, long position) throws IOException {
        long at = position;
        while (to.hasRemaining()) {
            int n = channel.read(to, at);
            if (n < 0) {
                return false;
            }
            at += n;
        }
        return true;
    }

    private static void write(FileChannel channel, ByteBuffer from, long position) throws IOException {
        long at = position;
        while (from.hasRemaining()) {
            at += channel.write(from, at);
        }
    }

    @Override
    public void close() {
        Store s = store();
        try {
            if (s != null) {
                s.channel.close();
            }
        } catch (IOException e) {
            note(s.file + ": " + Reasons.of(e));
        } finally {
            arena.close();
        }
    }
}
