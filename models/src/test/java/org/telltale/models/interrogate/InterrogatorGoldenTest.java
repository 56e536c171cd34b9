package org.telltale.models.interrogate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.Assertions;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.HostTensor;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.testing.Golden;
import org.telltale.kernels.vector.VectorBackend;
import org.telltale.models.interrogate.ClipInterrogator.Settings;
import tools.jackson.databind.JsonNode;

/** The interrogator against {@code golden/interrogator}: lists, ranking, lengths, and every step of every mode. */
class InterrogatorGoldenTest {
    private static final Offset<Double> TABLE = within(1.5e-4);
    private static final Offset<Double> TEXT = within(1e-5);

    @Test
    void listsEqualTheOriginal() {
        Path area = Golden.area("interrogator");
        JsonNode json = Golden.json(area.resolve("lists.json"));
        LabelLists lists = LabelLists.read(area.resolve("data"), Assertions::fail);
        assertThat(lists.names()).isEqualTo(strings(json.get("artist_names")));
        assertThat(lists.flavors()).isEqualTo(strings(json.get("flavors")));
        assertThat(lists.mediums()).isEqualTo(strings(json.get("mediums")));
        assertThat(lists.movements()).isEqualTo(strings(json.get("movements")));
        assertThat(lists.negative()).isEqualTo(strings(json.get("negative")));
        assertThat(Rules.V2_2.trendings()).isEqualTo(strings(json.get("trendings_2_2")));
        assertThat(Rules.V0_6.trendings()).isEqualTo(strings(json.get("trendings_0_4")));
        JsonNode hashes = json.get("sha256");
        named(lists)
                .forEach((name, labels) -> assertThat(LabelTable.hash(labels))
                        .as(name)
                        .isEqualTo(hashes.get(name).stringValue()));
    }

    private static Map<String, List<String>> named(LabelLists lists) {
        return Map.of(
                "artists", lists.artists(),
                "flavors", lists.flavors(),
                "mediums", lists.mediums(),
                "movements", lists.movements(),
                "trendings", Rules.V2_2.trendings(),
                "trendings_04", Rules.V0_6.trendings(),
                "negative", lists.negative());
    }

    /** Hashes and pools of SPEC 17.1 and 12.4. */
    @Test
    void theRealListsHaveTheirHashesAndPools() {
        LabelLists lists = LabelLists.read(Golden.data("tokenizers/clip_interrogator"), Assertions::fail);
        Map<String, String> hashes = Map.of(
                "artists", "d27dcd8c970debac6b1afcea9081ad0e933c687bf3f533de5c043c79113ffdae",
                "flavors", "bb633ab8d979278bd66fa93c1c668a230f180e299723f4d602a206926d4f87ca",
                "mediums", "7fff3ab0b0cf6b850156558b461aace10ffe8df724c9c69cda7960f8478bf74e",
                "movements", "c1a02df83850cf77f19d60223fdd32cb01f3ce1d1e815528a3e7aed7087625a4",
                "trendings", "7e8797d72ab579ead27ce9a5a87ee2c17bd47a2783caaf789cb3ad8f747b44de",
                "trendings_04", "3aad0205a44297a34e91204252121fd399570eee5627a630f55956afa338ceac",
                "negative", "7a92a1eb0c25f06c9ceefec560b9ec68f778aadc5c4831afa98aa5b9eba6afa8");
        Map<String, List<String>> labels = named(lists);
        hashes.forEach((name, hash) ->
                assertThat(LabelTable.hash(labels.get(name))).as(name).isEqualTo(hash));
        assertThat(lists.flavors()).hasSize(100970);
        assertThat(lists.flavors().get(51896)).isEmpty();
        assertThat(LabelTable.rank(new float[100970], 2048, 2048, false)).hasSize(2000);
        assertThat(LabelTable.rank(new float[10530], 2048, 10000, false)).hasSize(1995);
        assertThat(LabelTable.rank(new float[111867], 2048, 2048, false)).hasSize(2035);
        assertThat(LabelTable.rank(new float[111867], 1024, 1024, false)).hasSize(990);
    }

