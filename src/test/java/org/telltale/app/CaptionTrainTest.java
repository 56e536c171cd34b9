package org.telltale.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.api.AttendedCaption;
import org.telltale.api.AttentionCaptioner;
import org.telltale.api.ModelOptions;
import org.telltale.app.train.SmallRun;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A captioner that learns two captions from drawn pictures, over features of a very small MobileNetV2. */
class CaptionTrainTest {
    @TempDir
    Path folder;

    private Path pictures;

    @BeforeEach
    void draw() throws IOException {
        pictures = SmallRun.pictures(folder.resolve("Images"), 10);
        StringBuilder table = new StringBuilder("image,caption,split\n");
        for (int i = 0; i < 10; i++) {
            String split = i < 8 ? "train" : "dev";
            table.append("disc/" + i + ".png,A red disc .," + split + "\n");
            table.append("disc/" + i + ".png,a red disc," + split + "\n");
            table.append("square/" + i + ".png,\"a blue, blue square\"," + split + "\n");
        }
        Files.writeString(folder.resolve("captions.txt"), table.toString());
    }

    private String[] arguments(String out, String... more) {
        List<String> all = new ArrayList<>(List.of(
                "train",
                "--recipe",
                "attention-gru",
                "--features",
                Cli.MOBILENET,
                "--data",
                folder.toString(),
                "--out",
                folder.resolve(out).toString(),
                "--size",
                "8",
                "--batch",
                "5",
                "--embedding",
                "12",
                "--units",
                "16",
                "--rate",
                "1e-2",
                "--save-every",
                "1",
                "--threads",
                "2"));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    private byte[] weights(String run) throws IOException {
        return Files.readAllBytes(folder.resolve(run).resolve("model/model.safetensors"));
    }

    private List<JsonNode> metrics(String out) throws IOException {
        return Files.readAllLines(folder.resolve(out).resolve("metrics.jsonl")).stream()
                .map(l -> JsonMapper.shared().readTree(l))
                .toList();
    }

    @Test
    void aCaptionerLearnsToTellPicturesApartAndShowsWhereItLooks() throws IOException {
        Path kept = folder.resolve("features.safetensors");
        Cli trained = Cli.run(arguments("run", "--epochs", "30", "--cache-features", kept.toString()))
                .succeeded();
        assertThat(trained.err()).contains("features of 20 pictures", "Captioner with a vocabulary of ");
        List<JsonNode> epochs = metrics("run");
        assertThat(epochs.getLast().path("dev").path("loss").doubleValue())
                .isLessThan(0.5)
                .isLessThan(epochs.getFirst().path("dev").path("loss").doubleValue() / 3);
        // Words are counted: "a red disc" is 4 with the end mark, the others are 5.
        assertThat(epochs.getFirst().path("train").path("samples").intValue()).isEqualTo(8 * (5 + 4 + 5));
        Path model = folder.resolve("run/model");
        Path maps = folder.resolve("maps");
        Cli told = Cli.run(
                        "caption",
                        "--model",
                        model.toString(),
                        "--attention",
                        maps.toString(),
                        pictures.resolve("disc/9.png").toString(),
                        pictures.resolve("square/9.png").toString())
                .succeeded();
        assertThat(told.lines().get(0)).contains("a red disc").doesNotContain("<end>", "<start>");
        assertThat(told.lines().get(1)).endsWith("a blue, blue square");
        try (var figures = Files.list(maps)) {
            List<Path> files = figures.sorted().toList();
            assertThat(files).hasSize(2);
            assertThat(Files.readString(files.getLast())).contains(">blue,</text>", ">square</text>", "data:image/png");
        }
        String[] sampling = {"caption", "--model", model.toString(), "--sample", "--seed", "5", pictures.toString()};
        assertThat(Cli.run(sampling).succeeded().out())
                .isEqualTo(Cli.run(sampling).succeeded().out());
        Cli again = Cli.run(arguments("again", "--epochs", "1", "--cache-features", kept.toString()))
                .succeeded();
        assertThat(again.err()).contains("features of 20 pictures from " + kept);
    }

    @Test
    void attentionOfEveryWordIsAWhole() throws IOException {
        Cli.run(arguments("run", "--epochs", "1")).succeeded();
        try (AttentionCaptioner captioner =
                AttentionCaptioner.open(folder.resolve("run/model").toString(), ModelOptions.DEFAULT)) {
            AttendedCaption c = captioner.caption(pictures.resolve("disc/0.png"));
            assertThat(c.words()).isNotEmpty();
            for (AttendedCaption.Word w : c.words()) {
                assertThat(w.attention()).hasSize(c.rows() * c.columns());
                assertThat(w.attention().stream()
                                .mapToDouble(Float::doubleValue)
                                .sum())
                        .isBetween(0.99999, 1.00001);
            }
        }
    }

    /** Features of 20 pictures in batches of 8. */
    private static final int FEATURE_BATCHES = 3;

    /** 24 training captions, and 6 of dev, in batches of 5. */
    private static final int STEPS = 5;

    private static final int MEASURED = 2;

    /** Runs three epochs whole, and once more with a stop after so many questions whether to; the second half's messages. */
    private String stopped(int questions) throws IOException {
        Cli.run(arguments("whole", "--epochs", "3")).succeeded();
        AtomicInteger asked = new AtomicInteger();
        BooleanSupplier cancelled = () -> asked.incrementAndGet() > questions;
        Cli stopped = Cli.run("", cancelled, arguments("parts", "--epochs", "3"));
        assertThat(stopped.code()).isEqualTo(130);
        String rest = Cli.run(arguments("parts", "--epochs", "3")).succeeded().err();
        assertThat(weights("parts")).isEqualTo(weights("whole"));
        assertThat(Files.readString(folder.resolve("parts/metrics.jsonl")))
                .isEqualTo(Files.readString(folder.resolve("whole/metrics.jsonl")));
        return rest;
    }

    @Test
    void aRunThatWasStoppedEndsWithTheBitsOfOneThatWasNot() throws IOException {
        assertThat(stopped(FEATURE_BATCHES + STEPS + MEASURED + 1)).contains("going on after step " + (STEPS + 2));
    }

    @Test
    void anEpochWhoseMeasurementWasStoppedIsNotLearnedAgain() throws IOException {
        assertThat(stopped(FEATURE_BATCHES + STEPS + MEASURED + STEPS + 1))
                .contains("going on after step " + 2 * STEPS);
    }

    @Test
    void theLastStepOfAnEpochIsKeptWhenTheRunIsStoppedThere() throws IOException {
        assertThat(stopped(FEATURE_BATCHES + STEPS - 1)).contains("going on after step " + STEPS);
    }

    @Test
    void theBestEpochOfACaptionerIsTheOneWithTheLowestLoss() throws IOException {
        StringBuilder table = new StringBuilder("image,caption,split\n");
        for (int i = 0; i < 10; i++) {
            table.append("disc/" + i + ".png,a red disc on grey," + (i < 8 ? "train" : "dev") + "\n");
        }
        // Learned words that never follow where they stand here: the surer the captioner, the dearer they are.
        table.append("square/0.png,grey grey grey on on on,dev\n");
        Files.writeString(folder.resolve("captions.txt"), table.toString());
        Cli.run(arguments("run", "--epochs", "20", "--keep", "best")).succeeded();
        List<JsonNode> epochs = metrics("run");
        int lowest = 0;
        int rightest = 0;
        for (int i = 1; i < epochs.size(); i++) {
            lowest = dev(epochs.get(i), "loss") < dev(epochs.get(lowest), "loss") ? i : lowest;
            rightest = dev(epochs.get(i), "accuracy") > dev(epochs.get(rightest), "accuracy") ? i : rightest;
        }
        assertThat(rightest).as("the two rules differ").isNotEqualTo(lowest);
        assertThat(Files.readString(folder.resolve("run/report.html"))).contains("Kept: epoch " + (lowest + 1));
    }

    private static double dev(JsonNode epoch, String what) {
        return epoch.path("dev").path(what).doubleValue();
    }

    @Test
    void whatDoesNotGoTogetherIsRefused() throws IOException {
        Cli.run("train", "--recipe", "attention-gru", "--data", folder.toString(), "--out", "x")
                .failed(2, "--recipe attention-gru needs --features");
        Cli.run("train", "--model", Cli.BERT, "--data", "x", "--out", "y", "--units", "3")
                .failed(2, "--units goes with --recipe attention-gru");
        Cli.run("train", "--data", "x", "--out", "y").failed(2, "Missing required option: '--model=ID|FOLDER'");
        Cli.run("caption", "--model", Cli.BLIP, "--attention", "maps", Cli.PICTURE)
                .failed(2, "--attention is for attention and GRU captioners");
        Files.writeString(
                folder.resolve("captions.txt"), "image,caption,split\na.png,one,train\nb.png,x,dev\na.png,two,dev\n");
        Cli.run(arguments("split"))
                .failed(4, "captions.txt:4", "a caption of \"a.png\" in dev, but another is in train");
    }
}
