package org.telltale.models.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Every case of the golden folder, all exact: WordPiece as Hugging Face's reference, CLIP's byte pairs as open_clip. */
class TokenizersGoldenTest {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Path GOLDEN = Path.of(System.getProperty("telltale.golden", "golden"), "tokenizers");
    private static final Path DATA = Path.of(System.getProperty("telltale.data", "data"), "tokenizers");
    private static final Map<Path, WordPiece> CACHE = new ConcurrentHashMap<>();
    private static final Map<String, ClipBpe> BYTE_PAIRS = new ConcurrentHashMap<>();

    @TestFactory
    Stream<DynamicTest> wordPieceIdsEqualTheReference() throws IOException {
        if (!Files.isDirectory(GOLDEN)) {
            return Stream.of(skipped("ids"));
        }
        JsonNode strings = json(GOLDEN.resolve("strings.json"));
        Set<String> exempt = json(GOLDEN.resolve("tolerances.json"))
                .path("exempt_groups")
                .valueStream()
                .map(JsonNode::asString)
                .collect(Collectors.toSet());
        List<DynamicTest> tests = new ArrayList<>();
        for (String name : wordPieceVocabularies()) {
            JsonNode golden = json(GOLDEN.resolve(name + ".json"));
            for (JsonNode string : strings) {
                int n = string.path("n").asInt();
                tests.add(dynamicTest(
                        name + " string " + n + " " + string.path("group").asString(), () -> {
                            WordPiece tokenizer = tokenizer(name);
                            assertThat(tokenizer.vocabularySize())
                                    .isEqualTo(golden.path("vocab_size").asInt());
                            String text = string.path("text").asString();
                            int[] ids = tokenizer.encode(text, Integer.MAX_VALUE);
                            int[] expected = ints(golden.path("ids").path(n));
                            JsonNode rust = golden.path("rust").path(Integer.toString(n));
                            if (exempt.contains(string.path("group").asString()) && rust.isArray()) {
                                assertThat(ids).isIn(expected, ints(rust));
                            } else {
                                assertThat(ids).as(text).isEqualTo(expected);
                            }
                        }));
            }
        }
        return tests.stream();
    }

    @TestFactory
    Stream<DynamicTest> wordPieceTextsEqualTheReference() throws IOException {
        if (!Files.isDirectory(GOLDEN)) {
            return Stream.of(skipped("texts"));
        }
        List<DynamicTest> tests = new ArrayList<>();
        for (String name : wordPieceVocabularies()) {
            int n = 0;
            for (JsonNode golden : json(GOLDEN.resolve(name + "-decode.json"))) {
                tests.add(dynamicTest(name + " decode " + n++, () -> {
                    String text = golden.path("text").asString();
                    int[] ids = ints(golden.path("ids"));
                    assertThat(tokenizer(name).decode(ids)).isEqualTo(text);
                    assertThat(tokenizer(name).decodeWithoutCleanup(ids))
                            .isEqualTo(golden.path("without_cleanup").asString(text));
                }));
            }
        }
        return tests.stream();
    }

    @TestFactory
    Stream<DynamicTest> bytePairIdsEqualTheReference() throws IOException {
        if (!Files.isDirectory(GOLDEN)) {
            return Stream.of(skipped("byte pair ids"));
        }
        JsonNode strings = json(GOLDEN.resolve("strings.json"));
        List<DynamicTest> tests = new ArrayList<>();
        for (String name : List.of("clip", "tiny-clip-bpe")) {
            JsonNode golden = json(GOLDEN.resolve(name + ".json"));
            for (JsonNode string : strings) {
                int n = string.path("n").asInt();
                tests.add(dynamicTest(
                        name + " string " + n + " " + string.path("group").asString(), () -> {
                            ClipBpe tokenizer = bytePairs(name, golden);
                            assertThat(tokenizer.startId())
                                    .isEqualTo(golden.path("sot").asInt());
                            assertThat(tokenizer.endId())
                                    .isEqualTo(golden.path("eot").asInt());
                            String text = string.path("text").asString();
                            assertThat(tokenizer.tokenize(text))
                                    .as(text)
                                    .isEqualTo(ints(golden.path("ids").path(n)));
                        }));
            }
        }
        return tests.stream();
    }

