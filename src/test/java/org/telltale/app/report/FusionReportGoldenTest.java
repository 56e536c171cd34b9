package org.telltale.app.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.telltale.app.data.Scores;
import org.telltale.app.experiment.Findings;
import org.telltale.app.fusion.Trials;
import org.telltale.engine.testing.Golden;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** The curve of a report, its best weight, and every trial of both, on the synthetic experiments of the reference. */
class FusionReportGoldenTest {
    private static final double ROUNDING = 1e-12;

    @TestFactory
    Stream<DynamicTest> theCurveIsTheReferences() {
        Path folder = Golden.area("experiment");
        List<DynamicTest> tests = Golden.json(folder.resolve("fusion.json"))
                .path("sets")
                .valueStream()
                .map(set -> dynamicTest(set.path("name").stringValue(), () -> curve(set)))
                .toList();
        assertThat(tests).isNotEmpty();
        return tests.stream();
    }

    private static void curve(JsonNode set) {
        List<String> ids = texts(set.path("ids"));
        List<String> labels = texts(set.path("labels"));
        List<Findings.Picture> test = new ArrayList<>();
        for (int i = 0; i < ids.size(); i++) {
            test.add(new Findings.Picture(ids.get(i), Path.of("absent"), labels.get(i)));
        }
        List<Double> weights =
                set.path("weights").valueStream().map(JsonNode::doubleValue).toList();
        Findings.Task task = new Findings.Task(
                set.path("name").stringValue(),
                texts(set.path("classes")),
                Map.of(),
                test,
                Map.of("image", trials(set, ids, set.path("imageScores"), Scores.Source.IMAGE)),
                Map.of("text", trials(set, texts(set.path("textIds")), set.path("textScores"), Scores.Source.TEXT)));
        Findings findings = new Findings(
                List.of(task),
                5,
                Map.of(),
                List.of("image"),
                weights,
                JsonNodeFactory.instance.objectNode(),
                List.of());
        PairResult pair = TaskResult.of(findings, task).pairs().getFirst();
        JsonNode expected = set.path("expected");
        for (int w = 0; w < weights.size(); w++) {
            Trials accuracy = pair.curve().get(w).accuracy();
            assertThat(accuracy.mean().orElseThrow())
                    .isCloseTo(expected.path("meanAccuracyPerWeight").path(w).doubleValue(), within(ROUNDING));
            for (int k = 0; k < accuracy.count(); k++) {
                assertThat(accuracy.values().get(k))
                        .isCloseTo(
                                expected.path("accuracyPerTrialPerWeight")
                                        .path(k)
                                        .path(w)
                                        .doubleValue(),
                                within(ROUNDING));
            }
        }
        assertThat(Objects.requireNonNull(pair.best()).weight())
                .isEqualTo(expected.path("bestWeight").doubleValue());
    }

    private static List<List<Scores>> trials(JsonNode set, List<String> ids, JsonNode trials, Scores.Source source) {
        List<String> classes = texts(set.path("classes"));
        List<List<Scores>> all = new ArrayList<>();
        for (JsonNode rows : trials) {
            List<Scores> scores = new ArrayList<>();
            for (int i = 0; i < ids.size(); i++) {
                Map<String, Double> p = new LinkedHashMap<>();
                for (int c = 0; c < classes.size(); c++) {
                    p.put(classes.get(c), rows.path(i).path(c).doubleValue());
                }
                scores.add(new Scores(ids.get(i), source, p));
            }
            all.add(scores);
        }
        return all;
    }

    private static List<String> texts(JsonNode array) {
        return array.valueStream().map(JsonNode::stringValue).toList();
    }
}
