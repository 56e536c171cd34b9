package org.telltale.app.data;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A picture's caption.
 *
 * @param id the picture's path, as it was given
 * @param logProb the sum of the natural log-probabilities of the tokens after the prompt
 */
public record CaptionRecord(String id, String text, double logProb) implements Entry {
    @Override
    public ObjectNode json() {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("id", id);
        node.put("text", text);
        node.put("logProb", logProb);
        return node;
    }

    static CaptionRecord of(JsonNode node) {
        Fields.require(node, "id", "text", "logProb");
        return new CaptionRecord(Fields.id(node), Fields.text(node, "text"), Fields.number(node, "logProb"));
    }
}
