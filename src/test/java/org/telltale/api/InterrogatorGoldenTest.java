package org.telltale.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.testing.Golden;
import org.telltale.models.image.Exif;
import org.telltale.models.interrogate.Mode;
import org.telltale.models.interrogate.Rules;
import tools.jackson.databind.JsonNode;

/** From the picture to the prompt, with tiny models, against {@code golden/interrogator}. */
class InterrogatorGoldenTest {
    /**
     * What is allowed beyond one unit of half precision. The reference values' README speaks of elements that are rounded
     * to a neighbour, which is one unit; but near zero units (6e-8 at 1e-4) are smaller than what sums of F32 in another
     * order change. More than a unit apart are {@code artists[3261]} on all rungs (1.2e-7 beyond it), {@code flavors[5053]}
     * (2.4e-7) on the rung {@code vector} at 256 bits, and {@code negative[314]} (1.2e-7) at 128 bits.
     */
    private static final float NOISE = 5e-7f;

    @TempDir
    private static Path tables;

    private static Interrogator open(Rules rules, Mode mode, int flavors) {
        Path area = Golden.area("interrogator");
        JsonNode config = Golden.json(area.resolve("lists.json")).get("config");
        String clip =
                area.resolveSibling("clip").resolve("tiny-clip-openai-names").toString();
        String blip = area.resolveSibling("blip").resolve("tiny-blip").toString();
        return Interrogator.model(clip, area.resolve("data"), tables.resolve(rules.name()))
                .captioner(blip)
                .tableName("tiny")
                .rules(rules)
                .mode(mode)
                .flavors(flavors)
                .windows(
                        config.get("chunk_size_at_build").intValue(),
                        config.get("chunk_size_at_use").intValue())
                .options(ModelOptions.DEFAULT.exif(Exif.IGNORE))
                .open();
    }

    private record Case(Rules rules, Mode mode, int flavors, String caption, String key) {}

    @TestFactory
    List<DynamicTest> promptsEqualTheOriginal() {
        Path area = Golden.area("interrogator");
        List<DynamicTest> tests = new ArrayList<>();
        for (Case c : List.of(
                new Case(Rules.V2_2, Mode.BEST, 16, "caption_2_2", "best_2_2"),
                new Case(Rules.V2_2, Mode.FAST, 32, "caption_2_2", "fast_2_2"),
                new Case(Rules.V2_2, Mode.CLASSIC, 3, "caption_2_2", "classic_2_2"),
                new Case(Rules.V0_6, Mode.BEST, 32, "caption_0_6", "best_0_4"),
                new Case(Rules.V0_6, Mode.NEGATIVE, 32, "", "negative_0_4"))) {
            tests.add(DynamicTest.dynamicTest(c.key, () -> {
                try (Interrogator interrogator = open(c.rules, c.mode, c.flavors)) {
                    for (JsonNode p : Golden.json(area.resolve("interrogations.json"))) {
                        check(c, interrogator, p, area.resolve("pictures"));
                    }
                }
            }));
        }
        return tests;
    }

    private static void check(Case c, Interrogator interrogator, JsonNode p, Path pictures) throws IOException {
        if (!p.has(c.key)) {
            return;
        }
        String name = p.get("picture").stringValue();
        Interrogator.Answer answer = interrogator.interrogate(pictures.resolve(name));
        if (c.mode != Mode.NEGATIVE) {
            assertThat(answer.caption())
                    .as(name)
                    .isEqualTo(p.get(c.caption).get("caption").stringValue());
        }
        assertThat(answer.found().prompt())
                .as(name)
                .isEqualTo(p.get(c.key).get("prompt").stringValue());
    }

    /** One unit of half precision beyond the noise of the vectors themselves, and most elements equal. */
    @Test
    void tablesEqualTheOriginal() {
        Path area = Golden.area("interrogator");
        open(Rules.V2_2, Mode.FAST, 3).close();
        for (String name : List.of("artists", "flavors", "mediums", "movements", "trendings", "negative")) {
            Path file = tables.resolve(Rules.V2_2.name()).resolve("tiny_" + name + ".safetensors");
            try (Arena arena = Arena.ofConfined();
                    SafeTensors ours = SafeTensors.open(file);
                    SafeTensors theirs = SafeTensors.open(area.resolve("tensors.safetensors"))) {
                float[] actual = ours.read("embeds", arena).toFloats();
                float[] expected = theirs.read("embeds." + name, arena).toFloats();
                assertThat(actual).hasSameSizeAs(expected);
                int other = 0;
                for (int i = 0; i < actual.length; i++) {
                    short bits = Float.floatToFloat16(Math.abs(expected[i]));
                    float unit = Float.float16ToFloat((short) (bits + 1)) - Float.float16ToFloat(bits);
                    assertThat(Math.abs(actual[i] - expected[i]))
                            .as(name + " " + i)
                            .isLessThanOrEqualTo(unit + NOISE);
                    other += actual[i] == expected[i] ? 0 : 1;
                }
                assertThat(other).as(name).isLessThanOrEqualTo(actual.length / 100 + 1);
            }
        }
    }
}
