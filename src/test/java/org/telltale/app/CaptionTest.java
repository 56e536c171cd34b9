package org.telltale.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** {@code telltale caption} with a tiny model, from arguments to files. */
class CaptionTest {
    private static final int COUNT = 8;

    @TempDir
    private Path folder;

    @Test
    void aFolderIsCaptionedInTheOrderOfItsNames() throws IOException {
        Cli run = Cli.run("caption", "--model", Cli.BLIP, Cli.PICTURES).succeeded();
        List<String> names;
        try (Stream<Path> list = Files.list(Path.of(Cli.PICTURES))) {
            names = list.map(Path::toString).sorted().toList();
        }
        assertThat(run.lines()).hasSize(COUNT);
        for (int i = 0; i < COUNT; i++) {
            assertThat(run.lines().get(i)).startsWith(names.get(i) + ": ").doesNotContain("a picture of");
        }
        assertThat(run.err()).isEmpty();
    }

    @Test
    void recordsFollowAHeaderThatSaysWhatMadeThem() {
        Cli run = Cli.run("caption", "-m", Cli.BLIP, "--beams", "3", "--jsonl", Cli.PICTURE)
                .succeeded();
        JsonNode header = Cli.json(run.lines().getFirst());
        assertThat(header.path("telltale").stringValue()).isEqualTo("captions");
        assertThat(header.path("configuration").path("beams").intValue()).isEqualTo(3);
        assertThat(header.path("configuration").path("rule").stringValue()).isEqualTo("legacy");
        assertThat(header.path("sha256").path("model.safetensors").stringValue())
                .matches("[0-9a-f]{64}");
        assertThat(header.path("precision").stringValue()).isEqualTo("f32");
        JsonNode record = Cli.json(run.lines().get(1));
        assertThat(record.path("id").stringValue()).isEqualTo(Cli.PICTURE);
        assertThat(record.path("text").stringValue()).isNotEmpty();
        assertThat(record.path("logProb").doubleValue()).isNegative();
        assertThat(run.lines()).hasSize(2);
    }

    @Test
    void jsonIsOneObject() {
        Cli run = Cli.run("caption", "-m", Cli.BLIP, "--json", Cli.PICTURE, Cli.OTHER)
                .succeeded();
        JsonNode all = Cli.json(run.out());
        assertThat(all.path("header").path("command").stringValue()).isEqualTo("caption");
        assertThat(all.path("records").valueStream().map(r -> r.path("id").stringValue()))
                .containsExactly(Cli.PICTURE, Cli.OTHER);
    }

    @Test
    void samplingDependsOnTheSeedAlone() {
        String[] args = {"caption", "-m", Cli.BLIP, "--sample", "--seed", "7", Cli.PICTURES};
        assertThat(Cli.run(args).succeeded().out()).isEqualTo(Cli.run(args).out());
        args[5] = "8";
        assertThat(Cli.run(args).out())
                .isNotEqualTo(Cli.run("caption", "-m", Cli.BLIP, "--sample", Cli.PICTURES)
                        .out());
    }

    @Test
    void resultsAreTheSameForAnyNumberOfThreads() {
        String one = Cli.run("caption", "-m", Cli.BLIP, "--threads", "1", "--beams", "3", Cli.PICTURES)
                .succeeded()
                .out();
        assertThat(Cli.run("caption", "-m", Cli.BLIP, "--threads", "3", "--beams", "3", Cli.PICTURES)
                        .out())
                .isEqualTo(one);
    }

    @Test
    void pathsComeFromStandardInputAndMayHoldBlanks() throws IOException {
        Path picture = Files.createDirectory(folder.resolve("with blank")).resolve("a b.png");
        Files.copy(Path.of(Cli.PICTURE), picture);
        Cli run = Cli.run(picture + "\r\n\n" + Cli.OTHER, () -> false, "caption", "-m", Cli.BLIP, "-")
                .succeeded();
        assertThat(run.lines()).hasSize(2);
        assertThat(run.lines().getFirst()).startsWith(picture + ": ");
    }

    @Test
    void aPictureGivenTwiceIsCaptionedOnce() {
        assertThat(Cli.run("caption", "-m", Cli.BLIP, Cli.PICTURE, Cli.PICTURE).lines())
                .hasSize(1);
    }

    @Test
    void aFileOfRecordsEqualsWhatIsPrinted() throws IOException {
        Path out = folder.resolve("captions.jsonl");
        Cli run = Cli.run("caption", "-m", Cli.BLIP, "-o", out.toString(), Cli.PICTURES)
                .succeeded();
        assertThat(run.out()).isEmpty();
        assertThat(Files.readString(out))
                .isEqualTo(Cli.run("caption", "-m", Cli.BLIP, "--jsonl", Cli.PICTURES)
                        .out());
        assertThat(folder.resolve("captions.jsonl.part")).doesNotExist();
    }

