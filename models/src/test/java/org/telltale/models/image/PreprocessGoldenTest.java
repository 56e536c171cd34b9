package org.telltale.models.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.telltale.models.image.Preprocess.CropRule;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class PreprocessGoldenTest {
    @TestFactory
    Stream<DynamicTest> centredCropsLieWhereBothLibrariesPutThem() throws IOException {
        return GoldenImages.cases(PreprocessGoldenTest::crops);
    }

    private static Stream<DynamicTest> crops() {
        return GoldenImages.json("crop_boxes.json")
                .get("cases")
                .valueStream()
                .flatMap(c -> Stream.of(CropRule.values())
                        .map(rule -> dynamicTest(
                                c.get("width") + "x" + c.get("height") + " crop " + c.get("crop") + " " + rule,
                                () -> checkCrop(c, rule))));
    }

    private static void checkCrop(JsonNode c, CropRule rule) {
        JsonNode box = switch (rule) {
            case HUGGING_FACE -> c.get("hf");
            case TORCHVISION -> c.get("torchvision");
        };
        int width = c.get("width").asInt();
        int height = c.get("height").asInt();
        int crop = c.get("crop").asInt();
        int left = Preprocess.margin(width, crop, rule);
        int top = Preprocess.margin(height, crop, rule);
        assertThat(Math.max(left, 0)).as("left").isEqualTo(box.get("left").asInt());
        assertThat(Math.max(top, 0)).as("top").isEqualTo(box.get("top").asInt());
        assertThat(Math.max(-left, 0))
                .as("pad left")
                .isEqualTo(box.get("pad_left").asInt());
        assertThat(Math.max(-top, 0)).as("pad top").isEqualTo(box.get("pad_top").asInt());
        assertThat(Math.min(width, crop))
                .as("columns")
                .isEqualTo(box.get("columns").asInt());
        assertThat(Math.min(height, crop)).as("rows").isEqualTo(box.get("rows").asInt());

        // The picture itself: each pixel holds its own place, so that the crop shows where it came from.
        byte[] places = new byte[width * height * 3];
        for (int i = 0; i < width * height; i++) {
            places[3 * i] = 1;
            places[3 * i + 1] = (byte) (i % width);
            places[3 * i + 2] = (byte) (i / width);
        }
        Pixels out = Preprocess.normalizing(
                        new Preprocess.Scale.None(),
                        Preprocess.Resampling.PILLOW_NEAREST,
                        true,
                        rule,
                        crop,
                        crop,
                        1,
                        new double[3],
                        new double[] {1, 1, 1})
                .resized(new Pixels(width, height, places));
        for (int y = 0; y < crop; y++) {
            for (int x = 0; x < crop; x++) {
                int column = x - box.get("pad_left").asInt();
                int row = y - box.get("pad_top").asInt();
                boolean inside = column >= 0
                        && column < box.get("columns").asInt()
                        && row >= 0
                        && row < box.get("rows").asInt();
                assertThat(List.of(out.get(x, y, 0), out.get(x, y, 1), out.get(x, y, 2)))
                        .isEqualTo(
                                inside
                                        ? List.of(
                                                1,
                                                column + box.get("left").asInt() & 0xff,
                                                row + box.get("top").asInt() & 0xff)
                                        : List.of(0, 0, 0));
            }
        }
    }

    @TestFactory
    Stream<DynamicTest> theShorterSideGetsTheLengthAndTheLongerOneIsRoundedDown() throws IOException {
        return GoldenImages.cases(PreprocessGoldenTest::sizes);
    }

    private static Stream<DynamicTest> sizes() {
        return GoldenImages.json("resize_shortest.json")
                .get("cases")
                .valueStream()
                .map(c -> dynamicTest(c.get("width") + "x" + c.get("height") + " to " + c.get("shortest"), () -> {
                    int[] size = Preprocess.scaledSize(
                            new Preprocess.Scale.Shortest(c.get("shortest").asInt()),
                            c.get("width").asInt(),
                            c.get("height").asInt());
                    for (String library : List.of("hf", "torchvision")) {
                        assertThat(size)
                                .as(library)
                                .containsExactly(
                                        c.get(library).get(0).asInt(),
                                        c.get(library).get(1).asInt());
                    }
                }));
    }

    @TestFactory
    Stream<DynamicTest> wholeChainsGiveTheModelsInputs() throws IOException {
        return GoldenImages.cases(PreprocessGoldenTest::chains);
    }

    private static Stream<DynamicTest> chains() throws IOException {
        GoldenImages.Tensors tensors = GoldenImages.Tensors.read("chains.safetensors");
        JsonNode tolerances = GoldenImages.json("tolerances.json").get("chains");
        return GoldenImages.json("chains.json").get("cases").valueStream().map(c -> {
            String chain = c.get("chain").asString();
            String name = chain + "/" + c.get("source").asString();
            return dynamicTest(name, () -> checkChain(c, chain(chain), tolerance(tolerances, chain), tensors, name));
        });
    }

    private static void checkChain(
            JsonNode c, Preprocess chain, JsonNode tolerance, GoldenImages.Tensors tensors, String name)
            throws IOException {
        Pixels in = GoldenImages.source(c.get("source").asString());
        if (c.has("resized_u8_sha256")) {
            assertThat(GoldenImages.sha256(chain.resized(in).toBytes()))
                    .isEqualTo(c.get("resized_u8_sha256").asString());
        }
        int count = chain.height() * chain.width() * 3;
        float[] out;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(count * 4L + 8, 8);
            chain.into(in, segment, 8);
            out = segment.asSlice(8).toArray(ValueLayout.JAVA_FLOAT);
        }
        boolean channelsFirst = c.get("layout").asString().equals("CHW");
        boolean whole = tensors.has(name + "/full");
        float[] expected = tensors.floats(name + (whole ? "/full" : "/values"));
        double atol = tolerance.get("atol").asDouble();
        double rtol = tolerance.get("rtol").asDouble();
        int plane = count / 3;
        for (int j = 0; j < expected.length; j++) {
            int flat = GoldenImages.probe(j, expected.length, count);
            int at = channelsFirst ? flat % plane * 3 + flat / plane : flat;
            assertThat(out[at]).as("element %d", flat).isCloseTo(expected[j], within((float)
                    (atol + rtol * Math.abs(expected[j]))));
        }
        double sum = 0;
        for (float v : out) {
            sum += v;
        }
        assertThat(sum / count).isCloseTo(c.get("mean").asDouble(), within(atol + rtol * 255));
    }

    /** A tolerance's key holds patterns, in parentheses where it has any: "TF based (a*, b*)", "c*_single, _double". */
    private static JsonNode tolerance(JsonNode tolerances, String chain) {
        for (Map.Entry<String, JsonNode> entry : tolerances.properties()) {
            String patterns = entry.getKey().replaceFirst(".*\\((.*)\\)", "$1");
            String stem = "";
            for (String pattern : patterns.split(", *")) {
                String full = pattern.startsWith("_") ? stem + pattern : pattern;
                if (chain.matches(full.replace("*", ".*"))) {
                    return entry.getValue();
                }
                stem = full.substring(0, Math.max(full.lastIndexOf('_'), 0));
            }
        }
        throw new AssertionError("no tolerance for chain " + chain);
    }

    private static Preprocess chain(String name) {
        Matcher m = Pattern.compile("(mobilenetv2_\\D+|inceptionv3_|\\D+)(\\d+)(.*)")
                .matcher(name);
        assertThat(m.matches()).as(name).isTrue();
        int size = Integer.parseInt(m.group(2));
        return switch (m.group(1) + m.group(3)) {
            case "blip" -> Preprocess.blip(size);
            case "clip_torchvision" -> Preprocess.clip(size, CropRule.TORCHVISION);
            case "clip_hf" ->
                json(
                        "CLIPImageProcessor",
                        "'size': {'shortest_edge': N}, 'crop_size': {'height': N, 'width': N}",
                        size);
            case "mobilenetv2_hf" ->
                json(
                        "MobileNetV2ImageProcessor",
                        "'size': {'shortest_edge': " + Math.round(size * 8 / 7.0)
                                + "}, 'crop_size': {'height': N, 'width': N}",
                        size);
            case "mobilenetv2_keras", "inceptionv3_" -> Preprocess.kerasMinusOneToOne(size);
            case "efficientnet_keras_model_input" -> Preprocess.kerasRaw(size);
            case "efficientnet_keras_single" -> Preprocess.kerasEfficientNet(size, false);
            case "efficientnet_keras_double" -> Preprocess.kerasEfficientNet(size, true);
            case "efficientnet_hf_include_top" -> efficientNet("", size);
            case "efficientnet_hf_no_top" -> efficientNet(", 'include_top': false", size);
            case "efficientnet_hf_rescale_offset" -> efficientNet(", 'rescale_offset': true", size);
            default -> throw new AssertionError("no chain is called " + name);
        };
    }

    private static Preprocess efficientNet(String more, int size) {
        return json(
                "EfficientNetImageProcessor",
                "'size': {'height': N, 'width': N}, 'resample': 0, 'image_mean': [0.485, 0.456, 0.406],"
                        + " 'image_std': [0.47853944, 0.4732864, 0.47434163]" + more,
                size);
    }

    private static Preprocess json(String type, String rest, int size) {
        String text = "{'image_processor_type': '" + type + "', " + rest.replace("N", String.valueOf(size)) + "}";
        return Preprocess.fromJson(
                "preprocessor_config.json", JsonMapper.builder().build().readTree(text.replace('\'', '"')), size);
    }
}
