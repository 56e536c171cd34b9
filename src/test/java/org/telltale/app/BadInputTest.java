package org.telltale.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.app.data.StandardOutput;
import org.telltale.app.pipeline.Terminal;

/** What is wrong is said in one line, with the exit code that is documented for it. */
class BadInputTest {
    @TempDir
    private Path folder;

    @Test
    void wrongArgumentsHaveCode2() {
        Cli.run().failed(2, "a command is missing");
        Cli.run("dance").failed(2, "dance");
        Cli.run("caption", Cli.PICTURE).failed(2, "--model");
        Cli.run("caption", "-m", Cli.BLIP).failed(2, "PICTURE");
        Cli.run("caption", "-m", Cli.BLIP, "--bems", "3", Cli.PICTURE).failed(2, "--bems");
        Cli.run("caption", "-m", Cli.BLIP, "--beams", "many", Cli.PICTURE).failed(2, "many");
        for (String[] options : new String[][] {
            {"--beams", "0"},
            {"--beams", "2000"},
            {"--threads", "0"},
            {"--device", "tpu"},
            {"--precision", "f64"},
            {"--max-length", "0"},
            {"--max-length", "4"},
            {"--max-length", "41"},
            {"--max-length", "9", "--max-new-tokens", "9"},
            {"--min-length", "-1"},
            {"--paper", "--beams", "3"},
            {"--sample", "--beams", "3"},
            {"--seed", "3"},
            {"--sample", "--top-p", "2"},
            {"--rule", "modern"},
            {"--length-penalty", "2", "--beams", "1"},
            {"--vision-eps", "-1"},
            {"--exif", "perhaps"},
            {"--json", "--jsonl"},
            {"--restart"}
        }) {
            Cli.run(Stream.concat(Stream.of("caption", "-m", Cli.BLIP, Cli.PICTURE), Stream.of(options))
                            .toArray(String[]::new))
                    .failed(2);
        }
        Cli.run("classify", "-m", Cli.BERT, Cli.PICTURE).failed(2, "--text");
        Cli.run("classify", "-m", Cli.MOBILENET, "--text", "a").failed(2, "pictures");
        Cli.run("classify", "-m", Cli.MOBILENET).failed(2, "one of them");
        Cli.run("classify", "-m", Cli.MOBILENET, "--top", "0", Cli.PICTURE).failed(2, "--top");
    }

    @Test
    void whatIsNotThereHasCode3() throws IOException {
        Cli.run("caption", "-m", "none/such", Cli.PICTURE).failed(3, "none/such", "cache");
        Cli.run("caption", "-m", Cli.PICTURE, Cli.PICTURE).failed(3, Cli.PICTURE);
        Cli.run("caption", "-m", Cli.BLIP, "none.jpg").failed(3, "none.jpg");
        Cli.run("caption", "-m", Cli.BLIP, "-").failed(3, "standard input");
        Path empty = Files.createDirectory(folder.resolve("empty"));
        Cli.run("caption", "-m", Cli.BLIP, empty.toString()).failed(3, empty.toString());
        Cli.run("convert", "none.h5", folder.resolve("out").toString()).failed(3, "none.h5");
        Cli.run("classify", "-m", Cli.BERT, "--captions", "none.jsonl").failed(3, "none.jsonl");
        Cli.run("info", "-m", "none").failed(3, "none");
    }

    @Test
    void badFilesHaveCode4() throws IOException {
        Path text = Files.writeString(folder.resolve("bad.jpg"), "no picture");
        Cli.run("caption", "-m", Cli.BLIP, text.toString()).failed(4, text + ": not a picture");
        Cli.run("classify", "-m", Cli.MOBILENET, "--jsonl", text.toString());
        byte[] png = Files.readAllBytes(Path.of(Cli.PICTURE));
        Path cut = Files.write(folder.resolve("cut.png"), java.util.Arrays.copyOf(png, png.length / 2));
        Cli.run("caption", "-m", Cli.BLIP, cut.toString()).failed(4, cut.toString());
        Cli.run("caption", "-m", folder.toString(), Cli.PICTURE).failed(4, "config.json");
        Cli.run("caption", "-m", Cli.BERT, Cli.PICTURE).failed(4, Cli.BERT);
        Cli.run("classify", "-m", Cli.BLIP, Cli.PICTURE).failed(4, Cli.BLIP);
        Cli.run("convert", text.toString(), folder.resolve("out").toString()).failed(4, text.toString());
    }

