package org.telltale.models.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.testing.Compare;
import org.telltale.engine.testing.Golden;
import tools.jackson.databind.JsonNode;

/** Augmentation with given parameters against TensorFlow and Keras. */
class AugmentationGoldenTest {
    private record Values(float[] data, int[] shape) {}

    @TestFactory
    Stream<DynamicTest> pictureIsChangedAsByKeras() {
        Path folder = Golden.area("training");
        JsonNode cases = Golden.json(folder.resolve("augmentation.json")).path("cases");
        JsonNode tolerances = Golden.json(folder.resolve("tolerances.json")).path("augmentation");
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode c : cases) {
            tests.add(dynamicTest(c.path("name").stringValue(), () -> check(folder, c, tolerances)));
        }
        assertThat(tests).isNotEmpty();
        return tests.stream();
    }

    private static void check(Path folder, JsonNode c, JsonNode tolerances) {
        Values image = read(folder, c.path("image").stringValue());
        Values expected = read(folder, c.path("output").stringValue());
        String kind = c.path("kind").stringValue();
        float[] picture = image.data.clone();
        change(c, picture, image.shape[0], image.shape[1]);
        if (kind.equals("flip")) {
            assertThat(picture).isEqualTo(expected.data);
            return;
        }
        if (c.has("matrix")) {
            double[] m = matrix(c, image.shape[0], image.shape[1]);
            float[] narrow = {(float) m[0], (float) m[1], (float) m[2], (float) m[3], (float) m[4], (float) m[5], 0, 0};
            float[] matrix = read(folder, c.path("matrix").stringValue()).data;
            Compare.assertClose("matrix", narrow, matrix, new int[] {8}, 1e-5, 1e-6);
        }
        Golden.Tolerance t = Golden.tolerance(tolerances, kind);
        Compare.assertClose(c.path("name").stringValue(), picture, expected.data, image.shape, t.atol(), t.rtol());
    }

    private static double[] matrix(JsonNode c, int height, int width) {
        return c.path("kind").stringValue().equals("rotation")
                ? Augmenter.rotation(c.path("factor").doubleValue(), height, width)
                : Augmenter.translation(
                        c.path("heightFactor").doubleValue(),
                        c.path("widthFactor").doubleValue(),
                        height,
                        width);
    }

    private static void change(JsonNode c, float[] picture, int height, int width) {
        Augmenter augmenter = new Augmenter(Augmentation.none(), height, width);
        String mode = c.path("mode").asString("");
        switch (c.path("kind").stringValue()) {
            case "rotation" -> augmenter.rotate(picture, c.path("factor").doubleValue());
            case "translation" ->
                augmenter.translate(
                        picture,
                        c.path("heightFactor").doubleValue(),
                        c.path("widthFactor").doubleValue());
            case "flip" -> augmenter.flip(picture, !mode.equals("vertical"), !mode.equals("horizontal"));
            case "contrast" -> augmenter.contrast(picture, c.path("factor").doubleValue());
            default -> throw new AssertionError("unknown kind: " + c);
        }
    }

    @Test
    void aTurnThatIsSlightlyOffIsNoticed() {
        Path folder = Golden.area("training");
        Values image = read(folder, "image_7x9");
        float[] picture = image.data.clone();
        new Augmenter(Augmentation.none(), image.shape[0], image.shape[1]).rotate(picture, 0.2005);
        float[] expected = read(folder, "rotation_7x9_1").data;
        assertThatThrownBy(() -> Compare.assertClose("off", picture, expected, image.shape, 0.02, 0))
                .isInstanceOf(AssertionError.class);
    }

    private static Values read(Path folder, String name) {
        try (SafeTensors file = SafeTensors.open(folder.resolve("augmentation.safetensors"));
                Arena arena = Arena.ofConfined()) {
            var tensor = file.read(name, arena);
            int[] shape = tensor.shape().dims();
            return new Values(tensor.toFloats(), shape);
        }
    }
}
