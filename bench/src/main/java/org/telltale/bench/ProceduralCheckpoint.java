package org.telltale.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.io.SafeTensorsWriter;
import org.telltale.engine.testing.ProceduralWeights;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a model folder of real size whose weights are a pure function of their names (a manifest of the reference
 * values says which), for measuring the application where no real weights are at hand.
 *
 * <pre>{@code ProceduralCheckpoint MANIFEST.json OUT [VOCABULARY]}</pre>
 *
 * The vocabulary is {@code vocab.txt}, or CLIP's {@code bpe_simple_vocab_16e6.txt.gz}.
 */
public final class ProceduralCheckpoint {
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(tools.jackson.databind.SerializationFeature.INDENT_OUTPUT)
            .build();

    /** The classes of the paper's first task, so that scores of pictures and of texts can be fused. */
    private static final List<String> LABELS =
            List.of("earthquake", "fire", "flood", "hurricane", "landslide", "not_disaster", "other_disaster");

    private ProceduralCheckpoint() {}

    public static void main(String[] args) throws IOException {
        if (args.length < 2 || args.length > 3) {
            System.err.println("usage: ProceduralCheckpoint MANIFEST.json OUT [VOCABULARY]");
            System.exit(2);
        }
        Path manifest = Path.of(args[0]);
        Path out = Files.createDirectories(Path.of(args[1]));
        JsonNode described = JSON.readTree(manifest);
        JsonNode config = described.path("config");
        ObjectNode model = JSON.createObjectNode();
        ObjectNode preprocessor = JSON.createObjectNode();
        String weightFile = "model.safetensors";
        String configFile = "config.json";
        if (config.has("vision_cfg")) {
            JsonNode names = described.get("tensors");
            if (names.valueStream().anyMatch(t -> t.get("name").asString("").startsWith("visual."))) {
                weightFile = "open_clip_model.safetensors";
                configFile = "open_clip_config.json";
                model.set("model_cfg", config);
            } else {
                clip(config, model, preprocessor);
            }
        } else if (config.has("vision")) {
            blip(config, model, preprocessor);
        } else if (config.has("width_coefficient")) {
            efficientNet(config, model, preprocessor);
        } else if (config.has("depth_multiplier")) {
            mobileNet(config, model, preprocessor);
        } else if (described.path("model").asString("").contains("inception_v3")) {
            inception(model, preprocessor);
        } else if (described.has("start_id")) {
            words(described, model);
        } else {
            bert(config, model);
        }
        Files.writeString(out.resolve(configFile), JSON.writeValueAsString(model));
        if (!preprocessor.isEmpty()) {
            Files.writeString(out.resolve("preprocessor_config.json"), JSON.writeValueAsString(preprocessor));
        }
        if (args.length == 3) {
            Path vocabulary = Path.of(args[2]);
            boolean merges = config.has("vision_cfg");
            Files.copy(vocabulary, out.resolve(merges ? String.valueOf(vocabulary.getFileName()) : "vocab.txt"));
        }
        try (ProceduralWeights weights = ProceduralWeights.open(manifest)) {
            List<SafeTensorsWriter.Entry> entries = new ArrayList<>();
            for (String name : weights.names()) {
                entries.add(new SafeTensorsWriter.Entry(name, weights.dtype(name), shape(weights, name)));
            }
            SafeTensorsWriter.write(
                    out.resolve(weightFile),
                    entries,
                    Map.of("format", "pt"),
                    (name, arena) -> first(weights.read(name, arena), shape(weights, name)));
        }
    }

    /** A classifier keeps the rows of the disaster types. */
    private static Shape shape(ProceduralWeights weights, String name) {
        Shape shape = weights.shape(name);
        return name.startsWith("classifier.") ? shape.with(0, LABELS.size()) : shape;
    }

    private static HostTensor first(HostTensor all, Shape shape) {
        return new HostTensor(
                shape,
                all.dtype(),
                all.data().asSlice(0, shape.size() * all.dtype().bytes()));
    }

    /** Of open_clip's configuration of ViT-L/14 the one of Hugging Face, whose names its tensors have. */
    private static void clip(JsonNode config, ObjectNode model, ObjectNode preprocessor) {
        String activation = config.get("quick_gelu").booleanValue() ? "quick_gelu" : "gelu";
        JsonNode vision = config.get("vision_cfg");
        JsonNode text = config.get("text_cfg");
        int size = vision.get("image_size").intValue();
        model.put("model_type", "clip").set("projection_dim", config.get("embed_dim"));
        ObjectNode seen = model.putObject("vision_config");
        tower(seen, vision, vision.get("width").intValue() / 64, activation);
        seen.put("image_size", size).set("patch_size", vision.get("patch_size"));
        ObjectNode read = model.putObject("text_config");
        tower(read, text, text.get("heads").intValue(), activation);
        read.set("vocab_size", text.get("vocab_size"));
        read.set("max_position_embeddings", text.get("context_length"));
        preprocessor
                .put("image_processor_type", "CLIPImageProcessor")
                .put("do_resize", true)
                .put("resample", 3);
        preprocessor.put("do_rescale", true).put("rescale_factor", 1 / 255.0).put("do_normalize", true);
        preprocessor.put("do_center_crop", true).put("do_convert_rgb", true);
        preprocessor.putObject("size").put("shortest_edge", size);
        preprocessor.putObject("crop_size").put("height", size).put("width", size);
        preprocessor.putArray("image_mean").add(0.48145466).add(0.4578275).add(0.40821073);
        preprocessor.putArray("image_std").add(0.26862954).add(0.26130258).add(0.27577711);
    }

