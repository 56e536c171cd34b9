package org.telltale.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.engine.Shape;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.testing.Golden;
import tools.jackson.databind.JsonNode;

class ConvertTest {
    @TempDir
    Path folder;

    @TestFactory
    Stream<DynamicTest> realTeachableMachineModelsAreConverted() throws IOException {
        Path area = Golden.data("weights");
        try (Stream<Path> list = Files.list(area)) {
            List<Path> models = list.filter(p -> Files.exists(p.resolve("keras_model.h5")))
                    .sorted()
                    .toList();
            return models.stream()
                    .map(m -> DynamicTest.dynamicTest(m.getFileName().toString(), () -> real(m)));
        }
    }

    private void real(Path model) throws IOException {
        Path out = Convert.run(
                model.resolve("keras_model.h5"),
                folder.resolve(model.getFileName().toString()),
                Convert.Options.defaults());
        JsonNode config = Golden.json(out.resolve("config.json"));
        List<String> labels = Labels.read(model.resolve("labels.txt"));
        assertThat(config.get("id2label").valueStream().map(JsonNode::stringValue))
                .isEqualTo(labels);
        assertThat(labels).noneMatch(l -> l.matches("[0-9].*"));
        assertThat(config.get("depth_multiplier").doubleValue()).isEqualTo(0.35);
        assertThat(config.get("depth_divisible_by").intValue()).isEqualTo(8);
        assertThat(config.get("image_size").intValue()).isEqualTo(224);
        assertThat(config.get("layer_norm_eps").doubleValue()).isEqualTo(0.001);
        assertThat(config.get("head").toString())
                .isEqualTo("[{\"type\":\"dense\",\"units\":100,\"activation\":\"relu\",\"bias\":true},"
                        + "{\"type\":\"dense\",\"units\":" + labels.size()
                        + ",\"activation\":\"linear\",\"bias\":false}]");
        try (SafeTensors weights = SafeTensors.open(out)) {
            assertThat(weights.names().stream().filter(n -> n.startsWith("classifier.")))
                    .containsExactlyInAnyOrder("classifier.0.weight", "classifier.0.bias", "classifier.1.weight");
            assertThat(weights.shape("classifier.0.weight")).isEqualTo(Shape.of(100, 1280));
            assertThat(weights.shape("classifier.1.weight")).isEqualTo(Shape.of(labels.size(), 100));
            assertThat(weights.shape("mobilenet_v2.layer.15.conv_3x3.convolution.weight"))
                    .isEqualTo(Shape.of(336, 1, 3, 3));
            // 263 of the network and 52 step counts of its batch norms
            assertThat(weights.names()).hasSize(263 + 52);
        }
    }

    @Test
    void aDamagedFileIsConvertedOrRefusedAndLeavesNothingBehind() throws IOException {
        byte[] original = Files.readAllBytes(Golden.area("cnn").resolve("keras-mobilenetv2/model.h5"));
        Random random = new Random(5);
        Path damaged = folder.resolve("damaged.h5");
        Path out = folder.resolve("out");
        int refused = 0;
        for (int i = 0; i < 60; i++) {
            byte[] bytes = original.clone();
            if (i % 3 == 0) {
                bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
            } else {
                // the first part of the file is structure, most of the rest is values
                for (int k = 0; k < 20; k++) {
                    bytes[random.nextInt(i % 3 == 1 ? 4096 : bytes.length)] = (byte) random.nextInt(256);
                }
            }
            Files.write(damaged, bytes);
            try {
                Convert.run(damaged, out, new Convert.Options(Optional.empty(), true));
                assertThat(files(out)).hasSize(3);
            } catch (ConvertException e) {
                assertThat(e.getMessage()).contains("damaged.h5").doesNotContain("\n");
                refused++;
            }
            assertThat(files(folder)).isSubsetOf("damaged.h5", "out");
        }
        assertThat(refused).isGreaterThanOrEqualTo(20);
    }