    @Test
    void aDamagedModelIsNamed() throws IOException {
        Path model = Files.createDirectory(folder.resolve("model"));
        try (Stream<Path> files = Files.list(Path.of(Cli.MOBILENET))) {
            for (Path f : files.toList()) {
                Files.copy(f, model.resolve(f.getFileName()));
            }
        }
        Path weights = model.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        Files.write(weights, java.util.Arrays.copyOf(bytes, bytes.length - 100));
        Cli.run("classify", "-m", model.toString(), Cli.PICTURE).failed(4, weights.toString());
        Files.delete(weights);
        Cli.run("classify", "-m", model.toString(), Cli.PICTURE).failed(4, model.toString());
        Files.copy(Path.of(Cli.BERT, "model.safetensors"), weights);
        Cli other = Cli.run("classify", "-m", model.toString(), Cli.PICTURE);
        assertThat(other.code()).isEqualTo(4);
        assertThat(other.out()).isEmpty();
        assertThat(other.err()).startsWith("telltale: " + model + ": 316 tensors do not fit the model\n");
        assertThat(other.err().lines()).hasSize(317);
        Files.writeString(model.resolve("config.json"), "{");
        Cli.run("classify", "-m", model.toString(), Cli.PICTURE).failed(4, "config.json");
    }

    @Test
    void aDeviceThatIsNotThereHasCode5() {
        Cli.run("caption", "-m", Cli.BLIP, "--device", "gpu:99", Cli.PICTURE)
                .failed(5, "device 'gpu:99' cannot be used: gpu: ");
    }

    @Test
    void outputThatCannotBeWrittenIsSaidBeforeAnyWork() throws IOException {
        String missing = folder.resolve("none").resolve("out.jsonl").toString();
        Cli.run("caption", "-m", Cli.BLIP, "-o", missing, Cli.PICTURE).failed(4, missing);
        Cli.run("caption", "-m", Cli.BLIP, "-o", folder.toString(), Cli.PICTURE).failed(4, folder.toString());
    }

    @Test
    void aFullDiskIsSaid() {
        Assumptions.assumeTrue(Files.exists(Path.of("/dev/full")), "no /dev/full");
        Cli.run("caption", "-m", Cli.BLIP, "-o", "/dev/full", Cli.PICTURE).failed(4, "/dev/full: cannot be written");
    }

