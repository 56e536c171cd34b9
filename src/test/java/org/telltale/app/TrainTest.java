package org.telltale.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.app.train.SmallRun;
import org.telltale.engine.HostTensor;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.SafeTensorsWriter;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TrainTest {
    @TempDir
    Path folder;

    private Path pictures;

    @BeforeEach
    void draw() throws IOException {
        SmallRun.model(folder.resolve("model"));
        pictures = SmallRun.pictures(folder.resolve("a folder of pictures"), 12);
    }

    private String[] arguments(String out, String... more) {
        List<String> all = new ArrayList<>(
                List.of(SmallRun.arguments(folder.resolve("model"), pictures, folder.resolve(out), "3,3")));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    private List<JsonNode> metrics(String out) throws IOException {
        return Files.readAllLines(folder.resolve(out).resolve("metrics.jsonl")).stream()
                .map(l -> JsonMapper.shared().readTree(l))
                .toList();
    }

    @Test
    void aModelIsTrainedAndClassifies() throws IOException {
        Cli trained = Cli.run(arguments("run")).succeeded();
        assertThat(trained.err()).contains("epoch 6 (finetune): train loss", "test: loss", "report.html");
        List<JsonNode> epochs = metrics("run");
        assertThat(epochs).hasSize(6);
        assertThat(epochs.getLast().path("train").path("loss").doubleValue())
                .isLessThan(epochs.getFirst().path("train").path("loss").doubleValue());
        Path model = folder.resolve("run/model");
        assertThat(Files.readString(model.resolve("README.md"))).contains("disc, square", "\"learningRate\"");
        assertThat(Files.readString(folder.resolve("run/report.html"))).contains("<svg", "accuracy");
        JsonNode config =
                JsonMapper.shared().readTree(model.resolve("config.json").toFile());
        assertThat(config.path("id2label").path("1").stringValue("")).isEqualTo("square");
        Cli classified = Cli.run(
                        "classify",
                        "--model",
                        model.toString(),
                        pictures.resolve("disc").toString(),
                        "--jsonl")
                .succeeded();
        assertThat(classified.lines().stream().filter(l -> l.endsWith("\"top\":\"disc\"}")))
                .as(classified.out())
                .hasSize(12);
    }

    @Test
    void theSameCommandGoesOnAndAnotherIsRefused() throws IOException {
        Cli.run(arguments("run")).succeeded();
        byte[] before = Files.readAllBytes(folder.resolve("run/model/model.safetensors"));
        assertThat(Cli.run(arguments("run")).succeeded().err()).contains("going on after step");
        assertThat(Files.readAllBytes(folder.resolve("run/model/model.safetensors")))
                .isEqualTo(before);
        Cli other = Cli.run(arguments("run", "--seed", "5", "--dropout", "0.5"));
        assertThat(other.code()).isEqualTo(4);
        assertThat(other.err()).contains("recipe.head.dropout was 0.2 and is 0.5", "seed was 0 and is 5", "--restart");
        Cli.run(arguments("run", "--seed", "5", "--restart")).succeeded();
        assertThat(Files.readAllBytes(folder.resolve("run/model/model.safetensors")))
                .isNotEqualTo(before);
    }

    @Test
    void aCancelledRunGoesOnWhereItWas() throws IOException {
        Cli.run(arguments("whole")).succeeded();
        AtomicInteger asked = new AtomicInteger();
        Cli stopped = Cli.run("", () -> asked.incrementAndGet() > 7, arguments("stopped"));
        assertThat(stopped.code()).isEqualTo(130);
        assertThat(folder.resolve("stopped/model")).doesNotExist();
        Cli.run(arguments("stopped")).succeeded();
        for (String file : List.of("model/model.safetensors", "metrics.jsonl")) {
            assertThat(folder.resolve("stopped").resolve(file))
                    .hasSameBinaryContentAs(folder.resolve("whole").resolve(file));
        }
    }

    /** So that a run may go on with it where memory was short. */
    @Test
    void recomputationChangesNoFileOfARun() throws IOException {
        Cli.run(arguments("kept")).succeeded();
        AtomicInteger asked = new AtomicInteger();
        Cli stopped = Cli.run("", () -> asked.incrementAndGet() > 7, arguments("recomputed"));
        assertThat(stopped.code()).isEqualTo(130);
        Cli.run(arguments("recomputed", "--recompute")).succeeded();
        for (String file : List.of("model/model.safetensors", "metrics.jsonl", "report.html")) {
            assertThat(folder.resolve("recomputed").resolve(file))
                    .hasSameBinaryContentAs(folder.resolve("kept").resolve(file));
        }
    }

    /** On CPUs without products of bfloat16 too, where the weights are rounded and it says that nothing is faster. */
    @Test
    void aTextClassifierLearnsInBf16() throws IOException {
        StringBuilder table = new StringBuilder("id,text,label\n");
        String[] words = {"the flood water rose", "a fire burns the forest"};
        for (int i = 0; i < 48; i++) {
            table.append(i).append(',').append(words[i % 2]).append(i % 3 == 0 ? " today," : ",");
            table.append(i % 2 == 0 ? "flood" : "fire").append('\n');
        }
        Path texts = Files.writeString(folder.resolve("texts.csv"), table);
        Cli whole = Cli.run(texts(texts, "whole", "bf16")).succeeded();
        assertThat(whole.err().contains("no products of bfloat16 here"))
                .isEqualTo(!Pattern.compile("kernel a\\w+_bf16")
                        .matcher(Cli.run("info").out())
                        .find());
        List<JsonNode> epochs = metrics("whole");
        assertThat(epochs.getLast().path("train").path("loss").doubleValue())
                .isLessThan(0.7 * epochs.getFirst().path("train").path("loss").doubleValue());
        assertThat(Files.readString(folder.resolve("whole/run.json"))).contains("\"precision\" : \"BF16\"");
        AtomicInteger asked = new AtomicInteger();
        assertThat(Cli.run("", () -> asked.incrementAndGet() > 7, texts(texts, "stopped", "bf16"))
                        .code())
                .isEqualTo(130);
        Cli other = Cli.run(texts(texts, "stopped", "f32"));
        assertThat(other.code()).isEqualTo(4);
        assertThat(other.err()).contains("precision was \"BF16\" and is \"F32\"", "--restart");
        Cli.run(texts(texts, "stopped", "bf16")).succeeded();
        for (String file : List.of("model/model.safetensors", "metrics.jsonl", "checkpoint.safetensors")) {
            assertThat(folder.resolve("stopped").resolve(file))
                    .hasSameBinaryContentAs(folder.resolve("whole").resolve(file));
        }
        Cli.run(texts(texts, "exact", "f32")).succeeded();
        assertThat(Files.readAllBytes(folder.resolve("exact/checkpoint.safetensors")))
                .isNotEqualTo(Files.readAllBytes(folder.resolve("whole/checkpoint.safetensors")));
    }

    private String[] texts(Path data, String out, String precision) {
        return new String[] {
            "train",
            "--model",
            Cli.BERT,
            "--from-scratch",
            "--data",
            data.toString(),
            "--out",
            folder.resolve(out).toString(),
            "--precision",
            precision,
            "--size",
            "16",
            "--batch",
            "8",
            "--epochs",
            "4",
            "--rate",
            "1e-2",
            "--threads",
            "2"
        };
    }

    @Test
    void aPictureThatCannotBeReadIsNamed() throws IOException {
        Files.write(pictures.resolve("disc/0.png"), new byte[] {1, 2, 3});
        assertThat(Cli.run(arguments("run")).succeeded().err()).contains("disc/0.png");
        Cli refused = Cli.run(arguments("other", "--on-bad-image", "refuse"));
        assertThat(refused.code()).isEqualTo(4);
        assertThat(refused.err()).contains("disc/0.png");
    }

    @Test
    void aLossThatIsNoNumberStopsTheRun() {
        Cli.run(arguments("run")).succeeded();
        Path model = folder.resolve("run/model");
        try (Arena arena = Arena.ofShared();
                SafeTensors weights = SafeTensors.open(model)) {
            Map<String, HostTensor> all = new HashMap<>();
            weights.names().forEach(n -> all.put(n, weights.read(n, arena)));
            all.get("mobilenet_v2.conv_1x1.convolution.weight").set(3, Float.NaN);
            SafeTensorsWriter.write(model.resolve("model.safetensors"), all, Map.of());
        }
        Cli lost = Cli.run(
                "train",
                "--model",
                model.toString(),
                "--data",
                pictures.toString(),
                "--size",
                "32",
                "--batch",
                "4",
                "--out",
                folder.resolve("lost").toString());
        assertThat(lost.code()).isEqualTo(4);
        assertThat(lost.err())
                .contains("phase head, step 0: the loss is NaN", "The batch was [", "/", "checkpoint.safetensors");
    }

    @Test
    void whatCannotBeIsRefusedBeforeAnyWork() {
        Cli.run(arguments("run", "--recipe", "bert")).failed(2, "bert", "mobilenetv2");
        Cli.run(arguments("run", "--epochs", "1,1,1")).failed(2, "--epochs", "2 phases");
        Cli.run(arguments("run", "--trained", "(")).failed(2, "--trained");
        Cli.run("train", "--model", folder.resolve("model").toString(), "--data", "nowhere", "--out", "run")
                .failed(3, "nowhere");
        assertThat(folder.resolve("run")).doesNotExist();
    }
}
