package org.telltale.convert;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.SafeTensorsWriter;
import org.telltale.engine.io.WeightsException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The folder that a conversion writes, which appears complete and compared with its source, or not at all. */
final class OutputFolder {
    private static final String ENDING = ".safetensors";
    private static final String INDEX = ".safetensors.index.json";
    private static final long MAX_COMPANION = 64L << 20;

    /** What lies beside weights and belongs to the model: its texts and its pictures. */
    private static final List<String> COMPANIONS = List.of(
            "vocab.txt",
            "vocab.json",
            "merges.txt",
            "bpe_simple_vocab_16e6.txt.gz",
            "bpe_simple_vocab.txt.gz",
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "preprocessor_config.json",
            "generation_config.json");

    private static final Pattern OURS = Pattern.compile(
            "model(-\\d{5}-of-\\d{5})?\\.safetensors|model\\.safetensors\\.index\\.json|open_clip_model\\.safetensors"
                    + "|config\\.json|open_clip_config\\.json");

    private final Path folder;

    /** Nothing that is there is touched by this. */
    OutputFolder(Path folder, boolean force) {
        this.folder = folder;
        requireFree(force);
    }

    private static boolean ours(String name) {
        return OURS.matcher(name).matches() || COMPANIONS.contains(name);
    }

    private void requireFree(boolean force) {
        if (!Files.exists(folder)) {
            return;
        }
        if (!Files.isDirectory(folder)) {
            throw new ConvertException(folder + ": a file of this name exists, expected a folder");
        }
        try (Stream<Path> list = Files.list(folder)) {
            List<String> files =
                    list.map(p -> p.getFileName().toString()).sorted().toList();
            boolean all = files.stream().allMatch(OutputFolder::ours);
            if (!files.isEmpty() && (!force || !all)) {
                List<String> shown =
                        all ? files : files.stream().filter(f -> !ours(f)).toList();
                throw new ConvertException(folder + ": not empty, it holds "
                        + shown.subList(0, Math.min(5, shown.size()))
                        + (all ? "; force replaces an earlier conversion" : ""));
            }
        } catch (IOException e) {
            throw new ConvertException(folder + ": cannot be listed: " + e, e);
        }
    }

    void write(Source source, Converted converted, Convert.Listener listener) {
        Path target = folder.toAbsolutePath().normalize();
        Path parent = target.getParent();
        if (parent == null) {
            throw new ConvertException(folder + ": not the name of a folder to write");
        }
        Path temporary =
                parent.resolve("." + target.getFileName() + "." + Long.toHexString(System.nanoTime()) + ".tmp");
        try {
            Files.createDirectories(parent);
            Files.createDirectory(temporary);
            try {
                weights(temporary, source, converted, listener);
                files(temporary, source, converted);
                replace(target, temporary);
            } finally {
                deleteOurs(temporary);
            }
        } catch (IOException e) {
            throw new ConvertException(folder + ": cannot be written: " + e, e);
        } catch (WeightsException e) {
            // the temporary folder is gone, and nobody has heard of it
            String message = String.valueOf(e.getMessage()).replace(temporary.toString(), folder.toString());
            throw new ConvertException(message, e);
        }
    }

    /** How many bytes of tensors are done. */
    private static final class Count {
        private final Convert.Listener listener;
        private final boolean verifying;
        private final long total;
        private long done;

        Count(Convert.Listener listener, boolean verifying, long total) {
            this.listener = listener;
            this.verifying = verifying;
            this.total = total;
        }

        void add(long bytes) {
            done += bytes;
            listener.progress(verifying, done, total);
        }
    }

    private void weights(Path temporary, Source source, Converted converted, Convert.Listener listener)
            throws IOException {
        Optional<DType> type = source.options.type();
        Map<String, Converted.Tensor> byName = new HashMap<>();
        for (Converted.Tensor t : converted.tensors()) {
            if (byName.put(t.name(), t) != null) {
                throw source.error("two tensors would be named \"" + PickleReader.shown(t.name()) + "\"");
            }
        }
        List<SafeTensorsWriter.Entry> entries =
                converted.tensors().stream().map(t -> entry(t, type)).toList();
        long total = entries.stream().mapToLong(OutputFolder::bytes).sum();
        List<List<SafeTensorsWriter.Entry>> shards = shards(entries, source.options.shard());
        Count written = new Count(listener, false, total);
        Map<String, String> index = new TreeMap<>();
        Path first = temporary.resolve(converted.weights() + ENDING);
        for (int i = 0; i < shards.size(); i++) {
            String name = shards.size() == 1
                    ? converted.weights() + ENDING
                    : String.format("%s-%05d-of-%05d%s", converted.weights(), i + 1, shards.size(), ENDING);
            SafeTensorsWriter.write(temporary.resolve(name), shards.get(i), Map.of("format", "pt"), (tensor, arena) -> {
                HostTensor t = values(byName, tensor, source, type, arena);
                written.add(t.data().byteSize());
                return t;
            });
            shards.get(i).forEach(e -> index.put(e.name(), name));
        }
        if (shards.size() > 1) {
            first = temporary.resolve(converted.weights() + INDEX);
            JsonMapper json = new JsonMapper();
            ObjectNode node = json.createObjectNode();
            node.putObject("metadata").put("total_size", total);
            node.set("weight_map", json.valueToTree(index));
            Files.writeString(first, json(node));
        }
        verify(first, entries, new Count(listener, true, total), source, byName, type);
    }

