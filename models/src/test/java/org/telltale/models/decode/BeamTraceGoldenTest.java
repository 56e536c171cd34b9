package org.telltale.models.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The legacy library's own candidates, step by step, without a model: beams, heap and end must come out as there. */
class BeamTraceGoldenTest {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Path GOLDEN = Path.of(System.getProperty("telltale.golden", "golden"), "blip");
    /** The traces give six decimals. */
    private static final Offset<Double> ROUNDING = within(2e-6);

    @TestFactory
    Stream<DynamicTest> theLegacyRuleFollowsTheOriginalsTraces() throws IOException {
        if (!Files.isDirectory(GOLDEN)) {
            return Stream.of(dynamicTest("beam traces", () -> abort("no golden folder: " + GOLDEN)));
        }
        List<DynamicTest> tests = new ArrayList<>();
        try (Stream<Path> files = Files.list(GOLDEN)) {
            for (Path file : files.sorted().toList()) {
                String name = file.getFileName().toString();
                if (!name.startsWith("generation-") || !name.endsWith(".json")) {
                    continue;
                }
                int n = 0;
                for (JsonNode c : JSON.readTree(file).path("cases")) {
                    if (c.has("steps")) {
                        tests.add(dynamicTest(name + " case " + n, () -> follow(c)));
                    }
                    n++;
                }
            }
        }
        return tests.stream();
    }

    private static void follow(JsonNode c) {
        int beams = c.path("beams").asInt();
        int end = c.path("eos").asInt();
        Limits limits = new Limits(
                end, c.path("min_length").asInt(), c.path("max_length").asInt(), () -> false);
        RunningBeams running = new RunningBeams(beams, ints(c.path("prompt")), limits.maxLength());
        LegacyRule rule = new LegacyRule(running, limits, 1);
        Candidates candidates = new Candidates(2 * beams);
        boolean over = false;
        for (JsonNode step : c.path("steps")) {
            assertThat(over).isFalse();
            assertThat(running.length()).isEqualTo(step.path("length").asInt());
            candidates.clear();
            for (int rank = 0; rank < 2 * beams; rank++) {
                // Rounded scores may be equal: keep them in the order of the trace.
                candidates.offer(
                        step.path("candidate_scores").path(rank).asDouble() - rank * 1e-9,
                        step.path("candidate_beams").path(rank).asInt(),
                        step.path("candidate_tokens").path(rank).asInt());
            }
            candidates.sort();
            over = rule.advance(candidates);
            assertThat(running.tokens()).isEqualTo(ints(step.path("next_tokens")));
            assertThat(running.parents()).isEqualTo(ints(step.path("next_beams")));
            for (int beam = 0; beam < beams; beam++) {
                assertThat(running.score(beam))
                        .isCloseTo(step.path("next_scores").path(beam).asDouble(), ROUNDING);
            }
            assertThat(rule.heapSize()).isEqualTo(step.path("heap_size").asInt());
            assertThat(rule.worst()).isCloseTo(step.path("worst_score").asDouble(Double.POSITIVE_INFINITY), ROUNDING);
            assertThat(over).isEqualTo(step.path("done").asBoolean() || running.length() == limits.maxLength());
        }
        assertThat(over).isTrue();
        List<Hypothesis> finished = rule.finish();
        assertThat(finished).hasSize(c.path("hypothesis_count").asInt());
        int n = 0;
        for (JsonNode hypothesis : c.path("hypotheses")) {
            assertThat(finished.get(n).ids()).isEqualTo(ints(hypothesis.path("ids")));
            assertThat(finished.get(n++).score())
                    .isCloseTo(hypothesis.path("score").asDouble(), ROUNDING);
        }
    }

    private static int[] ints(JsonNode array) {
        return array.valueStream().mapToInt(JsonNode::asInt).toArray();
    }
}
