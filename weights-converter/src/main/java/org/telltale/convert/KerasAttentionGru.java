package org.telltale.convert;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The encoder and decoder of TensorFlow's captioning tutorial, saved by Keras 3 as {@code encoder.weights.h5} and
 * {@code decoder.weights.h5} in one folder, to the names of our captioner (SPEC §9.4). Layouts stay Keras'.
 */
final class KerasAttentionGru {
    private static final String TYPE = "attention-gru-captioner";
    private static final long MAX_VOCABULARY = 10_000_000;
    private static final int POSITIONS = 64;
    private static final int MAX_LENGTH = 50;

    /** Where Keras keeps a variable, its rank, and what it is called here. */
    private record Variable(String from, int rank, String to) {}

    private static final List<Variable> VARIABLES = List.of(
            new Variable("encoder/fc/vars/0", 2, "encoder.fc.kernel"),
            new Variable("encoder/fc/vars/1", 1, "encoder.fc.bias"),
            new Variable("decoder/embedding/vars/0", 2, "decoder.embedding.embeddings"),
            new Variable("decoder/gru/cell/vars/0", 2, "decoder.gru.kernel"),
            new Variable("decoder/gru/cell/vars/1", 2, "decoder.gru.recurrent_kernel"),
            new Variable("decoder/gru/cell/vars/2", 2, "decoder.gru.bias"),
            new Variable("decoder/fc1/vars/0", 2, "decoder.fc1.kernel"),
            new Variable("decoder/fc1/vars/1", 1, "decoder.fc1.bias"),
            new Variable("decoder/fc2/vars/0", 2, "decoder.fc2.kernel"),
            new Variable("decoder/fc2/vars/1", 1, "decoder.fc2.bias"),
            new Variable("decoder/attention/W1/vars/0", 2, "decoder.attention.W1.kernel"),
            new Variable("decoder/attention/W1/vars/1", 1, "decoder.attention.W1.bias"),
            new Variable("decoder/attention/W2/vars/0", 2, "decoder.attention.W2.kernel"),
            new Variable("decoder/attention/W2/vars/1", 1, "decoder.attention.W2.bias"),
            new Variable("decoder/attention/V/vars/0", 2, "decoder.attention.V.kernel"),
            new Variable("decoder/attention/V/vars/1", 1, "decoder.attention.V.bias"));

    private KerasAttentionGru() {}

    static Converted convert(Source s) {
        List<Converted.Tensor> tensors = new ArrayList<>();
        for (Variable v : VARIABLES) {
            tensors.add(new Converted.Taken(v.to, s.take(v.from, v.rank)));
        }
        int units = s.extent("decoder/gru/cell/vars/1", 2, 0);
        if (s.extent("decoder/gru/cell/vars/2", 2, 0) != 2 || s.extent("decoder/gru/cell/vars/0", 2, 1) != 3 * units) {
            throw s.error("the GRU's bias has " + s.extent("decoder/gru/cell/vars/2", 2, 0) + " rows and its kernel "
                    + s.extent("decoder/gru/cell/vars/0", 2, 1) + " columns for " + units
                    + " units, expected 2 and three times the units (reset_after)");
        }
        if (!s.leftOut().isEmpty()) {
            throw s.error("not the captioner of the tutorial: " + String.join("; ", s.leftOut()));
        }
        JsonNode config = s.configOf(TYPE).orElseGet(() -> config(s, units));
        Map<String, JsonNode> files = new LinkedHashMap<>();
        files.put(Converted.CONFIG, config);
        return new Converted(
                Converted.WEIGHTS,
                tensors,
                files,
                List.of("the network of the features belongs into a folder 'features' in it: convert InceptionV3"
                        + " there"));
    }

    private static ObjectNode config(Source s, int units) {
        List<String> words = vocabulary(s.options
                .vocabulary()
                .orElseThrow(() -> s.error("no config.json of the captioner beside the files; --vocabulary names the"
                        + " words, one a line in the order of their ids")));
        int ids = s.extent("decoder/fc2/vars/0", 2, 1);
        int start = words.indexOf("<start>");
        int end = words.indexOf("<end>");
        if (words.size() > ids || start < 0 || end < 0) {
            throw s.error(words.size() + " words with <start> at " + start + " and <end> at " + end
                    + ", expected both, and at most " + ids + " words");
        }
        ObjectNode config = new JsonMapper().createObjectNode();
        config.put("model_type", TYPE)
                .put("embedding_dim", s.extent("decoder/embedding/vars/0", 2, 1))
                .put("units", units)
                .put("vocab_size", ids)
                .put("feature_dim", s.extent("encoder/fc/vars/0", 2, 0))
                .put("attention_positions", POSITIONS)
                .put("max_length", MAX_LENGTH)
                .put("start_id", start)
                .put("end_id", end);
        ArrayNode list = config.putArray("vocabulary");
        words.forEach(list::add);
        return config;
    }

    /** One word a line; the first, for padding, is empty. */
    private static List<String> vocabulary(Path file) {
        try {
            if (Files.size(file) > MAX_VOCABULARY) {
                throw new ConvertException(file + ": larger than " + MAX_VOCABULARY + " bytes");
            }
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw new ConvertException(file + ": not a readable text file in UTF-8: " + e, e);
        }
    }
}