    @TestFactory
    List<DynamicTest> rankingEqualsTheOriginal() {
        Path area = Golden.area("interrogator");
        List<DynamicTest> tests = new ArrayList<>();
        try (Arena arena = Arena.ofConfined();
                SafeTensors file = SafeTensors.open(area.resolve("rank.safetensors"))) {
            float[] embeds = file.read("embeds", arena).toFloats();
            HostTensor queries = file.read("queries", arena);
            int width = queries.shape().dim(1);
            int number = 0;
            for (JsonNode c : Golden.json(area.resolve("rank.json"))) {
                float[] values = new float[c.get("n").intValue()];
                for (int i = 0; i < values.length; i++) {
                    double sum = 0;
                    for (int k = 0; k < width; k++) {
                        sum += (double) embeds[i * width + k]
                                * queries.get((long) c.get("query").intValue() * width + k);
                    }
                    values[i] = (float) sum;
                }
                tests.add(DynamicTest.dynamicTest("rank " + number++, () -> rank(c, values)));
            }
        }
        return tests;
    }

    private static void rank(JsonNode c, float[] values) {
        int window = c.get("chunk").intValue();
        int count = c.get("k").intValue();
        boolean reverse = c.get("reverse").booleanValue();
        if (c.path("original_fails").asBoolean(false)) {
            assertThatThrownBy(() -> LabelTable.rank(values, window, count, reverse))
                    .hasMessageContaining("no label would be kept");
            return;
        }
        assertThat(c.path("min_gap").asDouble(1)).as("a clear order").isGreaterThan(1e-6);
        assertThat(LabelTable.rank(values, window, count, reverse)).isEqualTo(Golden.ints(c.get("indices")));
    }

    @Test
    void lengthsEqualTheOriginal() {
        Path area = Golden.area("interrogator");
        try (TinyClip clip = new TinyClip(area.resolveSibling("clip").resolve("tiny-clip-openai-names"))) {
            for (JsonNode c : Golden.json(area.resolve("lengths.json"))) {
                String text = c.get("text").stringValue();
                assertThat(clip.contentIds(text)).isEqualTo(c.get("content_ids").intValue());
                assertThat(clip.fills(text)).isEqualTo(c.get("at_max_len").booleanValue());
                assertThat(ClipInterrogator.fit(text, clip::fills))
                        .isEqualTo(c.get("truncated").stringValue());
            }
        }
    }

    private interface Case {
        void check(Given given);
    }

    /** What the interrogations are made of. */
    private record Given(
            TinyClip clip, SafeTensors tensors, LabelLists lists, JsonNode config, Arena arena, Backend products) {
        LabelTable table(String name, List<String> labels) {
            Params params = Params.of("tables", tensors.names(), tensors::shape, tensors::dtype);
            int width = tensors.shape("embeds." + name).dim(1);
            Executable product = products.compile(
                    LabelTable.product(params, "embeds." + name, labels.size(), width),
                    tensors,
                    CompileOptions.DEFAULT);
            return new LabelTable(
                    labels,
                    query -> {
                        product.input(LabelTable.QUERY).set(query);
                        product.run();
                        return product.output(0).toFloats();
                    },
                    config.get("chunk_size_at_build").intValue());
        }

        LabelTables tables(Rules rules) {
            return new LabelTables(
                    table("artists", lists.artists()),
                    table("flavors", lists.flavors()),
                    table("mediums", lists.mediums()),
                    table("movements", lists.movements()),
                    table(rules == Rules.V2_2 ? "trendings" : "trendings_04", rules.trendings()),
                    table("negative", lists.negative()));
        }

        float[] picture(int i) {
            HostTensor all = tensors.read("image_features_normalised", arena);
            int width = all.shape().dim(1);
            return Arrays.copyOfRange(all.toFloats(), i * width, (i + 1) * width);
        }

        Interrogation run(LabelTables tables, Rules rules, Mode mode, int flavors, int picture, String caption) {
            Settings settings = Settings.of(
                    rules,
                    mode,
                    flavors,
                    config.get("chunk_size_at_use").intValue(),
                    config.get("flavor_intermediate_count").intValue());
            return new ClipInterrogator(tables, clip, settings).interrogate(picture(picture), caption, () -> false);
        }
    }

