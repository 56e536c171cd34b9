package org.telltale.app.train;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Reasons;
import org.telltale.engine.HostTensor;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.SafeTensorsWriter;
import org.telltale.engine.io.WeightsException;
import org.telltale.engine.io.WholeFile;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The folder of a run. {@code run.json} says what was asked for, {@code checkpoint.safetensors} holds all that the run
 * needs to go on, {@code best.safetensors} the parameters after the best epoch, {@code metrics.jsonl} a line for each
 * epoch, and {@code model} what came out. Every file is complete or absent at any moment.
 */
final class RunFolder implements AutoCloseable {
    private static final String CONFIGURATION = "run.json";
    private static final String CHECKPOINT = "checkpoint.safetensors";
    private static final String BEST = "best.safetensors";
    private static final String METRICS = "metrics.jsonl";
    private static final String LOCK = ".lock";

    /** The key of the position in a checkpoint's metadata. */
    private static final String POSITION = "telltale";

    private static final String PARAMETER = "parameter/";
    private static final String OPTIMIZER = "optimizer/";
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(tools.jackson.databind.SerializationFeature.INDENT_OUTPUT)
            .build();

    private final Path folder;
    private final FileChannel lock;

    private RunFolder(Path folder, FileChannel lock) {
        this.folder = folder;
        this.lock = lock;
    }

    /** What becomes of a folder that holds a run already. */
    enum Existing {
        /** It goes on when it was told the same, and is refused otherwise. */
        RESUME,
        /** Its files are removed. */
        RESTART
    }

