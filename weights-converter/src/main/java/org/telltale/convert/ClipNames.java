package org.telltale.convert;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.telltale.convert.Converted.Rows;
import org.telltale.convert.Converted.Stacked;
import org.telltale.convert.Converted.Taken;
import org.telltale.convert.Converted.Turned;
import org.telltale.engine.Shape;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * CLIP between the names of open_clip, which are OpenAI's too, and those of Hugging Face's {@code CLIPModel} (SPEC §11.6):
 * the projections are turned around, and queries, keys and values lie below each other in one matrix or in three.
 */
final class ClipNames {
    private static final String OPEN_CONFIG = "open_clip_config.json";
    private static final String OPEN_WEIGHTS = "open_clip_model";
    private static final double[] MEAN = {0.48145466, 0.4578275, 0.40821073};
    private static final double[] STD = {0.26862954, 0.26130258, 0.27577711};

    /** What OpenAI's files say beside the weights, and masks that follow from the context. */
    private static final Set<String> CONSTANTS =
            Set.of("input_resolution", "context_length", "vocab_size", "attn_mask");

    /** Parts of a block that only have another name, open_clip's and Hugging Face's. */
    private static final List<List<String>> BLOCK = List.of(
            List.of("ln_1.weight", "layer_norm1.weight"),
            List.of("ln_1.bias", "layer_norm1.bias"),
            List.of("ln_2.weight", "layer_norm2.weight"),
            List.of("ln_2.bias", "layer_norm2.bias"),
            List.of("attn.out_proj.weight", "self_attn.out_proj.weight"),
            List.of("attn.out_proj.bias", "self_attn.out_proj.bias"),
            List.of("mlp.c_fc.weight", "mlp.fc1.weight"),
            List.of("mlp.c_fc.bias", "mlp.fc1.bias"),
            List.of("mlp.c_proj.weight", "mlp.fc2.weight"),
            List.of("mlp.c_proj.bias", "mlp.fc2.bias"));

    /** Single tensors that only have another name. */
    private static final List<List<String>> SINGLE = List.of(
            List.of("logit_scale", "logit_scale"),
            List.of("visual.class_embedding", "vision_model.embeddings.class_embedding"),
            List.of("visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight"),
            List.of("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"),
            List.of("visual.ln_pre.weight", "vision_model.pre_layrnorm.weight"),
            List.of("visual.ln_pre.bias", "vision_model.pre_layrnorm.bias"),
            List.of("visual.ln_post.weight", "vision_model.post_layernorm.weight"),
            List.of("visual.ln_post.bias", "vision_model.post_layernorm.bias"),
            List.of("token_embedding.weight", "text_model.embeddings.token_embedding.weight"),
            List.of("positional_embedding", "text_model.embeddings.position_embedding.weight"),
            List.of("ln_final.weight", "text_model.final_layer_norm.weight"),
            List.of("ln_final.bias", "text_model.final_layer_norm.bias"));

    private static final List<String> PARTS = List.of("q", "k", "v");

    private ClipNames() {}

    private static Checkpoint.Stored any(Source s, String name) {
        Checkpoint.Stored t = s.tensors().get(name);
        return s.take(name, t == null ? 0 : t.shape().rank());
    }

