package org.telltale.app.data;

import java.util.Optional;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The first line of a file of records: what made them. Two runs with equal headers make equal records. */
public final class Header {
    /** The key that names the kind of the records. */
    static final String KIND = "telltale";

    /** Records are {@link CaptionRecord}. */
    public static final String CAPTIONS = "captions";

    /** Records are {@link Scores}. */
    public static final String SCORES = "scores";

    /** Records are {@link EmbeddingRecord}. */
    public static final String EMBEDDINGS = "embeddings";

    /** Records are {@link PromptRecord}. */
    public static final String PROMPTS = "prompts";

    private Header() {}

    /** A header to be completed. */
    public static ObjectNode of(String kind, String command) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put(KIND, kind);
        node.put("command", command);
        return node;
    }

    /** The first difference between the header of a file and the one of this run, in words. */
    public static Optional<String> difference(JsonNode file, JsonNode now) {
        // as it would be read: numbers have the widths that they need, not those of the program's variables
        return difference("", file, JsonMapper.shared().readTree(now.toString()));
    }

    private static Optional<String> difference(String path, JsonNode file, JsonNode now) {
        if (file.equals(now)) {
            return Optional.empty();
        }
        if (file.isObject() && now.isObject()) {
            TreeSet<String> keys = new TreeSet<>(file.propertyNames());
            keys.addAll(now.propertyNames());
            for (String key : keys) {
                Optional<String> found =
                        difference(path.isEmpty() ? key : path + "." + key, file.path(key), now.path(key));
                if (found.isPresent()) {
                    return found;
                }
            }
        }
        if (file.isArray() && now.isArray() && file.size() == now.size()) {
            for (int i = 0; i < file.size(); i++) {
                Optional<String> found = difference(path + "[" + i + "]", file.get(i), now.get(i));
                if (found.isPresent()) {
                    return found;
                }
            }
        }
        return Optional.of(path + " is " + word(file) + " there, " + word(now) + " now");
    }

    private static String word(JsonNode node) {
        return node.isMissingNode() ? "not stated" : node.toString();
    }
}
