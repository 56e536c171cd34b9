package org.telltale.app.data;

import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** The strict reading of a record's fields; the caller adds file and line to what is wrong. */
final class Fields {
    private Fields() {}

    /** That a value is an object of exactly these keys. */
    static void require(JsonNode node, String... keys) {
        Set<String> found = Set.copyOf(node.propertyNames());
        if (!node.isObject() || !found.equals(Set.of(keys))) {
            throw new DataException("expected a JSON object with the keys " + List.of(keys) + ", found "
                    + (node.isObject() ? "the keys " + List.copyOf(node.propertyNames()) : shortened(node)));
        }
    }

    static String id(JsonNode node) {
        String id = text(node, "id");
        if (id.isEmpty()) {
            throw new DataException("an empty id");
        }
        return id;
    }

    static String text(JsonNode node, String key) {
        JsonNode value = node.path(key);
        if (!value.isString()) {
            throw new DataException("\"" + key + "\" is " + shortened(value) + ", expected a text");
        }
        return value.stringValue();
    }

    static double number(JsonNode node, String key) {
        JsonNode value = node.path(key);
        if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
            throw new DataException("\"" + key + "\" is " + shortened(value) + ", expected a number");
        }
        return value.doubleValue();
    }

    private static String shortened(JsonNode node) {
        String text = node.isMissingNode() ? "missing" : node.toString();
        return text.length() <= 60 ? text : text.substring(0, 60) + "...";
    }
}
