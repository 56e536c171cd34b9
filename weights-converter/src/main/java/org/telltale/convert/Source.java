package org.telltale.convert;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What is converted: a checkpoint, its tensors by the names that they have in the state dictionary, and what lies beside
 * the file. What a conversion does not ask for is left out, and counted.
 */
final class Source implements AutoCloseable {
    private static final long MAX_JSON = 16L << 20;
    private static final List<String> ENDINGS =
            List.of(".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".hdf5", ".keras", ".pkl", ".pickle");

    /** Files of whole models in the order in which they are looked for in a folder. */
    private static final List<String> USUAL = List.of(
            "model.safetensors",
            "model.safetensors.index.json",
            "open_clip_model.safetensors",
            "pytorch_model.bin",
            "pytorch_model.bin.index.json",
            "open_clip_pytorch_model.bin");

    static final String ENCODER = "encoder.weights.h5";
    static final String DECODER = "decoder.weights.h5";

    /** The file that was asked for, or found in the folder that was. */
    final Path file;

    final Checkpoint checkpoint;
    final Convert.Options options;
    private final Map<String, Checkpoint.Stored> tensors = new LinkedHashMap<>();
    private final Set<String> asked = new LinkedHashSet<>();
    private final int outside;

    private Source(Path file, Checkpoint checkpoint, Convert.Options options) {
        this.file = file;
        this.checkpoint = checkpoint;
        this.options = options;
        String root = checkpoint instanceof TorchFile t ? t.root() : "";
        for (Checkpoint.Stored s : checkpoint.tensors().values()) {
            if (s.name().startsWith(root)) {
                tensors.put(s.name().substring(root.length()), s);
            }
        }
        outside = checkpoint.tensors().size() - tensors.size();
        strip("module.");
    }

    static Source open(Path given, Convert.Options options) {
        Path file = Files.isDirectory(given) ? only(given) : given;
        String name = file.getFileName().toString();
        if ((name.equals(ENCODER) || name.equals(DECODER))
                && Files.exists(file.resolveSibling(ENCODER))
                && Files.exists(file.resolveSibling(DECODER))) {
            return new Source(file, encoderAndDecoder(file), options);
        }
        return new Source(file, Checkpoint.open(file), options);
    }

    private static Checkpoint encoderAndDecoder(Path file) {
        Map<String, Checkpoint> parts = new LinkedHashMap<>();
        try {
            parts.put("encoder/", Checkpoint.open(file.resolveSibling(ENCODER)));
            parts.put("decoder/", Checkpoint.open(file.resolveSibling(DECODER)));
            return new JoinedCheckpoint(parts);
        } catch (RuntimeException e) {
            parts.values().forEach(Checkpoint::close);
            throw e;
        }
    }

    /** The file of weights of a folder that holds one. */
    private static Path only(Path folder) {
        List<Path> found;
        try (Stream<Path> files = Files.list(folder)) {
            found = files.filter(Files::isRegularFile).sorted().toList();
        } catch (IOException e) {
            throw new ConvertException(folder + ": cannot be listed: " + e.getMessage());
        }
        for (String name : USUAL) {
            if (found.contains(folder.resolve(name))) {
                return folder.resolve(name);
            }
        }
        if (found.contains(folder.resolve(ENCODER)) && found.contains(folder.resolve(DECODER))) {
            return folder.resolve(ENCODER);
        }
        if (found.contains(folder.resolve("saved_model.pb"))) {
            throw new ConvertException(
                    folder + ": a SavedModel of TensorFlow, which is not read; save it as .keras or .h5 with Keras");
        }
        List<Path> weights = found.stream()
                .filter(f -> ENDINGS.stream().anyMatch(f.toString().toLowerCase(java.util.Locale.ROOT)::endsWith))
                .toList();
        if (weights.size() != 1) {
            throw new ConvertException(folder + ": "
                    + (weights.isEmpty()
                            ? "no file of weights (" + String.join(", ", ENDINGS) + ") in this folder"
                            : weights.size() + " files of weights in this folder; name one: " + weights));
        }
        return weights.getFirst();
    }

    /** Takes a prefix away, if all names have it. */
    private void strip(String prefix) {
        if (!tensors.isEmpty() && tensors.keySet().stream().allMatch(n -> n.startsWith(prefix))) {
            Map<String, Checkpoint.Stored> old = new LinkedHashMap<>(tensors);
            tensors.clear();
            old.forEach((name, s) -> tensors.put(name.substring(prefix.length()), s));
        }
    }

    ConvertException error(String message) {
        return new ConvertException(file + ": " + message);
    }

    Map<String, Checkpoint.Stored> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    boolean has(String name) {
        return tensors.containsKey(name);
    }

    boolean hasAny(String prefix) {
        return tensors.keySet().stream().anyMatch(n -> n.startsWith(prefix));
    }

    /** A tensor that must be there, of a rank. */
    Checkpoint.Stored take(String name, int rank) {
        Checkpoint.Stored s = tensors.get(name);
        if (s == null) {
            throw error("no tensor \"" + name + "\" in this checkpoint");
        }
        if (s.shape().rank() != rank) {
            throw error("tensor \"" + name + "\" has the shape " + s.shape() + ", expected one of rank " + rank);
        }
        asked.add(name);
        return s;
    }

    /** The extent of an axis of a tensor that must be there. */
    int extent(String name, int rank, int axis) {
        return take(name, rank).shape().dim(axis);
    }

    /** How many numbered parts there are: {@code <prefix>0<suffix>}, {@code <prefix>1<suffix>}, ... */
    int count(String prefix, String suffix) {
        int n = 0;
        while (has(prefix + n + suffix)) {
            n++;
        }
        return n;
    }

    /** What was not asked for, in words; empty when all was. */
    List<String> leftOut() {
        List<String> names =
                tensors.keySet().stream().filter(n -> !asked.contains(n)).toList();
        List<String> notes = new ArrayList<>();
        if (!names.isEmpty()) {
            notes.add(names.size() + (names.size() == 1 ? " tensor" : " tensors") + " left out, such as "
                    + PickleReader.shown(names.getFirst()));
        }
        if (outside > 0) {
            notes.add(outside + " tensors outside of the model left out");
        }
        return notes;
    }

    boolean hasFile(String name) {
        return Files.isRegularFile(file.resolveSibling(name));
    }

    /** A JSON file that lies beside the source. */
    Optional<JsonNode> sibling(String name) {
        return hasFile(name) ? Optional.of(json(file.resolveSibling(name))) : Optional.empty();
    }

    /** The configuration given, or the one of a name beside the file. */
    Optional<JsonNode> config(String name) {
        Path beside = file.resolveSibling(name);
        return options.config()
                .or(() -> Files.isRegularFile(beside) ? Optional.of(beside) : Optional.empty())
                .map(Source::json);
    }

    /** The configuration of a kind of Hugging Face: one of another kind belongs to something else. */
    Optional<JsonNode> configOf(String type) {
        Optional<JsonNode> config = config(Converted.CONFIG);
        boolean fits = config.isPresent()
                && config.get().path("model_type").asString("").equals(type);
        if (options.config().isPresent() && !fits) {
            throw new ConvertException(options.config().get() + ": model_type is '"
                    + config.map(c -> c.path("model_type").asString("")).orElse("") + "', expected '" + type + "'");
        }
        return fits ? config : Optional.empty();
    }

    static JsonNode json(Path file) {
        try {
            if (Files.size(file) > MAX_JSON) {
                throw new ConvertException(file + ": more than " + MAX_JSON + " bytes");
            }
            JsonNode node = new JsonMapper().readTree(Files.readAllBytes(file));
            if (!node.isObject()) {
                throw new ConvertException(file + ": a JSON object is expected");
            }
            return node;
        } catch (JacksonException e) {
            throw new ConvertException(file + ": not valid JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new ConvertException(file + ": cannot be read: " + e, e);
        }
    }

    /** The labels given, or those of {@code labels.txt} beside the file. */
    Optional<List<String>> labels() {
        Path beside = file.resolveSibling("labels.txt");
        return options.labels()
                .or(() -> Files.isRegularFile(beside) ? Optional.of(beside) : Optional.empty())
                .map(Labels::read);
    }

    @Override
    public void close() {
        checkpoint.close();
    }
}
