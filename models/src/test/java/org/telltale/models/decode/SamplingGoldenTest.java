package org.telltale.models.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.io.SafeTensors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What transformers leaves of a row of logits before the draw: the tokens exactly, their probabilities closely. */
class SamplingGoldenTest {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Path GOLDEN = Path.of(System.getProperty("telltale.golden", "golden"), "blip");

    @TestFactory
    Stream<DynamicTest> probabilitiesEqualTheOriginals() {
        if (!Files.exists(GOLDEN.resolve("sampling.json"))) {
            return Stream.of(dynamicTest("sampling", () -> abort("no golden folder: " + GOLDEN)));
        }
        JsonNode tolerance = json("tolerances.json").path("sampling").path("probabilities");
        SafeTensors tensors = SafeTensors.open(GOLDEN.resolve("sampling.safetensors"));
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode c : json("sampling.json").path("cases")) {
            String name = c.path("probabilities").asString();
            tests.add(dynamicTest(
                    name,
                    () -> check(c, row(tensors, "logits", c.path("row").asInt()), row(tensors, name, 0), tolerance)));
        }
        return tests.stream();
    }

    private static void check(JsonNode c, float[] logits, float[] expected, JsonNode tolerance) {
        int[] ids = ints(c.path("input_ids"));
        Sampling sampling = new Sampling(
                0,
                c.path("top_k").asInt(),
                c.path("top_p").asDouble(),
                c.path("repetition_penalty").asDouble(),
                c.path("temperature").asDouble(1));
        Limits limits = new Limits(c.path("eos").asInt(), c.path("min_length").asInt(), Integer.MAX_VALUE, () -> false);
        double[] p = sampling.probabilities(logits, ids, ids.length, limits.forbidden(ids.length));
        assertThat(IntStream.range(0, p.length).filter(t -> p[t] > 0).toArray()).isEqualTo(ints(c.path("kept")));
        for (int t = 0; t < p.length; t++) {
            assertThat(Math.abs(p[t] - expected[t]))
                    .as("token %d: %s, expected %s", t, p[t], expected[t])
                    .isLessThanOrEqualTo(
                            tolerance.path(0).asDouble() + tolerance.path(1).asDouble() * Math.abs(expected[t]));
        }
    }

    private static JsonNode json(String file) {
        return JSON.readTree(GOLDEN.resolve(file));
    }

    private static int[] ints(JsonNode array) {
        return array.valueStream().mapToInt(JsonNode::asInt).toArray();
    }

    /** A row of an F32 tensor. */
    private static float[] row(SafeTensors tensors, String name, int row) {
        int width = tensors.shape(name).dim(-1);
        try (Arena arena = Arena.ofConfined()) {
            float[] all = tensors.read(name, arena).toFloats();
            return Arrays.copyOfRange(all, row * width, (row + 1) * width);
        }
    }
}
