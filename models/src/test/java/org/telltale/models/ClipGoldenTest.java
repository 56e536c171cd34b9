package org.telltale.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.Activation;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.Weights;
import org.telltale.engine.nn.L2Normalise;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.testing.Compare;
import org.telltale.engine.testing.Golden;
import org.telltale.engine.testing.Procedural;
import org.telltale.engine.testing.ProceduralWeights;
import org.telltale.kernels.vector.VectorBackend;
import org.telltale.models.image.Exif;
import org.telltale.models.image.ImageReader;
import org.telltale.models.image.Preprocess;
import org.telltale.models.text.ClipBpe;
import tools.jackson.databind.JsonNode;

/** CLIP against {@code golden/clip}: both namings block by block, the tokens of its texts, and the full sizes. */
class ClipGoldenTest {
    private static final long GIB = 1L << 30;

    /** A small checkpoint with its references, open for one case. */
    private record Model(Path folder, String golden, Weights weights, SafeTensors expected, Arena arena) {
        Clip.Config config() {
            Path open = folder.resolve("open_clip_config.json");
            return Clip.Config.of(ConfigFile.read(Files.exists(open) ? open : folder.resolve("config.json")));
        }

        JsonNode texts() {
            return Golden.json(folder.resolveSibling("texts-" + golden + ".json"));
        }

        void compare(String key, float[] actual) {
            JsonNode tolerances = Golden.json(folder.resolveSibling("tolerances.json"));
            Golden.Tolerance t = Golden.tolerance(
                    Golden.lookUp(tolerances, folder.getFileName().toString()), key);
            float[] reference = expected.read(key, arena).toFloats();
            Compare.assertClose(key, actual, reference, new int[] {reference.length}, t.atol(), t.rtol());
        }
    }

    private interface Case {
        void check(Model model) throws IOException;
    }

    @TestFactory
    List<DynamicTest> smallModelsEqualTheOriginalBlockByBlock() throws IOException {
        Path area = Golden.area("clip");
        List<DynamicTest> tests = new ArrayList<>();
        for (Path folder : folders(area)) {
            tests.add(test("tokens", folder, ClipGoldenTest::tokens));
            tests.add(test("pictures", folder, ClipGoldenTest::pictures));
            for (Backend backend : Run.backends()) {
                tests.add(test("vision on " + backend.description(), folder, m -> vision(m, backend)));
                tests.add(test("text on " + backend.description(), folder, m -> text(m, backend)));
            }
        }
        assertThat(tests).isNotEmpty();
        return tests;
    }

    private static List<Path> folders(Path area) throws IOException {
        try (Stream<Path> files = Files.list(area)) {
            return files.filter(f -> f.getFileName().toString().startsWith("tiny-"))
                    .sorted()
                    .toList();
        }
    }

    private static DynamicTest test(String name, Path folder, Case check) {
        return DynamicTest.dynamicTest(folder.getFileName() + " " + name, () -> {
            // Both namings of the same weights have one file of references.
            String golden = Files.exists(folder.resolveSibling("golden-" + folder.getFileName() + ".safetensors"))
                    ? folder.getFileName().toString()
                    : "tiny-clip";
            Path file = folder.resolve("model.safetensors");
            try (Arena arena = Arena.ofConfined();
                    Weights weights = SafeTensors.open(
                            Files.exists(file) ? file : folder.resolve("open_clip_model.safetensors"));
                    SafeTensors expected =
                            SafeTensors.open(folder.resolveSibling("golden-" + golden + ".safetensors"))) {
                check.check(new Model(folder, golden, weights, expected, arena));
            }
        });
    }

    private static void tokens(Model m) {
        Clip.Config config = m.config();
        ClipBpe tokenizer = ClipBpe.read(m.folder, config.vocabulary());
        int[] expected =
                Run.ints(m.expected.read("input_ids", m.arena), m.arena).toInts();
        JsonNode texts = m.texts();
        assertThat(texts.get("context_length").intValue()).isEqualTo(config.context());
        int row = 0;
        for (JsonNode text : texts.get("texts")) {
            int[] ids = tokenizer.encode(text.get("text").stringValue(), config.context());
            int from = row++ * config.context();
            assertThat(Arrays.copyOf(ids, config.context()))
                    .as(text.toString())
                    .isEqualTo(Arrays.copyOfRange(expected, from, from + config.context()));
        }
    }