    private static void tower(ObjectNode out, JsonNode c, int heads, String activation) {
        int width = c.get("width").intValue();
        out.put("hidden_size", width).put("intermediate_size", 4 * width).put("num_attention_heads", heads);
        out.put("hidden_act", activation).put("layer_norm_eps", 1e-5);
        out.set("num_hidden_layers", c.get("layers"));
    }

    private static void blip(JsonNode config, ObjectNode model, ObjectNode preprocessor) {
        model.put("model_type", "blip");
        model.set("vision_config", config.get("vision"));
        ObjectNode text = ((ObjectNode) config.get("text")).deepCopy();
        int vocabulary = text.get("vocab_size").intValue();
        text.put("hidden_act", "gelu").put("bos_token_id", vocabulary - 2).put("sep_token_id", 102);
        model.set("text_config", text);
        int size = config.get("vision").get("image_size").intValue();
        normalise(preprocessor, "BlipImageProcessor", size, 3);
        preprocessor.putArray("image_mean").add(0.48145466).add(0.4578275).add(0.40821073);
        preprocessor.putArray("image_std").add(0.26862954).add(0.26130258).add(0.27577711);
    }

    private static void efficientNet(JsonNode config, ObjectNode model, ObjectNode preprocessor) {
        model.put("model_type", "efficientnet").setAll((ObjectNode) config);
        model.put("depth_divisor", 8).put("hidden_act", "swish").put("squeeze_expansion_ratio", 0.25);
        list(model, "kernel_sizes", 3, 3, 5, 3, 5, 5, 3);
        list(model, "num_block_repeats", 1, 2, 2, 3, 3, 4, 1);
        list(model, "in_channels", 32, 16, 24, 40, 80, 112, 192);
        list(model, "out_channels", 16, 24, 40, 80, 112, 192, 320);
        list(model, "expand_ratios", 1, 6, 6, 6, 6, 6, 6);
        list(model, "strides", 1, 2, 2, 2, 1, 2, 1);
        labels(model);
        normalise(
                preprocessor,
                "EfficientNetImageProcessor",
                config.get("image_size").intValue(),
                0);
        preprocessor.put("include_top", true);
        preprocessor.putArray("image_mean").add(0.485).add(0.456).add(0.406);
        preprocessor.putArray("image_std").add(0.47853944).add(0.4732864).add(0.47434163);
    }

    private static void mobileNet(JsonNode config, ObjectNode model, ObjectNode preprocessor) {
        model.put("model_type", "mobilenet_v2").put("image_size", 224).setAll((ObjectNode) config);
        labels(model);
        normalise(preprocessor, "TelltaleImageProcessor", 224, 2);
        halves(preprocessor);
    }

    /** The captioner's eyes: to be put into its folder as {@code features}. */
    private static void inception(ObjectNode model, ObjectNode preprocessor) {
        model.put("architecture", "inception_v3").putObject("pretrained_cfg").put("tag", "tf_in1k");
        ((ObjectNode) model.get("pretrained_cfg"))
                .putArray("input_size")
                .add(3)
                .add(299)
                .add(299);
        normalise(preprocessor, "TelltaleImageProcessor", 299, 2);
        halves(preprocessor);
    }

    private static void halves(ObjectNode preprocessor) {
        preprocessor.putArray("image_mean").add(0.5).add(0.5).add(0.5);
        preprocessor.putArray("image_std").add(0.5).add(0.5).add(0.5);
    }

    /** The captioner with attention and a GRU: its words are made up, and a caption ends after twelve of them. */
    private static void words(JsonNode described, ObjectNode model) {
        model.put("model_type", "attention-gru-captioner")
                .put("embedding_dim", 256)
                .put("units", 512);
        model.put("vocab_size", 5000)
                .put("feature_dim", 2048)
                .put("attention_positions", 64)
                .put("max_length", 12);
        int start = described.get("start_id").intValue();
        int end = described.get("end_id").intValue();
        model.put("start_id", start).put("end_id", end).put("standard", "text_vectorization");
        for (int i = 0; i < 5000; i++) {
            model.withArray("vocabulary")
                    .add(i == 0 ? "" : i == 1 ? "[UNK]" : i == start ? "<start>" : i == end ? "<end>" : "w" + i);
        }
    }

    private static void bert(JsonNode config, ObjectNode model) {
        model.put("model_type", "bert").put("hidden_act", "gelu").setAll((ObjectNode) config);
        labels(model);
    }

    private static void normalise(ObjectNode preprocessor, String type, int size, int resample) {
        preprocessor.put("image_processor_type", type).put("do_resize", true).put("resample", resample);
        preprocessor.put("do_rescale", true).put("rescale_factor", 1 / 255.0).put("do_normalize", true);
        preprocessor.putObject("size").put("height", size).put("width", size);
    }

    private static void labels(ObjectNode model) {
        ObjectNode map = model.putObject("id2label");
        for (int i = 0; i < LABELS.size(); i++) {
            map.put(Integer.toString(i), LABELS.get(i));
        }
    }

    private static void list(ObjectNode model, String key, int... values) {
        for (int v : values) {
            model.withArray(key).add(v);
        }
    }
}
