package org.telltale.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.app.demo.SmallModels;
import org.telltale.app.train.SmallRun;
import org.telltale.engine.io.SafeTensors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** BLIP learns to tell discs from squares, and CLIP to find the caption that belongs to a picture. */
class CaptionedTrainTest {
    @TempDir
    Path folder;

    private Path pictures;
    private SmallModels.Folders models;

    @BeforeEach
    void draw() throws IOException {
        pictures = SmallRun.pictures(folder.resolve("Images"), 10);
        StringBuilder table = new StringBuilder("image,caption,split\n");
        for (int i = 0; i < 10; i++) {
            String split = i < 8 ? "train" : "dev";
            table.append("disc/" + i + ".png,A red disc .," + split + "\n");
            table.append("square/" + i + ".png,a small blue square," + split + "\n");
        }
        Files.writeString(folder.resolve("captions.txt"), table.toString());
        models = SmallModels.write(folder.resolve("models"), List.of("a red disc", "a small blue square"));
    }

    private String[] arguments(String recipe, Path model, String out, String... more) {
        List<String> all = new ArrayList<>(List.of(
                "train",
                "--recipe",
                recipe,
                "--model",
                model.toString(),
                "--from-scratch",
                "--data",
                folder.toString(),
                "--out",
                folder.resolve(out).toString(),
                "--size",
                "12",
                "--batch",
                "4",
                "--rate",
                "2e-3",
                "--save-every",
                "1",
                "--threads",
                "2"));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    private List<JsonNode> metrics(String out) throws IOException {
        return Files.readAllLines(folder.resolve(out).resolve("metrics.jsonl")).stream()
                .map(l -> JsonMapper.shared().readTree(l))
                .toList();
    }

    private static double loss(JsonNode epoch, String split) {
        return epoch.path(split).path("loss").doubleValue();
    }

    @Test
    void blipLearnsToCaption() throws IOException {
        Cli.run(arguments("blip", models.blip(), "run", "--epochs", "12")).succeeded();
        List<JsonNode> epochs = metrics("run");
        assertThat(loss(epochs.getLast(), "dev")).isLessThan(loss(epochs.getFirst(), "train") / 4);
        // Tokens that are told: the words and the end mark, but nothing of the prompt and no padding.
        assertThat(epochs.getFirst().path("train").path("samples").intValue()).isEqualTo(8 * (4 + 5));
        Cli told = Cli.run(
                        "caption",
                        "--model",
                        folder.resolve("run/model").toString(),
                        pictures.resolve("disc/9.png").toString(),
                        pictures.resolve("square/9.png").toString())
                .succeeded();
        assertThat(told.lines().get(0)).endsWith("a red disc");
        assertThat(told.lines().get(1)).endsWith("a small blue square");
    }

    @Test
    void clipLearnsToMatch() throws IOException {
        Cli.run(arguments("clip", models.clip(), "run", "--epochs", "12")).succeeded();
        List<JsonNode> epochs = metrics("run");
        assertThat(loss(epochs.getLast(), "train")).isLessThan(loss(epochs.getFirst(), "train"));
        Path labels = folder.resolve("labels.txt");
        Files.writeString(labels, "a red disc\na small blue square\n");
        Cli found = Cli.run(
                        "classify",
                        "--model",
                        folder.resolve("run/model").toString(),
                        "--labels",
                        labels.toString(),
                        pictures.resolve("disc/9.png").toString(),
                        pictures.resolve("square/9.png").toString())
                .succeeded();
        assertThat(found.lines().get(0)).contains("a red disc");
        assertThat(found.lines().get(1)).contains("a small blue square");
        try (SafeTensors weights = SafeTensors.open(folder.resolve("run/model"))) {
            assertThat(weights.names()).contains("logit_scale", "vision_model.pre_layrnorm.weight");
        }
    }

    @Test
    void aFinishedModelCanBeTrainedFurtherUnderTheSameNames() throws IOException {
        Cli.run(arguments("blip", models.blip(), "run", "--epochs", "1")).succeeded();
        List<String> further =
                new ArrayList<>(List.of(arguments("blip", folder.resolve("run/model"), "further", "--epochs", "1")));
        further.remove("--from-scratch");
        Cli.run(further.toArray(String[]::new)).succeeded();
        try (SafeTensors before = SafeTensors.open(folder.resolve("run/model"));
                SafeTensors after = SafeTensors.open(folder.resolve("further/model"))) {
            assertThat(after.names()).isEqualTo(before.names());
        }
        assertThat(loss(metrics("further").getFirst(), "train"))
                .isLessThan(loss(metrics("run").getFirst(), "train"));
    }

    @Test
    void aRunThatWasStoppedEndsWithTheBitsOfOneThatWasNot() throws IOException {
        for (String recipe : List.of("blip", "clip")) {
            Path model = recipe.equals("blip") ? models.blip() : models.clip();
            String whole = recipe + "-whole";
            String parts = recipe + "-parts";
            Cli.run(arguments(recipe, model, whole, "--epochs", "3")).succeeded();
            AtomicInteger asked = new AtomicInteger();
            Cli stopped =
                    Cli.run("", () -> asked.incrementAndGet() > 6, arguments(recipe, model, parts, "--epochs", "3"));
            assertThat(stopped.code()).isEqualTo(130);
            assertThat(Cli.run(arguments(recipe, model, parts, "--epochs", "3"))
                            .succeeded()
                            .err())
                    .contains("going on after step");
            for (String file : List.of("model/model.safetensors", "metrics.jsonl", "checkpoint.safetensors")) {
                assertThat(folder.resolve(parts).resolve(file))
                        .hasSameBinaryContentAs(folder.resolve(whole).resolve(file));
            }
        }
    }

    @Test
    void whatDoesNotGoTogetherIsRefused() {
        Cli.run(arguments("clip", models.blip(), "x")).failed(2, "--recipe is 'clip', but", "is trained by blip");
        Cli.run(arguments("clip", models.clip(), "x", "--smoothing", "0.1"))
                .failed(2, "--smoothing goes with --recipe blip");
        Cli.run("train", "--recipe", "blip", "--data", "x", "--out", "y")
                .failed(2, "Missing required option: '--model=ID|FOLDER'");
        Cli.run("train", "--recipe", "blip", "--model", Cli.BERT, "--data", "x", "--out", "y")
                .failed(4, "model_type is 'bert', expected blip or clip");
    }
}
