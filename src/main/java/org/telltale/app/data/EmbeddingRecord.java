package org.telltale.app.data;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A picture or text as a vector of unit length.
 *
 * @param id the picture's path as it was given, or the text
 * @param source {@code image} or {@code text}
 */
public record EmbeddingRecord(String id, String source, List<Float> vector) implements Entry {
    public static final String IMAGE = "image";
    public static final String TEXT = "text";

    public static EmbeddingRecord of(String id, String source, float[] vector) {
        List<Float> values = new ArrayList<>(vector.length);
        for (float v : vector) {
            values.add(v);
        }
        return new EmbeddingRecord(id, source, List.copyOf(values));
    }

    @Override
    public ObjectNode json() {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("id", id);
        node.put("source", source);
        ArrayNode values = node.putArray("vector");
        vector.forEach(values::add);
        return node;
    }

    static EmbeddingRecord of(JsonNode node) {
        Fields.require(node, "id", "source", "vector");
        List<Float> values = new ArrayList<>();
        for (JsonNode v : node.path("vector")) {
            if (!v.isNumber()) {
                throw new DataException("\"vector\" holds " + v + ", expected numbers");
            }
            values.add(v.floatValue());
        }
        String source = Fields.text(node, "source");
        if (values.isEmpty() || !(source.equals(IMAGE) || source.equals(TEXT))) {
            throw new DataException("expected a \"source\" of image or text and a \"vector\" of numbers");
        }
        // The empty text has a vector too.
        return new EmbeddingRecord(Fields.text(node, "id"), source, List.copyOf(values));
    }
}