    private static void withGiven(Case check) {
        Path area = Golden.area("interrogator");
        try (Arena arena = Arena.ofConfined();
                Backend products = new VectorBackend(2);
                TinyClip clip = new TinyClip(area.resolveSibling("clip").resolve("tiny-clip-openai-names"));
                SafeTensors tensors = SafeTensors.open(area.resolve("tensors.safetensors"))) {
            JsonNode config = Golden.json(area.resolve("lists.json")).get("config");
            check.check(new Given(
                    clip, tensors, LabelLists.read(area.resolve("data"), Assertions::fail), config, arena, products));
        }
    }

    @Test
    void tablesOfOurVectorsEqualTheOriginal() {
        withGiven(given -> {
            LabelTables tables = given.tables(Rules.V2_2);
            for (LabelTable table : List.of(tables.flavors(), tables.mediums(), tables.negative())) {
                float[][] vectors = given.clip.encode(table.labels());
                float[] first = given.picture(0);
                float[] expected = table.similarities(first);
                for (int i = 0; i < expected.length; i++) {
                    double sum = 0;
                    for (int k = 0; k < first.length; k++) {
                        sum += first[k] * vectors[i][k];
                    }
                    assertThat(sum).isCloseTo(expected[i], TABLE);
                }
            }
        });
    }

    @TestFactory
    List<DynamicTest> interrogationsEqualTheOriginalStepByStep() {
        Path area = Golden.area("interrogator");
        List<DynamicTest> tests = new ArrayList<>();
        int number = 0;
        for (JsonNode p : Golden.json(area.resolve("interrogations.json"))) {
            int i = number++;
            tests.add(DynamicTest.dynamicTest("picture " + i, () -> withGiven(g -> picture(g, p, i))));
        }
        JsonNode pictures = Golden.json(area.resolve("interrogations.json"));
        for (JsonNode p : Golden.json(area.resolve("interrogations-given-captions.json"))) {
            int i = strings(pictures, "picture").indexOf(p.get("picture").stringValue());
            tests.add(DynamicTest.dynamicTest(
                    "caption " + number++ + " for picture " + i,
                    () -> withGiven(g -> {
                        String caption = p.get("caption").stringValue();
                        assertThat(g.clip.contentIds(caption))
                                .isEqualTo(p.get("caption_content_ids").intValue());
                        best22(g, p.get("best_2_2"), i, caption);
                        best04(g, p.get("best_0_4"), i, caption);
                    })));
        }
        assertThat(tests).isNotEmpty();
        return tests;
    }

    private static void picture(Given g, JsonNode p, int i) {
        LabelTables tables = g.tables(Rules.V2_2);
        Map<String, LabelTable> named = Map.of(
                "artists", tables.artists(),
                "flavors", tables.flavors(),
                "mediums", tables.mediums(),
                "movements", tables.movements(),
                "trendings", tables.trendings(),
                "negative", tables.negative());
        named.forEach((name, table) -> ranking(
                name,
                table.rank(g.picture(i), p.get("rank").get(name).get("labels").size()),
                p.get("rank").get(name)));
        String caption22 = p.get("caption_2_2").get("caption").stringValue();
        if (p.has("best_2_2")) {
            best22(g, p.get("best_2_2"), i, caption22);
        }
        fast(g.run(tables, Rules.V2_2, Mode.FAST, 32, i, caption22), p.get("fast_2_2"));
        classic(g.run(tables, Rules.V2_2, Mode.CLASSIC, 3, i, caption22), p.get("classic_2_2"));
        JsonNode other = p.get("classic_2_2_caption_starts_with_medium");
        LabelTables started = new LabelTables(
                tables.artists(),
                tables.flavors(),
                table(g, strings(other.get("mediums"))),
                tables.movements(),
                tables.trendings(),
                tables.negative());
        classic(g.run(started, Rules.V2_2, Mode.CLASSIC, 3, i, caption22), other);
        if (p.has("best_0_4")) {
            best04(g, p.get("best_0_4"), i, p.get("caption_0_6").get("caption").stringValue());
        }
        if (p.has("negative_0_4")) {
            negative(g, p.get("negative_0_4"), i);
        }
    }

