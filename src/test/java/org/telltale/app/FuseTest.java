package org.telltale.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** {@code telltale fuse}: files of scores, joined and weighed. */
class FuseTest {
    private static final String HEADER = "{\"telltale\":\"scores\"}\n";

    @TempDir
    private Path folder;

    private String image;
    private String text;

    @BeforeEach
    void files() throws IOException {
        image = write("image.jsonl", HEADER + record("x/data/a.jpg", 0.9, 0.1) + record("x/data/b.jpg", 0.75, 0.25));
        text = write("text.jsonl", HEADER + record("x/data/b.jpg", 0.25, 0.75) + record("x/data/a.jpg", 0.5, 0.5));
    }

    private String write(String name, String content) throws IOException {
        return Files.writeString(folder.resolve(name), content).toString();
    }

    private static String record(String id, double fire, double flood) {
        return String.format(
                Locale.ROOT,
                "{\"id\":\"%s\",\"source\":\"image\",\"probabilities\":{\"fire\":%s,\"flood\":%s},\"top\":\"%s\"}%n",
                id,
                fire,
                flood,
                fire >= flood ? "fire" : "flood");
    }

    @Test
    void scoresAreJoinedById() {
        List<String> lines = Cli.run("fuse", image, text, "--weight", "0.25", "--jsonl")
                .succeeded()
                .lines();
        assertThat(lines).hasSize(3);
        JsonNode a = Cli.json(lines.get(1));
        assertThat(a.path("id").stringValue()).isEqualTo("x/data/a.jpg");
        assertThat(a.path("source").stringValue()).isEqualTo("fused");
        assertThat(a.path("probabilities").path("fire").doubleValue()).isCloseTo(0.8, within(1e-12));
    }

    @Test
    void fusedScoresCanBeFusedAgain() {
        String out = folder.resolve("fused.jsonl").toString();
        Cli.run("fuse", image, text, "--weight", "0.5", "-o", out).succeeded();
        Cli.run("fuse", out, text, "--weight", "0").succeeded();
    }

    @Test
    void aGridGivesTheAccuracyOfEveryWeight() throws IOException {
        String truth = write(
                "truth.tsv",
                "event_name\timage_id\timage_path\tclass_label\n"
                        + "e\t1\t/export/data/a.jpg\tfire\ne\t2\tdata/b.jpg\tflood\n");
        List<String> lines = Cli.run("fuse", image, text, "--grid", "--truth", truth)
                .succeeded()
                .lines();
        assertThat(lines).hasSize(12);
        assertThat(lines.get(1)).isEqualTo("0.0\t0.5000\t1\t2\timage only");
        assertThat(lines.get(7)).isEqualTo("0.6\t1.0000\t2\t2");
        assertThat(lines.get(11)).isEqualTo("1.0\t1.0000\t2\t2\ttext only");
    }

    @Test
    void theAccuracyOfOneWeightIsToldBesideTheScores() throws IOException {
        String truth = write("truth.csv", "label,id\nfire,x/data/a.jpg\n\"flood\",x/data/b.jpg\n");
        Cli run = Cli.run("fuse", image, text, "--weight", "0.4", "--truth", truth)
                .succeeded();
        assertThat(run.err()).isEqualTo("telltale: w = 0.4: accuracy 50.00 % (1 of 2)\n");
        assertThat(run.lines()).containsExactly("x/data/a.jpg: fire 0.74", "x/data/b.jpg: fire 0.55");
    }

    @Test
    void anIdOnOneSideIsAnErrorUnlessOnlyTheCommonAreWanted() throws IOException {
        String more = write("more.jsonl", Files.readString(Path.of(text)) + record("c.jpg", 1, 0));
        Cli.run("fuse", image, more, "--weight", "0.5").failed(4, "without image scores: 1 (c.jpg)");
        Cli run = Cli.run("fuse", image, more, "--weight", "0.5", "--common").succeeded();
        assertThat(run.lines()).hasSize(2);
        assertThat(run.err()).contains("fused 2 ids of 2 with image scores and 3 with text scores");
    }

    @Test
    void brokenFilesAreNamedWithTheirLine() throws IOException {
        String good = Files.readString(Path.of(image));
        for (String bad : List.of(
                "{\"id\":\"c\"}\n",
                "not json\n",
                "\n",
                record("c", 0.5, 0.5).replace("0.5", "NaN"),
                record("c", 0.5, 0.5).replace("0.5", "-0.5"),
                record("c", 0.5, 0.5).replace("\"top\"", "\"Top\""),
                record("c", 0.5, 0.5).replace("\"fire\"}", "\"flood\"}"),
                record("c", 0.5, 0.5).replace("\"id\"", "\"id\":\"d\",\"id\""),
                record("c", 0.5, 0.5).strip() + "{}\n",
                record("c", 0.5, 0.5).replace("fire", "smoke"),
                record("x/data/a.jpg", 1, 0),
                record("c", 1, 0).substring(0, 30),
                "{\"id\":\"" + "c".repeat(2_000_000) + "\"}\n")) {
            String file = write("bad.jsonl", good + bad);
            Cli.run("fuse", file, text, "--weight", "0.5").failed(4, file + ":4: ");
        }
    }

    @Test
    void otherFilesAreNotTakenForScores() throws IOException {
        for (String content : List.of("", "\n", record("a", 1, 0), "{\"telltale\":\"captions\"}\n", "[]\n", "\u0000")) {
            String file = write("other.jsonl", content);
            Cli.run("fuse", image, file, "--weight", "0.5").failed(4, file + ":");
        }
        Cli.run("fuse", image, folder.resolve("none.jsonl").toString(), "--weight", "0.5")
                .failed(3, "none.jsonl: no such file");
        Cli.run("fuse", image, folder.toString(), "--weight", "0.5").failed(4, folder.toString());
    }

    @Test
    void labelsThatDifferAreRefused() throws IOException {
        String other = write("other.jsonl", Files.readString(Path.of(text)).replace("flood", "storm"));
        Cli.run("fuse", image, other, "--weight", "0.5").failed(4, "the labels differ", "storm");
    }

    @Test
    void truthMustFitTheScores() throws IOException {
        String strange = write("truth.csv", "id,label\nx/data/a.jpg,tsunami\n");
        Cli.run("fuse", image, text, "--grid", "--truth", strange).failed(4, strange + ":2:", "tsunami");
        String columns = write("columns.csv", "a,b\n1,2\n");
        Cli.run("fuse", image, text, "--grid", "--truth", columns).failed(4, columns + ":1:", "id");
        String quote = write("quote.csv", "id,label\n\"x,fire\n");
        Cli.run("fuse", image, text, "--grid", "--truth", quote).failed(4, quote);
        String unknown = write("unknown.csv", "id,label\nz,fire\n");
        Cli.run("fuse", image, text, "--grid", "--truth", unknown).failed(4, unknown, "the true label of no id");
    }

    @Test
    void argumentsThatDoNotGoTogetherAreRefused() {
        Cli.run("fuse", image, text).failed(2, "--weight or --grid");
        Cli.run("fuse", image, text, "--grid").failed(2, "--truth");
        Cli.run("fuse", image, text, "--weight", "-0.1").failed(2, "-0.1");
        Cli.run("fuse", image, text, "--weight", "1.1").failed(2, "1.1");
        Cli.run("fuse", image, text, "--weight", "NaN").failed(2, "NaN");
        Cli.run("fuse", image).failed(2, "TEXT_SCORES");
    }
}