    static Converted fromOpenClip(Source s) {
        JsonNode model = openConfig(s);
        String text = s.has("text.token_embedding.weight") ? "text." : "";
        List<Converted.Tensor> tensors = new ArrayList<>();
        for (List<String> pair : SINGLE) {
            String from = pair.getFirst();
            boolean inText = !from.startsWith("visual.") && !from.equals("logit_scale");
            tensors.add(new Taken(pair.getLast(), any(s, (inText ? text : "") + from)));
        }
        tensors.add(new Turned("visual_projection.weight", s.take("visual.proj", 2)));
        tensors.add(new Turned("text_projection.weight", s.take(text + "text_projection", 2)));
        int vision = blocks(s, tensors, "visual.transformer.resblocks.", "vision_model.encoder.layers.");
        int layers = blocks(s, tensors, text + "transformer.resblocks.", "text_model.encoder.layers.");
        for (String name : List.copyOf(s.tensors().keySet())) {
            if (CONSTANTS.contains(name.startsWith(text) ? name.substring(text.length()) : name)) {
                any(s, name);
            }
        }
        if (!s.leftOut().isEmpty()) {
            throw s.error("not a CLIP of two plain transformers: " + String.join("; ", s.leftOut()));
        }
        JsonNode config = s.configOf("clip").orElseGet(() -> huggingFace(s, model, text, vision, layers));
        Map<String, JsonNode> files = new LinkedHashMap<>();
        files.put(Converted.CONFIG, config);
        files.put(
                Converted.PREPROCESSOR,
                s.sibling(Converted.PREPROCESSOR)
                        .orElseGet(() -> preprocessor(
                                config.path("vision_config").path("image_size").asInt(0))));
        List<String> notes = new ArrayList<>();
        if (!s.hasFile("merges.txt") && !s.hasFile("bpe_simple_vocab_16e6.txt.gz")) {
            notes.add("no merges.txt and vocab.json beside the file: put CLIP's into the folder");
        }
        return new Converted(Converted.WEIGHTS, tensors, files, notes);
    }

    private static int blocks(Source s, List<Converted.Tensor> tensors, String from, String to) {
        int layers = s.count(from, ".ln_1.weight");
        for (int i = 0; i < layers; i++) {
            String open = from + i + ".";
            String face = to + i + ".";
            for (List<String> pair : BLOCK) {
                tensors.add(new Taken(face + pair.getLast(), any(s, open + pair.getFirst())));
            }
            Checkpoint.Stored weight = s.take(open + "attn.in_proj_weight", 2);
            Checkpoint.Stored bias = s.take(open + "attn.in_proj_bias", 1);
            int width = weight.shape().dim(1);
            if (weight.shape().dim(0) != 3 * width || bias.shape().dim(0) != 3 * width) {
                throw s.error("tensor \"" + weight.name() + "\" has the shape " + weight.shape() + " and its bias "
                        + bias.shape() + ", expected three squares below each other");
            }
            for (int p = 0; p < PARTS.size(); p++) {
                String name = face + "self_attn." + PARTS.get(p) + "_proj.";
                tensors.add(new Rows(name + "weight", weight, p * width, (p + 1) * width));
                tensors.add(new Rows(name + "bias", bias, p * width, (p + 1) * width));
            }
        }
        return layers;
    }

    /** The {@code model_cfg}, from the file of that name or from one of open_clip's own list of models. */
    private static JsonNode openConfig(Source s) {
        JsonNode config = s.config(OPEN_CONFIG).orElse(null);
        if (config != null && config.has("model_cfg")) {
            return config.get("model_cfg");
        }
        if (config != null
                && (config.has("vision_cfg")
                        || config.path("model_type").asString("").equals("clip"))) {
            return config;
        }
        if (s.configOf("clip").isPresent()) {
            return new JsonMapper().createObjectNode();
        }
        throw s.error("heads and activation of a CLIP are in no tensor; put its " + OPEN_CONFIG
                + " beside the file, or name it (or a config.json of CLIP) by --config");
    }

