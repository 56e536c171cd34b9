package org.telltale.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.testing.Golden;
import org.telltale.models.decode.BeamSearch;
import org.telltale.models.decode.Generation;
import org.telltale.models.decode.GenerationOptions;
import org.telltale.models.decode.Greedy;
import org.telltale.models.decode.Hypothesis;
import org.telltale.models.decode.Strategy;
import org.telltale.models.image.Exif;
import org.telltale.models.image.ImageReader;
import org.telltale.models.text.WordPiece;
import tools.jackson.databind.JsonNode;

/** Captions of the original libraries, from the picture file to the text: greedy and both beam searches. */
class GenerationGoldenTest {
    private static final List<Captioner> OPEN = new ArrayList<>();

    @AfterAll
    static void close() {
        OPEN.forEach(Captioner::close);
        OPEN.clear();
    }

    @TestFactory
    Stream<DynamicNode> captionsAreThoseOfTheOriginals() throws IOException {
        Path folder = Golden.area("blip");
        JsonNode tolerances = Golden.json(folder.resolve("tolerances.json")).path("generation");
        double score = tolerances.path("score").path(0).asDouble();
        assertThat(score).isPositive();
        List<DynamicNode> models = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.sorted().toList()) {
                String name = file.getFileName().toString();
                if (name.startsWith("generation-") && name.endsWith(".json")) {
                    models.add(dynamicContainer(name, cases(folder, Golden.json(file), score)));
                }
            }
        }
        assertThat(models).isNotEmpty();
        return models.stream();
    }

    private static List<DynamicNode> cases(Path folder, JsonNode golden, double tolerance) {
        Path model = folder.resolve(golden.path("model").stringValue());
        Captioner captioner = Captioner.model(model.toString())
                .device(Device.cpu())
                .threads(2)
                .open();
        OPEN.add(captioner);
        WordPiece words = WordPiece.read(model);
        List<DynamicNode> tests = new ArrayList<>();
        for (JsonNode c : golden.path("cases")) {
            String picture =
                    golden.path("pictures").path(c.path("picture").intValue()).stringValue();
            String name = tests.size() + " " + c.path("algorithm").stringValue() + " "
                    + c.path("beams").intValue() + " of " + picture;
            tests.add(dynamicTest(
                    name,
                    () -> check(captioner, words, folder.resolve("pictures").resolve(picture), c, tolerance)));
        }
        return tests;
    }

    private static void check(Captioner captioner, WordPiece words, Path picture, JsonNode c, double tolerance)
            throws IOException {
        GenerationOptions how = GenerationOptions.of(strategy(c))
                .minLength(c.path("min_length").intValue())
                .maxLength(c.path("max_length").intValue());
        Generation g = captioner.generate(
                ImageReader.read(picture, Exif.IGNORE), Golden.ints(c.path("prompt")), how, () -> false);
        assertThat(g.ids()).isEqualTo(Golden.ints(c.path("ids")));
        assertThat(words.decode(g.ids())).isEqualTo(c.path("text").stringValue());
        if (c.has("score")) {
            assertThat(g.best().score()).isCloseTo(c.path("score").doubleValue(), within(tolerance));
        }
        int rank = 0;
        for (JsonNode h : c.path("hypotheses")) {
            Hypothesis found = g.hypotheses().get(rank++);
            assertThat(found.ids()).as("hypothesis %d", rank).isEqualTo(Golden.ints(h.path("ids")));
            assertThat(found.score())
                    .as("hypothesis %d", rank)
                    .isCloseTo(h.path("score").doubleValue(), within(tolerance));
        }
    }

    private static Strategy strategy(JsonNode c) {
        BeamSearch beams = BeamSearch.of(c.path("beams").intValue());
        return switch (c.path("algorithm").stringValue()) {
            case "greedy" -> new Greedy();
            case "legacy-beam" -> beams;
            case "modern-beam" -> beams.rule(BeamSearch.Rule.MODERN);
            case String other -> throw new AssertionError("unknown algorithm " + other);
        };
    }
}
