package org.telltale.convert;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A whole Keras model in the legacy HDF5 layout, as Keras 2 and 3 write it: the layers of all nested models in order, and
 * where the variables of each layer lie.
 *
 * <p>Variables are found through the attributes {@code layer_names} and {@code weight_names} rather than by guessing:
 * nested models, {@code Sequential} ones and Keras versions all name their groups differently.
 */
record KerasModel(Path file, List<Layer> layers, Map<String, Map<String, H5Reader.Entry>> variables) {
    /** Where a whole model keeps what a file of weights has at its root. */
    static final String ROOT = "model_weights";

    private static final int MAX_NESTING = 32;

    /**
     * A layer.
     *
     * @param type the Keras class, such as {@code Conv2D}
     */
    record Layer(String type, String name, JsonNode config) {}

    static KerasModel read(Path file, H5Reader h5) {
        String text = h5.text("", "model_config")
                .orElseThrow(() -> new ConvertException(file
                        + ": no attribute model_config; a whole model is needed (model.save), not the weights alone"));
        List<Layer> layers = new ArrayList<>();
        try {
            flatten(file, new JsonMapper().readTree(text), layers, 0);
        } catch (JacksonException e) {
            throw new ConvertException(file + ": the attribute model_config is not valid JSON", e);
        }
        return new KerasModel(file, List.copyOf(layers), variables(file, h5, ROOT));
    }

    ConvertException error(String message) {
        return new ConvertException(file + ": " + message);
    }

    Optional<Layer> find(String name) {
        return layers.stream().filter(l -> l.name.equals(name)).findFirst();
    }

    /** The one layer of a name, which must be of a class. */
    Layer layer(String name, String type) {
        List<Layer> found = layers.stream().filter(l -> l.name.equals(name)).toList();
        if (found.size() != 1 || !found.getFirst().type.equals(type)) {
            throw error("expected one layer \"" + name + "\" of class " + type + ", found "
                    + found.stream().map(Layer::type).toList());
        }
        return found.getFirst();
    }

    /** A variable of a layer by the name of Keras 3, or the one that Keras 2 gives it. */
    H5Reader.Entry variable(String layer, String name, int rank) {
        Map<String, H5Reader.Entry> all = variables.getOrDefault(layer, Map.of());
        H5Reader.Entry entry = all.get(name);
        if (entry == null && name.equals("kernel")) {
            entry = all.get("depthwise_kernel");
        }
        if (entry == null || entry.shape().size() != rank) {
            throw error("layer \"" + layer + "\" has the variables " + all.values() + ", expected \"" + name
                    + "\" of rank " + rank);
        }
        return entry;
    }

    private static void flatten(Path file, JsonNode model, List<Layer> layers, int depth) {
        if (depth > MAX_NESTING) {
            throw new ConvertException(file + ": models nested deeper than " + MAX_NESTING);
        }
        JsonNode config = model.path("config");
        // Keras before 2.3 writes the list of a Sequential without an object around it
        JsonNode nested = config.isArray() ? config : config.path("layers");
        if (nested.isArray()) {
            nested.forEach(l -> flatten(file, l, layers, depth + 1));
        } else {
            layers.add(new Layer(
                    model.path("class_name").asString(""), config.path("name").asString(""), config));
        }
    }

    /** The variables of every layer by name, below a group; the empty one is the root. */
    static Map<String, Map<String, H5Reader.Entry>> variables(Path file, H5Reader h5, String root) {
        Map<String, Map<String, H5Reader.Entry>> all = new LinkedHashMap<>();
        for (String group : h5.texts(root, "layer_names")) {
            String below = root.isEmpty() ? group : root + "/" + group;
            for (String weight : h5.texts(below, "weight_names")) {
                String path = below + "/" + weight;
                H5Reader.Entry entry = h5.datasets().get(path);
                if (entry == null) {
                    throw new ConvertException(file + ": no dataset \"" + path + "\", which weight_names lists");
                }
                String[] parts = weight.replaceFirst(":0$", "").split("/", -1);
                String layer = parts.length < 2 ? group : parts[parts.length - 2];
                String name = parts[parts.length - 1];
                if (all.computeIfAbsent(layer, l -> new LinkedHashMap<>()).put(name, entry) != null) {
                    throw new ConvertException(
                            file + ": two variables \"" + name + "\" of layers named \"" + layer + "\"");
                }
            }
        }
        return all;
    }
}
