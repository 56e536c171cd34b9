package org.telltale.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.convert.Convert;
import org.telltale.convert.NameMap;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.SafeTensorsWriter;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.testing.Compare;
import org.telltale.engine.testing.Golden;
import org.telltale.models.AttentionGruCaptioner;
import org.telltale.models.Bert;
import org.telltale.models.Blip;
import org.telltale.models.Clip;
import org.telltale.models.ConfigFile;
import org.telltale.models.EfficientNet;
import org.telltale.models.InceptionV3;
import tools.jackson.databind.JsonNode;

/** Checkpoints of other libraries, converted: the model classes give the outputs of the originals. */
class ConvertedGoldenTest {
    @TempDir
    private Path temporary;

    /** A converted folder with its references, open for one case. */
    private record Open(Path folder, SafeTensors weights, SafeTensors golden, Backend backend, Arena arena) {
        Params params() {
            return Params.of(folder.toString(), weights.names(), weights::shape, weights::dtype);
        }

        ConfigFile config() {
            return ConfigFile.read(folder.resolve("config.json"));
        }

        float[] run(Tensor output, Map<String, HostTensor> inputs) {
            try (Executable e = backend.compile(Graph.of("converted", output), weights, CompileOptions.DEFAULT)) {
                inputs.forEach((name, value) -> e.input(name).copyFrom(value));
                e.run();
                return e.output(0).toFloats();
            }
        }

        HostTensor ints(String name) {
            HostTensor from = golden.read(name, arena);
            HostTensor to = HostTensor.allocate(arena, DType.I32, from.shape());
            for (long i = 0; i < from.size(); i++) {
                to.setInt(i, Math.toIntExact(from.data().getAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, i)));
            }
            return to;
        }

        HostTensor pixels(String name, double[] factor, double[] shift) {
            HostTensor bytes = golden.raw(name, arena);
            HostTensor to = HostTensor.allocate(arena, DType.F32, bytes.shape());
            for (long i = 0; i < bytes.size(); i++) {
                int c = (int) (i % 3);
                to.set(i, (float)
                        (Byte.toUnsignedInt(bytes.data().get(ValueLayout.JAVA_BYTE, i)) * factor[c] + shift[c]));
            }
            return to;
        }

