package org.telltale.convert;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * BERT to the names of {@code BertForSequenceClassification}: the layer norms of the published files are still called as in
 * TensorFlow, {@code gamma} and {@code beta} (SPEC §8.1), and a model without a head has no prefix.
 */
final class BertNames {
    static final String MARK = "embeddings.word_embeddings.weight";
    private static final String PREFIX = "bert.";
    private static final int HEAD_WIDTH = 64;

    private BertNames() {}

    static Converted convert(Source source) {
        String prefix = source.has(PREFIX + MARK) ? "" : PREFIX;
        List<Converted.Tensor> tensors = new ArrayList<>();
        source.tensors().forEach((name, stored) -> {
            String renamed = name.replaceFirst("LayerNorm\\.gamma$", "LayerNorm.weight")
                    .replaceFirst("LayerNorm\\.beta$", "LayerNorm.bias");
            source.take(name, stored.shape().rank());
            tensors.add(new Converted.Taken(
                    name.startsWith("classifier.") || name.startsWith("cls.") ? renamed : prefix + renamed, stored));
        });
        List<String> notes = new ArrayList<>(source.leftOut());
        Map<String, JsonNode> files = new LinkedHashMap<>();
        JsonNode config = source.configOf("bert").orElseGet(() -> {
            ObjectNode made = config(source, prefix.isEmpty() ? PREFIX : "");
            notes.add("no config.json of BERT beside the file: written from the shapes, with heads of " + HEAD_WIDTH);
            return made;
        });
        files.put(Converted.CONFIG, config);
        return new Converted(Converted.WEIGHTS, tensors, files, notes);
    }

    private static ObjectNode config(Source source, String prefix) {
        int width = source.extent(prefix + MARK, 2, 1);
        if (width % HEAD_WIDTH != 0) {
            throw source.error("the width of " + width + " is no multiple of " + HEAD_WIDTH
                    + ", so the number of heads is not known; --config names a config.json that says it");
        }
        String layer = prefix + "encoder.layer.";
        ObjectNode config = new JsonMapper().createObjectNode();
        boolean classifier = source.has("classifier.weight");
        config.putArray("architectures").add(classifier ? "BertForSequenceClassification" : "BertModel");
        config.put("model_type", "bert")
                .put("vocab_size", source.extent(prefix + MARK, 2, 0))
                .put("hidden_size", width)
                .put("num_hidden_layers", source.count(layer, ".intermediate.dense.weight"))
                .put("num_attention_heads", width / HEAD_WIDTH)
                .put("intermediate_size", source.extent(layer + "0.intermediate.dense.weight", 2, 0))
                .put("max_position_embeddings", source.extent(prefix + "embeddings.position_embeddings.weight", 2, 0))
                .put("type_vocab_size", source.extent(prefix + "embeddings.token_type_embeddings.weight", 2, 0))
                .put("hidden_act", "gelu")
                .put("hidden_dropout_prob", 0.1)
                .put("attention_probs_dropout_prob", 0.1)
                .put("layer_norm_eps", 1e-12)
                .put("initializer_range", 0.02)
                .put("pad_token_id", 0);
        if (classifier) {
            Labels.of(source.file, source.labels(), source.extent("classifier.weight", 2, 0))
                    .addTo(config);
        }
        return config;
    }
}
