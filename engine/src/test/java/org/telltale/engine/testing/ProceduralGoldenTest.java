package org.telltale.engine.testing;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;

class ProceduralGoldenTest {
    @TestFactory
    Stream<DynamicTest> valuesAreThoseOfTheReference() {
        Path file = Golden.area("blip").resolve("procedural.json");
        List<JsonNode> cases = Golden.json(file).get("cases").valueStream().toList();
        return cases.stream()
                .map(c -> DynamicTest.dynamicTest(c.get("name").stringValue() + " salt " + c.get("salt"), () -> {
                    try (Arena arena = Arena.ofConfined()) {
                        Compare.assertClose(
                                c.get("name").stringValue(),
                                Procedural.tensor(c, c.get("salt").longValue(), arena),
                                Golden.floats(c.get("values")),
                                Golden.ints(c.get("shape")),
                                0,
                                0);
                    }
                }));
    }
}
