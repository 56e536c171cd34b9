package org.telltale.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.testing.Golden;
import tools.jackson.databind.JsonNode;

/** PyTorch files converted: the small checkpoints in the repository, written as PyTorch would. */
class ConvertTorchTest {
    private static final Path GOLDEN = Path.of("../models/src/test/resources/golden");
    private static final Path BLIP = GOLDEN.resolve("blip/tiny-blip");
    private static final Path BERT = GOLDEN.resolve("bert/tiny-bert");
    private static final Path MOBILENET = GOLDEN.resolve("cnn/tiny-mobilenetv2");

    @TempDir
    private Path folder;

    private Path source() throws IOException {
        return Files.createDirectories(folder.resolve("source"));
    }

    private static void torch(Path from, Path to, String root, UnaryOperator<String> names) throws IOException {
        try (SafeTensors weights = SafeTensors.open(from);
                Arena arena = Arena.ofConfined()) {
            Map<String, HostTensor> all = new LinkedHashMap<>();
            weights.names().forEach(n -> all.put(names.apply(n), weights.raw(n, arena)));
            TorchWriter.write(to, root, all);
        }
    }

    private static void same(Path found, Path wanted) {
        try (SafeTensors a = SafeTensors.open(found);
                SafeTensors b = SafeTensors.open(wanted);
                Arena arena = Arena.ofConfined()) {
            assertThat(a.names()).containsExactlyInAnyOrderElementsOf(b.names());
            for (String n : b.names()) {
                assertThat(a.dtype(n)).as(n).isEqualTo(b.dtype(n));
                assertThat(a.shape(n)).as(n).isEqualTo(b.shape(n));
                assertThat(a.bytes(n, arena).mismatch(b.bytes(n, arena))).as(n).isEqualTo(-1);
            }
        }
    }

