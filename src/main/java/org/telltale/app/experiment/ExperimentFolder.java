package org.telltale.app.experiment;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Header;
import org.telltale.app.data.InputNotFoundException;
import org.telltale.app.data.Reasons;
import org.telltale.app.data.Records;
import org.telltale.engine.io.WholeFile;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The folder of an experiment.
 *
 * <pre>
 * experiment.json                                   what the tables hold, and which systems there are
 * tasks/TASK.tsv                                    the samples, with their splits
 * captions/CAPTIONER.jsonl                          a text for every picture
 * image/TASK/CLASSIFIER/trial-K/scores.jsonl        of the test split, beside the course of the training
 * text/TASK/CAPTIONER/trial-K/scores.jsonl
 * times.jsonl                                       a line for each sitting at a job
 * report/                                           what came out
 * </pre>
 *
 * Files that a kill left unfinished end in {@code .part} and are continued. A lock that ends with its process keeps a second one
 * out.
 */
final class ExperimentFolder implements AutoCloseable {
    private static final String DESCRIPTION = "experiment.json";
    private static final String TIMES = "times.jsonl";
    private static final String LOCK = ".lock";
    private static final int MAX_TIMES = 10_000_000;
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private final Path root;
    private final @Nullable FileChannel lock;

    private ExperimentFolder(Path root, @Nullable FileChannel lock) {
        this.root = root;
        this.lock = lock;
    }

    /**
     * Opens a folder to write to.
     *
     * @param description what must be the same for the folder to be continued; what stands below {@code producer}
     *     and {@code extent} may differ, as trials and systems may be added
     */
    static ExperimentFolder open(Path root, ObjectNode description) {
        FileChannel lock = null;
        try {
            Files.createDirectories(root);
            lock = FileChannel.open(root.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (!locks(lock)) {
                throw new DataException(root + ": another process works in this folder; give --out another");
            }
            ExperimentFolder folder = new ExperimentFolder(root, lock);
            folder.begin(description);
            return folder;
        } catch (IOException e) {
            throw new DataException(root + ": cannot be written: " + Reasons.of(e), e);
        } catch (RuntimeException e) {
            if (lock != null) {
                close(lock);
            }
            throw e;
        }
    }

    /** Opens a folder to look at, whether or not a process writes to it. */
    static ExperimentFolder look(Path root) {
        if (!Files.isRegularFile(root.resolve(DESCRIPTION))) {
            throw new InputNotFoundException(
                    root + ": no " + DESCRIPTION + " in it, expected the folder of an experiment");
        }
        return new ExperimentFolder(root, null);
    }

    private static boolean locks(FileChannel channel) throws IOException {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            return false;
        }
    }

    /** Whether a process works in the folder now. */
    boolean busy() {
        Path file = root.resolve(LOCK);
        if (!Files.exists(file)) {
            return false;
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            return !locks(channel);
        } catch (IOException e) {
            throw new DataException(file + ": cannot be opened: " + Reasons.of(e), e);
        }
    }

    private void begin(ObjectNode description) throws IOException {
        if (Files.exists(root.resolve(DESCRIPTION))) {
            difference(description(), description).ifPresent(d -> {
                throw new DataException(root + ": holds another experiment: " + d
                        + ". Give --out another folder, or the plan that this one was begun with");
            });
        }
        sweep();
        Path file = root.resolve(DESCRIPTION);
        try {
            WholeFile.write(file, JSON.writeValueAsBytes(description));
        } catch (IOException e) {
            throw new DataException(file + ": cannot be written: " + Reasons.of(e), e);
        }
    }