    @TestFactory
    Stream<DynamicTest> bytePairTextsEqualTheReference() throws IOException {
        if (!Files.isDirectory(GOLDEN)) {
            return Stream.of(skipped("byte pair texts"));
        }
        List<DynamicTest> tests = new ArrayList<>();
        for (String name : List.of("clip", "tiny-clip-bpe")) {
            JsonNode ids = json(GOLDEN.resolve(name + ".json"));
            int n = 0;
            for (JsonNode golden : json(GOLDEN.resolve(name + "-decode.json"))) {
                tests.add(dynamicTest(
                        name + " decode " + n++,
                        () -> assertThat(bytePairs(name, ids).decode(ints(golden.path("ids"))))
                                .isEqualTo(golden.path("text").asString())));
            }
        }
        return tests.stream();
    }

    /** The strings that the file does not list are not changed but for white space and case. */
    @TestFactory
    Stream<DynamicTest> cleanedTextsEqualTheReference() throws IOException {
        if (!Files.isDirectory(GOLDEN)) {
            return Stream.of(skipped("cleaned texts"));
        }
        Map<Integer, JsonNode> changed = json(GOLDEN.resolve("clip-cleaning.json"))
                .valueStream()
                .collect(Collectors.toMap(c -> c.path("n").asInt(), c -> c));
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode string : json(GOLDEN.resolve("strings.json"))) {
            int n = string.path("n").asInt();
            String text = string.path("text").asString();
            JsonNode golden = changed.get(n);
            tests.add(dynamicTest("cleaning " + n, () -> {
                String repaired = ClipCleaning.repair(text);
                assertThat(repaired)
                        .isEqualTo(
                                golden == null ? text : golden.path("fix_text").asString());
                if (golden != null) {
                    assertThat(HtmlEntities.unescape(HtmlEntities.unescape(repaired))
                                    .strip())
                            .isEqualTo(golden.path("unescaped").asString().strip());
                    assertThat(ClipCleaning.clean(text))
                            .isEqualTo(golden.path("cleaned").asString());
                }
            }));
        }
        return tests.stream();
    }

    private static ClipBpe bytePairs(String name, JsonNode golden) {
        Path beside = GOLDEN.resolve(name);
        Path folder = Files.isDirectory(beside) ? beside : DATA.resolve(name);
        if (!Files.isDirectory(folder)) {
            abort("no vocabulary folder: " + folder);
        }
        return BYTE_PAIRS.computeIfAbsent(
                name, n -> ClipBpe.read(folder, golden.path("vocab_size").asInt()));
    }

    private static DynamicTest skipped(String name) {
        return dynamicTest(name, () -> abort("no golden folder: " + GOLDEN));
    }

    /** Names whose ids and texts are both there, and which are WordPiece by their decode cases and their vocabulary. */
    private static List<String> wordPieceVocabularies() throws IOException {
        try (Stream<Path> files = Files.list(GOLDEN)) {
            return files.map(f -> f.getFileName().toString())
                    .filter(f -> f.endsWith("-decode.json"))
                    .map(f -> f.substring(0, f.length() - "-decode.json".length()))
                    .filter(f -> f.startsWith("bert-")
                            || Files.exists(GOLDEN.resolve(f).resolve("vocab.txt")))
                    .sorted()
                    .toList();
        }
    }

    private static WordPiece tokenizer(String name) {
        Path beside = GOLDEN.resolve(name);
        Path folder = Files.isDirectory(beside) ? beside : DATA.resolve(name);
        if (!Files.isDirectory(folder)) {
            abort("no vocabulary folder: " + folder);
        }
        return CACHE.computeIfAbsent(folder, WordPiece::read);
    }

    private static JsonNode json(Path file) {
        return JSON.readTree(file);
    }

    private static int[] ints(JsonNode array) {
        return array.valueStream().mapToInt(JsonNode::asInt).toArray();
    }
}
