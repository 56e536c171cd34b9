package org.telltale.app.train;

import java.util.Map;
import java.util.TreeMap;
import org.telltale.app.data.Split;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What an epoch came to: a line of {@code metrics.jsonl}. It says nothing of time, so that a run that was interrupted
 * leaves the same file as one that was not.
 *
 * @param epoch over all phases, from 1
 * @param step how many steps there were, over all phases
 * @param rate the learning rate of its last step
 * @param train loss and accuracy of the batches as they were learned, with dropout
 * @param measured by split, after the epoch
 */
public record EpochRecord(String phase, int epoch, long step, double rate, Score train, Map<Split, Score> measured) {
    /** Mean loss and accuracy of some samples. */
    public record Score(double loss, double accuracy, long samples) {
        ObjectNode json() {
            ObjectNode node = JsonNodeFactory.instance.objectNode();
            node.put("loss", loss);
            node.put("accuracy", accuracy);
            node.put("samples", samples);
            return node;
        }

        static Score of(JsonNode node) {
            return new Score(
                    node.path("loss").doubleValue(),
                    node.path("accuracy").doubleValue(),
                    node.path("samples").longValue());
        }
    }

    public EpochRecord {
        measured = Map.copyOf(measured);
    }

    ObjectNode json() {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("phase", phase);
        node.put("epoch", epoch);
        node.put("step", step);
        node.put("learningRate", rate);
        node.set("train", train.json());
        new TreeMap<>(measured).forEach((split, score) -> node.set(split.word(), score.json()));
        return node;
    }

    static EpochRecord of(JsonNode node) {
        Map<Split, Score> measured = new TreeMap<>();
        for (Split s : Split.values()) {
            if (s != Split.TRAIN && node.has(s.word())) {
                measured.put(s, Score.of(node.get(s.word())));
            }
        }
        return new EpochRecord(
                node.path("phase").stringValue(""),
                node.path("epoch").intValue(),
                node.path("step").longValue(),
                node.path("learningRate").doubleValue(),
                Score.of(node.path("train")),
                measured);
    }
}
