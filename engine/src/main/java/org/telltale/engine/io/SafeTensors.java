package org.telltale.engine.io;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;

/**
 * A safetensors checkpoint: one file, or several with an index.
 *
 * <p>A header is validated completely when it is opened; values are read tensor by tensor, with positional reads, into
 * memory of the caller's. Safe for use by several threads. An open checkpoint must not be read by an interrupted
 * thread: the JDK closes a file under such a read.
 */
public final class SafeTensors implements Weights {
    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";
    private static final long MAX_INDEX = 64L << 20;
    private static final long STAGING = 1L << 20;

    private final Path path;
    private final List<SafeTensorsFile> files;
    private final Map<String, SafeTensorsFile.Entry> entries;
    private final Map<String, String> metadata;

    private SafeTensors(
            Path path,
            List<SafeTensorsFile> files,
            Map<String, SafeTensorsFile.Entry> entries,
            Map<String, String> metadata) {
        this.path = path;
        this.files = files;
        this.entries = Collections.unmodifiableMap(entries);
        this.metadata = Collections.unmodifiableMap(metadata);
    }

    /**
     * Opens a {@code .safetensors} file, a {@code .safetensors.index.json}, or a folder that holds
     * {@code model.safetensors} or {@code model.safetensors.index.json}.
     *
     * @throws WeightsException if a file is missing or malformed
     */
    public static SafeTensors open(Path fileOrFolder) {
        Path file = fileOrFolder;
        if (Files.isDirectory(fileOrFolder)) {
            file = fileOrFolder.resolve(SINGLE);
            if (!Files.exists(file)) {
                file = fileOrFolder.resolve(INDEX);
            }
            if (!Files.exists(file)) {
                throw new WeightsException(fileOrFolder + ": neither " + SINGLE + " nor " + INDEX + " in this folder");
            }
        }
        if (file.toString().endsWith(".json")) {
            return openSharded(file);
        }
        SafeTensorsFile single = SafeTensorsFile.open(file);
        return new SafeTensors(file, List.of(single), single.entries, single.metadata);
    }

    @Override
    public Set<String> names() {
        return entries.keySet();
    }

    @Override
    public Shape shape(String name) {
        return entry(name).shape();
    }

    @Override
    public DType dtype(String name) {
        SafeTensorsFile.Entry e = entry(name);
        for (DType d : DType.values()) {
            if (d.name().equals(e.type())) {
                return d;
            }
        }
        throw new WeightsException(
                e.file().path + ": tensor \"" + name + "\" is of type " + e.type() + ", which is not supported");
    }

    /** The element type of a tensor as the file names it, also where {@link DType} has no such type. */
    public String typeName(String name) {
        return entry(name).type();
    }

    /** The texts under {@code __metadata__}; of a sharded checkpoint those of all shards, the first shard's first. */
    public Map<String, String> metadata() {
        return metadata;
    }

    @Override
    public HostTensor read(String name, Arena arena) {
        SafeTensorsFile.Entry e = entry(name);
        DType stored = dtype(name);
        return switch (stored) {
            case F64, F16, BF16 -> converted(e, stored, arena);
            case F32, I64, I32, I16, I8, U8, BOOL -> raw(name, arena);
        };
    }

    /** The values of a tensor in its stored type, in native memory of the arena. */
    public HostTensor raw(String name, Arena arena) {
        SafeTensorsFile.Entry e = entry(name);
        HostTensor t = HostTensor.allocate(arena, dtype(name), e.shape());
        e.file().read(t.data(), e.begin());
        return t;
    }

    /** The stored bytes of a tensor of any type, in native memory of the arena. */
    public MemorySegment bytes(String name, Arena arena) {
        SafeTensorsFile.Entry e = entry(name);
        MemorySegment bytes = arena.allocate(e.bytes(), 64);
        e.file().read(bytes, e.begin());
        return bytes;
    }

    @Override
    public void close() {
        files.forEach(SafeTensorsFile::close);
    }

    /** Converts through a small buffer, so that no second copy of a large tensor exists. */
    private static HostTensor converted(SafeTensorsFile.Entry e, DType stored, Arena arena) {
        HostTensor t = HostTensor.allocate(arena, DType.F32, e.shape());
        try (Arena local = Arena.ofConfined()) {
            MemorySegment staging = local.allocate(Math.min(STAGING, e.bytes()), 64);
            long step = STAGING / stored.bytes();
            for (long start = 0; start < t.size(); start += step) {
                int count = (int) Math.min(step, t.size() - start);
                MemorySegment part = staging.asSlice(0, (long) count * stored.bytes());
                e.file().read(part, e.begin() + start * stored.bytes());
                for (int i = 0; i < count; i++) {
                    t.set(start + i, element(part, stored, i));
                }
            }
        }
        return t;
    }

