package org.telltale.models;

import java.util.ArrayList;
import java.util.List;
import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.nn.Attention;
import org.telltale.engine.nn.LayerNorm;
import org.telltale.engine.nn.Linear;
import org.telltale.engine.nn.Params;

/**
 * CLIP (SPEC §11): pictures and texts as points of one space, by a vision and a text transformer. Checkpoints of Hugging
 * Face ({@code CLIPModel}) and of open_clip, told apart by the names of their tensors.
 */
public final class Clip {
    private final Config config;
    private final Params params;
    private final Names names;

    /** A transformer's extents. */
    public record Tower(int width, int layers, int heads, int inner, Activation activation, float eps) {}

    /**
     * The extents and constants of {@code config.json} or {@code open_clip_config.json}.
     *
     * @param context the most tokens of a text, marks included
     * @param embedding the width of the space that both towers project to
     */
    public record Config(
            Tower vision, int imageSize, int patch, Tower text, int vocabulary, int context, int embedding) {
        private static final float OPEN_CLIP_EPS = 1e-5f;

        public static Config of(ConfigFile file) {
            return file.has("model_cfg") ? ofOpenClip(file.at("model_cfg")) : ofHuggingFace(file);
        }

        private static Config ofHuggingFace(ConfigFile file) {
            file.requireType("clip");
            ConfigFile v = file.at("vision_config");
            ConfigFile t = file.at("text_config");
            return new Config(
                    tower(v),
                    v.side("image_size"),
                    v.side("patch_size"),
                    tower(t),
                    t.count("vocab_size"),
                    t.count("max_position_embeddings"),
                    file.count("projection_dim"));
        }

        private static Tower tower(ConfigFile c) {
            return new Tower(
                    c.count("hidden_size"),
                    c.layers("num_hidden_layers"),
                    c.count("num_attention_heads"),
                    c.count("intermediate_size"),
                    c.activation("hidden_act"),
                    (float) c.number("layer_norm_eps"));
        }

        private static Config ofOpenClip(ConfigFile file) {
            Activation activation = file.flag("quick_gelu", false) ? Activation.QUICK_GELU : Activation.GELU_ERF;
            ConfigFile v = file.at("vision_cfg");
            ConfigFile t = file.at("text_cfg");
            int width = v.count("width");
            int headWidth = v.count("head_width", 64);
            if (width % headWidth != 0) {
                throw new ConfigException(
                        v.where() + ": the width of " + width + " is no multiple of the heads' " + headWidth);
            }
            return new Config(
                    openClipTower(v, width, width / headWidth, activation),
                    v.side("image_size"),
                    v.side("patch_size"),
                    openClipTower(t, t.count("width"), t.count("heads"), activation),
                    t.count("vocab_size", 49408),
                    t.count("context_length", 77),
                    file.count("embed_dim"));
        }

        private static Tower openClipTower(ConfigFile c, int width, int heads, Activation activation) {
            int inner = (int) (width * c.number("mlp_ratio", 4));
            return new Tower(width, c.layers("layers"), heads, inner, activation, OPEN_CLIP_EPS);
        }
    }

    /** What the two kinds of checkpoints call the same. */
    private enum Names {
        HUGGING_FACE(
                "encoder.layers",
                "layer_norm1",
                "layer_norm2",
                "self_attn",
                "mlp.fc1",
                "mlp.fc2",
                "pre_layrnorm",
                "post_layernorm",
                "embeddings.patch_embedding",
                "embeddings.class_embedding",
                "embeddings.position_embedding.weight"),
        OPEN_CLIP(
                "transformer.resblocks",
                "ln_1",
                "ln_2",
                "attn",
                "mlp.c_fc",
                "mlp.c_proj",
                "ln_pre",
                "ln_post",
                "conv1",
                "class_embedding",
                "positional_embedding");

        private final String layers;
        private final String norm1;
        private final String norm2;
        private final String attention;
        private final String fc1;
        private final String fc2;
        private final String before;
        private final String after;
        private final String patches;
        private final String first;
        private final String positions;

        Names(String... names) {
            layers = names[0];
            norm1 = names[1];
            norm2 = names[2];
            attention = names[3];
            fc1 = names[4];
            fc2 = names[5];
            before = names[6];
            after = names[7];
            patches = names[8];
            first = names[9];
            positions = names[10];
        }
    }

    public Clip(Config config, Params params) {
        this.config = config;
        this.params = params;
        names = params.has("visual") ? Names.OPEN_CLIP : Names.HUGGING_FACE;
        params.ignore("logit_scale");
        params.ignore("text_model.embeddings.position_ids");
        params.ignore("vision_model.embeddings.position_ids");
    }

    /** The vision tower's states, each [N, 1 + patches, width], and the features [N, embedding], not normalised. */
    public record Seen(Tensor embeddings, Tensor normed, List<Tensor> layers, Tensor features) {}

