package org.telltale.engine.testing;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.Weights;
import org.telltale.engine.io.WeightsException;
import tools.jackson.databind.JsonNode;

/**
 * The weights of a manifest such as {@code full-bert-base.json}: made on the fly from the fields name, shape, scale and
 * offset of a row; rows with {@code "stored": true} are read as {@code weights/<name>} from the file of reference values.
 */
public final class ProceduralWeights implements Weights {
    private final Map<String, JsonNode> rows = new LinkedHashMap<>();
    private final long salt;
    private final @Nullable SafeTensors stored;

    private ProceduralWeights(JsonNode manifest, @Nullable SafeTensors stored) {
        this.salt = manifest.get("salt").longValue();
        this.stored = stored;
        for (JsonNode row : manifest.get("tensors")) {
            rows.put(row.get("name").stringValue(), row);
        }
    }

    /** Reads a manifest; {@code <name>.golden.safetensors} beside it is opened if there are stored rows. */
    public static ProceduralWeights open(Path manifest) {
        JsonNode json = Golden.json(manifest);
        boolean anyStored = json.get("tensors").valueStream().anyMatch(ProceduralWeights::isStored);
        String name = manifest.getFileName().toString().replaceFirst("\\.json$", ".golden.safetensors");
        return new ProceduralWeights(json, anyStored ? SafeTensors.open(manifest.resolveSibling(name)) : null);
    }

    @Override
    public Set<String> names() {
        return rows.keySet();
    }

    @Override
    public Shape shape(String name) {
        return Shape.of(Golden.ints(row(name).get("shape")));
    }

    @Override
    public DType dtype(String name) {
        row(name);
        return DType.F32;
    }

    @Override
    public HostTensor read(String name, Arena arena) {
        JsonNode row = row(name);
        if (stored != null && isStored(row)) {
            return stored.read("weights/" + name, arena);
        }
        return Procedural.tensor(row, salt, arena);
    }

    @Override
    public void close() {
        if (stored != null) {
            stored.close();
        }
    }

    private JsonNode row(String name) {
        JsonNode row = rows.get(name);
        if (row == null) {
            throw new WeightsException("no tensor \"" + name + "\" in this manifest");
        }
        return row;
    }

    private static boolean isStored(JsonNode row) {
        return row.path("stored").asBoolean(false);
    }
}
