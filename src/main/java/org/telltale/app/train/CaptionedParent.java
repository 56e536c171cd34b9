package org.telltale.app.train;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.telltale.api.Captioner;
import org.telltale.api.ModelFolder;
import org.telltale.app.data.CaptionTokens;
import org.telltale.app.data.Dataset;
import org.telltale.app.data.PictureOptions;
import org.telltale.app.data.Sample;
import org.telltale.engine.HostTensor;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.models.ConfigFile;
import org.telltale.models.image.Augmentation;
import org.telltale.models.image.Exif;
import org.telltale.models.image.Preprocess;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The folder of a BLIP or a CLIP, with Hugging Face's names, that learns from pictures with captions. */
public final class CaptionedParent implements Origin {
    private static final String CONFIG = FinishedFolder.CONFIG;
    private static final String PREPROCESSOR = FinishedFolder.PREPROCESSOR;

    /** What Hugging Face's classes draw from where the configuration does not say otherwise. */
    private static final double DEVIATION = 0.02;

    private final String model;
    private final Path folder;
    private final boolean scratch;
    private final ConfigFile config;
    private final CaptionedNetwork network;
    private final ConfigFile preprocessor;
    private final Preprocess preprocess;
    private final Map<String, String> sha256;
    private final CaptionTokens tokens;

    private CaptionedParent(String model, boolean scratch, ConfigFile config, CaptionedNetwork network, Recipe recipe) {
        this.model = model;
        this.folder = ModelFolder.find(model);
        this.scratch = scratch;
        this.config = config;
        this.network = network;
        preprocessor = ConfigFile.read(folder.resolve(PREPROCESSOR));
        preprocess = Preprocess.fromJson(preprocessor.where(), preprocessor.json(), network.imageSize());
        if (preprocess.height() != preprocess.width()) {
            throw new TrainingException(preprocessor.where() + ": pictures become " + preprocess.width() + " x "
                    + preprocess.height() + ", expected a square");
        }
        tokens = network.tokens(folder, Captioner.PROMPT, recipe.size());
        sha256 = Parent.hashes(folder, !scratch);
    }

    /** A model's kind, before a recipe is made for it. */
    public record Kind(String model, boolean scratch, Recipe recipe) {
        /** With a recipe, whose size is the most tokens of a text. */
        public CaptionedParent with(Recipe changed) {
            ConfigFile config = ConfigFile.read(ModelFolder.find(model).resolve(CONFIG));
            return new CaptionedParent(model, scratch, config, CaptionedNetwork.of(config), changed);
        }
    }

    /**
     * Looks at a model folder, or an id of the local Hugging Face cache.
     *
     * @param scratch whether only its configuration and tokenizer are used, and all parameters start from random numbers
     */
    public static Kind kind(String model, boolean scratch) {
        CaptionedNetwork network =
                CaptionedNetwork.of(ConfigFile.read(ModelFolder.find(model).resolve(CONFIG)));
        return new Kind(model, scratch, network.recipe());
    }

    /** Captions as this model learns them. */
    public TrainingData.Captioned data(Dataset<Sample.Captioned> set, Exif exif) {
        return new TrainingData.Captioned(
                set, new PictureOptions(preprocess, exif, Augmentation.none(), PictureOptions.Cache.IN_MEMORY), tokens);
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
        node.put("model", model);
        node.put("fromScratch", scratch);
        ObjectNode hashes = node.putObject("sha256");
        sha256.forEach(hashes::put);
        node.set("preprocessor", preprocessor.json());
        return node;
    }

    @Override
    public Learner learner(Backend backend, CompileOptions options, Recipe asked, long seed) {
        double deviation = config.at("text_config").number("initializer_range", DEVIATION);
        SafeTensors weights = scratch ? null : SafeTensors.open(folder);
        try {
            return new CaptionedLearner(
                    backend,
                    options,
                    folder.toString(),
                    new StartWeights(weights, weights == null ? Set.of() : weights.names(), seed),
                    deviation,
                    scratch,
                    network,
                    asked,
                    preprocess.height(),
                    tokens.length());
        } catch (RuntimeException | Error e) {
            if (weights != null) {
                weights.close();
            }
            throw e;
        }
    }

    /** Writes a folder that Hugging Face's classes and ours read. */
    @Override
    public void export(Path to, Map<String, HostTensor> tensors, String card) {
        Map<String, JsonNode> json = new LinkedHashMap<>();
        json.put(CONFIG, config.json());
        json.put(PREPROCESSOR, preprocessor.json());
        FinishedFolder.write(to, tensors, json, card, f -> FinishedFolder.copyTokenizer(folder, f));
    }
}
