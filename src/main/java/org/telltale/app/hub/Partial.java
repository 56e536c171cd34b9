package org.telltale.app.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import org.telltale.app.data.DataException;

/** A file that grows from its beginning, and the hash of what is there. */
final class Partial implements AutoCloseable {
    private static final int BUFFER = 1 << 20;

    private final Path path;
    private final RemoteFile file;
    private final FileChannel channel;
    private MessageDigest digest;
    private long size;

    private Partial(Path path, RemoteFile file, FileChannel channel) {
        this.path = path;
        this.file = file;
        this.channel = channel;
        digest = digest(file);
    }

    /** Opens a file and goes through what an earlier run has left in it. */
    static Partial open(Path path, RemoteFile file) throws IOException {
        FileChannel channel = FileChannel.open(
                path,
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                LinkOption.NOFOLLOW_LINKS);
        boolean opened = false;
        try {
            Partial p = new Partial(path, file, channel);
            if (channel.size() > file.size()) {
                channel.truncate(0);
            }
            ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
            while (channel.read(buffer.clear(), p.size) > 0) {
                p.size += buffer.flip().remaining();
                p.digest.update(buffer);
            }
            opened = true;
            return p;
        } finally {
            if (!opened) {
                channel.close();
            }
        }
    }

    /** The hash that names the blob: git's hashes begin with the kind and the size. */
    private static MessageDigest digest(RemoteFile file) {
        try {
            if (file.hash().length() != RemoteFile.GIT) {
                return MessageDigest.getInstance("SHA-256");
            }
            MessageDigest sha1 = MessageDigest.getInstance("SHA-1");
            sha1.update(("blob " + file.size() + "\0").getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            return sha1;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    long size() {
        return size;
    }

    void append(ByteBuffer bytes) throws IOException {
        ByteBuffer hashed = bytes.duplicate();
        while (bytes.hasRemaining()) {
            size += channel.write(bytes, size);
        }
        digest.update(hashed);
    }

    /** Begins anew. */
    void clear() throws IOException {
        channel.truncate(0);
        size = 0;
        digest = digest(file);
    }

    /** What is wrong with the hash of the whole file, if something is. */
    Optional<String> wrong() {
        String found = HexFormat.of().formatHex(digest.digest());
        if (file.hash().isEmpty() || found.equals(file.hash())) {
            return Optional.empty();
        }
        String kind = file.hash().length() == RemoteFile.GIT ? "git's SHA-1" : "the SHA-256";
        return Optional.of(kind + " of what was received is " + found + ", expected " + file.hash());
    }

    /** Gives the complete file its name. */
    void finish(Path target) throws IOException {
        if (size != file.size()) {
            throw new DataException(path + ": " + size + " bytes, expected " + file.size());
        }
        channel.force(true);
        Files.move(path, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
