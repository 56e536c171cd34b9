package org.telltale.app.experiment;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The names of what an experiment is made of. */
record Extent(
        List<String> tasks,
        List<String> classifiers,
        List<String> captioners,
        int trials,
        List<Double> weights,
        List<String> figures) {
    static Extent of(Plan plan) {
        return new Extent(
                plan.tasks().stream().map(Plan.Task::name).toList(),
                plan.classifiers().stream().map(Plan.Classifier::name).toList(),
                plan.captioners().stream().map(Plan.Captioner::name).toList(),
                plan.scope().trials(),
                plan.weights(),
                plan.figures());
    }

    ObjectNode json() {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        put(node, "tasks", tasks);
        put(node, "classifiers", classifiers);
        put(node, "captioners", captioners);
        node.put("trials", trials);
        ArrayNode list = node.putArray("weights");
        weights.forEach(list::add);
        put(node, "figures", figures);
        return node;
    }

    private static void put(ObjectNode node, String key, List<String> names) {
        ArrayNode list = node.putArray(key);
        names.forEach(list::add);
    }

    static Extent of(JsonNode node) {
        List<Double> weights = new ArrayList<>();
        node.path("weights").forEach(w -> weights.add(w.doubleValue()));
        return new Extent(
                names(node, "tasks"),
                names(node, "classifiers"),
                names(node, "captioners"),
                node.path("trials").intValue(0),
                weights,
                names(node, "figures"));
    }

    private static List<String> names(JsonNode node, String key) {
        List<String> names = new ArrayList<>();
        node.path(key).forEach(n -> names.add(n.stringValue("")));
        return names;
    }
}