    private static LabelTable table(Given g, List<String> labels) {
        float[][] vectors = g.clip.encode(labels);
        return new LabelTable(
                labels,
                query -> {
                    float[] cosines = new float[vectors.length];
                    for (int i = 0; i < cosines.length; i++) {
                        for (int k = 0; k < query.length; k++) {
                            cosines[i] += query[k] * Float.float16ToFloat(Float.floatToFloat16(vectors[i][k]));
                        }
                    }
                    return cosines;
                },
                64);
    }

    /**
     * The same labels in the same order, but that neighbours closer than rounding of F32 may swap; the reference values
     * allow 1e-4, for tables of one's own.
     */
    private static void ranking(String name, List<Ranked> actual, JsonNode expected) {
        List<String> labels = strings(expected.get("labels"));
        float[] similarities = Golden.floats(expected.get("similarities"));
        assertThat(actual).as(name).hasSameSizeAs(labels);
        for (int i = 0; i < similarities.length; i++) {
            assertThat((double) actual.get(i).similarity()).as(name).isCloseTo(similarities[i], TABLE);
            if (!actual.get(i).text().equals(labels.get(i))) {
                int there = labels.indexOf(actual.get(i).text());
                assertThat(there).as(name + ": " + actual.get(i)).isNotNegative();
                assertThat(Math.abs(similarities[there] - similarities[i])).isLessThan(1e-6f);
            }
        }
    }

