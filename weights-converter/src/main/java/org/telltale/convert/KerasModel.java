package org.telltale.convert;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A whole Keras model, in the legacy HDF5 layout of Keras 2 and 3 or as a {@code .keras} archive: the layers of all nested
 * models in order, and where the variables of each layer lie.
 *
 * <p>In HDF5 variables are found through the attributes {@code layer_names} and {@code weight_names} rather than by guessing:
 * nested models, {@code Sequential} ones and Keras versions all name their groups differently. An archive numbers its
 * groups by class and its variables in the order of their creation; the layer's name is an attribute.
 */
record KerasModel(Path file, List<Layer> layers, Map<String, Map<String, H5Reader.Entry>> variables) {
    /** Where a whole model keeps what a file of weights has at its root. */
    static final String ROOT = "model_weights";

    private static final String CONFIG = "model_config";

    private static final int MAX_NESTING = 32;

    /** The group of a layer's variables in Keras 3's layout, which nested models repeat. */
    private static final Pattern VARS = Pattern.compile("(layers/[^/]+/)+vars");

    /** The most variables that a layer of a known class has. */
    private static final int MOST_VARIABLES = 8;

    /**
     * A layer.
     *
     * @param type the Keras class, such as {@code Conv2D}
     */
    record Layer(String type, String name, JsonNode config) {
        /** What the variables of a layer of this class are called, in the order of their creation. */
        List<String> variableNames() {
            return switch (type) {
                case "Conv2D", "DepthwiseConv2D", "Dense" ->
                    config.path("use_bias").asBoolean(true) ? List.of("kernel", "bias") : List.of("kernel");
                case "BatchNormalization" -> {
                    List<String> names = new ArrayList<>();
                    if (config.path("scale").asBoolean(true)) {
                        names.add("gamma");
                    }
                    if (config.path("center").asBoolean(true)) {
                        names.add("beta");
                    }
                    names.addAll(List.of("moving_mean", "moving_variance"));
                    yield names;
                }
                default -> List.of();
            };
        }
    }

    /** Whether a file describes the model and not its weights alone. */
    static boolean isWhole(Path file, H5Reader h5) {
        return h5.text("", CONFIG).isPresent() || H5Bytes.config(file).isPresent();
    }

    static KerasModel read(Path file, H5Reader h5) {
        Optional<String> attribute = h5.text("", CONFIG);
        String text = attribute
                .or(() -> H5Bytes.config(file))
                .orElseThrow(() -> new ConvertException(file
                        + ": no attribute model_config; a whole model is needed (model.save), not the weights alone"));
        List<Layer> layers = new ArrayList<>();
        try {
            flatten(file, new JsonMapper().readTree(text), layers, 0);
        } catch (JacksonException e) {
            String where = attribute.isPresent() ? "the attribute " + CONFIG : "config.json";
            throw new ConvertException(file + ": " + where + " is not valid JSON", e);
        }
        return new KerasModel(
                file,
                List.copyOf(layers),
                attribute.isPresent() ? variables(file, h5, ROOT) : named(file, layers, groups(h5)));
    }

    /** The variables of every layer in Keras 3's layout, by the layer's name; a layer may have none. */
    static Map<String, List<H5Reader.Entry>> groups(H5Reader h5) {
        Map<String, List<H5Reader.Entry>> layers = new LinkedHashMap<>();
        for (String group : h5.groups()) {
            if (VARS.matcher(group).matches()) {
                List<H5Reader.Entry> variables = new ArrayList<>();
                for (int i = 0; i < MOST_VARIABLES; i++) {
                    H5Reader.Entry entry = h5.datasets().get(group + "/" + i);
                    if (entry != null) {
                        variables.add(entry);
                    }
                }
                h5.text(group, "name").ifPresent(name -> layers.put(name, variables));
            }
        }
        return layers;
    }

    /** Names the variables of the layers whose classes are known, after the order in which Keras makes them. */
    private static Map<String, Map<String, H5Reader.Entry>> named(
            Path file, List<Layer> layers, Map<String, List<H5Reader.Entry>> groups) {
        Map<String, Map<String, H5Reader.Entry>> all = new LinkedHashMap<>();
        for (Layer l : layers) {
            List<H5Reader.Entry> found = groups.getOrDefault(l.name, List.of());
            List<String> names = l.variableNames();
            if (!names.isEmpty() && found.size() != names.size()) {
                throw new ConvertException(file + ": layer \"" + l.name + "\" has " + found.size()
                        + " variables, expected " + names
                        + (groups.isEmpty() ? "; the file has no layer names: save it with a later Keras 3" : ""));
            }
            Map<String, H5Reader.Entry> variables = new LinkedHashMap<>();
            for (int i = 0; i < names.size(); i++) {
                variables.put(names.get(i), found.get(i));
            }
            if (!variables.isEmpty() && all.put(l.name, variables) != null) {
                throw new ConvertException(file + ": two layers named \"" + l.name + "\"");
            }
        }
        groups.forEach((name, found) -> {
            if (!found.isEmpty() && !all.containsKey(name)) {
                all.put(name, Map.of());
            }
        });
        return all;
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
