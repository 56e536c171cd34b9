package org.telltale.app.train;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.telltale.api.ModelFolder;
import org.telltale.engine.HostTensor;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.models.AttentionGruCaptioner;
import org.telltale.models.ConfigFile;
import org.telltale.models.FeatureMap;
import org.telltale.models.image.Preprocess;
import org.telltale.models.text.CaptionVocabulary;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A captioner that learns from nothing, and the model folder of the network whose features it sees. The finished folder
 * holds that network too, in {@code features}.
 */
public final class CaptionParent implements Origin {
    private static final String PREPROCESSOR = FinishedFolder.PREPROCESSOR;

    /** Where the folder of the network lies in the finished one. */
    private static final String FEATURES = "features";

    private final String model;
    private final Path folder;
    private final ConfigFile encoder;
    private final ObjectNode preprocessor;
    private final Map<String, String> sha256;
    private final AttentionGruCaptioner.Config config;

    private CaptionParent(
            String model,
            Path folder,
            ConfigFile encoder,
            ObjectNode preprocessor,
            Map<String, String> sha256,
            AttentionGruCaptioner.Config config) {
        this.model = model;
        this.folder = folder;
        this.encoder = encoder;
        this.preprocessor = preprocessor;
        this.sha256 = sha256;
        this.config = config;
    }

    /**
     * Opens the folder of an encoder: InceptionV3, or MobileNetV2 as a small stand-in.
     *
     * @param resize who resizes pictures: the tutorial's TensorFlow, or the folder's own preprocessor
     * @param size side of the pictures; 0 for the encoder's own
     */
    static Encoder encoder(String model, Parent.Resize resize, int size) {
        Path folder = ModelFolder.find(model);
        ConfigFile config = ConfigFile.read(folder.resolve("config.json"));
        FeatureMap map = FeatureMap.of(config);
        int side = size == 0 ? map.imageSize() : size;
        Path own = folder.resolve(PREPROCESSOR);
        ConfigFile start = Files.exists(own) ? ConfigFile.read(own) : ConfigFile.of(own.toString(), tutorial());
        ObjectNode json = Parent.changed(start, side, resize);
        Preprocess preprocess = Preprocess.fromJson(start.where(), json, side);
        return new Encoder(model, folder, config, map, json, preprocess, Parent.hashes(folder, true));
    }

    /** Squashed by TensorFlow's bilinear rule, then to [-1, 1]: for folders with timm's files alone. */
    private static ObjectNode tutorial() {
        ObjectNode p = JsonNodeFactory.instance.objectNode();
        p.put("image_processor_type", "TelltaleImageProcessor");
        p.put("resample", "tf_bilinear");
        for (String key : new String[] {"image_mean", "image_std"}) {
            p.putArray(key).add(0.5).add(0.5).add(0.5);
        }
        return p;
    }

    /** A network whose features are looked at, and how pictures are prepared for it. */
    record Encoder(
            String model,
            Path folder,
            ConfigFile config,
            FeatureMap map,
            ObjectNode preprocessor,
            Preprocess preprocess,
            Map<String, String> sha256) {}

    /** A captioner over features of an encoder. */
    static CaptionParent of(Encoder e, AttentionGruCaptioner.Config config) {
        return new CaptionParent(e.model, e.folder, e.config, e.preprocessor, e.sha256, config);
    }

    @Override
    public String model() {
        return model;
    }

    @Override
    public Map<String, String> sha256() {
        return sha256;
    }

    @Override
    public ObjectNode describe() {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("features", model);
        ObjectNode hashes = node.putObject("sha256");
        sha256.forEach(hashes::put);
        node.set("preprocessor", preprocessor);
        node.put("embedding", config.embedding());
        node.put("units", config.units());
        node.put("words", config.words());
        node.put("standard", config.vocabulary().standard().name());
        return node;
    }

    @Override
    public Learner learner(Backend backend, CompileOptions options, Recipe recipe, long seed) {
        return new CaptionLearner(backend, options, seed, config, recipe);
    }

    @Override
    public void export(Path to, Map<String, HostTensor> tensors, String card) {
        Map<String, JsonNode> json = new LinkedHashMap<>();
        json.put(FinishedFolder.CONFIG, json());
        json.put(FEATURES + "/" + FinishedFolder.CONFIG, encoder.json());
        json.put(FEATURES + "/" + PREPROCESSOR, preprocessor);
        FinishedFolder.write(to, tensors, json, card, f -> {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path weights :
                        files.filter(w -> w.toString().contains(".safetensors")).toList()) {
                    Files.copy(
                            weights,
                            f.resolve(FEATURES).resolve(weights.getFileName()),
                            StandardCopyOption.REPLACE_EXISTING);
                }
            }
        });
    }

    private ObjectNode json() {
        CaptionVocabulary v = config.vocabulary();
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("model_type", AttentionGruCaptioner.TYPE);
        node.put("embedding_dim", config.embedding());
        node.put("units", config.units());
        node.put("vocab_size", config.words());
        node.put("feature_dim", config.channels());
        node.put("attention_positions", config.positions());
        node.put("max_length", config.maxLength());
        node.put("start_id", v.start());
        node.put("end_id", v.end());
        node.put("standard", v.standard().name().toLowerCase(Locale.ROOT));
        ArrayNode words = node.putArray("vocabulary");
        v.words().forEach(words::add);
        return node;
    }
}
