package org.telltale.convert;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.engine.Shape;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.testing.Golden;
import tools.jackson.databind.JsonNode;

class ConvertGoldenTest {
    private static final List<String> SAME_CONFIG = List.of(
            "architectures",
            "model_type",
            "image_size",
            "depth_multiplier",
            "depth_divisible_by",
            "min_depth",
            "expand_ratio",
            "output_stride",
            "first_layer_is_expansion",
            "finegrained_output",
            "hidden_act",
            "tf_padding",
            "layer_norm_eps",
            "num_channels",
            "id2label",
            "label2id");

    @TempDir
    Path temporary;

    @TestFactory
    Stream<DynamicTest> aKerasModelGivesTheTensorsOfItsHuggingFaceTwin() throws IOException {
        Path area = Golden.area("cnn");
        try (Stream<Path> list = Files.list(area)) {
            List<Path> models = list.filter(p -> Files.exists(p.resolve("model.h5")))
                    .sorted()
                    .toList();
            return models.stream()
                    .map(m -> DynamicTest.dynamicTest(m.getFileName().toString(), () -> twin(area, m)));
        }
    }

    @TestFactory
    Stream<DynamicTest> kerasWeightsOfAnEfficientNetAreThoseOfItsHuggingFaceTwin() throws IOException {
        Path area = Golden.area("cnn");
        try (Stream<Path> list = Files.list(area)) {
            List<Path> models = list.filter(p -> Files.exists(p.resolve("model.weights.h5")))
                    .sorted()
                    .toList();
            return models.stream()
                    .map(m -> DynamicTest.dynamicTest(m.getFileName().toString(), () -> weightsTwin(m)));
        }
    }

    private static void weightsTwin(Path model) {
        Path source = model.resolve("model.weights.h5");
        Path twin = model.resolveSibling(model.getFileName().toString().replaceFirst("^keras-", "tiny-"));
        try (H5Reader h5 = H5Reader.open(source);
                SafeTensors expected = SafeTensors.open(twin);
                Arena arena = Arena.ofConfined()) {
            List<Converted.Tensor> tensors = KerasEfficientNet.tensors(source, h5);
            assertThat(tensors.stream().map(Converted.Tensor::name))
                    .containsExactlyInAnyOrderElementsOf(expected.names());
            for (Converted.Tensor t : tensors) {
                assertThat(t.entry().shape()).as(t.name()).isEqualTo(expected.shape(t.name()));
                assertThat(t.values(h5, arena).data().mismatch(expected.bytes(t.name(), arena)))
                        .as(t.name())
                        .isEqualTo(-1);
            }
        }
    }

    private void twin(Path area, Path model) throws IOException {
        String name = model.getFileName().toString();
        Path twin = area.resolve(name.replaceFirst("^keras-", "tiny-"));
        Path labels = temporary.resolve(name + ".txt");
        Files.write(
                labels,
                Golden.json(model.resolve("config.json"))
                        .get("labels")
                        .valueStream()
                        .map(JsonNode::stringValue)
                        .toList());
        Path out = Convert.run(
                model.resolve("model.h5"), temporary.resolve(name), new Convert.Options(Optional.of(labels), false));
        try (SafeTensors actual = SafeTensors.open(out);
                SafeTensors expected = SafeTensors.open(twin);
                Arena arena = Arena.ofConfined()) {
            assertThat(actual.names()).containsExactlyInAnyOrderElementsOf(expected.names());
            for (String tensor : expected.names()) {
                Shape shape = expected.shape(tensor);
                assertThat(actual.shape(tensor)).as(tensor).isEqualTo(shape);
                assertThat(actual.dtype(tensor)).as(tensor).isEqualTo(expected.dtype(tensor));
                assertThat(actual.bytes(tensor, arena).mismatch(expected.bytes(tensor, arena)))
                        .as(tensor)
                        .isEqualTo(-1);
            }
        }
        JsonNode actual = Golden.json(out.resolve("config.json"));
        JsonNode expected = Golden.json(twin.resolve("config.json"));
        for (String key : SAME_CONFIG) {
            assertThat(actual.get(key)).as(key).isEqualTo(expected.get(key));
        }
        assertThat(actual.has("head")).isFalse();
    }
}
