package org.telltale.convert;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.telltale.engine.Shape;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The captioner of the original BLIP to the names of {@code BlipForConditionalGeneration} (SPEC §10.5); the encoders and
 * heads of the other tasks, which a pre-trained file holds too, are left out.
 *
 * <p>The original's vision transformer has a layer norm epsilon of 1e-6, which is written; the files that Hugging Face
 * published say 1e-5.
 */
final class BlipNames {
    static final String MARK = "visual_encoder.blocks.0.attn.qkv.weight";
    static final String DECODER = "text_decoder.";
    private static final String VISION = "visual_encoder.";
    private static final int HEAD_WIDTH = 64;

    /** The vocabulary of bert-base-uncased and two marks. */
    private static final int VOCABULARY = 30524;

    private static final int SEPARATOR = 102;

    private BlipNames() {}

    static Converted convert(Source source) {
        List<Converted.Tensor> tensors = new ArrayList<>();
        for (String name : List.copyOf(source.tensors().keySet())) {
            if (name.startsWith(VISION) || name.startsWith(DECODER)) {
                Checkpoint.Stored s = source.tensors().get(name);
                if (s != null) {
                    source.take(name, s.shape().rank());
                    tensors.add(new Converted.Taken(renamed(name), s));
                }
            }
        }
        List<String> notes = new ArrayList<>(source.leftOut());
        Map<String, JsonNode> files = new LinkedHashMap<>();
        Vision v = Vision.of(source);
        JsonNode config = source.configOf("blip").orElseGet(() -> config(source, v));
        files.put(Converted.CONFIG, config);
        files.put(
                Converted.PREPROCESSOR, source.sibling(Converted.PREPROCESSOR).orElseGet(() -> preprocessor(v.image)));
        if (!source.hasFile("vocab.txt")) {
            notes.add("no vocab.txt beside the file: put that of bert-base-uncased into the folder");
        }
        return new Converted(Converted.WEIGHTS, tensors, files, notes);
    }

    /** The name of a tensor in Hugging Face's class. */
    static String renamed(String name) {
        if (!name.startsWith(VISION)) {
            return name;
        }
        String rest = name.substring(VISION.length());
        String embedded = switch (rest) {
            case "cls_token" -> "embeddings.class_embedding";
            case "pos_embed" -> "embeddings.position_embedding";
            case "patch_embed.proj.weight" -> "embeddings.patch_embedding.weight";
            case "patch_embed.proj.bias" -> "embeddings.patch_embedding.bias";
            case "norm.weight" -> "post_layernorm.weight";
            case "norm.bias" -> "post_layernorm.bias";
            default ->
                "encoder."
                        + rest.replaceFirst("^blocks\\.", "layers.")
                                .replaceFirst("\\.attn\\.proj\\.", ".self_attn.projection.")
                                .replaceFirst("\\.attn\\.", ".self_attn.")
                                .replaceFirst("\\.norm([12])\\.", ".layer_norm$1.");
        };
        return "vision_model." + embedded;
    }

    /** The extents of the vision transformer; {@code image} is the side of a picture. */
    private record Vision(int width, int layers, int inner, int patch, int image) {
        static Vision of(Source s) {
            Shape kernel = s.take(VISION + "patch_embed.proj.weight", 4).shape();
            int patches = s.extent(VISION + "pos_embed", 3, 1) - 1;
            int side = (int) Math.round(Math.sqrt(Math.max(0, patches)));
            if (side * side != patches || kernel.dim(2) != kernel.dim(3)) {
                throw s.error("a position table of " + patches + " patches and patches of " + kernel.dim(2) + " by "
                        + kernel.dim(3) + " pixels, expected squares");
            }
            return new Vision(
                    kernel.dim(0),
                    s.count(VISION + "blocks.", ".attn.qkv.weight"),
                    s.extent(VISION + "blocks.0.mlp.fc1.weight", 2, 0),
                    kernel.dim(2),
                    side * kernel.dim(2));
        }
    }

    private static ObjectNode config(Source s, Vision v) {
        String words = DECODER + "bert.embeddings.word_embeddings.weight";
        int vocabulary = s.extent(words, 2, 0);
        int width = s.extent(words, 2, 1);
        if (vocabulary != VOCABULARY || width % HEAD_WIDTH != 0 || v.width % HEAD_WIDTH != 0) {
            throw s.error("a vocabulary of " + vocabulary + " and widths of " + width + " and " + v.width
                    + ", the original has " + VOCABULARY + " and multiples of " + HEAD_WIDTH
                    + ": marks and heads are not known; --config names a config.json of BLIP that says them");
        }
        String layer = DECODER + "bert.encoder.layer.";
        ObjectNode config = new JsonMapper().createObjectNode();
        config.putArray("architectures").add("BlipForConditionalGeneration");
        config.put("model_type", "blip")
                .put("projection_dim", 512)
                .put("image_text_hidden_size", 256)
                .put("logit_scale_init_value", 2.6592)
                .put("initializer_factor", 1.0);
        config.putObject("vision_config")
                .put("model_type", "blip_vision_model")
                .put("hidden_size", v.width)
                .put("intermediate_size", v.inner)
                .put("num_hidden_layers", v.layers)
                .put("num_attention_heads", v.width / HEAD_WIDTH)
                .put("image_size", v.image)
                .put("patch_size", v.patch)
                .put("hidden_act", "gelu")
                .put("layer_norm_eps", 1e-6)
                .put("attention_dropout", 0.0);
        config.putObject("text_config")
                .put("model_type", "blip_text_model")
                .put("vocab_size", vocabulary)
                .put("hidden_size", width)
                .put("encoder_hidden_size", v.width)
                .put("intermediate_size", s.extent(layer + "0.intermediate.dense.weight", 2, 0))
                .put("num_hidden_layers", s.count(layer, ".intermediate.dense.weight"))
                .put("num_attention_heads", width / HEAD_WIDTH)
                .put("max_position_embeddings", s.extent(DECODER + "bert.embeddings.position_embeddings.weight", 2, 0))
                .put("hidden_act", "gelu")
                .put("layer_norm_eps", 1e-12)
                .put("hidden_dropout_prob", 0.0)
                .put("attention_probs_dropout_prob", 0.0)
                .put("bos_token_id", VOCABULARY - 2)
                .put("sep_token_id", SEPARATOR)
                .put("eos_token_id", SEPARATOR)
                .put("pad_token_id", 0)
                .put("is_decoder", true);
        return config;
    }

    /** Squashed with Pillow's bicubic filter (SPEC §10.3). */
    private static ObjectNode preprocessor(int size) {
        ObjectNode p = new JsonMapper().createObjectNode();
        p.put("image_processor_type", "BlipImageProcessor")
                .put("processor_class", "BlipProcessor")
                .put("do_resize", true)
                .put("resample", 3)
                .put("do_rescale", true)
                .put("rescale_factor", 1 / 255.0)
                .put("do_normalize", true)
                .put("do_convert_rgb", true);
        p.putObject("size").put("height", size).put("width", size);
        ClipNames.normalise(p);
        return p;
    }
}
