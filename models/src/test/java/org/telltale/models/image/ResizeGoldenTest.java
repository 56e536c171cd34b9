package org.telltale.models.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;

class ResizeGoldenTest {
    @TestFactory
    Stream<DynamicTest> pillowsResizeIsEqualInEveryByte() throws IOException {
        return GoldenImages.cases(ResizeGoldenTest::pillow);
    }

    private static Stream<DynamicTest> pillow() throws IOException {
        GoldenImages.Tensors tensors = GoldenImages.Tensors.read("resize_pil.safetensors");
        return GoldenImages.json("resize_pil.json").get("cases").valueStream().map(c -> {
            String name = text(c, "source") + " " + text(c, "filter") + " " + c.get("width") + "x" + c.get("height");
            return dynamicTest(name, () -> {
                byte[] out = Resize.pillow(
                                GoldenImages.source(text(c, "source")),
                                c.get("width").asInt(),
                                c.get("height").asInt(),
                                filter(c))
                        .toBytes();
                if (c.has("tensor")) {
                    assertThat(out).isEqualTo(tensors.bytes(text(c, "tensor")));
                }
                assertThat(GoldenImages.sha256(out)).isEqualTo(text(c, "sha256"));
            });
        });
    }

    @TestFactory
    Stream<DynamicTest> pillowsNearestReadsTheSamePixels() throws IOException {
        return GoldenImages.cases(ResizeGoldenTest::nearest);
    }

    private static Stream<DynamicTest> nearest() {
        return GoldenImages.json("nearest_indices.json")
                .get("cases")
                .valueStream()
                .map(c -> dynamicTest(c.get("in") + " to " + c.get("out"), () -> {
                    int out = c.get("out").asInt();
                    assertThat(Resize.nearestIndices(c.get("in").asInt(), out, 0, out))
                            .isEqualTo(c.get("indices")
                                    .valueStream()
                                    .mapToInt(JsonNode::asInt)
                                    .toArray());
                }));
    }

    @TestFactory
    Stream<DynamicTest> tensorflowsResizeIsClose() throws IOException {
        return GoldenImages.cases(ResizeGoldenTest::tensorflow);
    }

    private static Stream<DynamicTest> tensorflow() throws IOException {
        GoldenImages.Tensors tensors = GoldenImages.Tensors.read("resize_tf.safetensors");
        JsonNode tolerance = GoldenImages.json("tolerances.json").get("resize_tf");
        double atol = tolerance.get("atol").asDouble();
        double rtol = tolerance.get("rtol").asDouble();
        return GoldenImages.json("resize_tf.json").get("cases").valueStream().map(c -> {
            String name = text(c, "source") + " " + c.get("width") + "x" + c.get("height");
            return dynamicTest(name, () -> {
                float[] out = Resize.tensorflow(
                        GoldenImages.source(text(c, "source")),
                        c.get("width").asInt(),
                        c.get("height").asInt());
                if (c.has("tensor")) {
                    float[] expected = tensors.floats(text(c, "tensor"));
                    assertThat(out).hasSameSizeAs(expected);
                    for (int i = 0; i < out.length; i++) {
                        assertThat(out[i]).as("element %d", i).isCloseTo(expected[i], within((float)
                                (atol + rtol * Math.abs(expected[i]))));
                    }
                } else {
                    JsonNode probe = c.get("probe");
                    for (int k = 0; k < probe.size(); k++) {
                        double expected = probe.get(k).asDouble();
                        assertThat((double) out[GoldenImages.probe(k, probe.size(), out.length)])
                                .as("probe %d", k)
                                .isCloseTo(expected, within(atol + rtol * Math.abs(expected)));
                    }
                }
                double mean = IntStream.range(0, out.length)
                        .mapToDouble(i -> out[i])
                        .average()
                        .orElseThrow();
                assertThat(mean).isCloseTo(c.get("mean").asDouble(), within(atol + rtol * 255));
            });
        });
    }

    @TestFactory
    Stream<DynamicTest> torchvisionsResizeAndCentreCropAreEqualInEveryByte() throws IOException {
        return GoldenImages.cases(ResizeGoldenTest::torchvision);
    }

    private static Stream<DynamicTest> torchvision() throws IOException {
        GoldenImages.Tensors tensors = GoldenImages.Tensors.read("resize_crop_torchvision.safetensors");
        return GoldenImages.json("resize_crop_torchvision.json")
                .get("cases")
                .valueStream()
                .map(c -> {
                    String name = text(c, "source") + " " + text(c, "filter") + " " + c.get("resize") + " crop "
                            + c.get("crop");
                    return dynamicTest(name, () -> {
                        int crop = c.get("crop").asInt();
                        byte[] out = Preprocess.normalizing(
                                        new Preprocess.Scale.Shortest(
                                                c.get("resize").asInt()),
                                        Preprocess.Resampling.valueOf("PILLOW_" + filter(c)),
                                        true,
                                        Preprocess.CropRule.TORCHVISION,
                                        crop,
                                        crop,
                                        1,
                                        new double[3],
                                        new double[] {1, 1, 1})
                                .resized(GoldenImages.source(text(c, "source")))
                                .toBytes();
                        if (c.has("tensor")) {
                            assertThat(out).isEqualTo(tensors.bytes(text(c, "tensor")));
                        }
                        assertThat(GoldenImages.sha256(out)).isEqualTo(text(c, "sha256"));
                    });
                });
    }

    private static Resize.Filter filter(JsonNode c) {
        return Resize.Filter.valueOf(text(c, "filter").toUpperCase(Locale.ROOT));
    }

    private static String text(JsonNode c, String key) {
        return c.get(key).asString();
    }
}
