package org.telltale.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.SafeTensorsWriter;
import tools.jackson.databind.JsonNode;

/** {@code telltale interrogate}, {@code embed}, and {@code classify} by labels, with tiny models. */
class InterrogateTest {
    @TempDir
    private Path folder;

    private Cli interrogate(String... more) {
        return interrogateWith(Path.of(Tiny.LISTS), more);
    }

    private Cli interrogateWith(Path lists, String... more) {
        List<String> all = new ArrayList<>(List.of(
                "interrogate",
                "-m",
                Tiny.CLIP,
                "--captioner",
                Tiny.BLIP,
                "--lists",
                lists.toString(),
                "--beams",
                "2",
                "--cache",
                folder.resolve("tables").toString()));
        all.addAll(List.of(more));
        return Cli.run(all.toArray(String[]::new));
    }

    private Path lists() throws IOException {
        Path lists = Files.createDirectories(folder.resolve("lists"));
        try (Stream<Path> files = Files.list(Path.of(Tiny.LISTS))) {
            for (Path file : files.toList()) {
                Files.copy(file, lists.resolve(file.getFileName().toString()));
            }
        }
        return lists;
    }

    private Path table(String name) throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("tables"))) {
            return files.filter(f -> f.toString().endsWith("_" + name + ".safetensors"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    @Test
    void recordsTellPromptCaptionAndSteps() {
        Cli run = interrogate("--jsonl", "--explain", Tiny.PICTURE, Cli.OTHER).succeeded();
        JsonNode header = Cli.json(run.lines().getFirst());
        assertThat(header.path("telltale").stringValue()).isEqualTo("prompts");
        JsonNode configuration = header.path("configuration");
        assertThat(configuration.path("rules").stringValue()).isEqualTo("2.2");
        assertThat(configuration.path("labelsSha256").size()).isEqualTo(6);
        assertThat(configuration.path("captionerSha256").isEmpty()).isFalse();
        assertThat(run.lines()).hasSize(3);
        JsonNode record = Cli.json(run.lines().get(1));
        assertThat(record.path("prompt").stringValue())
                .startsWith(record.path("caption").stringValue());
        List<String> steps = record.path("steps")
                .valueStream()
                .map(s -> s.path("step").stringValue())
                .toList();
        assertThat(steps).contains("best of flavors", "caption", "combination", "phrase");
        assertThat(interrogate("--explain", Tiny.PICTURE).succeeded().out())
                .contains(record.path("prompt").stringValue(), "raises the similarity", "best of mediums, 1 kept:");
    }

    @Test
    void aSecondRunReadsTheTablesAndSaysTheSame() throws IOException {
        String first = interrogate(Tiny.PICTURE).succeeded().out();
        Path table = table("flavors");
        byte[] bytes = Files.readAllBytes(table);
        assertThat(interrogate(Tiny.PICTURE).succeeded().out()).isEqualTo(first);
        assertThat(Files.readAllBytes(table)).isEqualTo(bytes);
        assertThat(interrogate("--mode", "fast", Tiny.PICTURE).succeeded().out())
                .isNotEqualTo(first);
    }

    @Test
    void csvIsAsTheNotebookWritesIt() throws IOException {
        Path csv = folder.resolve("desc.csv");
        interrogate("--csv", csv.toString(), Tiny.PICTURES).succeeded();
        List<String> lines = List.of(Files.readString(csv).split("\r\n", -1));
        assertThat(lines).hasSize(10);
        assertThat(lines.getFirst()).isEqualTo("image,prompt");
        assertThat(lines.get(1)).matches("0-gradient-64x48-rgb.png,\"[^\"]+, [^\"]+\"");
        assertThat(lines.getLast()).isEmpty();
        assertThat(folder.resolve("desc.csv.part")).doesNotExist();
    }

    @Test
    void promptsAreClassifiedAsCaptionsAre() {
        String prompts = folder.resolve("prompts.jsonl").toString();
        interrogate("-o", prompts, Tiny.PICTURES).succeeded();
        Cli run = Cli.run("classify", "-m", Cli.BERT, "--captions", prompts, "--jsonl")
                .succeeded();
        assertThat(run.lines()).hasSize(9);
    }

    @Test
    void modesAndRulesAreChecked() {
        interrogate("--mode", "negative", Tiny.PICTURE).failed(2, "negative", "0.6");
        interrogate("--rules", "0.5", Tiny.PICTURE).failed(2, "0.5");
        interrogate("--max-flavors", "0", Tiny.PICTURE).failed(2, "--max-flavors");
        interrogate("--csv", folder.resolve("a.csv").toString(), "--jsonl", Tiny.PICTURE)
                .failed(2, "--csv");
        Cli.run("interrogate", "-m", Tiny.CLIP, "--lists", Tiny.LISTS, Tiny.PICTURE)
                .failed(2, "--captioner");
        Cli.run(
                        "interrogate",
                        "-m",
                        Tiny.CLIP,
                        "--lists",
                        Tiny.LISTS,
                        "--cache",
                        folder.resolve("tables").toString(),
                        "--rules",
                        "0.6",
                        "--mode",
                        "negative",
                        Tiny.PICTURE)
                .succeeded();
    }

    @Test
    void listsThatAreNoListsAreRefused() throws IOException {
        Path lists = lists();
        Files.writeString(lists.resolve("mediums.txt"), "");
        interrogateWith(lists, Tiny.PICTURE).failed(4, "mediums.txt", "empty");
        Files.write(lists.resolve("mediums.txt"), "a painting\n".getBytes(StandardCharsets.UTF_16LE));
        interrogateWith(lists, Tiny.PICTURE).failed(4, "mediums.txt", "NUL");
        Files.writeString(lists.resolve("mediums.txt"), "a\n".repeat(1_000_001));
        interrogateWith(lists, Tiny.PICTURE).failed(4, "mediums.txt", "1000000");
        Files.delete(lists.resolve("mediums.txt"));
        interrogateWith(lists, Tiny.PICTURE).failed(4, "mediums.txt", "no such file");
    }

    @Test
    void listsThatAreNotUtf8AreReadAsTheOriginalReadsThem() throws IOException {
        Path lists = lists();
        Files.write(
                lists.resolve("mediums.txt"),
                "oil\r\nein Gemälde\nein Gemälde\n".getBytes(StandardCharsets.ISO_8859_1));
        Cli run = interrogateWith(lists, "--explain", Tiny.PICTURE).succeeded();
        assertThat(run.err().lines().toList())
                .containsExactly("telltale: warning: " + lists.resolve("mediums.txt")
                        + ": line 2 is not UTF-8: U+FFFD stands for what cannot be decoded");
        Files.writeString(lists.resolve("mediums.txt"), "oil\nein Gem\ufffdlde\nein Gem\ufffdlde\n");
        Cli again = interrogateWith(lists, "--explain", Tiny.PICTURE).succeeded();
        assertThat(again.err()).isEmpty();
        assertThat(again.out()).isEqualTo(run.out());
    }

    @Test
    void textsOfTheUsersThatAreNotUtf8AreRefused() throws IOException {
        Path texts = folder.resolve("texts.txt");
        Files.write(texts, "oil\nein Gemälde\n".getBytes(StandardCharsets.ISO_8859_1));
        Cli.run("embed", "-m", Tiny.CLIP, "--texts", texts.toString())
                .failed(4, texts.toString(), "line 2 is not UTF-8");
    }

    @Test
    void repeatedEmptyLongAndCommaLabelsAreTakenAsTheyAre() throws IOException {
        Path lists = lists();
        Files.writeString(lists.resolve("flavors.txt"), "red\n\nred, blue\nred\n" + "very ".repeat(300) + "long\n");
        interrogateWith(lists, Tiny.PICTURE).succeeded();
    }

    @Test
    void otherLabelsMakeATableAnew() throws IOException {
        Path lists = lists();
        interrogateWith(lists, Tiny.PICTURE).succeeded();
        Files.writeString(lists.resolve("movements.txt"), "cubism\nfauvism\n");
        Cli run = interrogateWith(lists, Tiny.PICTURE).succeeded();
        assertThat(run.err()).contains("_movements.safetensors: of other labels");
        assertThat(interrogateWith(lists, Tiny.PICTURE).err()).isEmpty();
    }

    @Test
    void tablesThatLieAreRefused() throws IOException {
        interrogate(Tiny.PICTURE).succeeded();
        Path file = table("flavors");
        byte[] whole = Files.readAllBytes(file);
        Files.write(file, java.util.Arrays.copyOf(whole, whole.length / 2));
        interrogate(Tiny.PICTURE).failed(4, file.toString());
        byte[] damaged = whole.clone();
        for (int i = damaged.length / 4; i < damaged.length - 100; i++) {
            damaged[i] = (byte) ~damaged[i];
        }
        Files.write(file, damaged);
        interrogate(Tiny.PICTURE).failed(4, file.toString(), "is not the vector");
        Files.write(file, whole);
        Map<String, HostTensor> tensors = new HashMap<>();
        try (Arena arena = Arena.ofConfined();
                SafeTensors in = SafeTensors.open(file)) {
            tensors.put("hash", in.raw("hash", arena));
            tensors.put("embeds", HostTensor.allocate(arena, DType.F16, Shape.of(285, 23)));
            SafeTensorsWriter.write(file, tensors, Map.of());
            interrogate(Tiny.PICTURE).failed(4, file.toString(), "[285, 23]", "[285, 24]");
            tensors.put("embeds", in.read("embeds", arena));
            SafeTensorsWriter.write(file, tensors, Map.of());
            interrogate(Tiny.PICTURE).failed(4, file.toString(), "F32", "F16");
            tensors.remove("hash");
            SafeTensorsWriter.write(file, tensors, Map.of());
            interrogate(Tiny.PICTURE).failed(4, file.toString(), "no tensor \"hash\"");
        }
    }

    @Test
    void picturesAndTextsBecomeVectors() throws IOException {
        Path texts = Files.writeString(folder.resolve("texts.txt"), "a flood\na fire\n");
        Cli run = Cli.run(
                        "embed",
                        "-m",
                        Tiny.CLIP,
                        "--texts",
                        texts.toString(),
                        "--text",
                        "water",
                        "--jsonl",
                        Tiny.PICTURE)
                .succeeded();
        assertThat(run.lines()).hasSize(5);
        for (String line : run.lines().subList(1, 5)) {
            double square = Cli.json(line)
                    .path("vector")
                    .valueStream()
                    .mapToDouble(v -> v.doubleValue() * v.doubleValue())
                    .sum();
            assertThat(square).isBetween(0.9999, 1.0001);
        }
        Path file = folder.resolve("vectors.safetensors");
        Cli.run("embed", "-m", Tiny.OPEN_CLIP, "--text", "water", "--safetensors", file.toString(), Tiny.PICTURE)
                .succeeded();
        try (SafeTensors in = SafeTensors.open(file)) {
            assertThat(in.shape("embeds")).isEqualTo(Shape.of(2, 24));
            assertThat(in.metadata().get("ids")).isEqualTo("[\"water\",\"" + Tiny.PICTURE + "\"]");
        }
        Cli.run("embed", "-m", Tiny.CLIP).failed(2, "at least one");
        Cli.run("embed", "-m", Tiny.BLIP, "--text", "a").failed(4, "blip");
        assertThat(Cli.run("embed", "-m", Tiny.CLIP, "--text", "a").succeeded().out())
                .matches("a: (-?0\\.\\d{4} ){8}\\.\\.\\. \\(24\\)\n");
    }

    @Test
    void picturesAreClassifiedByLabelsOfTheUsers() throws IOException {
        Cli run = Cli.run("classify", "-m", Tiny.CLIP, "--labels", "flood, fire,street", "--jsonl", Tiny.PICTURE)
                .succeeded();
        JsonNode record = Cli.json(run.lines().get(1));
        assertThat(record.path("probabilities").propertyNames()).containsExactly("flood", "fire", "street");
        double sum = record.path("probabilities")
                .valueStream()
                .mapToDouble(JsonNode::doubleValue)
                .sum();
        assertThat(sum).isBetween(0.9999, 1.0001);
        Path file = Files.writeString(folder.resolve("labels.txt"), "flood\nfire\n");
        Cli.run("classify", "-m", Tiny.OPEN_CLIP, "--labels", file.toString(), "--template", "a {}", Tiny.PICTURE)
                .succeeded();
        Cli.run("classify", "-m", Tiny.CLIP, Tiny.PICTURE).failed(2, "--labels");
        Cli.run("classify", "-m", Tiny.CLIP, "--labels", "a", Tiny.PICTURE).failed(2, "two");
        Cli.run("classify", "-m", Tiny.CLIP, "--labels", "a,,b", Tiny.PICTURE).failed(2, "--labels");
        Cli.run("classify", "-m", Tiny.CLIP, "--labels", "a,b", "--template", "x", Tiny.PICTURE)
                .failed(2, "{}");
        Cli.run("classify", "-m", Cli.MOBILENET, "--labels", "a,b", Tiny.PICTURE)
                .failed(2, "not CLIP");
    }

    @Test
    void checkpointsThatDoNotFitAreRefused() throws IOException {
        Path model = Files.createDirectories(folder.resolve("clip"));
        for (String name : List.of("config.json", "preprocessor_config.json", "merges.txt", "vocab.json")) {
            Files.copy(Path.of(Tiny.CLIP, name), model.resolve(name));
        }
        // The tensors of open_clip under the configuration of Hugging Face are told apart by their names.
        Files.copy(Path.of(Tiny.OPEN_CLIP, "open_clip_model.safetensors"), model.resolve("model.safetensors"));
        Cli.run("embed", "-m", model.toString(), "--text", "a").succeeded();
        String config = Files.readString(model.resolve("config.json"));
        Files.writeString(
                model.resolve("config.json"), config.replace("\"projection_dim\": 24", "\"projection_dim\": 25"));
        assertThat(Cli.run("embed", "-m", model.toString(), "--text", "a"))
                .matches(r -> r.code() == 4
                        && r.err().contains("text_projection")
                        && r.out().isEmpty());
        Files.writeString(model.resolve("config.json"), config.replace("814", "815"));
        Cli.run("embed", "-m", model.toString(), "--text", "a").failed(4, "300 merges", "815");
        Files.writeString(model.resolve("config.json"), config);
        Files.writeString(model.resolve("merges.txt"), "#version\nnot there\n".repeat(200));
        Cli.run("embed", "-m", model.toString(), "--text", "a").failed(4, "merges.txt");
        Files.delete(model.resolve("merges.txt"));
        Cli.run("embed", "-m", model.toString(), "--text", "a").failed(4, "no tokenizer");
    }
}
