package org.telltale.app.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.telltale.api.ModelFolder;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Fingerprint;
import org.telltale.app.data.Reasons;
import org.telltale.engine.HostTensor;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.Weights;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.models.ConfigFile;
import org.telltale.models.image.Preprocess;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The model folder that training starts from, with the labels to be learned in place of its own. */
public final class Parent implements Origin {
    private final String model;
    private final Path folder;
    private final boolean scratch;
    private final ObjectNode config;
    private final Network network;
    private final Map<String, String> sha256;
    private @Nullable ObjectNode preprocessor;

    private Parent(
            String model,
            Path folder,
            boolean scratch,
            ObjectNode config,
            Network network,
            Map<String, String> sha256) {
        this.model = model;
        this.folder = folder;
        this.scratch = scratch;
        this.config = config;
        this.network = network;
        this.sha256 = sha256;
    }

    /**
     * Opens a model folder, or an id of the local Hugging Face cache.
     *
     * @param labels to learn, in the order of their ids
     * @param scratch whether only its configuration is used, and all parameters start from random numbers
     */
    public static Parent open(String model, List<String> labels, boolean scratch) {
        Path folder = ModelFolder.find(model);
        return labelled(model, folder, labels, scratch, hashes(folder, !scratch));
    }

    /** SHA-256 of a folder's configuration, and of its weights if they are used. */
    static Map<String, String> hashes(Path folder, boolean weights) {
        Map<String, String> sha256 = new TreeMap<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path f : files.sorted().toList()) {
                String name = String.valueOf(f.getFileName());
                if (Files.isRegularFile(f)
                        && (name.equals("config.json") || (weights && name.endsWith(".safetensors")))) {
                    sha256.put(name, Fingerprint.sha256(f));
                }
            }
        } catch (IOException e) {
            throw new DataException(folder + ": cannot be read: " + Reasons.of(e), e);
        }
        return sha256;
    }

    /** The same folder with other labels to learn. */
    public Parent withLabels(List<String> labels) {
        return labelled(model, folder, labels, scratch, sha256);
    }

    private static Parent labelled(
            String model, Path folder, List<String> labels, boolean scratch, Map<String, String> sha256) {
        ObjectNode config = (ObjectNode)
                ConfigFile.read(folder.resolve("config.json")).json().deepCopy();
        ObjectNode byId = config.putObject("id2label");
        ObjectNode byLabel = config.putObject("label2id");
        for (int i = 0; i < labels.size(); i++) {
            byId.put(Integer.toString(i), labels.get(i));
            byLabel.put(labels.get(i), i);
        }
        config.remove(List.of("head", "num_labels", "problem_type"));
        Network network = Network.of(ConfigFile.of(folder.resolve("config.json") + " with new labels", config));
        ArrayNode architectures = config.putArray("architectures");
        architectures.add(network.architecture());
        return new Parent(model, folder, scratch, config, network, sha256);
    }

    /** The recipe of this kind of model. */
    public Recipe recipe() {
        return network.recipe();
    }

    /** Whether it classifies pictures; texts otherwise. */
    public boolean picturesWanted() {
        return !(network instanceof Network.Text);
    }

    @Override
    public String model() {
        return model;
    }

    public Path folder() {
        return folder;
    }

    @Override
    public Map<String, String> sha256() {
        return sha256;
    }

    /** Who resizes training pictures. */
    public enum Resize {
        /** As the parent's preprocessor does. */
        MODEL,
        /** TensorFlow's bilinear squash, as the recipes' tutorials do. */
        TENSORFLOW
    }

    /**
     * The preprocessing of training and of the finished model.
     *
     * @param size side of the square that pictures become
     */
    public Preprocess preprocess(int size, Resize resize) {
        ConfigFile own = ConfigFile.read(folder.resolve("preprocessor_config.json"));
        ObjectNode json = changed(own, size, resize);
        preprocessor = json;
        config.put("image_size", size);
        return Preprocess.fromJson(own.where(), json, size);
    }

    /** A preprocessor with another size, and another way of resizing. */
    static ObjectNode changed(ConfigFile own, int size, Resize resize) {
        ObjectNode json = (ObjectNode) own.json().deepCopy();
        if (resize == Resize.TENSORFLOW) {
            boolean squared = json.path("image_processor_type").stringValue("").startsWith("EfficientNet")
                    && json.path("include_top").booleanValue(true);
            if (json.path("rescale_offset").booleanValue(false)) {
                throw new TrainingException(own.where() + ": rescale_offset has no form with TensorFlow's resizing;"
                        + " give --resize model");
            }
            json.put("image_processor_type", "TelltaleImageProcessor");
            json.put("do_resize", true);
            json.put("resample", "tf_bilinear");
            json.put("do_center_crop", false);
            json.remove(List.of("feature_extractor_type", "crop_size", "include_top", "rescale_offset"));
            if (squared) {
                ArrayNode std = json.putArray("image_std");
                own.json().path("image_std").forEach(v -> std.add(v.doubleValue() * v.doubleValue()));
            }
        }
        if (resize == Resize.TENSORFLOW || json.has("size")) {
            json.putObject("size").put("height", size).put("width", size);
        }
        return json;
    }

    @Override
    public ObjectNode describe() {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("model", model);
        node.put("fromScratch", scratch);
        ObjectNode hashes = node.putObject("sha256");
        sha256.forEach(hashes::put);
        if (preprocessor != null) {
            node.set("preprocessor", preprocessor);
        }
        return node;
    }

    @Override
    public ClassifierLearner learner(Backend backend, CompileOptions options, Recipe recipe, long seed) {
        int labels = config.path("id2label").size();
        if (scratch) {
            return new ClassifierLearner(
                    backend,
                    options,
                    folder.toString(),
                    new StartWeights(null, Set.of(), seed),
                    true,
                    network,
                    recipe,
                    labels);
        }
        Weights weights = Prefixed.ifBare(SafeTensors.open(folder), network.prefix());
        Set<String> base = new TreeSet<>(weights.names());
        base.removeIf(n -> n.startsWith("classifier."));
        try {
            return new ClassifierLearner(
                    backend,
                    options,
                    folder.toString(),
                    new StartWeights(weights, base, seed),
                    false,
                    network,
                    recipe,
                    labels);
        } catch (RuntimeException | Error e) {
            weights.close();
            throw e;
        }
    }

    /** Writes a folder that Hugging Face's classes and ours read. */
    @Override
    public void export(Path to, Map<String, HostTensor> tensors, String card) {
        Map<String, ObjectNode> json = new LinkedHashMap<>();
        json.put(FinishedFolder.CONFIG, config);
        if (preprocessor != null) {
            json.put(FinishedFolder.PREPROCESSOR, preprocessor);
        }
        FinishedFolder.write(to, tensors, json, card, f -> {
            if (!picturesWanted()) {
                FinishedFolder.copyTokenizer(folder, f);
            }
        });
    }
}