    private static ObjectNode huggingFace(Source s, JsonNode model, String text, int visionLayers, int textLayers) {
        JsonNode v = model.path("vision_cfg");
        JsonNode t = model.path("text_cfg");
        String act = model.path("quick_gelu").asBoolean(false) ? "quick_gelu" : "gelu";
        Shape kernel = s.take("visual.conv1.weight", 4).shape();
        int patches = s.extent("visual.positional_embedding", 2, 0) - 1;
        int side = (int) Math.round(Math.sqrt(Math.max(0, patches)));
        int headWidth = v.path("head_width").asInt(64);
        int heads = t.path("heads").asInt(0);
        int textWidth = s.extent(text + "token_embedding.weight", 2, 1);
        if (side * side != patches || headWidth < 1 || kernel.dim(0) % headWidth != 0) {
            throw s.error("a vision width of " + kernel.dim(0) + " with heads of " + headWidth + " and " + patches
                    + " patches, expected whole heads and a square");
        }
        if (heads < 1 || textWidth % heads != 0) {
            throw s.error("text_cfg.heads is " + t.path("heads") + ", expected a divisor of the width " + textWidth);
        }
        int embedding = s.extent("visual.proj", 2, 1);
        ObjectNode config = new JsonMapper().createObjectNode();
        config.putArray("architectures").add("CLIPModel");
        config.put("model_type", "clip")
                .put("projection_dim", embedding)
                .put("logit_scale_init_value", 2.6592)
                .put("initializer_factor", 1.0);
        config.putObject("vision_config")
                .put("model_type", "clip_vision_model")
                .put("hidden_size", kernel.dim(0))
                .put("intermediate_size", s.extent("visual.transformer.resblocks.0.mlp.c_fc.weight", 2, 0))
                .put("num_hidden_layers", visionLayers)
                .put("num_attention_heads", kernel.dim(0) / headWidth)
                .put("image_size", side * kernel.dim(2))
                .put("patch_size", kernel.dim(2))
                .put("num_channels", 3)
                .put("projection_dim", embedding)
                .put("hidden_act", act)
                .put("layer_norm_eps", 1e-5)
                .put("attention_dropout", 0.0);
        // the ids of the published files: 2 for the end means that the largest id of a text is the end (SPEC 11.4)
        config.putObject("text_config")
                .put("model_type", "clip_text_model")
                .put("vocab_size", s.extent(text + "token_embedding.weight", 2, 0))
                .put("hidden_size", textWidth)
                .put("intermediate_size", s.extent(text + "transformer.resblocks.0.mlp.c_fc.weight", 2, 0))
                .put("num_hidden_layers", textLayers)
                .put("num_attention_heads", heads)
                .put("max_position_embeddings", s.extent(text + "positional_embedding", 2, 0))
                .put("projection_dim", embedding)
                .put("hidden_act", act)
                .put("layer_norm_eps", 1e-5)
                .put("attention_dropout", 0.0)
                .put("bos_token_id", 0)
                .put("eos_token_id", 2)
                .put("pad_token_id", 1);
        return config;
    }

    /** Shorter side by Pillow's bicubic filter, then the centre. */
    private static ObjectNode preprocessor(int size) {
        ObjectNode p = new JsonMapper().createObjectNode();
        p.put("image_processor_type", "CLIPImageProcessor")
                .put("do_resize", true)
                .put("resample", 3)
                .put("do_center_crop", true)
                .put("do_rescale", true)
                .put("rescale_factor", 1 / 255.0)
                .put("do_normalize", true)
                .put("do_convert_rgb", true);
        p.putObject("size").put("shortest_edge", size);
        p.putObject("crop_size").put("height", size).put("width", size);
        normalise(p);
        return p;
    }

    /** Mean and deviation of CLIP, which are BLIP's too. */
    static void normalise(ObjectNode p) {
        for (double m : MEAN) {
            p.withArray("image_mean").add(m);
        }
        for (double d : STD) {
            p.withArray("image_std").add(d);
        }
    }

