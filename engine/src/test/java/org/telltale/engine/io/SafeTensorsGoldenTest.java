package org.telltale.engine.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.Shape;
import org.telltale.engine.testing.Compare;
import org.telltale.engine.testing.Golden;
import tools.jackson.databind.JsonNode;

class SafeTensorsGoldenTest {
    @TestFactory
    Stream<DynamicTest> oddButValidFilesGiveTheirValues() {
        Path area = Golden.area("formats");
        return Golden.json(area.resolve("safetensors-good.json"))
                .get("files")
                .valueStream()
                .map(f -> DynamicTest.dynamicTest(
                        f.get("file").stringValue(),
                        () -> valid(
                                area.resolve("safetensors-good", f.get("file").stringValue()), f.get("tensors"))));
    }

    @TestFactory
    Stream<DynamicTest> malformedFilesAreRefusedByName() {
        Path area = Golden.area("formats");
        return Golden.json(area.resolve("safetensors-bad.json"))
                .get("files")
                .valueStream()
                .map(f -> DynamicTest.dynamicTest(
                        f.get("file").stringValue() + ": " + f.get("why").stringValue(),
                        () -> malformed(
                                area.resolve("safetensors-bad", f.get("file").stringValue()),
                                f.get("expect").stringValue())));
    }

    private static void valid(Path file, JsonNode tensors) throws Exception {
        try (SafeTensors weights = SafeTensors.open(file);
                Arena arena = Arena.ofConfined()) {
            TreeSet<String> names = new TreeSet<>();
            for (JsonNode t : tensors) {
                String name = t.get("name").stringValue();
                names.add(name);
                assertThat(weights.typeName(name)).isEqualTo(t.get("dtype").stringValue());
                assertThat(weights.shape(name)).isEqualTo(Shape.of(Golden.ints(t.get("shape"))));
                MemorySegment bytes = weights.bytes(name, arena);
                byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes.toArray(ValueLayout.JAVA_BYTE));
                assertThat(HexFormat.of().formatHex(digest))
                        .as(name)
                        .isEqualTo(t.get("sha256").stringValue());
                if (t.has("values")) {
                    Compare.assertClose(
                            name,
                            weights.read(name, arena),
                            floats(t.get("values")),
                            Golden.ints(t.get("shape")),
                            0,
                            0);
                }
            }
            assertThat(weights.names()).containsExactlyInAnyOrderElementsOf(names);
        }
    }

    private static void malformed(Path file, String expect) {
        Throwable thrown = catchThrowable(() -> SafeTensors.open(file).close());
        if (expect.equals("error-or-ok") && thrown == null) {
            return;
        }
        assertThat(thrown)
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining(file.getFileName().toString())
                .hasMessageNotContainingAny("\n");
        assertThat(thrown.getMessage()).hasSizeLessThan(1000);
    }

    /** Numbers, or texts as Python prints special values. */
    private static float[] floats(JsonNode values) {
        float[] f = new float[values.size()];
        for (int i = 0; i < f.length; i++) {
            JsonNode v = values.get(i);
            f[i] = v.isNumber()
                    ? v.floatValue()
                    : switch (v.stringValue()) {
                        case "inf" -> Float.POSITIVE_INFINITY;
                        case "-inf" -> Float.NEGATIVE_INFINITY;
                        case "nan" -> Float.NaN;
                        default -> Float.parseFloat(v.stringValue());
                    };
        }
        return f;
    }
}