    private static <S extends Step> List<S> steps(Interrogation found, Class<S> kind) {
        return found.steps().stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    private static void best(Interrogation found, String table, JsonNode expected) {
        Step.Best step = steps(found, Step.Best.class).stream()
                .filter(b -> b.table().equals(table))
                .findFirst()
                .orElseThrow();
        ranking(table, step.labels(), expected);
    }

    private static void tops(Interrogation found, JsonNode expected) {
        for (String table : List.of("mediums", "artists", "trendings", "movements")) {
            best(found, table, expected.get(table));
        }
    }

    private static void best22(Given g, JsonNode expected, int picture, String caption) {
        int most = g.config.get("max_flavors_best").intValue();
        Interrogation found = g.run(g.tables(Rules.V2_2), Rules.V2_2, Mode.BEST, most, picture, caption);
        best(found, "flavors", expected.get("flavors"));
        tops(found, expected.get("tops"));
        assertThat((double) steps(found, Step.Caption.class).getFirst().similarity())
                .isCloseTo(expected.get("caption_similarity").doubleValue(), TEXT);
        Step.Combined combined = steps(found, Step.Combined.class).getFirst();
        JsonNode combination = expected.get("combination");
        assertThat(combined.chosen().text()).isEqualTo(combination.get("prompt").stringValue());
        assertThat((double) combined.chosen().similarity())
                .isCloseTo(combination.get("similarity").doubleValue(), TEXT);
        float[] order = Golden.floats(combination.get("similarities"));
        for (int i = 0; i < order.length; i++) {
            assertThat((double) combined.prompts().get(i).similarity()).isCloseTo(order[i], TABLE);
        }
        links(found, expected.get("chain"), "similarity");
        assertThat(found.prompt()).isEqualTo(expected.get("prompt").stringValue());
        assertThat((double) found.similarity())
                .isCloseTo(expected.get("similarity").doubleValue(), TEXT);
    }

    private static void links(Interrogation found, JsonNode expected, String similarity) {
        List<Step.Link> links = steps(found, Step.Link.class);
        assertThat(links).hasSize(expected.size());
        for (int i = 0; i < links.size(); i++) {
            Step.Link link = links.get(i);
            JsonNode e = expected.get(i);
            assertThat(link.candidates()).isEqualTo(e.get("candidates").intValue());
            assertThat(link.phrase().text()).isEqualTo(e.get("flavor").stringValue());
            assertThat((double) link.phrase().similarity())
                    .isCloseTo(e.get(similarity).doubleValue(), TEXT);
            assertThat(link.kept()).isEqualTo(e.get("accepted").booleanValue());
            assertThat(link.full()).isEqualTo(e.path("context_full").asBoolean(false));
            assertThat(link.best()).isEqualTo(e.path("new_best").asBoolean(link.kept()));
        }
    }

    private static void fast(Interrogation found, JsonNode expected) {
        best(found, "all", expected.get("ranking"));
        fitted(steps(found, Step.Fitted.class).getFirst(), expected);
        assertThat(found.prompt()).isEqualTo(expected.get("prompt").stringValue());
    }

    private static void fitted(Step.Fitted step, JsonNode expected) {
        assertThat(step.whole()).isEqualTo(expected.get("untruncated").stringValue());
        assertThat(step.prompt()).isEqualTo(expected.get("prompt").stringValue());
    }

    private static void classic(Interrogation found, JsonNode expected) {
        tops(found, expected.get("tops"));
        best(found, "flavors", expected.get("flavors"));
        fitted(steps(found, Step.Fitted.class).getFirst(), expected);
        assertThat(found.prompt()).isEqualTo(expected.get("prompt").stringValue());
    }

    private static void best04(Given g, JsonNode expected, int picture, String caption) {
        Interrogation found = g.run(g.tables(Rules.V0_6), Rules.V0_6, Mode.BEST, 32, picture, caption);
        best(found, "all", expected.get("ranking"));
        assertThat((double) steps(found, Step.Caption.class).getFirst().similarity())
                .isCloseTo(expected.get("caption_similarity").doubleValue(), TEXT);
        chain(found, expected.get("chain"));
        List<Step.Fitted> fitted = steps(found, Step.Fitted.class);
        fitted(fitted.get(0), expected.get("fast"));
        fitted(fitted.get(1), expected.get("classic"));
        tops(found, expected.get("classic").get("tops"));
        best(found, "flavors", expected.get("classic").get("flavors"));
        Step.Choice choice = steps(found, Step.Choice.class).getFirst();
        assertThat(choice.prompts().stream().map(Ranked::text).toList()).isEqualTo(strings(expected.get("candidates")));
        float[] similarities = Golden.floats(expected.get("similarities"));
        for (int i = 0; i < similarities.length; i++) {
            assertThat((double) choice.prompts().get(i).similarity()).isCloseTo(similarities[i], TEXT);
        }
        assertThat(choice.chosen()).isEqualTo(expected.get("chosen").intValue());
        assertThat(found.prompt()).isEqualTo(expected.get("prompt").stringValue());
    }

    private static void chain(Interrogation found, JsonNode expected) {
        List<Step.Start> starts = steps(found, Step.Start.class);
        if (expected.get("start").isNull()) {
            assertThat(starts).isEmpty();
        } else {
            Ranked start = starts.getFirst().phrase();
            assertThat(start.text())
                    .isEqualTo(expected.get("start").get("phrase").stringValue());
            assertThat((double) start.similarity())
                    .isCloseTo(expected.get("start").get("similarity").doubleValue(), TEXT);
        }
        links(found, expected.get("chain"), "signed_similarity");
    }

    private static void negative(Given g, JsonNode expected, int picture) {
        Interrogation found = g.run(g.tables(Rules.V0_6), Rules.V0_6, Mode.NEGATIVE, 32, picture, "");
        best(found, "flavors", expected.get("flavors"));
        chain(found, expected.get("chain"));
        assertThat(found.prompt()).isEqualTo(expected.get("prompt").stringValue());
    }

    private static List<String> strings(JsonNode list) {
        return list.valueStream().map(JsonNode::stringValue).toList();
    }

    private static List<String> strings(JsonNode list, String key) {
        return list.valueStream().map(n -> n.get(key).stringValue()).toList();
    }
}