    /** Encodes pictures [N, size, size, 3]. */
    public Seen see(Tensor pictures) {
        Tower v = config.vision;
        boolean open = names == Names.OPEN_CLIP;
        Params p = params.at(open ? "visual" : "vision_model");
        Tensor grid = Tensor.of(
                new Fused.Conv2d(Window.valid(config.patch, config.patch), 1, Activation.NONE),
                pictures,
                p.at(names.patches).f32("weight", v.width, 3, config.patch, config.patch),
                Tensor.fill(0, v.width));
        int batch = grid.dim(0);
        int side = config.imageSize / config.patch;
        Tensor tokens = grid.reshape(batch, side * side, v.width);
        Tensor first = p.f32(names.first, v.width)
                .reshape(1, 1, v.width)
                .broadcast(tokens.shape().with(1, 1));
        Tensor embeddings = Tensor.concat(1, first, tokens).add(p.f32(names.positions, side * side + 1, v.width));
        Tensor normed = LayerNorm.of(p.at(names.before), embeddings, v.eps);
        List<Tensor> layers = layers(p, normed, v, false);
        Tensor pooled = layers.getLast().slice(1, 0, 1).reshape(batch, v.width);
        Tensor features = project(
                LayerNorm.of(p.at(names.after), pooled, v.eps), open ? "visual.proj" : "visual_projection.weight");
        return new Seen(embeddings, normed, layers, features);
    }

    /** The text tower's states, each [B, T, width], and the features [B, embedding], not normalised. */
    public record Read(List<Tensor> layers, Tensor normed, Tensor features) {}

    /**
     * Encodes texts. Each token sees those before it only, so that what follows the end mark changes nothing.
     *
     * @param ids I32 [B, T], at most the context's tokens, padded with anything
     * @param ends I32 [B], the first end mark of each text as an index into all B * T tokens
     */
    public Read read(Tensor ids, Tensor ends) {
        Tower t = config.text;
        boolean open = names == Names.OPEN_CLIP;
        Params p = open ? params : params.at("text_model");
        Tensor words = (open ? p : p.at("embeddings")).f32("token_embedding.weight", config.vocabulary, t.width);
        Tensor positions = p.f32(names.positions, config.context, t.width).slice(0, 0, ids.dim(1));
        List<Tensor> layers = layers(p, words.gather(ids).add(positions), t, true);
        Params last = p.at(open ? "ln_final" : "final_layer_norm");
        Tensor all = layers.getLast();
        Tensor pooled = all.reshape(all.dim(0) * all.dim(1), t.width).gather(ends);
        Tensor features =
                project(LayerNorm.of(last, pooled, t.eps), open ? "text_projection" : "text_projection.weight");
        return new Read(layers, LayerNorm.of(last, all, t.eps), features);
    }

    private List<Tensor> layers(Params p, Tensor embedded, Tower t, boolean causal) {
        Tensor x = embedded;
        List<Tensor> layers = new ArrayList<>();
        for (int i = 0; i < t.layers; i++) {
            Params layer = p.at(names.layers).at(i);
            x = x.add(attend(layer.at(names.attention), LayerNorm.of(layer.at(names.norm1), x, t.eps), t, causal));
            Tensor normed = LayerNorm.of(layer.at(names.norm2), x, t.eps);
            Tensor inner = Linear.of(layer.at(names.fc1), normed, t.inner, t.activation);
            x = x.add(Linear.of(layer.at(names.fc2), inner, t.width));
            layers.add(x);
        }
        return layers;
    }

    private Tensor attend(Params p, Tensor x, Tower t, boolean causal) {
        int w = t.width;
        Tensor q;
        Tensor k;
        Tensor v;
        if (names == Names.OPEN_CLIP) {
            Tensor weight = p.f32("in_proj_weight", 3 * w, w);
            Tensor qkv = Linear.of(x, weight, p.f32("in_proj_bias", 3 * w), Activation.NONE);
            q = qkv.slice(2, 0, w);
            k = qkv.slice(2, w, 2 * w);
            v = qkv.slice(2, 2 * w, 3 * w);
        } else {
            q = Linear.of(p.at("q_proj"), x, w);
            k = Linear.of(p.at("k_proj"), x, w);
            v = Linear.of(p.at("v_proj"), x, w);
        }
        Tensor attended = causal ? Attention.causal(q, k, v, t.heads) : Attention.full(q, k, v, t.heads);
        return Linear.of(p.at("out_proj"), attended, w);
    }

    /** Without bias; open_clip keeps the matrix turned around. */
    private Tensor project(Tensor x, String name) {
        return names == Names.OPEN_CLIP
                ? x.matmul(params.f32(name, x.dim(1), config.embedding))
                : x.matmul(params.f32(name, config.embedding, x.dim(1)), false, true);
    }
}
