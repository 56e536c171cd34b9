package org.telltale.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.testing.Golden;
import tools.jackson.databind.JsonNode;

class H5GoldenTest {
    @TestFactory
    Stream<DynamicTest> datasetsAndAttributesAreThoseOfTheReference() {
        return datasets(Golden.area("formats"));
    }

    @TestFactory
    Stream<DynamicTest> datasetsAndAttributesAreThoseOfTheReferenceInABareClone() {
        return datasets(TorchGoldenTest.COMMITTED);
    }

    private static Stream<DynamicTest> datasets(Path area) {
        return Golden.json(area.resolve("h5.json")).get("files").properties().stream()
                .filter(f -> Files.exists(area.resolve("h5", f.getKey())))
                .map(f ->
                        DynamicTest.dynamicTest(f.getKey(), () -> valid(area.resolve("h5", f.getKey()), f.getValue())));
    }

    @TestFactory
    Stream<DynamicTest> malformedFilesAreRefusedByName() {
        return refused(Golden.area("formats"));
    }

    @TestFactory
    Stream<DynamicTest> malformedFilesAreRefusedByNameInABareClone() {
        return refused(TorchGoldenTest.COMMITTED);
    }

    private static Stream<DynamicTest> refused(Path area) {
        return Golden.json(area.resolve("h5.json")).at("/files/bad").properties().stream()
                .filter(f -> Files.exists(area.resolve("h5", f.getKey())))
                .map(f -> DynamicTest.dynamicTest(
                        f.getKey() + ": " + f.getValue().get("why").stringValue(),
                        () -> malformed(area.resolve("h5", f.getKey()), f.getValue())));
    }

    private static void valid(Path file, JsonNode expected) throws Exception {
        try (H5Reader h5 = H5Reader.open(file)) {
            List<String> paths = new ArrayList<>();
            for (JsonNode t : expected.get("tensors")) {
                String path = t.get("path").stringValue();
                paths.add(path);
                assertThat(h5.datasets()).containsKey(path);
                H5Reader.Entry entry = h5.datasets().get(path);
                assertThat(entry.shape().stream().mapToInt(Integer::intValue).toArray())
                        .as(path)
                        .isEqualTo(Golden.ints(t.get("shape")));
                assertThat(entry.type()).as(path).isEqualTo(t.get("dtype").stringValue());
                assertThat(sha256(h5.read(path)))
                        .as(path)
                        .isEqualTo(t.get("sha256_f32_le").stringValue());
            }
            assertThat(h5.datasets().keySet()).containsExactlyInAnyOrderElementsOf(paths);
            for (Map.Entry<String, JsonNode> a : expected.get("attributes").properties()) {
                assertThat(h5.text("", a.getKey())).contains(a.getValue().stringValue());
            }
            for (Map.Entry<String, JsonNode> n : expected.get("names").properties()) {
                String attribute = h5.texts(n.getKey(), "layer_names").isEmpty() ? "weight_names" : "layer_names";
                assertThat(h5.texts(n.getKey(), attribute))
                        .containsExactlyElementsOf(n.getValue()
                                .valueStream()
                                .map(JsonNode::stringValue)
                                .toList());
            }
        }
    }

    private static void malformed(Path file, JsonNode expected) {
        if (!expected.get("expect").stringValue().equals("error")) {
            try {
                readAll(file);
            } catch (ConvertException e) {
                assertThat(e.getMessage()).contains(file.toString());
            }
            return;
        }
        assertThatThrownBy(() -> readAll(file))
                .isInstanceOf(ConvertException.class)
                .hasMessageContaining(file.toString())
                .hasMessageNotContainingAny("\n");
    }

    static void readAll(Path file) {
        try (H5Reader h5 = H5Reader.open(file)) {
            h5.datasets().keySet().forEach(h5::read);
            h5.texts("", "layer_names");
        }
    }

    private static String sha256(float[] values) throws Exception {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes.array()));
    }
}