    @Test
    void anOutputFolderWithOtherFilesIsNeverTouched() throws IOException {
        Path source = Golden.area("cnn").resolve("keras-mobilenetv2/model.h5");
        Path out = Files.createDirectory(folder.resolve("out"));
        Convert.run(source, out, Convert.Options.defaults());
        assertThatThrownBy(() -> Convert.run(source, out, Convert.Options.defaults()))
                .isInstanceOf(ConvertException.class)
                .hasMessageContaining("force");
        Convert.run(source, out, new Convert.Options(Optional.empty(), true));
        Files.writeString(out.resolve("mine.txt"), "precious");
        assertThatThrownBy(() -> Convert.run(source, out, new Convert.Options(Optional.empty(), true)))
                .isInstanceOf(ConvertException.class)
                .hasMessageContaining("mine.txt");
        assertThat(files(out)).hasSize(4);
        assertThat(files(folder)).containsExactly("out");
    }

    @Test
    void aWrongNumberOfLabelsIsAnError() throws IOException {
        Path source = Golden.area("cnn").resolve("keras-mobilenetv2/model.h5");
        Path labels = Files.writeString(folder.resolve("labels.txt"), "0 a\n1 b\n");
        assertThatThrownBy(() ->
                        Convert.run(source, folder.resolve("out"), new Convert.Options(Optional.of(labels), false)))
                .isInstanceOf(ConvertException.class)
                .hasMessageContaining("7 outputs, but 2 labels");
        assertThat(files(folder)).containsExactly("labels.txt");
    }

    @Test
    void otherKerasModelsAreRefusedByName() {
        Path source = Golden.area("formats").resolve("h5/legacy_whole_model.h5");
        assertThatThrownBy(() -> Convert.run(source, folder.resolve("out"), Convert.Options.defaults()))
                .isInstanceOf(ConvertException.class)
                .hasMessageContaining("no MobileNetV2, EfficientNet or InceptionV3");
        Path weights = Golden.area("formats").resolve("h5/keras3_nested.weights.h5");
        assertThatThrownBy(() -> Convert.run(weights, folder.resolve("out"), Convert.Options.defaults()))
                .isInstanceOf(ConvertException.class)
                .hasMessageContaining("a whole model is needed");
    }

    @Test
    void labelsMayCarryTheirNumbers() throws IOException {
        Path file = folder.resolve("labels.txt");
        Files.writeString(file, "0 burning house\r\n1 flood\n\n");
        assertThat(Labels.read(file)).containsExactly("burning house", "flood");
        Files.writeString(file, "0 a\n7 b\n");
        assertThat(Labels.read(file)).containsExactly("0 a", "7 b");
    }

    @Test
    void channelCountsTellTheDepthMultiplier() {
        for (double multiplier : new double[] {1.0, 0.35, 1.4, 0.28}) {
            List<Integer> widths = new MobileNetV2Widths(multiplier, 8).widths();
            MobileNetV2Widths found = MobileNetV2Widths.find(widths).orElseThrow();
            assertThat(found.widths()).isEqualTo(widths);
            assertThat(found.divisor()).isEqualTo(8);
        }
        List<Integer> wrong = new ArrayList<>(new MobileNetV2Widths(1, 8).widths());
        wrong.set(5, 25);
        assertThat(MobileNetV2Widths.find(wrong)).isEmpty();
    }

    @Test
    void publishedEfficientNetsHaveTheirBlocksAndOddMaps() {
        List<KerasEfficientNet.Variant> v = KerasEfficientNet.VARIANTS;
        assertThat(v.stream().limit(3).map(KerasEfficientNet.Variant::oddBlocks))
                .containsExactly(List.of(), List.of(16), List.of(5, 8, 16));
        assertThat(v.stream().limit(3).map(n -> n.widths().size() - 2)).containsExactly(16, 23, 23);
        assertThat(v.get(2).widths().getLast()).isEqualTo(1408);
        assertThat(v.get(2).widths()).startsWith(32, 16, 16, 24).contains(48, 88, 120, 208, 352);
        Path tiny = Golden.area("cnn").resolve("keras-efficientnet/model.weights.h5");
        assertThatThrownBy(() -> Convert.run(tiny, folder.resolve("out"), Convert.Options.defaults()))
                .isInstanceOf(ConvertException.class)
                .hasMessageContaining("no published EfficientNet");
    }

    private static List<String> files(Path folder) throws IOException {
        try (Stream<Path> list = Files.list(folder)) {
            return list.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }
}