    private List<String> files(Path in) throws IOException {
        try (Stream<Path> list = Files.list(in)) {
            return list.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    /** The names of the original BLIP for those of Hugging Face. */
    private static String originalBlip(String name) {
        return name.replaceFirst("^vision_model\\.embeddings\\.class_embedding$", "visual_encoder.cls_token")
                .replaceFirst("^vision_model\\.embeddings\\.position_embedding$", "visual_encoder.pos_embed")
                .replaceFirst("^vision_model\\.embeddings\\.patch_embedding", "visual_encoder.patch_embed.proj")
                .replaceFirst("^vision_model\\.post_layernorm", "visual_encoder.norm")
                .replaceFirst("^vision_model\\.encoder\\.layers", "visual_encoder.blocks")
                .replaceFirst("self_attn\\.projection", "attn.proj")
                .replaceFirst("self_attn", "attn")
                .replaceFirst("layer_norm([12])", "norm$1");
    }

    @Test
    void aCheckpointOfTheOriginalBlipBecomesItsTwinOfHuggingFace() throws IOException {
        Path file = source().resolve("model_base_caption.pth");
        torch(BLIP, file, "model", ConvertTorchTest::originalBlip);
        Files.copy(BLIP.resolve("config.json"), file.resolveSibling("config.json"));
        Files.copy(BLIP.resolve("vocab.txt"), file.resolveSibling("vocab.txt"));
        Path out = Convert.run(file, folder.resolve("out"), Convert.Options.defaults());
        same(out, BLIP);
        assertThat(files(out))
                .containsExactly("config.json", "model.safetensors", "preprocessor_config.json", "vocab.txt");
        assertThat(Golden.json(out.resolve("config.json"))).isEqualTo(Golden.json(BLIP.resolve("config.json")));
        assertThat(files(folder)).containsExactly("out", "source");
    }

    @Test
    void aBlipWhoseHeadsAreNotKnownIsRefused() throws IOException {
        Path file = source().resolve("model.pth");
        torch(BLIP, file, "model", ConvertTorchTest::originalBlip);
        assertThatThrownBy(() -> Convert.run(file, folder.resolve("out"), Convert.Options.defaults()))
                .isInstanceOf(ConvertException.class)
                .hasMessageContaining("--config");
        assertThat(files(folder)).containsExactly("source");
    }

    @Test
    void aBertInPartsIsJoinedAndItsHeadsComeFromItsConfiguration() throws IOException {
        Path source = source();
        ObjectParts parts = new ObjectParts();
        try (SafeTensors weights = SafeTensors.open(BERT);
                Arena arena = Arena.ofConfined()) {
            int i = 0;
            for (String n : weights.names()) {
                parts.all
                        .get(i++ % 2)
                        .put("module." + n.replace("LayerNorm.weight", "LayerNorm.gamma"), weights.raw(n, arena));
            }
            for (int k = 0; k < 2; k++) {
                TorchWriter.write(source.resolve(ObjectParts.NAMES.get(k)), "", parts.all.get(k));
            }
        }
        Files.writeString(source.resolve("pytorch_model.bin.index.json"), parts.index());
        Files.copy(BERT.resolve("config.json"), source.resolve("config.json"));
        Path out = Convert.run(source, folder.resolve("out"), Convert.Options.defaults());
        same(out, BERT);
    }

    /** Two files of one checkpoint. */
    private static final class ObjectParts {
        static final List<String> NAMES =
                List.of("pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin");
        final List<Map<String, HostTensor>> all = List.of(new LinkedHashMap<>(), new LinkedHashMap<>());

        String index() {
            List<String> rows = new ArrayList<>();
            for (int k = 0; k < 2; k++) {
                for (String n : all.get(k).keySet()) {
                    rows.add("\"" + n + "\":\"" + NAMES.get(k) + "\"");
                }
            }
            return "{\"metadata\":{},\"weight_map\":{" + String.join(",", rows) + "}}";
        }
    }

    @Test
    void floatsAreWrittenInTheTypeThatIsAskedForAndInSeveralFiles() throws IOException {
        Path file = source().resolve("pytorch_model.bin");
        torch(MOBILENET, file, "", n -> n);
        Files.copy(MOBILENET.resolve("config.json"), file.resolveSibling("config.json"));
        List<Long> progress = new ArrayList<>();
        Path out = Convert.run(
                file,
                folder.resolve("out"),
                Convert.Options.defaults().type(DType.BF16).shard(50_000),
                new Convert.Listener() {
                    @Override
                    public void progress(boolean verifying, long done, long total) {
                        progress.add(verifying ? -done : done);
                        assertThat(done).isLessThanOrEqualTo(total);
                    }
                });
        List<String> names = files(out);
        assertThat(names)
                .contains("model.safetensors.index.json", "config.json")
                .anyMatch(n -> n.matches("model-00001-of-0000[2-9]\\.safetensors"))
                .doesNotContain("model.safetensors");
        for (String n : names) {
            if (n.endsWith(".safetensors")) {
                try (SafeTensors part = SafeTensors.open(out.resolve(n))) {
                    long bytes = part.names().stream()
                            .mapToLong(t -> part.shape(t).size() * part.dtype(t).bytes())
                            .sum();
                    assertThat(bytes <= 50_000 || part.names().size() == 1)
                            .as(n)
                            .isTrue();
                }
            }
        }
        JsonNode index = Golden.json(out.resolve("model.safetensors.index.json"));
        assertThat(index.at("/metadata/total_size").longValue()).isEqualTo(progress.getLast() * -1);
        assertThat(Golden.json(out.resolve("config.json")).get("dtype").stringValue())
                .isEqualTo("bfloat16");
        try (SafeTensors a = SafeTensors.open(out);
                SafeTensors b = SafeTensors.open(MOBILENET);
                Arena arena = Arena.ofConfined()) {
            assertThat(a.names()).containsExactlyInAnyOrderElementsOf(b.names());
            for (String n : b.names()) {
                assertThat(a.dtype(n)).as(n).isEqualTo(b.dtype(n).isFloat() ? DType.BF16 : DType.I64);
                if (b.dtype(n).isFloat()) {
                    HostTensor x = a.read(n, arena);
                    HostTensor y = b.read(n, arena);
                    for (int i = 0; i < x.size(); i++) {
                        assertThat(Math.abs(x.get(i) - y.get(i))).isLessThanOrEqualTo(Math.abs(y.get(i)) / 256);
                    }
                }
            }
        }
    }

    @Test
    void aNumberThatHalfPrecisionCannotHoldIsRefusedAndLeavesNothing() throws IOException {
        Path file = source().resolve("model.bin");
        try (Arena arena = Arena.ofConfined()) {
            TorchWriter.write(
                    file,
                    "",
                    Map.of(
                            "w",
                            HostTensor.of(arena, Shape.of(2), 1, 70000),
                            "v",
                            HostTensor.of(arena, Shape.of(1), 2)));
        }
        assertThatThrownBy(() -> Convert.run(
                        file, folder.resolve("out"), Convert.Options.defaults().type(DType.F16)))
                .isInstanceOf(ConvertException.class)
                .hasMessageContaining("model.bin")
                .hasMessageContaining("\"w\" holds 70000.0");
        assertThat(files(folder)).containsExactly("source");
        assertThat(Convert.run(
                        file, folder.resolve("out"), Convert.Options.defaults().type(DType.BF16)))
                .exists();
    }

    @Test
    void roundingIsToTheNearestAndTiesGoToEven() {
        assertThat(Floats.bfloat16(Float.intBitsToFloat(0x3F80_8000))).isEqualTo((short) 0x3F80);
        assertThat(Floats.bfloat16(Float.intBitsToFloat(0x3F81_8000))).isEqualTo((short) 0x3F82);
        assertThat(Floats.bfloat16(Float.intBitsToFloat(0x3F80_8001))).isEqualTo((short) 0x3F81);
        assertThat(Floats.bfloat16(Float.NEGATIVE_INFINITY)).isEqualTo((short) 0xFF80);
        assertThat(Float.intBitsToFloat(Floats.bfloat16(Float.intBitsToFloat(0x7F80_0001)) << 16))
                .isNaN();
    }

    /** timm's names for those of Hugging Face. */
    private static String timm(String name) {
        int[] stages = {1, 2, 3, 4, 3, 3, 1};
        String n = name;
        int layer = 0;
        for (int stage = 1; stage < stages.length; stage++) {
            for (int i = 0; i < stages[stage]; i++) {
                String from = "mobilenet_v2.layer." + layer++ + ".";
                String to = "blocks." + stage + "." + i + ".";
                n = n.replace(from + "expand_1x1.convolution", to + "conv_pw")
                        .replace(from + "expand_1x1.normalization", to + "bn1")
                        .replace(from + "conv_3x3.convolution", to + "conv_dw")
                        .replace(from + "conv_3x3.normalization", to + "bn2")
                        .replace(from + "reduce_1x1.convolution", to + "conv_pwl")
                        .replace(from + "reduce_1x1.normalization", to + "bn3");
            }
        }
        return n.replace("mobilenet_v2.conv_stem.first_conv.convolution", "conv_stem")
                .replace("mobilenet_v2.conv_stem.first_conv.normalization", "bn1")
                .replace("mobilenet_v2.conv_stem.conv_3x3.convolution", "blocks.0.0.conv_dw")
                .replace("mobilenet_v2.conv_stem.conv_3x3.normalization", "blocks.0.0.bn1")
                .replace("mobilenet_v2.conv_stem.reduce_1x1.convolution", "blocks.0.0.conv_pw")
                .replace("mobilenet_v2.conv_stem.reduce_1x1.normalization", "blocks.0.0.bn2")
                .replace("mobilenet_v2.conv_1x1.convolution", "conv_head")
                .replace("mobilenet_v2.conv_1x1.normalization", "bn2");
    }

    @Test
    void aMobileNetOfTimmBecomesItsTwinWithSymmetricPadding() throws IOException {
        Path file = source().resolve("pytorch_model.bin");
        torch(MOBILENET, file, "state_dict", ConvertTorchTest::timm);
        Files.writeString(
                file.resolveSibling("config.json"),
                "{\"architecture\":\"mobilenetv2_010\",\"pretrained_cfg\":{\"input_size\":[3,48,48],\"crop_pct\":0.875}}");
        Path out = Convert.run(file, folder.resolve("out"), Convert.Options.defaults());
        same(out, MOBILENET);
        JsonNode config = Golden.json(out.resolve("config.json"));
        JsonNode twin = Golden.json(MOBILENET.resolve("config.json"));
        for (String key : List.of("depth_multiplier", "depth_divisible_by", "min_depth", "image_size")) {
            assertThat(config.get(key)).as(key).isEqualTo(twin.get(key));
        }
        assertThat(config.get("tf_padding").booleanValue()).isFalse();
        assertThat(config.get("layer_norm_eps").doubleValue()).isEqualTo(1e-5);
        assertThat(Golden.json(out.resolve("preprocessor_config.json"))
                        .at("/size/shortest_edge")
                        .intValue())
                .isEqualTo(54);
    }

    @Test
    void aMapThatDoesNotFitIsRefusedByTheTensorThatIsMissing() throws IOException {
        Path file = source().resolve("pytorch_model.bin");
        torch(MOBILENET, file, "", n -> n);
        Files.writeString(file.resolveSibling("open_clip_config.json"), "{\"model_cfg\":{}}");
        assertThatThrownBy(() -> Convert.run(
                        file, folder.resolve("out"), Convert.Options.defaults().map(NameMap.OPEN_CLIP)))
                .isInstanceOf(ConvertException.class)
                .hasMessageContaining("no tensor \"logit_scale\"");
    }
}
