package org.telltale.app.data;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the interrogator says of a picture.
 *
 * @param id the picture's path, as it was given
 * @param caption what the prompt begins with
 * @param similarity the cosine between prompt and picture
 * @param steps how the prompt came about, or null
 */
public record PromptRecord(
        String id,
        String prompt,
        String caption,
        double similarity,
        @Nullable JsonNode steps) implements Entry {
    @Override
    public ObjectNode json() {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("id", id);
        node.put("prompt", prompt);
        node.put("caption", caption);
        node.put("similarity", similarity);
        if (steps != null) {
            node.set("steps", steps);
        }
        return node;
    }

    static PromptRecord of(JsonNode node) {
        if (node.has("steps")) {
            Fields.require(node, "id", "prompt", "caption", "similarity", "steps");
        } else {
            Fields.require(node, "id", "prompt", "caption", "similarity");
        }
        return new PromptRecord(
                Fields.id(node),
                Fields.text(node, "prompt"),
                Fields.text(node, "caption"),
                Fields.number(node, "similarity"),
                node.get("steps"));
    }
}