    private static float element(MemorySegment part, DType stored, int i) {
        if (stored == DType.F64) {
            return (float) part.getAtIndex(ValueLayout.JAVA_DOUBLE, i);
        }
        short bits = part.getAtIndex(ValueLayout.JAVA_SHORT, i);
        return stored == DType.F16 ? Float.float16ToFloat(bits) : Float.intBitsToFloat(bits << 16);
    }

    private SafeTensorsFile.Entry entry(String name) {
        SafeTensorsFile.Entry e = entries.get(name);
        if (e == null) {
            throw new WeightsException(path + ": no tensor \"" + name + "\" in this checkpoint");
        }
        return e;
    }

    private static SafeTensors openSharded(Path index) {
        Map<String, String> weightMap = readIndex(index);
        Map<String, SafeTensorsFile> shards = new TreeMap<>();
        Map<String, SafeTensorsFile.Entry> entries = new LinkedHashMap<>();
        Map<String, String> metadata = new LinkedHashMap<>();
        try {
            weightMap.forEach((name, shardName) -> {
                SafeTensorsFile shard =
                        shards.computeIfAbsent(shardName, s -> SafeTensorsFile.open(shardPath(index, s)));
                SafeTensorsFile.Entry e = shard.entries.get(name);
                if (e == null) {
                    throw new WeightsException(shard.path + ": no tensor \"" + JsonReader.shorten(name) + "\", which "
                            + index.getFileName() + " places there");
                }
                entries.put(name, e);
            });
        } catch (RuntimeException e) {
            shards.values().forEach(SafeTensorsFile::close);
            throw e;
        }
        shards.values().forEach(shard -> shard.metadata.forEach(metadata::putIfAbsent));
        return new SafeTensors(index, new ArrayList<>(shards.values()), entries, metadata);
    }

    private static Map<String, String> readIndex(Path index) {
        byte[] text;
        try {
            long size = Files.size(index);
            if (size > MAX_INDEX) {
                throw new WeightsException(index + ": " + size + " bytes, an index has at most " + MAX_INDEX);
            }
            text = Files.readAllBytes(index);
        } catch (IOException e) {
            throw new WeightsException(index + ": cannot be read: " + e, e);
        }
        JsonReader json = new JsonReader(text, index.toString());
        Map<String, String> map = new LinkedHashMap<>();
        boolean found = false;
        json.beginObject("the index");
        while (json.hasField()) {
            if (!json.field().equals("weight_map")) {
                json.skip();
                continue;
            }
            if (found) {
                throw json.error("weight_map occurs twice");
            }
            found = true;
            json.beginObject("weight_map");
            while (json.hasField()) {
                String name = json.field();
                if (map.put(name, json.string("a file name in weight_map")) != null) {
                    throw json.error("tensor \"" + JsonReader.shorten(name) + "\" occurs twice");
                }
            }
        }
        json.end();
        if (!found) {
            throw new WeightsException(index + ": no weight_map in this index");
        }
        return map;
    }

    /**
     * The file of a shard, which lies in the folder of its index: by name and after links, except that the Hugging Face
     * cache keeps the files of {@code snapshots/<revision>} as links into {@code blobs}.
     */
    private static Path shardPath(Path index, String name) {
        Path folder = index.toAbsolutePath().getParent();
        if (folder == null || !name.matches("[A-Za-z0-9_.-]*\\.safetensors") || name.startsWith(".")) {
            throw new WeightsException(index + ": the shard \"" + JsonReader.shorten(name)
                    + "\" is not the name of a .safetensors file in the same folder");
        }
        Path shard = folder.resolve(name);
        try {
            Path real = shard.toRealPath();
            Path home = folder.toRealPath();
            Path cache = home.resolve("../../blobs").normalize();
            boolean inCache =
                    cache.resolveSibling("snapshots").equals(home.getParent()) && cache.equals(real.getParent());
            if (!home.equals(real.getParent()) && !inCache) {
                throw new WeightsException(index + ": the shard " + name + " is a link that leaves the folder");
            }
        } catch (IOException e) {
            throw new WeightsException(index + ": the shard " + name + " cannot be opened: " + e, e);
        }
        return shard;
    }
}
