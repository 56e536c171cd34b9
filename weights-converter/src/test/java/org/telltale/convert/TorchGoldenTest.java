package org.telltale.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.HostTensor;
import org.telltale.engine.testing.Golden;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Files of {@code torch.save}, good and hostile, from the reference values or from those in the repository. */
class TorchGoldenTest {
    static final Path COMMITTED = Path.of("src/test/resources/golden/formats");

    @TestFactory
    Stream<DynamicTest> tensorsAreThoseThatPyTorchSaved() {
        return valid(Golden.area("formats"));
    }

    @TestFactory
    Stream<DynamicTest> tensorsAreThoseThatPyTorchSavedInABareClone() {
        return valid(COMMITTED);
    }

    @TestFactory
    Stream<DynamicTest> hostileFilesAreRefusedByNameAndReason() {
        return hostile(Golden.area("formats"));
    }

    @TestFactory
    Stream<DynamicTest> hostileFilesAreRefusedByNameAndReasonInABareClone() {
        return hostile(COMMITTED);
    }

    private static Stream<DynamicTest> valid(Path area) {
        // the first values of a tensor may be infinite there
        JsonNode files = JsonMapper.builder()
                .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
                .build()
                .readTree(area.resolve("torch.json"))
                .get("files");
        return files.properties().stream()
                .filter(f -> Files.exists(area.resolve("torch", f.getKey())))
                .map(f -> DynamicTest.dynamicTest(
                        f.getKey(), () -> check(area.resolve("torch", f.getKey()), f.getValue())));
    }

    private static void check(Path file, JsonNode expected) throws Exception {
        List<String> names = new ArrayList<>();
        try (Checkpoint checkpoint = Checkpoint.open(file);
                Arena arena = Arena.ofConfined()) {
            for (JsonNode t : expected) {
                String name =
                        t.get("path").valueStream().map(JsonNode::asString).collect(Collectors.joining("."));
                names.add(name);
                assertThat(checkpoint.tensors()).containsKey(name);
                Checkpoint.Stored stored = checkpoint.tensors().get(name);
                assertThat(stored.type())
                        .as(name)
                        .isEqualTo(TorchType.ofDtype(t.get("dtype").stringValue())
                                .orElseThrow()
                                .name());
                assertThat(stored.shape().dims()).as(name).isEqualTo(Golden.ints(t.get("shape")));
                if (stored.dtype().isPresent()) {
                    HostTensor values = checkpoint.values(name, arena);
                    assertThat(sha256(values.data()))
                            .as(name)
                            .isEqualTo(t.get("sha256").stringValue());
                }
            }
            assertThat(checkpoint.tensors().keySet()).containsExactlyElementsOf(names);
        }
    }

    static String sha256(MemorySegment bytes) throws Exception {
        return HexFormat.of()
                .formatHex(MessageDigest.getInstance("SHA-256").digest(bytes.toArray(ValueLayout.JAVA_BYTE)));
    }

    private static Stream<DynamicTest> hostile(Path area) {
        return Golden.json(area.resolve("pickle-bad.json"))
                .get("files")
                .valueStream()
                .filter(f ->
                        Files.exists(area.resolve("pickle-bad", f.get("file").stringValue())))
                .map(f -> DynamicTest.dynamicTest(
                        f.get("file").stringValue() + ": " + f.get("why").stringValue(),
                        () -> refused(
                                area.resolve("pickle-bad", f.get("file").stringValue()),
                                f.get("expect").stringValue())));
    }

    private static void refused(Path file, String expect) throws IOException {
        List<Path> before = written(file);
        List<String> read = new ArrayList<>();
        long start = System.nanoTime();
        Throwable thrown = catchThrowable(() -> readAll(file, read));
        assertThat(System.nanoTime() - start).isLessThan(5_000_000_000L);
        assertThat(written(file)).isEqualTo(before);
        if (thrown != null) {
            assertThat(expect).isNotEqualTo("ok");
            assertThat(thrown)
                    .isInstanceOf(ConvertException.class)
                    .hasMessageStartingWith(file.toString() + ": ")
                    .hasMessageNotContainingAny("\n");
            assertThat(thrown.getMessage()).hasSizeBetween(file.toString().length() + 12, 1000);
            return;
        }
        switch (expect) {
            case "error" -> throw new AssertionError(file + " was read: " + read);
            case "error-or-empty" -> assertThat(read).isEmpty();
            // the same values without a key, or under a number
            case "error-or-ok" -> assertThat(read).containsAnyOf("w", "", "5").hasSize(1);
            case "ok", "error-or-skip" -> assertThat(read).containsExactly("w");
            default -> throw new AssertionError("unknown expectation " + expect);
        }
    }

    /** What a pickle that was executed, or an archive that was unpacked, would leave. */
    private static List<Path> written(Path file) throws IOException {
        List<Path> found = new ArrayList<>();
        for (Path folder : List.of(Path.of(""), file.toAbsolutePath().getParent(), Path.of("/tmp"))) {
            for (String name : List.of("PWNED", "PWNED_2", "evil.txt")) {
                if (Files.exists(folder.resolve(name))) {
                    found.add(folder.resolve(name));
                }
            }
        }
        return found;
    }

    /** Reads all values; those of a tensor of 4 by 4 must be 0 to 15. */
    static void readAll(Path file, List<String> read) {
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            for (Checkpoint.Stored t : checkpoint.tensors().values()) {
                try (Arena arena = Arena.ofConfined()) {
                    HostTensor values = checkpoint.values(t.name(), arena);
                    if (Arrays.equals(t.shape().dims(), new int[] {4, 4})) {
                        for (int i = 0; i < 16; i++) {
                            assertThat(values.get(i)).isEqualTo(i);
                        }
                    }
                }
                read.add(t.name());
            }
        }
    }
}
