package org.telltale.models.image;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.telltale.engine.io.SafeTensors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The folder of reference outputs for pictures, {@code telltale.golden}/images. */
final class GoldenImages {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private GoldenImages() {}

    static Path folder() {
        return Path.of(System.getProperty("telltale.golden", "../shared/golden"), "images");
    }

    /** The cases, or where a folder is absent one test that is reported as skipped and says so. */
    static Stream<DynamicTest> cases(Cases cases, Path... otherFolders) throws IOException {
        if (!Files.isDirectory(folder())) {
            return skipped("no golden folder: " + folder());
        }
        for (Path other : otherFolders) {
            if (!Files.isDirectory(other)) {
                return skipped("no data folder: " + other);
            }
        }
        return cases.discover();
    }

    private static Stream<DynamicTest> skipped(String reason) {
        return Stream.of(DynamicTest.dynamicTest(reason, () -> Assumptions.abort(reason)));
    }

    /** Finds the cases in the folder. */
    interface Cases {
        Stream<DynamicTest> discover() throws IOException;
    }

    static JsonNode json(String name) {
        return JSON.readTree(folder().resolve(name));
    }

    static Pixels source(String name) throws IOException {
        return ImageReader.read(folder().resolve("sources").resolve(name + ".png"), Exif.IGNORE);
    }

    static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The index of probe k of count among n elements. */
    static int probe(int k, int count, int n) {
        return (int) ((long) k * n / count);
    }

    /** The tensors of one safetensors file; they are small, so the file stays open until the tests end. */
    record Tensors(SafeTensors file) {
        static Tensors read(String name) {
            return new Tensors(SafeTensors.open(folder().resolve(name)));
        }

        boolean has(String name) {
            return file.names().contains(name);
        }

        float[] floats(String name) {
            try (Arena arena = Arena.ofConfined()) {
                return file.read(name, arena).toFloats();
            }
        }

        byte[] bytes(String name) {
            try (Arena arena = Arena.ofConfined()) {
                return file.bytes(name, arena).toArray(ValueLayout.JAVA_BYTE);
            }
        }
    }
}
