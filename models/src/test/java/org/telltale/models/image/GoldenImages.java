package org.telltale.models.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
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

    /** The tensors of one safetensors file. */
    record Tensors(JsonNode header, ByteBuffer data) {
        static Tensors read(String name) throws IOException {
            ByteBuffer file =
                    ByteBuffer.wrap(Files.readAllBytes(folder().resolve(name))).order(ByteOrder.LITTLE_ENDIAN);
            int length = Math.toIntExact(file.getLong());
            byte[] header = new byte[length];
            file.get(header);
            return new Tensors(JSON.readTree(header), file.slice().order(ByteOrder.LITTLE_ENDIAN));
        }

        boolean has(String name) {
            return header.has(name);
        }

        float[] floats(String name) {
            ByteBuffer b = bytesOf(name);
            float[] out = new float[b.remaining() / 4];
            b.asFloatBuffer().get(out);
            return out;
        }

        byte[] bytes(String name) {
            ByteBuffer b = bytesOf(name);
            byte[] out = new byte[b.remaining()];
            b.get(out);
            return out;
        }

        private ByteBuffer bytesOf(String name) {
            JsonNode offsets = header.get(name).get("data_offsets");
            int from = offsets.get(0).asInt();
            return data.slice(from, offsets.get(1).asInt() - from).order(ByteOrder.LITTLE_ENDIAN);
        }
    }
}