    @Test
    void aSinglePictureThatFailsLeavesNoFile() throws IOException {
        Path out = folder.resolve("out.jsonl");
        Cli.run("caption", "-m", Cli.BLIP, "-o", out.toString(), "none.jpg").failed(3, "none.jpg");
        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left).isEmpty();
        }
    }

    @Test
    void aReaderThatWentAwayEndsTheWorkInSilence() {
        assertThat(runWith("Broken pipe")).isEqualTo("0 ");
    }

    @Test
    void standardOutputThatCannotBeWrittenIsSaid() {
        assertThat(runWith("No space left on device"))
                .isEqualTo("4 telltale: standard output: cannot be written: No space left on device\n");
    }

    private static String runWith(String failure) {
        OutputStream broken = new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException(failure);
            }
        };
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int code = Main.run(
                new Terminal(
                        new ByteArrayInputStream(new byte[0]),
                        new StandardOutput(broken),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        false,
                        () -> false),
                "info");
        return code + " " + err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void debugShowsWhereAnErrorComesFrom() {
        Cli run = Cli.run("caption", "--debug", "-m", "none/such", Cli.PICTURE);
        assertThat(run.code()).isEqualTo(3);
        assertThat(run.err()).contains("ModelNotFoundException", "\tat ");
    }

    @Test
    void helpAndVersionAreData() {
        for (String command : new String[] {"caption", "classify", "fuse", "convert", "pull", "info"}) {
            Cli run = Cli.run(command, "--help").succeeded();
            assertThat(run.out()).contains("Exit codes:", "Example", "telltale " + command);
            assertThat(run.err()).isEmpty();
        }
        assertThat(Cli.run("help").succeeded().out()).contains("caption", "fuse");
        assertThat(Cli.run("--version").succeeded().out()).startsWith("telltale ");
    }

    @Test
    void aCheckpointThatDoesNotFitNamesEveryTensor() throws IOException {
        Path model = Files.createDirectory(folder.resolve("misfit"));
        for (String file : new String[] {"model.safetensors", "vocab.txt", "config.json"}) {
            Files.copy(Path.of(Cli.BERT).resolve(file), model.resolve(file));
        }
        String config = Files.readString(model.resolve("config.json"));
        Files.writeString(
                model.resolve("config.json"),
                config.replace("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 4")
                        .replace("\"type_vocab_size\": 2", "\"type_vocab_size\": 3"));
        Cli run = Cli.run("classify", "-m", model.toString(), "--text", "hello");
        assertThat(run.code()).isEqualTo(4);
        assertThat(run.out()).isEmpty();
        assertThat(run.err())
                .contains("17 tensors do not fit the model")
                .contains("missing: bert.encoder.layer.3.output.dense.weight [32, 72]")
                .contains("wrong shape: bert.embeddings.token_type_embeddings.weight is [2, 32], not [3, 32]")
                .doesNotContain("\tat ");
        assertThat(run.err().lines()).hasSize(18);
    }

    private String changed(String model, String file, String from, String to) throws IOException {
        Path copy = Files.createTempDirectory(folder, "model");
        try (Stream<Path> files = Files.list(Path.of(model))) {
            for (Path f : files.toList()) {
                Files.copy(f, copy.resolve(f.getFileName()));
            }
        }
        String before = Files.readString(copy.resolve(file));
        String after = before.replaceFirst(from, to);
        assertThat(after).isNotEqualTo(before);
        Files.writeString(copy.resolve(file), after);
        return copy.toString();
    }

    @Test
    void aConfigurationOutOfBoundsIsRefusedBeforeAnythingIsAllocated() throws IOException {
        String efficientNet = Cli.MOBILENET.replace("mobilenetv2", "efficientnet");
        String[][] cases = {
            {Cli.BLIP, "\"image_size\": 32", "\"image_size\": 65537", "image_size"},
            {Cli.BLIP, "\"bos_token_id\": 269", "\"bos_token_id\": 300", "bos_token_id"},
            {Cli.BLIP, "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 9999999", "num_hidden_layers"},
            {efficientNet, "\"depth_coefficient\": 0.5", "\"depth_coefficient\": 1e9", "depth_coefficient"},
            {efficientNet, "\"depth_coefficient\": 0.5", "\"depth_coefficient\": 1e999", "depth_coefficient"},
            {efficientNet, "\"kernel_sizes\": \\[\\s*3,", "\"kernel_sizes\": [", "kernel_sizes"},
            {efficientNet, "\"image_size\": 60", "\"image_size\": 100000", "image_size"}
        };
        for (String[] c : cases) {
            String model = changed(c[0], "config.json", c[1], c[2]);
            Cli.run(c[0].equals(Cli.BLIP) ? "caption" : "classify", "-m", model, Cli.PICTURE)
                    .failed(4, c[3]);
        }
        Cli.run(
                        "classify",
                        "-m",
                        changed(Cli.BERT, "config.json", "\"vocab_size\": 269", "\"vocab_size\": 200"),
                        "--text",
                        "a")
                .failed(4, "vocab_size");
    }

    @Test
    void aPictureThatTheModelCannotTakeIsSkippedAndTheRestGoesOn() throws IOException {
        String model = changed(
                changed(Cli.MOBILENET, "preprocessor_config.json", "\"do_resize\": true", "\"do_resize\": false"),
                "preprocessor_config.json",
                "\"do_center_crop\": true",
                "\"do_center_crop\": false");
        Cli run = Cli.run("classify", "-m", model, "--jsonl", Cli.PICTURE, Cli.OTHER);
        assertThat(run.code()).isEqualTo(1);
        assertThat(run.err().lines()).hasSize(2).allMatch(l -> l.contains("without resizing, expected 48x48"));
    }
}