    static Converted toOpenClip(Source s) {
        JsonNode config = s.configOf("clip")
                .orElseThrow(() -> s.error("no config.json of CLIP beside the file; --config names one"));
        List<Converted.Tensor> tensors = new ArrayList<>();
        for (List<String> pair : SINGLE) {
            tensors.add(new Taken(pair.getFirst(), any(s, pair.getLast())));
        }
        tensors.add(new Turned("visual.proj", s.take("visual_projection.weight", 2)));
        tensors.add(new Turned("text_projection", s.take("text_projection.weight", 2)));
        joined(s, tensors, "vision_model.encoder.layers.", "visual.transformer.resblocks.");
        joined(s, tensors, "text_model.encoder.layers.", "transformer.resblocks.");
        for (String tower : List.of("vision_model", "text_model")) {
            if (s.has(tower + ".embeddings.position_ids")) {
                any(s, tower + ".embeddings.position_ids");
            }
        }
        if (!s.leftOut().isEmpty()) {
            throw s.error("not a CLIP of two plain transformers: " + String.join("; ", s.leftOut()));
        }
        Map<String, JsonNode> files = new LinkedHashMap<>();
        files.put(OPEN_CONFIG, openClip(s, config));
        return new Converted(OPEN_WEIGHTS, tensors, files, List.of());
    }

    private static void joined(Source s, List<Converted.Tensor> tensors, String from, String to) {
        int layers = s.count(from, ".layer_norm1.weight");
        for (int i = 0; i < layers; i++) {
            String face = from + i + ".";
            String open = to + i + ".";
            for (List<String> pair : BLOCK) {
                tensors.add(new Taken(open + pair.getFirst(), any(s, face + pair.getLast())));
            }
            List<Checkpoint.Stored> weights = new ArrayList<>();
            List<Checkpoint.Stored> biases = new ArrayList<>();
            for (String part : PARTS) {
                weights.add(s.take(face + "self_attn." + part + "_proj.weight", 2));
                biases.add(s.take(face + "self_attn." + part + "_proj.bias", 1));
            }
            tensors.add(new Stacked(open + "attn.in_proj_weight", weights));
            tensors.add(new Stacked(open + "attn.in_proj_bias", biases));
        }
    }

    private static ObjectNode openClip(Source s, JsonNode config) {
        JsonNode v = config.path("vision_config");
        JsonNode t = config.path("text_config");
        String act = v.path("hidden_act").asString("");
        if (!act.equals(t.path("hidden_act").asString("")) || !act.matches("(quick_)?gelu")) {
            throw s.error("hidden_act is " + v.path("hidden_act") + " and " + t.path("hidden_act")
                    + ", open_clip has gelu or quick_gelu in both towers");
        }
        int width = v.path("hidden_size").asInt(0);
        int heads = Math.max(1, v.path("num_attention_heads").asInt(0));
        ObjectNode open = new JsonMapper().createObjectNode();
        ObjectNode model = open.putObject("model_cfg");
        model.put("embed_dim", config.path("projection_dim").asInt(0)).put("quick_gelu", act.equals("quick_gelu"));
        ObjectNode vision = model.putObject("vision_cfg");
        vision.put("image_size", v.path("image_size").asInt(0))
                .put("layers", v.path("num_hidden_layers").asInt(0))
                .put("width", width)
                .put("head_width", width / heads)
                .put("patch_size", v.path("patch_size").asInt(0));
        ratio(vision, v);
        ObjectNode text = model.putObject("text_cfg");
        text.put("context_length", t.path("max_position_embeddings").asInt(0))
                .put("vocab_size", t.path("vocab_size").asInt(0))
                .put("width", t.path("hidden_size").asInt(0))
                .put("heads", t.path("num_attention_heads").asInt(0))
                .put("layers", t.path("num_hidden_layers").asInt(0));
        ratio(text, t);
        ObjectNode preprocess = open.putObject("preprocess_cfg");
        for (double m : MEAN) {
            preprocess.withArray("mean").add(m);
        }
        for (double d : STD) {
            preprocess.withArray("std").add(d);
        }
        preprocess.put("interpolation", "bicubic").put("resize_mode", "shortest");
        return open;
    }

    /** open_clip says how many times wider the inner layer is, 4 unless it says otherwise. */
    private static void ratio(ObjectNode to, JsonNode from) {
        double ratio = from.path("intermediate_size").asDouble(0)
                / Math.max(1, from.path("hidden_size").asInt(0));
        if (ratio != 4) {
            to.put("mlp_ratio", ratio);
        }
    }
}
