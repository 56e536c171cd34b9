package org.telltale.convert;

import java.lang.foreign.Arena;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.WeightsException;

/** A safetensors file, or several with an index. */
final class SafeTensorsCheckpoint implements Checkpoint {
    private final SafeTensors weights;
    private final Map<String, Stored> tensors = new LinkedHashMap<>();

    SafeTensorsCheckpoint(SafeTensors weights) {
        this.weights = weights;
        for (String name : weights.names()) {
            Shape shape = weights.shape(name);
            String type = weights.typeName(name);
            tensors.put(name, new Stored(name, type, width(type), shape));
        }
    }

    private static int width(String type) {
        return type.startsWith("F8") || type.equals("BOOL") ? 1 : Integer.parseInt(type.replaceAll("[^0-9]", "")) / 8;
    }

    @Override
    public String format() {
        return "safetensors";
    }

    @Override
    public Map<String, Stored> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    @Override
    public HostTensor values(String name, Arena arena) {
        try {
            return weights.raw(name, arena);
        } catch (WeightsException e) {
            throw new ConvertException(String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public void close() {
        weights.close();
    }
}
