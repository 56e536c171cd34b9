package org.telltale.models;

import java.util.ArrayList;
import java.util.List;
import org.telltale.engine.Activation;
import org.telltale.engine.Tensor;
import org.telltale.engine.nn.Attention;
import org.telltale.engine.nn.LayerNorm;
import org.telltale.engine.nn.Linear;
import org.telltale.engine.nn.Params;

/** BERT with a classification head (SPEC §8): {@code BertForSequenceClassification} of Hugging Face. */
public final class Bert {
    private final Config config;
    private final Params params;

    /** The extents and constants of {@code config.json}. */
    public record Config(
            int vocabulary,
            int width,
            int layers,
            int heads,
            int inner,
            int positions,
            int types,
            Activation activation,
            float epsilon,
            float dropout,
            float attentionDropout,
            List<String> labels) {
        public static Config of(ConfigFile file) {
            file.requireType("bert");
            return new Config(
                    file.count("vocab_size"),
                    file.count("hidden_size"),
                    file.layers("num_hidden_layers"),
                    file.count("num_attention_heads"),
                    file.count("intermediate_size"),
                    file.count("max_position_embeddings"),
                    file.count("type_vocab_size"),
                    file.activation("hidden_act"),
                    (float) file.number("layer_norm_eps"),
                    (float) file.number("hidden_dropout_prob", 0.1),
                    (float) file.number("attention_probs_dropout_prob", 0.1),
                    file.labels());
        }
    }

    /** The states of a forward pass: each [B, T, width], pooled [B, width], logits [B, labels]. */
    public record Forward(Tensor embeddings, List<Tensor> layers, Tensor pooled, Tensor logits) {}

    public Bert(Config config, Params params) {
        this.config = config;
        this.params = params;
        params.ignore("cls");
        params.at("bert").at("embeddings").ignore("position_ids");
    }

    /**
     * Classifies token sequences.
     *
     * @param ids I32 [B, T], padded
     * @param mask I32 [B, T], 1 for tokens and 0 for padding
     * @param types I32 [B, T], 0 for the first segment
     */
    public Forward forward(Tensor ids, Tensor mask, Tensor types) {
        Params bert = params.at("bert");
        Tensor x = embed(bert.at("embeddings"), ids, types);
        Tensor embeddings = x;
        List<Tensor> layers = new ArrayList<>();
        for (int i = 0; i < config.layers; i++) {
            x = layer(bert.at("encoder").at("layer").at(i), x, mask);
            layers.add(x);
        }
        Tensor first = x.slice(1, 0, 1).reshape(x.dim(0), config.width);
        Tensor pooled = Linear.of(bert.at("pooler").at("dense"), first, config.width, Activation.TANH);
        Tensor logits = Linear.of(params.at("classifier"), pooled, config.labels.size());
        return new Forward(embeddings, layers, pooled, logits);
    }

    private Tensor embed(Params p, Tensor ids, Tensor types) {
        int length = ids.dim(1);
        Tensor words =
                p.f32("word_embeddings.weight", config.vocabulary, config.width).gather(ids);
        Tensor positions = p.f32("position_embeddings.weight", config.positions, config.width)
                .slice(0, 0, length);
        Tensor segments = p.f32("token_type_embeddings.weight", config.types, config.width)
                .gather(types);
        return params.drop(
                LayerNorm.of(p.at("LayerNorm"), words.add(segments).add(positions), config.epsilon), config.dropout);
    }

    private Tensor layer(Params p, Tensor x, Tensor mask) {
        Params self = p.at("attention").at("self");
        Tensor q = Linear.of(self.at("query"), x, config.width);
        Tensor k = Linear.of(self.at("key"), x, config.width);
        Tensor v = Linear.of(self.at("value"), x, config.width);
        Tensor attended = params.draw()
                .map(d -> Attention.masked(q, k, v, mask, config.heads, config.attentionDropout, d.counter(), d.salt()))
                .orElseGet(() -> Attention.masked(q, k, v, mask, config.heads));
        Tensor y = output(p.at("attention").at("output"), attended, x);
        Tensor inner = Linear.of(p.at("intermediate").at("dense"), y, config.inner, config.activation);
        return output(p.at("output"), inner, y);
    }

    private Tensor output(Params p, Tensor x, Tensor residual) {
        Tensor y = params.drop(Linear.of(p.at("dense"), x, config.width), config.dropout)
                .add(residual);
        return LayerNorm.of(p.at("LayerNorm"), y, config.epsilon);
    }
}
