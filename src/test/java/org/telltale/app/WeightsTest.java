package org.telltale.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** {@code convert} and {@code info FILE} as a user meets them. */
class WeightsTest {
    private static final String FORMATS = "../weights-converter/src/test/resources/golden/formats/";

    @TempDir
    private Path folder;

    @Test
    void infoListsTheTensorsOfEveryFormatWithoutExecutingAnything() {
        Cli zip = Cli.run("info", FORMATS + "torch/zip_plain.bin").succeeded();
        assertThat(zip.lines().getFirst()).endsWith("zip_plain.bin: PyTorch (zip)");
        assertThat(zip.lines()).hasSize(7);
        assertThat(zip.lines().get(1)).matches("  flood\\.embeddings\\.weight +F32 +\\[6, 4\\] +96");
        assertThat(zip.lines().getLast()).isEqualTo("5 tensors {F32=4, I64=1}, 49 values, 200 bytes (0.2 kB)");
        assertThat(Cli.run("info", FORMATS + "torch/legacy_plain.bin")
                        .succeeded()
                        .out())
                .contains("PyTorch (before 1.6)")
                .contains("flood.embeddings.weight");
        assertThat(Cli.run("info", FORMATS + "h5/dtypes.h5").succeeded().out())
                .contains("HDF5")
                .contains("g/a/b/c/deep");
        assertThat(Cli.run("info", Cli.BERT + "/model.safetensors").succeeded().out())
                .contains("safetensors")
                .contains("classifier.weight");
    }

    @Test
    void infoTellsTheSameAsJson() {
        Cli run = Cli.run("info", "--json", FORMATS + "torch/zip_plain.bin").succeeded();
        assertThat(run.lines()).hasSize(1);
        JsonNode json = Cli.json(run.out());
        assertThat(json.get("format").stringValue()).isEqualTo("PyTorch (zip)");
        assertThat(json.get("count").intValue()).isEqualTo(5);
        assertThat(json.get("tensors").get(0).toString())
                .isEqualTo("{\"name\":\"flood.embeddings.weight\",\"dtype\":\"F32\",\"shape\":[6,4],\"bytes\":96}");
        assertThat(json.get("tensors").get(4).get("shape").isEmpty()).isTrue();
    }

    @Test
    void aHostileFileIsRefusedInOneLine() {
        Cli.run("info", FORMATS + "pickle-bad/os_system_reduce.pt")
                .failed(4, "os_system_reduce.pt: data.pkl: it names ", ".system", "at byte ");
        Cli.run(
                        "convert",
                        FORMATS + "pickle-bad/eval_reduce.pt",
                        folder.resolve("out").toString())
                .failed(4, "eval_reduce.pt", "eval");
        assertThat(folder).isEmptyDirectory();
        Cli.run("info", FORMATS + "h5/bad_truncated_half.h5").failed(4, "bad_truncated_half.h5: truncated");
        Cli.run("info", "none.bin").failed(3, "none.bin");
        Cli.run("info", "--json").failed(2, "--json");
    }

    @Test
    void aClipOfOpenClipIsConvertedAndEmbedsAsBefore() throws IOException {
        String out = folder.resolve("clip").toString();
        Cli run = Cli.run("convert", Tiny.OPEN_CLIP, out).succeeded();
        assertThat(run.out()).isEqualTo(out + "\n");
        assertThat(run.err()).contains("read as open-clip").contains("from safetensors");
        assertThat(files(folder.resolve("clip")))
                .contains("config.json", "model.safetensors", "preprocessor_config.json", "merges.txt", "vocab.json");
        List<Double> before = vector(Tiny.OPEN_CLIP);
        List<Double> after = vector(out);
        assertThat(after).hasSameSizeAs(before);
        for (int i = 0; i < before.size(); i++) {
            assertThat(after.get(i)).isCloseTo(before.get(i), within(1e-6));
        }
        Cli.run("convert", Tiny.OPEN_CLIP, out).failed(4, out, "force");
        Cli.run("convert", Tiny.OPEN_CLIP, out, "--force", "--dtype", "bf16", "--shard-size", "100KB")
                .succeeded();
        assertThat(files(folder.resolve("clip")))
                .contains("model.safetensors.index.json")
                .doesNotContain("model.safetensors");
        assertThat(vector(out)).hasSameSizeAs(before);
        Files.writeString(folder.resolve("clip/mine.txt"), "precious");
        Cli.run("convert", Tiny.OPEN_CLIP, out, "--force").failed(4, "mine.txt");
    }

    private static List<Double> vector(String model) {
        Cli run = Cli.run("embed", "-m", model, "--jsonl", "--text", "flood").succeeded();
        return Cli.json(run.lines().getLast())
                .get("vector")
                .valueStream()
                .map(JsonNode::doubleValue)
                .toList();
    }

    @Test
    void wrongOptionsOfConvertAreSaid() {
        String out = folder.resolve("out").toString();
        Cli.run("convert", Tiny.OPEN_CLIP, out, "--map", "dance").failed(2, "dance", "open-clip");
        Cli.run("convert", Tiny.OPEN_CLIP, out, "--dtype", "int8").failed(2, "int8", "bf16");
        Cli.run("convert", Tiny.OPEN_CLIP, out, "--shard-size", "many").failed(2, "many");
        Cli.run("convert", Tiny.OPEN_CLIP, out, "--config", "none.json").failed(3, "none.json");
        assertThat(Cli.run("convert", "--help").out())
                .contains("timm-efficientnet")
                .contains("--shard-size");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void sizesHaveUnits() {
        assertThat(ConvertCommand.bytes("17")).isEqualTo(17);
        assertThat(ConvertCommand.bytes("2GB")).isEqualTo(2_000_000_000L);
        assertThat(ConvertCommand.bytes("1 GiB")).isEqualTo(1L << 30);
        assertThat(ConvertCommand.bytes("500mb")).isEqualTo(500_000_000L);
        assertThatThrownBy(() -> ConvertCommand.bytes("0")).hasMessageContaining("--shard-size");
    }

    private static List<String> files(Path folder) throws IOException {
        try (Stream<Path> list = Files.list(folder)) {
            return list.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }
}
