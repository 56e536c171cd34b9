package org.telltale.models;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BinaryOperator;
import org.telltale.engine.Activation;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.nn.Attention;
import org.telltale.engine.nn.LayerNorm;
import org.telltale.engine.nn.Linear;
import org.telltale.engine.nn.Params;

/** The BLIP captioner (SPEC §10): {@code BlipForConditionalGeneration} of Hugging Face, base and large. */
public final class Blip {
    private final Config config;
    private final Params params;

    /** The vision transformer's extents. */
    public record Vision(
            int width, int layers, int heads, int inner, int imageSize, int patch, Activation activation, float eps) {}

    /** The text decoder's extents, and the ids that begin and end a caption. */
    public record Text(
            int vocabulary,
            int width,
            int layers,
            int heads,
            int inner,
            int positions,
            Activation activation,
            float eps,
            int begin,
            int end) {}

    /** The extents and constants of {@code config.json}. */
    public record Config(Vision vision, Text text) {
        public static Config of(ConfigFile file) {
            file.requireType("blip");
            ConfigFile v = file.at("vision_config");
            ConfigFile t = file.at("text_config");
            return new Config(
                    new Vision(
                            v.count("hidden_size"),
                            v.layers("num_hidden_layers"),
                            v.count("num_attention_heads"),
                            v.count("intermediate_size"),
                            v.side("image_size"),
                            v.side("patch_size"),
                            v.activation("hidden_act"),
                            (float) v.number("layer_norm_eps")),
                    new Text(
                            t.count("vocab_size"),
                            t.count("hidden_size"),
                            t.layers("num_hidden_layers"),
                            t.count("num_attention_heads"),
                            t.count("intermediate_size"),
                            t.count("max_position_embeddings"),
                            t.activation("hidden_act"),
                            (float) t.number("layer_norm_eps"),
                            t.id("bos_token_id"),
                            // The end mark is [SEP]; the file's eos_token_id is not used by the original (SPEC §10.2).
                            t.id("sep_token_id")));
        }

        /** The same with another layer norm epsilon in the vision transformer: 1e-6 in the original code. */
        public Config withVisionEps(float eps) {
            Vision v = vision;
            return new Config(
                    new Vision(v.width, v.layers, v.heads, v.inner, v.imageSize, v.patch, v.activation, eps), text);
        }
    }

    public Blip(Config config, Params params) {
        this.config = config;
        this.params = params;
        params.at("text_decoder").at("bert").at("embeddings").ignore("position_ids");
        params.at("text_decoder").at("cls").at("predictions").at("decoder").ignore("bias");
    }

    /** The residual stream after the embeddings and each layer, and the result: [N, 1 + patches, width]. */
    public record Seen(Tensor embeddings, List<Tensor> layers, Tensor last) {}

    /** Encodes pictures [N, H, W, 3]; a grid other than the checkpoint's resamples the position table. */
    public Seen see(Tensor pictures) {
        Vision v = config.vision;
        Params p = params.at("vision_model");
        Tensor x = patches(p.at("embeddings"), pictures);
        Tensor embeddings = x;
        List<Tensor> layers = new ArrayList<>();
        for (int i = 0; i < v.layers; i++) {
            Params layer = p.at("encoder").at("layers").at(i);
            Tensor normed = LayerNorm.of(layer.at("layer_norm1"), x, v.eps);
            Tensor qkv = Linear.of(layer.at("self_attn").at("qkv"), normed, 3 * v.width);
            Tensor attended = Attention.full(
                    qkv.slice(2, 0, v.width),
                    qkv.slice(2, v.width, 2 * v.width),
                    qkv.slice(2, 2 * v.width, 3 * v.width),
                    v.heads);
            x = x.add(Linear.of(layer.at("self_attn").at("projection"), attended, v.width));
            Params mlp = layer.at("mlp");
            Tensor inner =
                    Linear.of(mlp.at("fc1"), LayerNorm.of(layer.at("layer_norm2"), x, v.eps), v.inner, v.activation);
            x = x.add(Linear.of(mlp.at("fc2"), inner, v.width));
            layers.add(x);
        }
        return new Seen(embeddings, layers, LayerNorm.of(p.at("post_layernorm"), x, v.eps));
    }

