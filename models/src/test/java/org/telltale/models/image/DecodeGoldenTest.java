package org.telltale.models.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;

class DecodeGoldenTest {
    @TestFactory
    Stream<DynamicTest> madeUpFilesDecodeAsInPillow() throws IOException {
        Path files = GoldenImages.folder().resolve("decode");
        return GoldenImages.cases(() -> cases("decode.json", files));
    }

    @TestFactory
    Stream<DynamicTest> photosDecodeAsInPillow() throws IOException {
        Path photos = Path.of(System.getProperty("telltale.data", "../shared/data"), "photos");
        return GoldenImages.cases(() -> cases("photos.json", photos), photos);
    }

    private static Stream<DynamicTest> cases(String json, Path folder) {
        JsonNode tolerances = GoldenImages.json("tolerances.json").get("decode");
        return GoldenImages.json(json).get("files").valueStream().map(c -> {
            Path file = folder.resolve(c.get("file").asString());
            return dynamicTest(c.get("file").asString(), () -> check(c, file, tolerances));
        });
    }

    private static void check(JsonNode c, Path file, JsonNode tolerances) throws IOException {
        if (!Files.exists(file)) {
            Assumptions.abort("no file: " + file);
        }
        byte[] bytes = Files.readAllBytes(file);
        if (!GoldenImages.sha256(bytes).equals(c.get("file_sha256").asString())) {
            Assumptions.abort("another version of the file: " + file);
        }
        if (c.get("expect").asString().equals("error")) {
            assertThat(catchThrowableOfType(ImageException.class, () -> ImageReader.read(file, Exif.IGNORE)))
                    .hasMessageStartingWith(file + ": ")
                    .extracting(Throwable::getMessage)
                    .asString()
                    .doesNotContain("\n");
            return;
        }
        Pixels out = ImageReader.read(file, Exif.IGNORE);
        assertThat(out.width()).isEqualTo(c.get("rgb_size").get(0).asInt());
        assertThat(out.height()).isEqualTo(c.get("rgb_size").get(1).asInt());
        if (c.get("mode").asString().equals("CMYK")) {
            checkProbes(c, out, tolerances.get("JPEG CMYK").get("max_abs").asInt());
        } else {
            checkProbes(c, out, 0);
            assertThat(GoldenImages.sha256(out.toBytes()))
                    .isEqualTo(c.get("rgb_sha256").asString());
        }
        int orientation = c.path("exif_orientation").asInt(1);
        assertThat(ImageReader.orientation(bytes)).as("EXIF orientation").isEqualTo(orientation);
        assertThat(ImageReader.read(file, Exif.APPLY)).isEqualTo(out.upright(orientation));
    }

    private static void checkProbes(JsonNode c, Pixels out, int tolerance) {
        JsonNode probes = c.get("probe_rgb");
        int n = out.width() * out.height();
        for (int k = 0; k < probes.size(); k++) {
            int at = GoldenImages.probe(k, probes.size(), n);
            for (int channel = 0; channel < 3; channel++) {
                int expected = probes.get(k).get(channel).asInt();
                assertThat(Math.abs(out.get(at % out.width(), at / out.width(), channel) - expected))
                        .as("pixel %d, channel %d, expected %d", at, channel, expected)
                        .isLessThanOrEqualTo(tolerance);
            }
        }
    }
}
