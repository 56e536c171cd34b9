package org.telltale.app.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;
import org.telltale.api.ModelFolder;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Reasons;
import org.telltale.engine.io.WholeFile;

/**
 * A repository in the cache, laid out as Hugging Face's tools do: contents in {@code blobs}, named by their hash;
 * {@code snapshots/COMMIT} with a link to a blob for every file; {@code refs/REVISION} with the commit it means. Where the
 * file system has no symbolic links the files themselves are in the snapshot.
 */
final class RepoCache {
    private static final Duration LOCK_WAIT = Duration.ofMillis(200);

    private final Path cache;
    private final Path repository;
    private final boolean links;

    RepoCache(Path cache, String id) {
        this(cache, id, true);
    }

    /** @param links whether symbolic links are tried */
    RepoCache(Path cache, String id, boolean links) {
        this.cache = cache;
        this.repository = ModelFolder.repository(cache, id);
        this.links = links;
    }

    Path repository() {
        return repository;
    }

    Path blob(RemoteFile file) {
        return repository.resolve("blobs").resolve(file.hash());
    }

    /** Where a blob grows. What is in it is the beginning of the blob, so that any tool may go on from there. */
    Path partial(RemoteFile file) {
        return repository.resolve("blobs").resolve(file.hash() + ".incomplete");
    }

    Path snapshot(String commit) {
        return repository.resolve("snapshots").resolve(commit);
    }

    /** Whether the snapshot has the file, of the right size and of the right blob. */
    boolean has(String commit, RemoteFile file) {
        Path place = snapshot(commit).resolve(file.path());
        try {
            if (!Files.isRegularFile(place) || Files.size(place) != file.size()) {
                return false;
            }
            Path name = place.toRealPath().getFileName();
            return !Files.isSymbolicLink(place)
                    || (name != null && name.toString().equals(file.hash()));
        } catch (IOException e) {
            return false;
        }
    }

    /** Whether the blob is there, of the right size. */
    boolean hasBlob(RemoteFile file) {
        Path blob = blob(file);
        try {
            return Files.isRegularFile(blob, LinkOption.NOFOLLOW_LINKS) && Files.size(blob) == file.size();
        } catch (IOException e) {
            return false;
        }
    }

    /** How many bytes of a file need not be fetched any more. */
    long fetched(String commit, RemoteFile file) {
        if (has(commit, file) || hasBlob(file)) {
            return file.size();
        }
        try {
            long size = Files.size(partial(file));
            return size <= file.size() ? size : 0;
        } catch (IOException e) {
            return 0;
        }
    }

    /** Makes the folders of the repository. */
    void prepare() throws IOException {
        Files.createDirectories(repository.resolve("blobs"));
        Files.createDirectories(repository.resolve("snapshots"));
    }

    /** Puts a blob that is complete into a snapshot. */
    void link(String commit, RemoteFile file) throws IOException {
        Path snapshot = snapshot(commit);
        Path place = snapshot.resolve(file.path());
        Path folder = parent(place);
        Files.createDirectories(folder);
        // a link that somebody put there could lead anywhere
        if (!folder.toRealPath().startsWith(repository.toRealPath())) {
            throw new DataException(folder + ": leads out of " + repository);
        }
        if (links) {
            try {
                Path temporary = folder.resolve("." + place.getFileName() + ".telltale");
                Files.deleteIfExists(temporary);
                Files.createSymbolicLink(temporary, folder.relativize(blob(file)));
                Files.move(temporary, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
                return;
            } catch (UnsupportedOperationException | FileSystemException e) {
                // no links on this file system: the file itself takes the place
            }
        }
        Files.move(blob(file), place, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Notes which commit a revision means. */
    void ref(String revision, String commit) throws IOException {
        if (revision.equals(commit)) {
            return;
        }
        Path ref = repository.resolve("refs").resolve(revision);
        Files.createDirectories(parent(ref));
        WholeFile.write(ref, commit.getBytes(StandardCharsets.US_ASCII));
    }

    /** What is done while no other process does it. */
    interface Action {
        void run() throws IOException, InterruptedException;
    }

    /**
     * Does something while no other process pulls this repository, after waiting for one that does. The lock is the
     * process's and ends with it, however it ends.
     *
     * @param waiting told once when there is one to wait for
     */
    void locked(Pause pause, Runnable waiting, Action action) throws IOException, InterruptedException {
        Path folder = cache.resolve(".locks").resolve(String.valueOf(repository.getFileName()));
        Files.createDirectories(folder);
        try (FileChannel channel = FileChannel.open(
                folder.resolve("telltale.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            Optional<FileLock> lock = tryLock(channel);
            if (lock.isEmpty()) {
                waiting.run();
            }
            while (lock.isEmpty()) {
                pause.of(LOCK_WAIT);
                lock = tryLock(channel);
            }
            action.run();
        }
    }

    private static Optional<FileLock> tryLock(FileChannel channel) throws IOException {
        try {
            return Optional.ofNullable(channel.tryLock());
        } catch (OverlappingFileLockException e) {
            return Optional.empty();
        }
    }

    private static Path parent(Path file) {
        Path parent = file.getParent();
        if (parent == null) {
            throw new IllegalArgumentException(file + " has no folder");
        }
        return parent;
    }

    /** What can be written on the file system of a folder that may not exist yet. */
    static long space(Path folder) {
        Path there = folder.toAbsolutePath();
        while (!Files.exists(there) && there.getParent() != null) {
            there = there.getParent();
        }
        try {
            return Files.getFileStore(there).getUsableSpace();
        } catch (IOException e) {
            throw new DataException(there + ": cannot be read: " + Reasons.of(e), e);
        }
    }
}