    private Tensor patches(Params p, Tensor pictures) {
        Vision v = config.vision;
        Tensor grid = Tensor.of(
                new Fused.Conv2d(Window.valid(v.patch, v.patch), 1, Activation.NONE),
                pictures,
                p.f32("patch_embedding.weight", v.width, 3, v.patch, v.patch),
                p.f32("patch_embedding.bias", v.width));
        int batch = grid.dim(0);
        Tensor tokens = grid.reshape(batch, grid.dim(1) * grid.dim(2), v.width);
        Tensor first =
                p.f32("class_embedding", 1, 1, v.width).broadcast(tokens.shape().with(1, 1));
        return Tensor.concat(1, first, tokens).add(positions(p, grid.dim(1), grid.dim(2)));
    }

    private Tensor positions(Params p, int rows, int columns) {
        int side = config.vision.imageSize / config.vision.patch;
        int width = config.vision.width;
        Tensor table = p.f32("position_embedding", 1, side * side + 1, width).reshape(side * side + 1, width);
        if (rows == side && columns == side) {
            return table;
        }
        Tensor patches = table.slice(0, 1, side * side + 1);
        return Tensor.concat(
                0,
                table.slice(0, 0, 1),
                Tensor.of(new Primitive.ResampleGrid(side, side, rows, columns, false), patches));
    }

    /** The decoder's view of encoded pictures: keys and values of each layer, each [N, tokens, text width]. */
    public record Memory(List<Tensor> keys, List<Tensor> values) {}

    /** Keys and values of every layer's cross-attention; they depend on the picture alone. */
    public Memory remember(Tensor seen) {
        List<Tensor> keys = new ArrayList<>();
        List<Tensor> values = new ArrayList<>();
        for (int i = 0; i < config.text.layers; i++) {
            Params p = layer(i).at("crossattention").at("self");
            keys.add(Linear.of(p.at("key"), seen, config.text.width));
            values.add(Linear.of(p.at("value"), seen, config.text.width));
        }
        return new Memory(keys, values);
    }

    /** The decoder's states: all [.., width], logits [.., vocabulary]. */
    public record Told(
            Tensor embeddings,
            List<Tensor> selfAttended,
            List<Tensor> crossAttended,
            List<Tensor> layers,
            Tensor transform,
            Tensor logits) {}

    /** Reads whole texts at once, each token seeing those before it: ids I32 [N, T]. */
    public Told tell(Tensor ids, Memory memory) {
        int length = ids.dim(1);
        Tensor positions = positionTable().slice(0, 0, length);
        return decode(
                ids,
                positions,
                (i, x) -> {
                    Params p = layer(i).at("attention").at("self");
                    return Attention.causal(
                            project(p, "query", x), project(p, "key", x), project(p, "value", x), config.text.heads);
                },
                (i, q) -> Attention.full(q, memory.keys.get(i), memory.values.get(i), config.text.heads));
    }

    /** A step's logits, I32 inputs and caches by name, and the caches' new rows. */
    public record Step(Tensor logits, Map<Tensor, Tensor> updates) {}