    /**
     * Opens a folder for a run that is told these things.
     *
     * @throws TrainingException if it holds a run that was told others, naming the difference, or if one goes on there
     */
    static RunFolder open(Path folder, ObjectNode configuration, Existing existing) {
        FileChannel lock = null;
        try {
            Files.createDirectories(folder);
            lock = FileChannel.open(folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock held = tryLock(lock);
            if (held == null) {
                lock.close();
                throw new TrainingException(folder + ": another run writes to this folder; give --out another");
            }
            RunFolder run = new RunFolder(folder, lock);
            run.begin(configuration, existing);
            return run;
        } catch (IOException e) {
            throw new DataException(folder + ": cannot be written: " + Reasons.of(e), e);
        } catch (RuntimeException e) {
            release(lock);
            throw e;
        }
    }

    private static @Nullable FileLock tryLock(FileChannel lock) throws IOException {
        try {
            return lock.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    private static void release(@Nullable FileChannel lock) {
        try {
            if (lock != null) {
                lock.close();
            }
        } catch (IOException e) {
            throw new DataException("a lock cannot be given back: " + Reasons.of(e), e);
        }
    }

    private void begin(ObjectNode configuration, Existing existing) throws IOException {
        try (DirectoryStream<Path> left = Files.newDirectoryStream(folder, ".*.tmp")) {
            for (Path p : left) {
                Files.delete(p);
            }
        }
        Path file = folder.resolve(CONFIGURATION);
        if (existing == Existing.RESTART) {
            for (String name : List.of(CHECKPOINT, BEST, METRICS, CONFIGURATION)) {
                Files.deleteIfExists(folder.resolve(name));
            }
        } else if (Files.exists(file)) {
            List<String> differences = differences("", JSON.readTree(Files.readAllBytes(file)), configuration);
            if (!differences.isEmpty()) {
                throw new TrainingException(folder + " holds a run that was told otherwise: "
                        + String.join("; ", differences.subList(0, Math.min(differences.size(), 5)))
                        + (differences.size() > 5 ? "; and " + (differences.size() - 5) + " more" : "")
                        + ". Give --out another folder, or --restart to begin anew in this one");
            }
        }
        WholeFile.write(file, JSON.writeValueAsBytes(configuration));
    }

    private static List<String> differences(String path, JsonNode there, JsonNode asked) {
        List<String> out = new ArrayList<>();
        if (there.isObject() && asked.isObject()) {
            TreeSet<String> keys = new TreeSet<>();
            there.propertyNames().forEach(keys::add);
            asked.propertyNames().forEach(keys::add);
            for (String k : keys) {
                out.addAll(differences(path.isEmpty() ? k : path + "." + k, there.path(k), asked.path(k)));
            }
        } else if (!there.toString().equals(asked.toString())) {
            out.add(path + " was " + shown(there) + " and is " + shown(asked));
        }
        return out;
    }

    private static String shown(JsonNode value) {
        String text = value.isMissingNode() ? "not given" : value.toString();
        return text.length() > 60 ? text.substring(0, 57) + "..." : text;
    }

    Path file(String name) {
        return folder.resolve(name);
    }

    /** What a checkpoint says beside its tensors. */
    record Saved(JsonNode position, Map<String, HostTensor> parameters, Map<String, HostTensor> optimizer) {}

    /** The checkpoint that is there, read into memory of the arena. */
    Optional<Saved> checkpoint(Arena arena) {
        Path file = folder.resolve(CHECKPOINT);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try (SafeTensors tensors = SafeTensors.open(file)) {
            Map<String, HostTensor> parameters = new TreeMap<>();
            Map<String, HostTensor> optimizer = new TreeMap<>();
            for (String name : tensors.names()) {
                HostTensor t = tensors.read(name, arena);
                if (name.startsWith(PARAMETER)) {
                    parameters.put(name.substring(PARAMETER.length()), t);
                } else if (name.startsWith(OPTIMIZER)) {
                    optimizer.put(name.substring(OPTIMIZER.length()), t);
                } else {
                    throw new DataException(file + ": the tensor '" + name + "' belongs to no checkpoint of training");
                }
            }
            String position = tensors.metadata().get(POSITION);
            if (position == null) {
                throw new DataException(file + ": not a checkpoint of training, its metadata has no '" + POSITION
                        + "'; --restart begins anew");
            }
            return Optional.of(new Saved(JSON.readTree(position), parameters, optimizer));
        } catch (JacksonException e) {
            throw new DataException(file + ": its position is not JSON: " + e.getOriginalMessage(), e);
        }
    }

    /**
     * Replaces the checkpoint; the one before stays whole until the new one is on the disk.
     *
     * @throws DataException if it cannot be written, such as on a full disk
     */
    void checkpoint(ObjectNode position, Map<String, HostTensor> parameters, Map<String, HostTensor> optimizer) {
        Map<String, HostTensor> all = new TreeMap<>();
        parameters.forEach((name, t) -> all.put(PARAMETER + name, t));
        optimizer.forEach((name, t) -> all.put(OPTIMIZER + name, t));
        write(
                folder.resolve(CHECKPOINT),
                all,
                Map.of(POSITION, JsonMapper.shared().writeValueAsString(position)));
    }

    void best(Map<String, HostTensor> parameters, EpochRecord record) {
        write(folder.resolve(BEST), parameters, Map.of(POSITION, record.json().toString()));
    }

    /** The parameters after the best epoch. */
    Map<String, HostTensor> best(Arena arena) {
        try (SafeTensors tensors = SafeTensors.open(folder.resolve(BEST))) {
            Map<String, HostTensor> all = new TreeMap<>();
            tensors.names().forEach(name -> all.put(name, tensors.read(name, arena)));
            return all;
        }
    }

    private void write(Path file, Map<String, HostTensor> tensors, Map<String, String> metadata) {
        try {
            SafeTensorsWriter.write(file, tensors, metadata);
        } catch (WeightsException e) {
            boolean before = Files.exists(folder.resolve(CHECKPOINT));
            throw new DataException(
                    e.getMessage()
                            + (before
                                    ? "; the last checkpoint in " + folder
                                            + " is whole, the same command goes on from it"
                                    : ""),
                    e);
        }
    }

    void metrics(List<EpochRecord> history) {
        StringBuilder lines = new StringBuilder();
        history.forEach(r -> lines.append(r.json()).append('\n'));
        text(METRICS, lines.toString());
    }

    /** Writes a text file of the folder, complete or not at all. */
    void text(String name, String content) {
        try {
            WholeFile.write(folder.resolve(name), content.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new DataException(folder.resolve(name) + ": cannot be written: " + Reasons.of(e), e);
        }
    }

    @Override
    public void close() {
        release(lock);
    }
}
