package org.telltale.app.data;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.telltale.api.Classification;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a classifier makes of a picture or a text.
 *
 * @param probabilities by label, in the order of the model's classes
 */
public record Scores(String id, Source source, Map<String, Double> probabilities) implements Entry {
    /** Where scores come from. */
    public enum Source {
        IMAGE,
        TEXT,
        FUSED;

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private static final double ROUNDING = 1e-5;

    /** @throws DataException if there is no label, or a value is no probability */
    public Scores {
        probabilities = Collections.unmodifiableMap(new LinkedHashMap<>(probabilities));
        if (probabilities.isEmpty()) {
            throw new DataException(id + ": no label");
        }
        probabilities.forEach((label, p) -> {
            if (!(p >= 0 && p <= 1 + ROUNDING)) {
                throw new DataException(id + ": the probability of \"" + label + "\" is " + p + ", expected 0 to 1");
            }
        });
    }

    /** What a classifier said. */
    public static Scores of(String id, Source source, Classification said) {
        Map<String, Double> probabilities = new LinkedHashMap<>();
        said.labels().forEach(l -> probabilities.put(l.name(), l.probability()));
        return new Scores(id, source, probabilities);
    }

    /** The likeliest label; the first of equal ones. */
    public String top() {
        String top = "";
        double most = Double.NEGATIVE_INFINITY;
        for (Map.Entry<String, Double> e : probabilities.entrySet()) {
            if (e.getValue() > most) {
                most = e.getValue();
                top = e.getKey();
            }
        }
        return top;
    }

    @Override
    public ObjectNode json() {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("id", id);
        node.put("source", source.word());
        ObjectNode values = node.putObject("probabilities");
        probabilities.forEach(values::put);
        node.put("top", top());
        return node;
    }

    static Scores of(JsonNode node) {
        Fields.require(node, "id", "source", "probabilities", "top");
        String word = Fields.text(node, "source");
        Source source = null;
        for (Source s : Source.values()) {
            source = s.word().equals(word) ? s : source;
        }
        if (source == null) {
            throw new DataException("\"source\" is \"" + word + "\", expected image, text or fused");
        }
        JsonNode values = node.path("probabilities");
        if (!values.isObject()) {
            throw new DataException("\"probabilities\" is not a JSON object of numbers by label");
        }
        Map<String, Double> probabilities = new LinkedHashMap<>();
        values.propertyNames().forEach(label -> probabilities.put(label, Fields.number(values, label)));
        Scores scores = new Scores(Fields.id(node), source, probabilities);
        String top = Fields.text(node, "top");
        if (!top.equals(scores.top())) {
            throw new DataException("\"top\" is \"" + top + "\", but the likeliest label is \"" + scores.top() + "\"");
        }
        return scores;
    }
}