    /** Removes the temporary files that a kill left. */
    private void sweep() throws IOException {
        List<Path> left = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(root, "." + DESCRIPTION + ".*.tmp")) {
            files.forEach(left::add);
        }
        for (String part : List.of("tasks", "captions", "image", "text", "report")) {
            Path folder = root.resolve(part);
            if (Files.isDirectory(folder)) {
                try (Stream<Path> files = Files.walk(folder)) {
                    files.filter(p -> p.getFileName().toString().matches("\\..+\\.tmp"))
                            .forEach(left::add);
                } catch (UncheckedIOException e) {
                    throw e.getCause();
                }
            }
        }
        for (Path p : left) {
            Files.delete(p);
        }
    }

    /** The first difference that matters between two descriptions. */
    static Optional<String> difference(JsonNode there, JsonNode now) {
        ObjectNode a = (ObjectNode) there.deepCopy();
        ObjectNode b = (ObjectNode) now.deepCopy();
        for (ObjectNode node : List.of(a, b)) {
            node.remove(List.of("producer", "extent"));
        }
        return Header.difference(a, b);
    }

    /** What {@code experiment.json} says. */
    ObjectNode description() {
        return object(root.resolve(DESCRIPTION));
    }

    static ObjectNode object(Path file) {
        try {
            JsonNode node = JSON.readTree(Files.readAllBytes(file));
            if (node instanceof ObjectNode o) {
                return o;
            }
            throw new DataException(file + ": not a JSON object");
        } catch (JacksonException e) {
            throw new DataException(file + ": not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new DataException(file + ": cannot be read: " + Reasons.of(e), e);
        }
    }

    Path samples(String task) {
        return root.resolve("tasks").resolve(Plan.slug(task) + ".tsv");
    }

    Path captions(String captioner) {
        return root.resolve("captions").resolve(Plan.slug(captioner) + ".jsonl");
    }

    Path shard(String captioner, Shard shard) {
        return root.resolve("captions").resolve(Plan.slug(captioner) + "." + shard.k() + "-of-" + shard.n() + ".jsonl");
    }

    Path trial(String side, String task, String system, int trial) {
        return root.resolve(side)
                .resolve(Plan.slug(task))
                .resolve(Plan.slug(system))
                .resolve("trial-" + trial);
    }

    /** Appends what a sitting at a job took. */
    void time(Findings.Time time) {
        ObjectNode node = JSON.createObjectNode();
        node.put("stage", time.stage());
        node.put("task", time.task());
        node.put("system", time.system());
        node.put("trial", time.trial());
        node.put("seconds", time.seconds());
        node.put("samples", time.samples());
        node.put("machine", time.machine());
        Path file = root.resolve(TIMES);
        try {
            Files.writeString(
                    file,
                    (cutOff(file) ? "\n" : "") + JsonMapper.shared().writeValueAsString(node) + "\n",
                    StandardCharsets.UTF_8,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new DataException(file + ": cannot be written: " + Reasons.of(e), e);
        }
    }

    /** Whether the last line has no end, so that another one would become a part of it. */
    private static boolean cutOff(Path file) throws IOException {
        if (!Files.exists(file)) {
            return false;
        }
        try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer last = ByteBuffer.allocate(1);
            return in.size() > 0 && in.read(last, in.size() - 1) == 1 && last.get(0) != '\n';
        }
    }

    /** What the sittings took, in their order; a line that a kill cut off is left out. */
    List<Findings.Time> times() {
        Path file = root.resolve(TIMES);
        List<Findings.Time> times = new ArrayList<>();
        if (!Files.exists(file)) {
            return times;
        }
        try {
            if (Files.size(file) > MAX_TIMES) {
                throw new DataException(file + ": more than " + MAX_TIMES + " bytes");
            }
            for (String line : Files.readString(file).lines().toList()) {
                try {
                    JsonNode n = JsonMapper.shared().readTree(line);
                    times.add(new Findings.Time(
                            n.path("stage").stringValue(""),
                            n.path("task").stringValue(""),
                            n.path("system").stringValue(""),
                            n.path("trial").intValue(0),
                            n.path("seconds").doubleValue(0),
                            n.path("samples").longValue(0),
                            n.path("machine").stringValue("")));
                } catch (JacksonException ignored) {
                    // the process was killed while it wrote this line
                }
            }
        } catch (IOException e) {
            throw new DataException(file + ": cannot be read: " + Reasons.of(e), e);
        }
        return times;
    }

    /**
     * Whether a finished file is there, made as this run would make it.
     *
     * @throws DataException if it was made otherwise, naming the difference
     */
    static boolean done(Path file, ObjectNode header) {
        if (!Files.exists(file)) {
            return false;
        }
        Optional<String> d = Header.difference(essence(Records.header(file)), essence(header));
        if (d.isPresent()) {
            throw new DataException(file + ": made by another run: " + d.get()
                    + ". Give --out another folder, or remove this file to make it again");
        }
        return true;
    }

    /** What of a header decides about the records: not which machine or which build made them. */
    static JsonNode essence(JsonNode header) {
        ObjectNode node = (ObjectNode) header.deepCopy();
        List.of("version", "commit", "backend", "command").forEach(node::remove);
        return node;
    }

    private static void close(FileChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            throw new DataException("a lock cannot be given back: " + Reasons.of(e), e);
        }
    }

    @Override
    public void close() {
        if (lock != null) {
            close(lock);
        }
    }
}
