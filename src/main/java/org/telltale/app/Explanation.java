package org.telltale.app;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.telltale.models.interrogate.Ranked;
import org.telltale.models.interrogate.Step;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The steps of an interrogation, as part of a record and as lines for people. */
final class Explanation {
    /** Of long rankings so many labels are told. */
    private static final int SHOWN = 5;

    private Explanation() {}

    static ArrayNode json(List<Step> steps) {
        ArrayNode all = JsonNodeFactory.instance.arrayNode();
        steps.forEach(s -> describe(s, all.addObject()));
        return all;
    }

    private static void describe(Step step, ObjectNode node) {
        switch (step) {
            case Step.Caption c -> {
                node.put("step", "caption");
                ranked(new Ranked(c.text(), c.similarity()), node);
            }
            case Step.Best b -> {
                node.put("step", "best of " + b.table());
                node.put("kept", b.labels().size());
                ArrayNode labels = node.putArray("labels");
                b.labels().stream().limit(SHOWN).forEach(l -> ranked(l, labels.addObject()));
            }
            case Step.Combined c -> {
                node.put("step", "combination");
                ranked(c.chosen(), node);
                ArrayNode prompts = node.putArray("prompts");
                c.prompts().forEach(p -> ranked(p, prompts.addObject()));
            }
            case Step.Start s -> {
                node.put("step", "start");
                ranked(s.phrase(), node);
            }
            case Step.Link l -> {
                node.put("step", "phrase");
                ranked(l.phrase(), node);
                node.put("candidates", l.candidates());
                node.put("before", l.before());
                node.put("kept", l.kept());
                node.put("why", why(l));
            }
            case Step.Fitted f -> {
                node.put("step", "cut to the context");
                node.put("text", f.prompt());
                node.put("charactersCut", f.whole().length() - f.prompt().length());
            }
            case Step.Choice c -> {
                node.put("step", "choice");
                ranked(c.prompts().get(c.chosen()), node);
                ArrayNode prompts = node.putArray("prompts");
                c.prompts().forEach(p -> ranked(p, prompts.addObject()));
            }
        }
    }

    private static String why(Step.Link l) {
        if (!l.kept()) {
            return "no phrase raises the similarity";
        }
        String raised = l.phrase().similarity() > l.before() ? "raises the similarity" : "below the least number";
        return raised + (l.best() ? ", the best so far" : "") + (l.full() ? ", the context is full" : "");
    }

    private static void ranked(Ranked r, ObjectNode node) {
        node.put("text", r.text());
        node.put("similarity", r.similarity());
    }

    /** Two blanks and a line for each step. */
    static String text(JsonNode steps) {
        List<String> lines = new ArrayList<>();
        for (JsonNode s : steps) {
            StringBuilder line = new StringBuilder("  ").append(s.path("step").asString());
            if (s.has("labels")) {
                line.append(", ").append(s.path("kept").asInt()).append(" kept:");
                s.get("labels").forEach(l -> line.append(' ').append(one(l)).append(';'));
            } else {
                line.append(": ").append(one(s));
            }
            if (s.has("why")) {
                line.append(String.format(
                        Locale.ROOT,
                        " after %.4f, of %d: %s, %s",
                        s.path("before").asDouble(),
                        s.path("candidates").asInt(),
                        s.path("kept").asBoolean() ? "kept" : "not kept",
                        s.path("why").asString()));
            }
            lines.add(line.toString());
        }
        return String.join("\n", lines);
    }

    private static String one(JsonNode node) {
        String text = node.path("text").asString();
        return node.has("similarity")
                ? text
                        + String.format(
                                Locale.ROOT, " %.4f", node.path("similarity").asDouble())
                : text;
    }
}