    private static void pictures(Model m) throws IOException {
        int size = m.config().imageSize();
        Preprocess preprocess = Preprocess.clip(size, Preprocess.CropRule.TORCHVISION);
        HostTensor levels = m.expected.read("resized_cropped", m.arena);
        HostTensor values = Run.nhwc(m.expected.read("pixel_values", m.arena), m.arena);
        Golden.Tolerance t = Golden.tolerance(Golden.json(m.folder.resolveSibling("tolerances.json")), "pixel_values");
        int n = size * size * 3;
        int at = 0;
        for (JsonNode name : m.texts().get("pictures")) {
            Path file = m.folder.resolveSibling("pictures").resolve(name.stringValue());
            float[] resized = new float[n];
            preprocess.resizeInto(ImageReader.read(file, Exif.IGNORE), resized);
            float[] exact = new float[n];
            for (int i = 0; i < n; i++) {
                exact[i] = levels.data().get(ValueLayout.JAVA_BYTE, at + i) & 0xFF;
            }
            assertThat(resized).as(name.stringValue()).isEqualTo(exact);
            MemorySegment normalised = m.arena.allocate(4L * n, 64);
            preprocess.normalize(resized, normalised, 0);
            float[] actual = normalised.toArray(ValueLayout.JAVA_FLOAT);
            float[] reference = Arrays.copyOfRange(values.toFloats(), at, at + n);
            Compare.assertClose(name.stringValue(), actual, reference, new int[] {n}, t.atol(), t.rtol());
            at += n;
        }
    }

    private static Map<String, Tensor> visionOutputs(Clip.Seen seen) {
        Map<String, Tensor> out = new LinkedHashMap<>();
        out.put("vision.embeddings", seen.embeddings());
        out.put("vision.ln_pre", seen.normed());
        for (int i = 0; i < seen.layers().size(); i++) {
            out.put("vision.block." + i, seen.layers().get(i));
        }
        out.put("image_features", seen.features());
        return out;
    }

    private static void vision(Model m, Backend backend) {
        HostTensor pictures = Run.nhwc(m.expected.read("pixel_values", m.arena), m.arena);
        Clip.Seen seen = new Clip(m.config(), Run.params(m.weights))
                .see(Tensor.input("pictures", DType.F32, pictures.shape().dims()));
        Map<String, Tensor> out = visionOutputs(seen);
        out.put("image_features_normalised", L2Normalise.of(seen.features()));
        Run.outputs(backend, m.weights, Map.of("pictures", pictures), out, m.arena)
                .forEach((key, value) -> m.compare(key, value.toFloats()));
    }

    private static void text(Model m, Backend backend) {
        HostTensor ids = Run.ints(m.expected.read("input_ids", m.arena), m.arena);
        HostTensor pictures = Run.nhwc(m.expected.read("pixel_values", m.arena), m.arena);
        int count = ids.shape().dim(0);
        int context = ids.shape().dim(1);
        int[] ends = new int[count];
        for (int i = 0; i < count; i++) {
            ends[i] = i * context
                    + m.texts().get("texts").get(i).get("pooled_position").intValue();
        }
        Params params = Run.params(m.weights);
        Clip clip = new Clip(m.config(), params);
        Clip.Read read =
                clip.read(Tensor.input("ids", DType.I32, count, context), Tensor.input("ends", DType.I32, count));
        Tensor seen = clip.see(
                        Tensor.input("pictures", DType.F32, pictures.shape().dims()))
                .features();
        params.verify();
        Map<String, Tensor> out = new LinkedHashMap<>();
        for (int i = 0; i < read.layers().size(); i++) {
            out.put("text.block." + i, read.layers().get(i));
        }
        out.put("text.ln_final", read.normed());
        out.put("text_features", read.features());
        Tensor normalised = L2Normalise.of(read.features());
        out.put("text_features_normalised", normalised);
        out.put("similarity", L2Normalise.of(seen).matmul(normalised, false, true));
        int[] rows =
                Run.ints(m.expected.read("text.block_rows", m.arena), m.arena).toInts();
        Map<String, HostTensor> inputs =
                Map.of("ids", ids, "ends", HostTensor.ofInts(m.arena, Shape.of(count), ends), "pictures", pictures);
        Run.outputs(backend, m.weights, inputs, out, m.arena).forEach((key, value) -> {
            boolean some = value.shape().rank() == 3;
            m.compare(key, some ? rows(value.toFloats(), value.shape(), rows) : value.toFloats());
        });
    }

    private static float[] rows(float[] all, Shape shape, int[] rows) {
        int row = shape.dim(1) * shape.dim(2);
        float[] out = new float[rows.length * row];
        for (int i = 0; i < rows.length; i++) {
            System.arraycopy(all, rows[i] * row, out, i * row, row);
        }
        return out;
    }

