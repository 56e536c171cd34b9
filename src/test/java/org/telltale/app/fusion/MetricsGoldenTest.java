package org.telltale.app.fusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.testing.Golden;
import tools.jackson.databind.JsonNode;

/** Confusion matrices and what follows from them, and mean and deviation over trials, as scikit-learn gives them. */
class MetricsGoldenTest {
    @TestFactory
    Stream<DynamicTest> metricsAreThoseOfTheReference() {
        Path folder = Golden.area("experiment");
        JsonNode golden = Golden.json(folder.resolve("metrics.json"));
        JsonNode tolerance = Golden.json(folder.resolve("tolerances.json"))
                .path("metrics.json")
                .path("all ratios");
        Offset<Double> near = within(tolerance.path("atol").doubleValue());
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode c : golden.path("cases")) {
            tests.add(dynamicTest(c.path("name").stringValue(), () -> metrics(c, near)));
        }
        tests.add(dynamicTest("trials", () -> trials(golden.path("trials"), near)));
        assertThat(tests).hasSizeGreaterThan(1);
        return tests.stream();
    }

    private static void metrics(JsonNode golden, Offset<Double> near) {
        Confusion c = Confusion.of(
                texts(golden.path("classes")), texts(golden.path("labels")), texts(golden.path("predictions")));
        JsonNode expected = golden.path("expected");
        for (int i = 0; i < c.labels().size(); i++) {
            for (int j = 0; j < c.labels().size(); j++) {
                assertThat(c.count(i, j))
                        .isEqualTo(expected.path("confusion").path(i).path(j).intValue());
            }
            assertThat(c.support(i)).isEqualTo(expected.path("support").path(i).intValue());
            assertThat(c.precision(i))
                    .isCloseTo(expected.path("precision").path(i).doubleValue(), near);
            assertThat(c.recall(i)).isCloseTo(expected.path("recall").path(i).doubleValue(), near);
            assertThat(c.f1(i)).isCloseTo(expected.path("f1").path(i).doubleValue(), near);
        }
        assertThat(c.accuracy()).isCloseTo(expected.path("accuracy").doubleValue(), near);
        assertThat(c.macroPrecision()).isCloseTo(expected.path("macroPrecision").doubleValue(), near);
        assertThat(c.macroRecall()).isCloseTo(expected.path("macroRecall").doubleValue(), near);
        assertThat(c.macroF1()).isCloseTo(expected.path("macroF1").doubleValue(), near);
        assertThat(c.macroF1OfPresent())
                .isCloseTo(expected.path("macroF1PresentClassesOnly").doubleValue(), near);
        assertThat(c.weightedF1()).isCloseTo(expected.path("weightedF1").doubleValue(), near);
    }

    private static void trials(JsonNode golden, Offset<Double> near) {
        Trials t = new Trials(golden.path("accuracies")
                .valueStream()
                .map(JsonNode::doubleValue)
                .toList());
        assertThat(t.mean().orElseThrow()).isCloseTo(golden.path("mean").doubleValue(), near);
        assertThat(t.deviation().orElseThrow())
                .isCloseTo(golden.path("sampleStandardDeviation").doubleValue(), near);
    }

    private static List<String> texts(JsonNode array) {
        return array.valueStream().map(JsonNode::stringValue).toList();
    }
}