    /**
     * Reads one token per row through a cache of self-attention keys and values. Inputs, all I32: {@code ids},
     * {@code positions}, {@code slots} and {@code lengths} [rows], {@code table} [rows, span] (see
     * {@link Fused.CachedAttention}). States: {@code self_key.i} and {@code self_value.i} [capacity, width], and, without
     * an update, {@code cross_key.i} and {@code cross_value.i} [1, tokens, width] of one picture.
     */
    public Step step(int rows, int span, int capacity, int tokens) {
        int width = config.text.width;
        Tensor slots = Tensor.input("slots", DType.I32, rows);
        Tensor table = Tensor.input("table", DType.I32, rows, span);
        Tensor lengths = Tensor.input("lengths", DType.I32, rows);
        Map<Tensor, Tensor> updates = new LinkedHashMap<>();
        BinaryOperator<Tensor> cache = (state, value) -> {
            Tensor next = Tensor.of(new Primitive.ScatterRows(), state, value, slots);
            updates.put(state, next);
            return next;
        };
        Told told = decode(
                Tensor.input("ids", DType.I32, rows),
                positionTable().gather(Tensor.input("positions", DType.I32, rows)),
                (i, x) -> {
                    Params p = layer(i).at("attention").at("self");
                    Tensor keys = cache.apply(Tensor.state("self_key." + i, capacity, width), project(p, "key", x));
                    Tensor values =
                            cache.apply(Tensor.state("self_value." + i, capacity, width), project(p, "value", x));
                    return Attention.cached(project(p, "query", x), keys, values, table, lengths, config.text.heads);
                },
                (i, q) -> Attention.full(
                                q.reshape(1, rows, width),
                                Tensor.state("cross_key." + i, 1, tokens, width),
                                Tensor.state("cross_value." + i, 1, tokens, width),
                                config.text.heads)
                        .reshape(rows, width));
        return new Step(told.logits, updates);
    }

    /** How a layer attends: from its number and the states or queries to the attended values. */
    private interface Attend {
        Tensor apply(int layer, Tensor x);
    }

    private Told decode(Tensor ids, Tensor positions, Attend self, Attend cross) {
        Text t = config.text;
        Params bert = params.at("text_decoder").at("bert");
        Tensor words = wordTable().gather(ids);
        Tensor x = LayerNorm.of(bert.at("embeddings").at("LayerNorm"), words.add(positions), t.eps);
        Tensor embeddings = x;
        List<Tensor> selfAttended = new ArrayList<>();
        List<Tensor> crossAttended = new ArrayList<>();
        List<Tensor> layers = new ArrayList<>();
        for (int i = 0; i < t.layers; i++) {
            Params p = layer(i);
            x = output(p.at("attention").at("output"), self.apply(i, x), x);
            selfAttended.add(x);
            Tensor query = project(p.at("crossattention").at("self"), "query", x);
            x = output(p.at("crossattention").at("output"), cross.apply(i, query), x);
            crossAttended.add(x);
            Tensor inner = Linear.of(p.at("intermediate").at("dense"), x, t.inner, t.activation);
            x = output(p.at("output"), inner, x);
            layers.add(x);
        }
        Params head = params.at("text_decoder").at("cls").at("predictions");
        Tensor dense = Linear.of(head.at("transform").at("dense"), x, t.width, t.activation);
        Tensor transform = LayerNorm.of(head.at("transform").at("LayerNorm"), dense, t.eps);
        Tensor logits = Linear.of(transform, outputTable(head), head.f32("bias", t.vocabulary), Activation.NONE);
        return new Told(embeddings, selfAttended, crossAttended, layers, transform, logits);
    }

    private Params layer(int i) {
        return params.at("text_decoder").at("bert").at("encoder").at("layer").at(i);
    }

    private Tensor project(Params self, String name, Tensor x) {
        return Linear.of(self.at(name), x, config.text.width);
    }

    private Tensor output(Params p, Tensor x, Tensor residual) {
        Tensor y = Linear.of(p.at("dense"), x, config.text.width).add(residual);
        return LayerNorm.of(p.at("LayerNorm"), y, config.text.eps);
    }

    private Tensor wordTable() {
        return params.at("text_decoder")
                .f32("bert.embeddings.word_embeddings.weight", config.text.vocabulary, config.text.width);
    }

    private Tensor positionTable() {
        return params.at("text_decoder")
                .f32("bert.embeddings.position_embeddings.weight", config.text.positions, config.text.width);
    }

    /** The head's own matrix where the file has one, even if the configuration calls it tied; else the word table. */
    private Tensor outputTable(Params head) {
        return head.has("decoder.weight")
                ? head.f32("decoder.weight", config.text.vocabulary, config.text.width)
                : wordTable();
    }
}
