package org.telltale.models;

import java.util.Locale;
import org.telltale.engine.Activation;
import org.telltale.engine.Tensor;
import org.telltale.engine.nn.Bahdanau;
import org.telltale.engine.nn.Gru;
import org.telltale.engine.nn.Params;
import org.telltale.models.text.CaptionVocabulary;
import org.telltale.models.text.TokenizerException;
import tools.jackson.databind.JsonNode;

/**
 * The captioner of TensorFlow's tutorial of 2021 (SPEC §9.4): features of a picture, Bahdanau attention, and a GRU whose
 * own state is zero at every step, as the tutorial calls it without one. All that goes from word to word is the hidden
 * state that the attention asks with. Kernels are [in, out], as Keras keeps them.
 */
public final class AttentionGruCaptioner {
    /** The {@code model_type} of a folder. */
    public static final String TYPE = "attention-gru-captioner";

    private final Config config;
    private final Params params;

    /**
     * The constants of {@code config.json}.
     *
     * @param embedding width of words and of encoded features
     * @param units width of the GRU and of the attention
     * @param words how many ids there are logits for
     * @param channels of the features
     * @param positions of the features
     * @param maxLength the most words of a caption, the end mark included
     */
    public record Config(
            int embedding,
            int units,
            int words,
            int channels,
            int positions,
            int maxLength,
            CaptionVocabulary vocabulary) {
        public static Config of(ConfigFile file) {
            file.requireType(TYPE);
            Config config = new Config(
                    file.count("embedding_dim"),
                    file.count("units"),
                    file.count("vocab_size"),
                    file.count("feature_dim"),
                    file.count("attention_positions"),
                    file.layers("max_length"),
                    vocabulary(file));
            CaptionVocabulary v = config.vocabulary;
            if (v.size() > config.words || v.start() != file.id("start_id") || v.end() != file.id("end_id")) {
                throw new ConfigException(file.where() + ": vocab_size " + config.words + ", start_id "
                        + file.id("start_id") + " and end_id " + file.id("end_id") + " do not fit the vocabulary of "
                        + v.size() + " words with " + CaptionVocabulary.START + " at " + v.start() + " and "
                        + CaptionVocabulary.END + " at " + v.end());
            }
            return config;
        }

        /** Our own key {@code standard} names the rules; without it they are those of the later tutorial. */
        private static CaptionVocabulary vocabulary(ConfigFile file) {
            String word = file.has("standard") ? file.text("standard") : "text_vectorization";
            JsonNode list = file.json().path("vocabulary");
            if (!list.isArray() || !list.valueStream().allMatch(JsonNode::isString)) {
                throw new ConfigException(file.where() + ": 'vocabulary' is no list of words");
            }
            try {
                return CaptionVocabulary.of(
                        CaptionVocabulary.Standard.valueOf(word.toUpperCase(Locale.ROOT)),
                        list.valueStream().map(JsonNode::stringValue).toList());
            } catch (TokenizerException e) {
                throw new ConfigException(file.where() + ": " + e.getMessage());
            } catch (IllegalArgumentException e) {
                throw new ConfigException(
                        file.where() + ": standard is '" + word + "', expected text_vectorization or tokenizer");
            }
        }
    }

    /**
     * A picture as the decoder sees it.
     *
     * @param encoded [B, positions, embedding]
     * @param keys the part of the attention's scores that stays from word to word [B, positions, units]
     */
    public record Memory(Tensor encoded, Tensor keys) {}

    /**
     * One word further.
     *
     * @param logits [B, words]
     * @param hidden [B, units]
     * @param attention [B, positions]
     */
    public record Step(Tensor logits, Tensor hidden, Tensor attention) {}

    /** The same for all words of captions: [B, T, ..], and the encoded features. */
    public record Forward(Tensor encoded, Tensor logits, Tensor hidden, Tensor attention) {}

    public AttentionGruCaptioner(Config config, Params params) {
        this.config = config;
        this.params = params;
    }

    /** Encodes features [B, positions, channels]. */
    public Memory see(Tensor features) {
        Tensor encoded =
                dense(params.at("encoder").at("fc"), features, config.embedding).activate(Activation.RELU);
        Params p = params.at("decoder").at("attention").at("W1");
        Tensor keys =
                Bahdanau.keys(encoded, p.f32("kernel", config.embedding, config.units), p.f32("bias", config.units));
        return new Memory(encoded, keys);
    }

    /** Feeds words, I32 [B], with the hidden state that the words before left [B, units]: zeros before the first. */
    public Step step(Tensor words, Tensor hidden, Memory memory) {
        Bahdanau.Attended attended = attend(hidden, memory);
        Tensor next = next(attended.context(), table().gather(words));
        return new Step(logits(next), next, attended.weights());
    }

    /** Feeds whole captions, I32 [B, T], whatever the decoder itself would have said: teacher forcing. */
    public Forward teach(Tensor words, Tensor features) {
        Memory memory = see(features);
        int batch = words.dim(0);
        int steps = words.dim(1);
        Tensor embedded = table().gather(words);
        Tensor hidden = Tensor.fill(0, batch, config.units);
        Tensor[] states = new Tensor[steps];
        Tensor[] weights = new Tensor[steps];
        for (int t = 0; t < steps; t++) {
            Bahdanau.Attended attended = attend(hidden, memory);
            hidden = next(attended.context(), embedded.slice(1, t, t + 1).reshape(batch, config.embedding));
            states[t] = hidden.reshape(batch, 1, config.units);
            weights[t] = attended.weights().reshape(batch, 1, config.positions);
        }
        Tensor all = Tensor.concat(1, states);
        Tensor logits = logits(all.reshape(batch * steps, config.units)).reshape(batch, steps, config.words);
        return new Forward(memory.encoded, logits, all, Tensor.concat(1, weights));
    }

    private Tensor table() {
        return params.at("decoder").at("embedding").f32("embeddings", config.words, config.embedding);
    }

    private Bahdanau.Attended attend(Tensor hidden, Memory memory) {
        Params p = params.at("decoder").at("attention");
        int u = config.units;
        return Bahdanau.of(
                memory.encoded,
                memory.keys,
                hidden,
                p.at("W2").f32("kernel", u, u),
                p.at("W2").f32("bias", u),
                p.at("V").f32("kernel", u, 1),
                p.at("V").f32("bias", 1));
    }

    /** The context comes first. The recurrent kernel is in every checkpoint, but only ever multiplied by zeros. */
    private Tensor next(Tensor context, Tensor embedded) {
        Params p = params.at("decoder").at("gru");
        int wide = 3 * config.units;
        p.f32("recurrent_kernel", config.units, wide);
        return Gru.fromZero(
                Tensor.concat(1, context, embedded),
                p.f32("kernel", 2 * config.embedding, wide),
                p.f32("bias", 2, wide));
    }

    /** No activation between the two. */
    private Tensor logits(Tensor state) {
        Params p = params.at("decoder");
        return dense(p.at("fc2"), dense(p.at("fc1"), state, config.units), config.words);
    }

    private static Tensor dense(Params p, Tensor x, int out) {
        return x.matmul(p.f32("kernel", x.dim(-1), out)).add(p.f32("bias", out));
    }
}