    @TestFactory
    List<DynamicTest> fullSizeModelsEqualTheOriginal() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        try (Stream<Path> files = Files.list(Golden.area("clip"))) {
            for (Path manifest : files.filter(f -> f.getFileName().toString().matches("full-.*\\.json"))
                    .sorted()
                    .toList()) {
                tests.add(DynamicTest.dynamicTest(manifest.getFileName().toString(), () -> full(manifest)));
            }
        }
        assertThat(tests).isNotEmpty();
        return tests;
    }

    private static void full(Path manifest) throws IOException {
        JsonNode json = Golden.json(manifest);
        long bytes = json.get("tensors")
                .valueStream()
                .mapToLong(t -> 4 * Shape.of(Golden.ints(t.get("shape"))).size())
                .sum();
        assumeTrue(bytes + 2 * GIB < free(), () -> bytes / GIB + " GiB of weights, but " + free() / GIB + " GiB free");
        JsonNode tolerances = Golden.lookUp(
                Golden.json(manifest.resolveSibling("tolerances.json")),
                manifest.getFileName().toString());
        Path golden = manifest.resolveSibling(manifest.getFileName().toString().replace(".json", ".safetensors"));
        Clip.Config config = fullConfig(json.get("config"));
        try (Arena arena = Arena.ofConfined();
                Weights weights = ProceduralWeights.open(manifest);
                SafeTensors expected = SafeTensors.open(golden);
                Backend backend = new VectorBackend(2)) {
            Params params = Run.params(weights);
            Clip clip = new Clip(config, params);
            HostTensor picture = Run.nhwc(
                    Procedural.tensor(
                            json.get("inputs").get(0), json.get("salt").longValue(), arena),
                    arena);
            Clip.Seen seen =
                    clip.see(Tensor.input("pictures", DType.F32, picture.shape().dims()));
            HostTensor ids = Run.ints(expected.read("input_ids", arena), arena);
            int[] first = Arrays.copyOf(ids.toInts(), config.context());
            int end = Arrays.stream(first).boxed().toList().indexOf(config.vocabulary() - 1);
            int[] ends = {end, 2 * config.context() - 1};
            Clip.Read read =
                    clip.read(Tensor.input("ids", DType.I32, ids.shape().dims()), Tensor.input("ends", DType.I32, 2));
            params.verify();
            Map<String, Tensor> vision = visionOutputs(seen);
            vision.put("seen", L2Normalise.of(seen.features()));
            Map<String, HostTensor> actual =
                    new HashMap<>(Run.outputs(backend, weights, Map.of("pictures", picture), vision, arena));
            Map<String, Tensor> text = new LinkedHashMap<>();
            for (int i = 0; i < read.layers().size(); i++) {
                text.put("text.block." + i, read.layers().get(i));
            }
            text.put("text_features", read.features());
            Tensor of = Tensor.input("seen", DType.F32, 1, config.embedding());
            text.put("similarity", of.matmul(L2Normalise.of(read.features()), false, true));
            actual.putAll(Run.outputs(
                    backend,
                    weights,
                    Map.of("ids", ids, "ends", HostTensor.ofInts(arena, Shape.of(2), ends), "seen", actual.get("seen")),
                    text,
                    arena));
            for (JsonNode record : json.get("records")) {
                String key = record.get("key").stringValue();
                float[] values = actual.get(key).toFloats();
                // Of the first text only the tokens up to its end mark are kept.
                float[] kept = key.startsWith("text.block.") ? without(values, end + 1, config) : values;
                Golden.Tolerance t = Golden.tolerance(tolerances, key);
                Compare.assertProbe(key, kept, expected.read(key, arena).toFloats(), t.atol(), t.rtol());
                Compare.assertMoments(
                        key,
                        kept,
                        record.get("mean").doubleValue(),
                        Golden.tolerance(tolerances, "mean"),
                        record.get("l2").doubleValue(),
                        Golden.tolerance(tolerances, "l2"));
            }
            Golden.Tolerance t = Golden.tolerance(tolerances, "similarity");
            Compare.assertClose(
                    "similarity",
                    actual.get("similarity").toFloats(),
                    Golden.floats(json.get("similarity")),
                    new int[] {2},
                    t.atol(),
                    t.rtol());
        }
    }

    private static float[] without(float[] values, int firstTokens, Clip.Config config) {
        int width = config.text().width();
        float[] kept = Arrays.copyOf(values, (firstTokens + config.context()) * width);
        System.arraycopy(values, config.context() * width, kept, firstTokens * width, config.context() * width);
        return kept;
    }

    /** Memory that the system could give, in bytes. */
    private static long free() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/meminfo"))) {
            return lines.filter(l -> l.startsWith("MemAvailable:"))
                    .mapToLong(l -> Long.parseLong(l.replaceAll("\\D", "")) * 1024)
                    .findFirst()
                    .orElse(0);
        } catch (IOException e) {
            return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                    .getFreeMemorySize();
        }
    }

    private static Clip.Config fullConfig(JsonNode c) {
        JsonNode v = c.get("vision_cfg");
        JsonNode t = c.get("text_cfg");
        Activation activation = c.get("quick_gelu").booleanValue() ? Activation.QUICK_GELU : Activation.GELU_ERF;
        int width = v.get("width").intValue();
        int textWidth = t.get("width").intValue();
        return new Clip.Config(
                new Clip.Tower(
                        width,
                        v.get("layers").intValue(),
                        width / v.path("head_width").asInt(64),
                        4 * width,
                        activation,
                        1e-5f),
                v.get("image_size").intValue(),
                v.get("patch_size").intValue(),
                new Clip.Tower(
                        textWidth,
                        t.get("layers").intValue(),
                        t.get("heads").intValue(),
                        4 * textWidth,
                        activation,
                        1e-5f),
                t.get("vocab_size").intValue(),
                t.get("context_length").intValue(),
                c.get("embed_dim").intValue());
    }
}