    @Test
    void aKilledRunIsContinuedWithNothingLostAndNothingDoneTwice() throws IOException {
        Path out = folder.resolve("captions.jsonl");
        Path part = folder.resolve("captions.jsonl.part");
        String[] args = {"caption", "-m", Cli.BLIP, "-o", out.toString(), Cli.PICTURES};
        Cli.run(args).succeeded();
        String complete = Files.readString(out);
        Files.delete(out);
        List<String> lines = complete.lines().toList();
        String torn =
                String.join("\n", lines.subList(0, 4)) + "\n" + lines.get(4).substring(0, 20);
        Files.writeString(part, torn);
        Cli run = Cli.run(args).succeeded();
        assertThat(run.err()).contains("resumed: 3 of 8 are done");
        assertThat(Files.readString(out)).isEqualTo(complete);
        assertThat(part).doesNotExist();
    }

    @Test
    void aRunOfOtherOptionsIsNotContinued() throws IOException {
        Path out = folder.resolve("captions.jsonl");
        Path part = folder.resolve("captions.jsonl.part");
        String header = Cli.run("caption", "-m", Cli.BLIP, "--jsonl", Cli.PICTURE)
                .lines()
                .getFirst();
        Files.writeString(part, header + "\n");
        String[] args = {"caption", "-m", Cli.BLIP, "--min-length", "6", "-o", out.toString(), Cli.PICTURE};
        Cli.run(args).failed(4, part.toString(), "configuration.minLength is 5 there, 6 now", "--restart");
        assertThat(Files.readString(part)).isEqualTo(header + "\n");
        String[] restart =
                Stream.concat(Stream.of(args), Stream.of("--restart")).toArray(String[]::new);
        Cli.run(restart).succeeded();
        assertThat(Files.readAllLines(out)).hasSize(2);
    }

    @Test
    void anInterruptedRunLeavesOnlyItsPart() throws IOException {
        Path out = folder.resolve("captions.jsonl");
        int[] asked = {0};
        Cli.run("", () -> ++asked[0] > 40, "caption", "-m", Cli.BLIP, "-o", out.toString(), Cli.PICTURES)
                .failed(130, "interrupted");
        assertThat(out).doesNotExist();
        List<String> part = Files.readAllLines(folder.resolve("captions.jsonl.part"));
        assertThat(part).hasSizeBetween(2, COUNT);
        part.forEach(Cli::json);
    }

    @Test
    void oneBadPictureOfThreeIsReportedAndLeftOut() throws IOException {
        Path bad = Files.writeString(folder.resolve("bad.jpg"), "no picture");
        Cli run = Cli.run("caption", "-m", Cli.BLIP, Cli.PICTURE, bad.toString(), Cli.OTHER);
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.lines()).hasSize(2);
        assertThat(run.err().lines()).hasSize(1);
        assertThat(run.err()).startsWith("telltale: " + bad + ": not a picture");
    }

    @Test
    void timingsAddUpToTheTotalAndLeaveTheDataAlone() {
        String[] args = {"caption", "-m", Cli.BLIP, "--jsonl", "--beams", "3", Cli.PICTURES};
        String[] timed = Stream.concat(Stream.of(args), Stream.of("--timings")).toArray(String[]::new);
        Cli run = Cli.run(timed).succeeded();
        assertThat(run.out()).isEqualTo(Cli.run(args).succeeded().out());
        Map<String, double[]> rows = Cli.timings(run.err());
        assertThat(rows.keySet())
                .containsExactly(
                        "JVM start to main",
                        "reading the command line",
                        "model: files, configuration, checks",
                        "model: compiling, packing weights",
                        "pictures: waiting for the reader",
                        "preparing inputs",
                        "vision",
                        "decoding: prompt",
                        "decoding: steps",
                        "decoding: choosing tokens",
                        "writing results",
                        "waiting for SHA-256",
                        "other",
                        "total since the JVM started",
                        "on other threads: reading and decoding pictures",
                        "on other threads: SHA-256 of the model's files");
        double sum = rows.entrySet().stream()
                .filter(r -> !r.getKey().startsWith("total") && !r.getKey().startsWith("on other"))
                .mapToDouble(r -> r.getValue()[1])
                .sum();
        assertThat(sum).isCloseTo(rows.get("total since the JVM started")[1], within(1.0));
        for (String each : List.of("vision", "decoding: prompt", "preparing inputs")) {
            assertThat(rows.get(each)[0]).as(each).isEqualTo(COUNT);
            assertThat(rows.get(each)[1]).as(each).isPositive();
        }
        assertThat(rows.get("writing results")[0]).isEqualTo(COUNT + 1);
        int steps = (int) rows.get("decoding: steps")[0];
        assertThat(run.err())
                .contains("decoding: " + (steps + COUNT) + " tokens, ")
                .containsPattern("peak resident memory: (\\d+\\.\\d\\d GiB|not )");
    }
}
