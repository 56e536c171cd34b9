package org.telltale.app.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.telltale.api.Timings;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * SHA-256 of the files that a model is read from. They may be gigabytes: a thread of its own computes it while the model
 * is opened.
 */
public final class Fingerprint {
    private static final List<String> SUFFIXES = List.of(".safetensors", ".json", ".txt", ".txt.gz");

    private final Path folder;
    private final FutureTask<ObjectNode> task;

    private Fingerprint(Path folder, FutureTask<ObjectNode> task) {
        this.folder = folder;
        this.task = task;
    }

    /**
     * Begins to compute that of a model folder.
     *
     * @param timings told in the end how long it took
     */
    public static Fingerprint begin(Path folder, Timings timings) {
        long began = System.nanoTime();
        FutureTask<ObjectNode> task = new FutureTask<>(() -> {
            ObjectNode node = compute(folder);
            timings.aside(Timings.Aside.HASH, began);
            return node;
        });
        Thread thread = new Thread(task, "fingerprint");
        thread.setDaemon(true);
        thread.start();
        return new Fingerprint(folder, task);
    }

    /** Hexadecimal SHA-256 by file name, once it is known. */
    public ObjectNode get() throws InterruptedException {
        try {
            return task.get();
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            throw new DataException(
                    folder + ": cannot be read: " + (cause instanceof IOException io ? Reasons.of(io) : cause), e);
        }
    }

    private static ObjectNode compute(Path folder) throws IOException {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.sorted().toList()) {
                String name = String.valueOf(file.getFileName());
                if (SUFFIXES.stream().anyMatch(name::endsWith) && Files.isRegularFile(file)) {
                    node.put(name, sha256(file));
                }
            }
        }
        return node;
    }

    /** Hexadecimal SHA-256 by file name of a model folder, computed at once. */
    public static ObjectNode of(Path folder) {
        try {
            return compute(folder);
        } catch (IOException e) {
            throw new DataException(folder + ": cannot be read: " + Reasons.of(e), e);
        }
    }

    /** The hexadecimal SHA-256 of a file. */
    public static String sha256(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] buffer = new byte[1 << 20];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