        /** Pictures or maps [N, C, H, W] as [N, H, W, C]. */
        HostTensor nhwc(String name) {
            HostTensor from = golden.read(name, arena);
            int[] d = from.shape().dims();
            HostTensor to = HostTensor.allocate(arena, DType.F32, Shape.of(d[0], d[2], d[3], d[1]));
            long k = 0;
            for (int n = 0; n < d[0]; n++) {
                for (int y = 0; y < d[2]; y++) {
                    for (int x = 0; x < d[3]; x++) {
                        for (int c = 0; c < d[1]; c++) {
                            to.set(k++, from.get((((long) n * d[1] + c) * d[2] + y) * d[3] + x));
                        }
                    }
                }
            }
            return to;
        }
    }

    private interface Case {
        void check(Open open);
    }

    private void converted(Path source, Convert.Options options, Path golden, Case check) {
        Path out = Convert.run(source, folder().resolve("converted"), options);
        try (Arena arena = Arena.ofConfined();
                Backend backend = Device.cpu().open(2);
                SafeTensors weights = SafeTensors.open(out);
                SafeTensors expected = SafeTensors.open(golden)) {
            check.check(new Open(out, weights, expected, backend, arena));
        }
    }

    /** A new folder: the cases of one factory share the temporary one. */
    private Path folder() {
        try {
            return Files.createTempDirectory(temporary, "case");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void close(Open o, String area, String model, String key, float[] found) {
        close(o, Golden.json(Golden.area(area).resolve("tolerances.json")), model, key, found);
    }

    private static void close(Open o, JsonNode tolerances, String model, String key, float[] found) {
        Golden.Tolerance t = Golden.tolerance(Golden.lookUp(tolerances, model), key.substring(key.indexOf('/') + 1));
        float[] wanted = o.golden.read(key, o.arena).toFloats();
        Compare.assertClose(key, found, wanted, new int[] {wanted.length}, t.atol(), t.rtol());
    }

    private static void closeToRms(String key, float[] found, HostTensor wanted, JsonNode tolerance) {
        Compare.assertCloseToRms(
                key,
                found,
                wanted.toFloats(),
                wanted.shape().dims(),
                tolerance.path("atol_rms").doubleValue(),
                tolerance.path("rtol").doubleValue());
    }

    @TestFactory
    Stream<DynamicTest> aClipOfOpenClipGivesItsFeatures() {
        Path area = Golden.area("clip");
        return Stream.of("tiny-clip-openai-names", "tiny-clip-gelu")
                .map(name -> DynamicTest.dynamicTest(name, () -> {
                    String golden = name.equals("tiny-clip-gelu") ? name : "tiny-clip";
                    converted(
                            area.resolve(name),
                            Convert.Options.defaults(),
                            area.resolve("golden-" + golden + ".safetensors"),
                            o -> {
                                Clip clip = new Clip(Clip.Config.of(o.config()), o.params());
                                HostTensor pictures = o.nhwc("pixel_values");
                                Tensor seen = clip.see(Tensor.input(
                                                "pictures",
                                                DType.F32,
                                                pictures.shape().dims()))
                                        .features();
                                close(o, "clip", name, "image_features", o.run(seen, Map.of("pictures", pictures)));
                                HostTensor ids = o.ints("input_ids");
                                Tensor read = clip.read(
                                                Tensor.input(
                                                        "ids",
                                                        DType.I32,
                                                        ids.shape().dims()),
                                                Tensor.input(
                                                        "ends",
                                                        DType.I32,
                                                        ids.shape().dim(0)))
                                        .features();
                                close(
                                        o,
                                        "clip",
                                        name,
                                        "text_features",
                                        o.run(read, Map.of("ids", ids, "ends", ends(o, ids))));
                            });
                }));
    }

    /** The first of the largest ids of each row. */
    private static HostTensor ends(Open o, HostTensor ids) {
        int rows = ids.shape().dim(0);
        int length = ids.shape().dim(1);
        HostTensor ends = HostTensor.allocate(o.arena, DType.I32, Shape.of(rows));
        for (int r = 0; r < rows; r++) {
            int best = r * length;
            for (int i = best; i < (r + 1) * length; i++) {
                best = ids.getInt(i) > ids.getInt(best) ? i : best;
            }
            ends.setInt(r, best);
        }
        return ends;
    }

    @Test
    void aClipTurnedIntoOpenClipAndBackIsTheSame() {
        Path area = Golden.area("clip");
        Path open = Convert.run(
                area.resolve("tiny-clip-hf"),
                temporary.resolve("open"),
                Convert.Options.defaults().map(NameMap.CLIP_TO_OPEN_CLIP));
        try (SafeTensors found = SafeTensors.open(open.resolve("open_clip_model.safetensors"));
                SafeTensors wanted =
                        SafeTensors.open(area.resolve("tiny-clip-openai-names/open_clip_model.safetensors"));
                Arena arena = Arena.ofConfined()) {
            assertThat(found.names()).containsExactlyInAnyOrderElementsOf(wanted.names());
            for (String name : wanted.names()) {
                assertThat(found.shape(name)).as(name).isEqualTo(wanted.shape(name));
                assertThat(found.bytes(name, arena).mismatch(wanted.bytes(name, arena)))
                        .as(name)
                        .isEqualTo(-1);
            }
        }
        assertThat(Clip.Config.of(ConfigFile.read(open.resolve("open_clip_config.json"))))
                .isEqualTo(
                        Clip.Config.of(ConfigFile.read(area.resolve("tiny-clip-openai-names/open_clip_config.json"))));
        converted(open, Convert.Options.defaults(), area.resolve("golden-tiny-clip.safetensors"), o -> {
            try (SafeTensors wanted = SafeTensors.open(area.resolve("tiny-clip-hf"))) {
                assertThat(o.weights.names())
                        .containsExactlyInAnyOrderElementsOf(wanted.names().stream()
                                .filter(n -> !n.endsWith("position_ids"))
                                .toList());
                for (String name : o.weights.names()) {
                    assertThat(o.weights.bytes(name, o.arena).mismatch(wanted.bytes(name, o.arena)))
                            .as(name)
                            .isEqualTo(-1);
                }
            }
        });
    }

    @Test
    void aBertWithTheNamesOfTensorFlowGivesItsLogits() {
        Path area = Golden.area("bert");
        converted(
                area.resolve("tiny-bert-legacy-names"),
                Convert.Options.defaults(),
                area.resolve("golden-tiny-bert.safetensors"),
                o -> {
                    assertThat(o.weights.names()).noneMatch(n -> n.endsWith("gamma") || n.endsWith("beta"));
                    assertThat(o.folder.resolve("vocab.txt")).exists();
                    for (String set : List.of("padded", "full", "pair")) {
                        HostTensor ids = o.ints(set + ".input_ids");
                        int[] d = ids.shape().dims();
                        Params params = o.params();
                        Tensor logits = new Bert(Bert.Config.of(o.config()), params)
                                .forward(
                                        Tensor.input("ids", DType.I32, d),
                                        Tensor.input("mask", DType.I32, d),
                                        Tensor.input("types", DType.I32, d))
                                .logits();
                        params.verify();
                        float[] found = o.run(
                                logits,
                                Map.of(
                                        "ids",
                                        ids,
                                        "mask",
                                        o.ints(set + ".attention_mask"),
                                        "types",
                                        o.ints(set + ".token_type_ids")));
                        Golden.Tolerance t = Golden.tolerance(
                                Golden.json(area.resolve("tolerances.json")).get("tiny-bert"), "logits");
                        float[] wanted = o.golden.read(set + ".logits", o.arena).toFloats();
                        Compare.assertClose(set, found, wanted, new int[] {wanted.length}, t.atol(), t.rtol());
                    }
                });
    }

    @TestFactory
    Stream<DynamicTest> aBlipWithTheNamesOfTheOriginalGivesItsLogits() {
        Path area = Golden.area("blip");
        return Stream.of("tiny-blip", "tiny-blip-wide", "tiny-blip-untied")
                .map(name -> DynamicTest.dynamicTest(name, () -> {
                    Path source = folder();
                    rename(area.resolve(name), source.resolve("model.safetensors"), ConvertedGoldenTest::originalBlip);
                    for (String file : List.of("config.json", "vocab.txt")) {
                        Files.copy(area.resolve(name).resolve(file), source.resolve(file));
                    }
                    converted(
                            source,
                            Convert.Options.defaults(),
                            area.resolve("golden-" + name + ".safetensors"),
                            o -> blip(o, area, name));
                }));
    }

    private static void blip(Open o, Path area, String name) {
        Params params = o.params();
        Blip blip = new Blip(Blip.Config.of(o.config()), params);
        HostTensor ids = o.ints("decoder.prompt.input_ids");
        try (SafeTensors pixels = SafeTensors.open(area.resolve("pixels.safetensors"))) {
            HostTensor pictures = new Open(o.folder, o.weights, pixels, o.backend, o.arena).nhwc("pixel_values");
            Tensor seen = blip.see(
                            Tensor.input("pictures", DType.F32, pictures.shape().dims()))
                    .last();
            Tensor logits = blip.tell(Tensor.input("ids", DType.I32, ids.shape().dims()), blip.remember(seen))
                    .logits();
            params.verify();
            close(o, "blip", name, "decoder.prompt.logits", o.run(logits, Map.of("pictures", pictures, "ids", ids)));
        }
    }

    /** The names of {@code models/vit.py} and {@code models/med.py} for those of Hugging Face. */
    private static String originalBlip(String name) {
        return name.replaceFirst("^vision_model\\.embeddings\\.class_embedding$", "visual_encoder.cls_token")
                .replaceFirst("^vision_model\\.embeddings\\.position_embedding$", "visual_encoder.pos_embed")
                .replaceFirst("^vision_model\\.embeddings\\.patch_embedding", "visual_encoder.patch_embed.proj")
                .replaceFirst("^vision_model\\.post_layernorm", "visual_encoder.norm")
                .replaceFirst("^vision_model\\.encoder\\.layers", "visual_encoder.blocks")
                .replaceFirst("self_attn\\.projection", "attn.proj")
                .replaceFirst("self_attn", "attn")
                .replaceFirst("layer_norm([12])", "norm$1");
    }

    private static void rename(Path from, Path to, UnaryOperator<String> names) {
        try (SafeTensors weights = SafeTensors.open(from);
                Arena arena = Arena.ofConfined()) {
            Map<String, HostTensor> all = new LinkedHashMap<>();
            weights.names().forEach(n -> all.put(names.apply(n), weights.raw(n, arena)));
            SafeTensorsWriter.write(to, all, Map.of());
        }
    }

    @Test
    void anEfficientNetOfTimmGivesItsLogitsAndTheTensorsOfItsTwin() {
        Path area = Golden.area("cnn");
        double[] mean = {0.485, 0.456, 0.406};
        double[] std = {0.47853944, 0.4732864, 0.47434163};
        double[] factor = new double[3];
        double[] shift = new double[3];
        for (int c = 0; c < 3; c++) {
            factor[c] = 1 / (255 * std[c] * std[c]);
            shift[c] = -mean[c] / (std[c] * std[c]);
        }
        converted(
                area.resolve("tiny-efficientnet-timm"),
                Convert.Options.defaults(),
                area.resolve("tiny-efficientnet.golden.safetensors"),
                o -> {
                    try (SafeTensors twin = SafeTensors.open(area.resolve("tiny-efficientnet"))) {
                        assertThat(o.weights.names()).containsExactlyInAnyOrderElementsOf(twin.names());
                    }
                    EfficientNet.Config twin = EfficientNet.Config.of(
                            ConfigFile.read(area.resolve("tiny-efficientnet").resolve("config.json")));
                    EfficientNet.Config config = EfficientNet.Config.of(o.config());
                    assertThat(config).isEqualTo(twin);
                    BiFunction<Params, Tensor, Tensor> logits =
                            (p, x) -> new EfficientNet(config, p).forward(x).logits();
                    for (String set : List.of("case0", "case1", "case2", "case3")) {
                        HostTensor in = o.pixels(set + "/input_u8", factor, shift);
                        Params params = o.params();
                        Tensor out = logits.apply(
                                params, Tensor.input("x", DType.F32, in.shape().dims()));
                        params.verify();
                        closeToRms(
                                set,
                                o.run(out, Map.of("x", in)),
                                o.golden.read(set + "/logits", o.arena),
                                Golden.json(area.resolve("tolerances.json"))
                                        .path("files")
                                        .path("tiny-efficientnet"));
                    }
                });
    }

    @Test
    void anInceptionV3OfTimmGivesItsFeaturesByTheRuleOfPyTorch() {
        Path area = Golden.area("cnn");
        double[] factor = {1 / 127.5, 1 / 127.5, 1 / 127.5};
        double[] shift = {-1, -1, -1};
        converted(
                area.resolve("tiny-inceptionv3-timm"),
                Convert.Options.defaults(),
                area.resolve("tiny-inceptionv3-timm.golden.safetensors"),
                o -> {
                    assertThat(o.weights.names()).noneMatch(n -> n.startsWith("AuxLogits") || n.startsWith("fc"));
                    HostTensor in = o.pixels("case0/input_u8", factor, shift);
                    Params params = o.params();
                    Tensor out = new InceptionV3(InceptionV3.Config.of(o.config()), params)
                            .forward(Tensor.input("x", DType.F32, in.shape().dims()))
                            .last();
                    params.verify();
                    closeToRms(
                            "Mixed_7c",
                            o.run(out, Map.of("x", in)),
                            o.nhwc("case0/include_padding/Mixed_7c"),
                            Golden.json(area.resolve("tolerances.json"))
                                    .path("files")
                                    .path("tiny-inceptionv3"));
                });
    }

    @Test
    void aCaptionerOfKerasGivesItsLogits() throws IOException {
        Path area = Golden.area("captioner");
        Path source = Files.createDirectories(temporary.resolve("keras"));
        Path golden = area.resolve("tiny-attention-gru");
        for (String file : List.of("encoder.weights.h5", "decoder.weights.h5")) {
            Files.copy(golden.resolve(file), source.resolve(file));
        }
        List<String> words = new ArrayList<>();
        Golden.json(golden.resolve("config.json")).get("vocabulary").forEach(w -> words.add(w.stringValue()));
        Path vocabulary = Files.write(temporary.resolve("words.txt"), words);
        converted(
                source,
                Convert.Options.defaults().vocabulary(vocabulary),
                area.resolve("tiny-attention-gru.golden.safetensors"),
                o -> {
                    Params params = o.params();
                    HostTensor target = o.golden.read("target", o.arena);
                    int rows = target.shape().dim(0);
                    int steps = target.shape().dim(1) - 1;
                    HostTensor fed = HostTensor.allocate(o.arena, DType.I32, Shape.of(rows, steps));
                    for (int r = 0; r < rows; r++) {
                        for (int c = 0; c < steps; c++) {
                            fed.setInt((long) r * steps + c, target.getInt((long) r * (steps + 1) + c));
                        }
                    }
                    AttentionGruCaptioner.Config config = AttentionGruCaptioner.Config.of(o.config());
                    HostTensor features = o.golden.read("features", o.arena);
                    // the features of the reference have 9 positions; the tutorial's 64 are what is written
                    AttentionGruCaptioner.Config nine = new AttentionGruCaptioner.Config(
                            config.embedding(),
                            config.units(),
                            config.words(),
                            config.channels(),
                            features.shape().dim(1),
                            config.maxLength(),
                            config.vocabulary());
                    Tensor logits = new AttentionGruCaptioner(nine, params)
                            .teach(
                                    Tensor.input("words", DType.I32, rows, steps),
                                    Tensor.input(
                                            "features",
                                            DType.F32,
                                            features.shape().dims()))
                            .logits();
                    params.verify();
                    closeToRms(
                            "logits",
                            o.run(logits, Map.of("words", fed, "features", features)),
                            o.golden.read("logits", o.arena),
                            Golden.json(area.resolve("tolerances.json")).get("tiny-attention-gru"));
                });
    }
}