    private static SafeTensorsWriter.Entry entry(Converted.Tensor t, Optional<DType> type) {
        SafeTensorsWriter.Entry e = t.entry();
        return type.isPresent() && e.dtype().isFloat()
                ? new SafeTensorsWriter.Entry(e.name(), type.get(), e.shape())
                : e;
    }

    private static long bytes(SafeTensorsWriter.Entry e) {
        return e.shape().size() * e.dtype().bytes();
    }

    private static HostTensor values(
            Map<String, Converted.Tensor> byName, String name, Source source, Optional<DType> type, Arena arena) {
        Converted.Tensor t = byName.get(name);
        if (t == null) {
            throw new IllegalStateException("no tensor " + name);
        }
        HostTensor values = t.values(source.checkpoint, arena);
        if (type.isEmpty() || !values.dtype().isFloat() || values.dtype() == type.get()) {
            return values;
        }
        try {
            return Floats.convert(values, type.get(), name, arena);
        } catch (ConvertException e) {
            throw source.error(String.valueOf(e.getMessage()));
        }
    }

    /** The tensors in their order, in as few files as hold at most so many bytes, or a single tensor. */
    private static List<List<SafeTensorsWriter.Entry>> shards(
            List<SafeTensorsWriter.Entry> entries, Optional<Long> most) {
        if (most.isEmpty()) {
            return List.of(entries);
        }
        List<List<SafeTensorsWriter.Entry>> shards = new ArrayList<>();
        long held = 0;
        for (SafeTensorsWriter.Entry e : entries) {
            if (shards.isEmpty() || (held > 0 && held + bytes(e) > most.get())) {
                shards.add(new ArrayList<>());
                held = 0;
            }
            shards.getLast().add(e);
            held += bytes(e);
        }
        return shards;
    }

    /** Reads back what was written, and compares every byte of every tensor with the source. */
    private static void verify(
            Path written,
            List<SafeTensorsWriter.Entry> entries,
            Count count,
            Source source,
            Map<String, Converted.Tensor> byName,
            Optional<DType> type) {
        try (SafeTensors back = SafeTensors.open(written)) {
            for (SafeTensorsWriter.Entry e : entries) {
                try (Arena arena = Arena.ofConfined()) {
                    HostTensor wanted = values(byName, e.name(), source, type, arena);
                    boolean same = back.names().contains(e.name())
                            && back.dtype(e.name()) == e.dtype()
                            && back.shape(e.name()).equals(e.shape())
                            && back.bytes(e.name(), arena).mismatch(wanted.data()) < 0;
                    if (!same) {
                        throw new ConvertException(written + ": tensor \"" + e.name()
                                + "\" is not what was written: the disk or the memory is damaged, or the source has"
                                + " changed meanwhile");
                    }
                    count.add(wanted.data().byteSize());
                }
            }
            if (back.names().size() != entries.size()) {
                throw new ConvertException(
                        written + ": " + back.names().size() + " tensors, expected " + entries.size());
            }
        }
    }

    private void files(Path temporary, Source source, Converted converted) throws IOException {
        for (String name : COMPANIONS) {
            Path beside = source.file.resolveSibling(name);
            if (Files.isRegularFile(beside) && Files.size(beside) <= MAX_COMPANION) {
                Files.copy(beside, temporary.resolve(name));
            }
        }
        Map<String, JsonNode> all = new LinkedHashMap<>(converted.files());
        for (Map.Entry<String, JsonNode> file : all.entrySet()) {
            JsonNode node = file.getValue();
            if (file.getKey().equals(Converted.CONFIG) && node instanceof ObjectNode o) {
                source.options.type().ifPresent(t -> typed(o, t));
            }
            Files.writeString(temporary.resolve(file.getKey()), json(node));
        }
    }

    /** The type of the weights, by the key of transformers 5 and, where a file has it, by the older one. */
    private static void typed(ObjectNode config, DType type) {
        String word = switch (type) {
            case F64 -> "float64";
            case F32 -> "float32";
            case F16 -> "float16";
            case BF16 -> "bfloat16";
            case I64, I32, I16, I8, U8, BOOL -> throw new IllegalArgumentException("no floats: " + type);
        };
        if (config.has("torch_dtype")) {
            config.put("torch_dtype", word);
        }
        if (config.has("dtype") || !config.has("torch_dtype")) {
            config.put("dtype", word);
        }
    }

    private static String json(JsonNode node) {
        return JsonMapper.builder()
                        .enable(SerializationFeature.INDENT_OUTPUT)
                        .build()
                        .writeValueAsString(node)
                + "\n";
    }

    /** Puts the new folder in the place of what {@link #requireFree} found: nothing, or an earlier conversion. */
    private static void replace(Path target, Path complete) throws IOException {
        Path old = complete.resolveSibling(complete.getFileName() + ".old");
        boolean exists = Files.exists(target);
        if (exists) {
            Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
        }
        try {
            Files.move(complete, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            if (exists) {
                Files.move(old, target, StandardCopyOption.ATOMIC_MOVE);
            }
            throw e;
        }
        if (exists) {
            deleteOurs(old);
        }
    }

    /** Deletes the files that a conversion writes and then the folder, which fails if anything else is in it. */
    private static void deleteOurs(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        List<Path> files;
        try (Stream<Path> list = Files.list(folder)) {
            files = list.filter(f -> ours(f.getFileName().toString())).toList();
        }
        for (Path f : files) {
            Files.delete(f);
        }
        Files.deleteIfExists(folder);
    }
}
