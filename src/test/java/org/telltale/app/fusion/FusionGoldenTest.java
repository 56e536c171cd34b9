package org.telltale.app.fusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Scores;
import org.telltale.engine.testing.Golden;
import tools.jackson.databind.JsonNode;

/** Fused scores and predictions on synthetic scores, ties, and scores that must be refused. */
class FusionGoldenTest {
    private static final double ROUNDING = 1e-12;

    @TestFactory
    Stream<DynamicTest> predictionsAndFaultsAreThoseOfTheReference() {
        Path folder = Golden.area("experiment");
        JsonNode golden = Golden.json(folder.resolve("fusion.json"));
        JsonNode tolerance = Golden.json(folder.resolve("tolerances.json"))
                .path("fusion.json")
                .path("fusedTrial0First3AtWeight0.3");
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode set : golden.path("sets")) {
            tests.add(dynamicTest(set.path("name").stringValue(), () -> set(set, tolerance)));
        }
        for (JsonNode tie : golden.path("ties")) {
            tests.add(dynamicTest("tie " + tie, () -> tie(tie)));
        }
        for (JsonNode fault : golden.path("faults")) {
            tests.add(dynamicTest(fault.path("name").stringValue(), () -> fault(fault)));
        }
        assertThat(tests).isNotEmpty();
        return tests.stream();
    }

    private static void set(JsonNode set, JsonNode tolerance) {
        List<String> classes = texts(set.path("classes"));
        List<String> ids = texts(set.path("ids"));
        List<String> labels = texts(set.path("labels"));
        JsonNode expected = set.path("expected");
        List<Double> means = new ArrayList<>();
        for (JsonNode weight : set.path("weights")) {
            double sum = 0;
            for (int trial = 0; trial < set.path("imageScores").size(); trial++) {
                Fusion fusion = Fusion.of(
                        scores(classes, ids, set.path("imageScores").path(trial), Scores.Source.IMAGE),
                        scores(
                                classes,
                                texts(set.path("textIds")),
                                set.path("textScores").path(trial),
                                Scores.Source.TEXT));
                List<Scores> fused = fusion.at(weight.doubleValue());
                assertThat(fusion.tops(weight.doubleValue()))
                        .isEqualTo(fused.stream().map(Scores::top).toList());
                int correct = 0;
                for (int i = 0; i < ids.size(); i++) {
                    correct += fused.get(i).top().equals(labels.get(i)) ? 1 : 0;
                }
                assertThat(correct)
                        .isEqualTo(expected.path("correctPerTrialPerWeight")
                                .path(trial)
                                .path(means.size())
                                .intValue());
                sum += new Accuracy(correct, ids.size()).value();
                JsonNode predictions = expected.path("predictionsTrial0").path(weight.asString());
                if (trial == 0 && predictions.isArray()) {
                    assertThat(fused).extracting(Scores::top).isEqualTo(texts(predictions));
                }
                if (trial == 0 && weight.doubleValue() == 0.3) {
                    close(fused, expected.path("fusedTrial0First3AtWeight0.3"), tolerance);
                }
            }
            means.add(sum / set.path("imageScores").size());
            assertThat(means.getLast())
                    .isCloseTo(
                            expected.path("meanAccuracyPerWeight")
                                    .path(means.size() - 1)
                                    .doubleValue(),
                            within(ROUNDING));
        }
    }

    private static void close(List<Scores> fused, JsonNode rows, JsonNode tolerance) {
        for (int i = 0; i < rows.size(); i++) {
            List<Double> values = List.copyOf(fused.get(i).probabilities().values());
            for (int k = 0; k < values.size(); k++) {
                double wanted = rows.path(i).path(k).doubleValue();
                assertThat(values.get(k))
                        .isCloseTo(
                                wanted,
                                within(tolerance.path("atol").doubleValue()
                                        + tolerance.path("rtol").doubleValue() * wanted));
            }
        }
    }

    private static void tie(JsonNode tie) {
        List<String> classes = new ArrayList<>();
        for (int k = 0; k < tie.path("image").size(); k++) {
            classes.add("class " + k);
        }
        Scores image = one(classes, tie.path("image"), "a", Scores.Source.IMAGE);
        Scores text = one(classes, tie.path("text"), "a", Scores.Source.TEXT);
        Scores fused = Fusion.of(List.of(image), List.of(text))
                .at(tie.path("w").doubleValue())
                .getFirst();
        assertThat(fused.top()).isEqualTo(classes.get(tie.path("argmax").intValue()));
        assertThat(Fusion.of(List.of(image), List.of(text)).tops(tie.path("w").doubleValue()))
                .containsExactly(fused.top());
    }

    private static void fault(JsonNode fault) {
        if (fault.path("verdict").stringValue().equals("accept")) {
            assertThat(fused(fault)).hasSize(fault.path("imageIds").size());
        } else if (fault.has("textClasses")) {
            List<Scores> fused = fused(fault);
            String label = texts(fault.path("textClasses")).getFirst();
            int at = texts(fault.path("classes")).indexOf(label);
            double w = fault.path("w").doubleValue();
            assertThat(fused.getFirst().probabilities().get(label))
                    .as("by name, not by position")
                    .isCloseTo(
                            (1 - w) * fault.path("imageScores").path(0).path(at).doubleValue()
                                    + w
                                            * fault.path("textScores")
                                                    .path(0)
                                                    .path(0)
                                                    .doubleValue(),
                            within(ROUNDING));
        } else {
            Throwable refusal = catchThrowable(() -> fused(fault));
            assertThat(refusal).isInstanceOfAny(DataException.class, IllegalArgumentException.class);
            assertThat(refusal.getMessage()).doesNotContain("\n");
            texts(fault.path("mustMention"))
                    .forEach(mention -> assertThat(refusal.getMessage()).contains(mention));
        }
    }

    private static List<Scores> fused(JsonNode f) {
        List<String> classes = texts(f.path("classes"));
        List<String> textClasses = f.has("textClasses") ? texts(f.path("textClasses")) : classes;
        return Fusion.of(
                        scores(classes, texts(f.path("imageIds")), f.path("imageScores"), Scores.Source.IMAGE),
                        scores(textClasses, texts(f.path("textIds")), f.path("textScores"), Scores.Source.TEXT))
                .at(f.path("w").doubleValue());
    }

    private static List<Scores> scores(List<String> classes, List<String> ids, JsonNode rows, Scores.Source source) {
        List<Scores> scores = new ArrayList<>();
        for (int i = 0; i < ids.size(); i++) {
            scores.add(one(classes, rows.path(i), ids.get(i), source));
        }
        return scores;
    }

    private static Scores one(List<String> classes, JsonNode row, String id, Scores.Source source) {
        Map<String, Double> probabilities = new LinkedHashMap<>();
        for (int k = 0; k < row.size(); k++) {
            probabilities.put(
                    classes.get(k), row.path(k).isNumber() ? row.path(k).doubleValue() : Double.NaN);
        }
        return new Scores(id, source, probabilities);
    }

    private static List<String> texts(JsonNode array) {
        return array.valueStream().map(JsonNode::stringValue).toList();
    }
}
