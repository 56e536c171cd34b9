package org.telltale.convert;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.telltale.engine.HostTensor;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Several files as one checkpoint: the parts of a large PyTorch one, or those of an encoder and a decoder. */
final class JoinedCheckpoint implements Checkpoint {
    private static final long MAX_INDEX = 64L << 20;

    private final List<Checkpoint> parts;
    private final Map<String, Stored> tensors = new LinkedHashMap<>();
    private final Map<String, Place> places = new LinkedHashMap<>();

    /** Where a tensor is. */
    private record Place(Checkpoint part, String name) {}

    /** @param parts what is put before the names of each */
    JoinedCheckpoint(Map<String, Checkpoint> parts) {
        this.parts = List.copyOf(parts.values());
        parts.forEach((prefix, part) -> part.tensors()
                .values()
                .forEach(t ->
                        add(new Stored(prefix + t.name(), t.type(), t.width(), t.shape()), new Place(part, t.name()))));
    }

    private JoinedCheckpoint(Path index, List<Checkpoint> parts) {
        this.parts = parts;
        for (Checkpoint part : parts) {
            for (Stored t : part.tensors().values()) {
                if (tensors.containsKey(t.name())) {
                    throw new ConvertException(
                            index + ": two of its files have a tensor \"" + PickleReader.shown(t.name()) + "\"");
                }
                add(t, new Place(part, t.name()));
            }
        }
    }

    /** Opens {@code pytorch_model.bin.index.json} and the files that it names, which lie beside it. */
    static JoinedCheckpoint openIndex(Path index) {
        JsonNode map;
        try {
            if (Files.size(index) > MAX_INDEX) {
                throw new ConvertException(index + ": more than " + MAX_INDEX + " bytes");
            }
            map = new JsonMapper().readTree(Files.readAllBytes(index)).path("weight_map");
        } catch (JacksonException e) {
            throw new ConvertException(index + ": not valid JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new ConvertException(index + ": cannot be read: " + e, e);
        }
        Map<String, Checkpoint> files = new TreeMap<>();
        try {
            for (JsonNode file : map) {
                String name = file.asString("");
                if (!name.matches("[A-Za-z0-9_-][A-Za-z0-9_.-]*\\.bin")) {
                    throw new ConvertException(index + ": \"" + PickleReader.shown(name)
                            + "\" is not the name of a .bin file in the same folder");
                }
                if (!files.containsKey(name)) {
                    files.put(name, TorchFile.open(index.resolveSibling(name)));
                }
            }
            JoinedCheckpoint joined = new JoinedCheckpoint(index, new ArrayList<>(files.values()));
            for (String name : map.propertyNames()) {
                if (!joined.tensors.containsKey(name)) {
                    throw new ConvertException(
                            index + ": no tensor \"" + PickleReader.shown(name) + "\" in any of its files");
                }
            }
            return joined;
        } catch (RuntimeException e) {
            files.values().forEach(Checkpoint::close);
            throw e;
        }
    }

    private void add(Stored t, Place place) {
        tensors.put(t.name(), t);
        places.put(t.name(), place);
    }

    @Override
    public String format() {
        return parts.isEmpty() ? "nothing" : parts.getFirst().format() + ", " + parts.size() + " files";
    }

    @Override
    public Map<String, Stored> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    @Override
    public HostTensor values(String name, Arena arena) {
        Place place = places.get(name);
        if (place == null) {
            throw new ConvertException("no tensor \"" + name + "\" in this checkpoint");
        }
        return place.part.values(place.name, arena);
    }

    @Override
    public void close() {
        parts.forEach(Checkpoint::close);
    }
}
