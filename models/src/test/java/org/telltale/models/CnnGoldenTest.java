package org.telltale.models;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.Activation;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.Weights;
import org.telltale.engine.nn.BatchNorm;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.testing.Compare;
import org.telltale.engine.testing.Golden;
import org.telltale.engine.testing.ProceduralWeights;
import org.telltale.kernels.vector.VectorBackend;
import tools.jackson.databind.JsonNode;

/** MobileNetV2 and EfficientNet against {@code golden/cnn}, block by block, at native and other sizes. */
class CnnGoldenTest {
    private static final double[] MEAN = {0.485, 0.456, 0.406};
    private static final double[] STD = {0.47853944, 0.4732864, 0.47434163};

    /** How a family names its blocks, and what it takes as input. */
    private interface Family {
        Map<String, Tensor> outputs(Params params, Tensor pictures);
    }

    @TestFactory
    List<DynamicTest> smallModelsEqualTheOriginalBlockByBlock() throws IOException {
        return small(Golden.area("cnn"));
    }

    /** The cases of a folder of references. */
    static List<DynamicTest> small(Path area) throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        try (Stream<Path> files = Files.list(area)) {
            for (Path folder : files.filter(f -> Files.exists(f.resolve("model.safetensors")))
                    .filter(f -> !f.getFileName().toString().contains("inception"))
                    .sorted()
                    .toList()) {
                String name = folder.getFileName().toString();
                Path golden = area.resolve(name + ".golden.safetensors");
                for (String set : sets(golden)) {
                    if (set.equals("train")) {
                        for (Backend backend : Run.backends()) {
                            for (Rule rule : Rule.values()) {
                                tests.add(DynamicTest.dynamicTest(
                                        name + " training by the rule of " + rule + " on " + backend.description(),
                                        () -> {
                                            try (Weights weights = SafeTensors.open(folder)) {
                                                train(folder, weights, golden, rule, backend);
                                            }
                                        }));
                            }
                        }
                    } else {
                        for (Backend backend : Run.backends()) {
                            tests.add(DynamicTest.dynamicTest(name + " " + set + " on " + backend.description(), () -> {
                                try (Weights weights = SafeTensors.open(folder)) {
                                    check(family(folder), weights, golden, name, set, backend);
                                }
                            }));
                        }
                    }
                }
            }
        }
        assertThat(tests).isNotEmpty();
        return tests;
    }

    @TestFactory
    List<DynamicTest> fullSizeModelsEqualTheOriginal() throws IOException {
        Path area = Golden.area("cnn");
        List<DynamicTest> tests = new ArrayList<>();
        try (Stream<Path> files = Files.list(area)) {
            for (Path manifest : files.filter(f -> f.getFileName().toString().matches("full-.*\\.json"))
                    .filter(f -> !f.getFileName().toString().contains("inception"))
                    .sorted()
                    .toList()) {
                String name = manifest.getFileName().toString().replace(".json", "");
                Path golden = area.resolve(name + ".golden.safetensors");
                for (String set : sets(golden)) {
                    tests.add(DynamicTest.dynamicTest(name + " " + set, () -> {
                        try (Weights weights = ProceduralWeights.open(manifest);
                                Backend backend = new VectorBackend(2)) {
                            JsonNode config = Golden.json(manifest).get("config");
                            check(full(config), weights, golden, name, set, backend);
                        }
                    }));
                }
            }
        }
        assertThat(tests).isNotEmpty();
        return tests;
    }

    @TestFactory
    List<DynamicTest> inceptionEqualsTheOriginalStageByStageByEitherRuleOfPadding() {
        Path area = Golden.area("cnn");
        List<DynamicTest> tests = new ArrayList<>();
        Path small = area.resolve("tiny-inceptionv3-timm");
        Path full = area.resolve("full-inceptionv3.json");
        for (Fused.PoolKind average : List.of(Fused.PoolKind.MEAN_OF_REAL, Fused.PoolKind.MEAN_OF_WINDOW)) {
            for (String set : sets(area.resolve("tiny-inceptionv3-timm.golden.safetensors"))) {
                for (Backend backend : Run.backends()) {
                    tests.add(DynamicTest.dynamicTest(small + set + average + backend.description(), () -> {
                        try (Weights weights = SafeTensors.open(small)) {
                            Path golden = area.resolve("tiny-inceptionv3-timm.golden.safetensors");
                            check(inception(16, average), weights, golden, "tiny-inceptionv3", set, backend);
                        }
                    }));
                }
            }
            for (String set : sets(area.resolve("full-inceptionv3.golden.safetensors"))) {
                tests.add(DynamicTest.dynamicTest(full + set + average, () -> {
                    try (Weights weights = ProceduralWeights.open(full);
                            Backend backend = new VectorBackend(2)) {
                        Path golden = area.resolve("full-inceptionv3.golden.safetensors");
                        check(inception(1, average), weights, golden, "full-inceptionv3", set, backend);
                    }
                }));
            }
        }
        return tests;
    }

    private static Family inception(int divisor, Fused.PoolKind average) {
        return (params, pictures) -> {
            InceptionV3.Config config = new InceptionV3.Config(299, divisor, average);
            InceptionV3.Forward f = new InceptionV3(config, params).forward(pictures);
            if (average == Fused.PoolKind.MEAN_OF_WINDOW) {
                return Map.of(
                        "include_padding/Mixed_7c",
                        Objects.requireNonNull(f.stages().get("Mixed_7c")));
            }
            Map<String, Tensor> out = new LinkedHashMap<>(f.stages());
            out.put("features", FeatureMap.places(f.last()));
            return out;
        };
    }

    private static Set<String> sets(Path golden) {
        Set<String> sets = new TreeSet<>();
        try (SafeTensors t = SafeTensors.open(golden)) {
            t.names().stream()
                    .filter(n -> !n.startsWith("weights/"))
                    .forEach(n -> sets.add(n.substring(0, n.indexOf('/'))));
        }
        return sets;
    }

    private static void check(Family family, Weights weights, Path golden, String name, String set, Backend backend) {
        JsonNode files = Golden.json(golden.resolveSibling("tolerances.json")).get("files");
        JsonNode tolerance = files.get(name);
        double atol = tolerance.get("atol_rms").doubleValue();
        double rtol = tolerance.get("rtol").doubleValue();
        try (Arena arena = Arena.ofConfined();
                SafeTensors expected = SafeTensors.open(golden)) {
            boolean efficient = name.contains("efficientnet");
            HostTensor pictures = input(expected, set, efficient, arena);
            Params params = Run.params(weights);
            Map<String, Tensor> outputs = family.outputs(
                    params, Tensor.input("pictures", DType.F32, pictures.shape().dims()));
            params.verify();
            Map<String, HostTensor> actual =
                    Run.outputs(backend, weights, Map.of("pictures", pictures), outputs, arena);
            int checked = 0;
            for (String key : outputs.keySet()) {
                String full = set + "/" + key;
                float[] values = Run.nchw(actual.get(key));
                if (expected.names().contains(full)) {
                    float[] reference = expected.read(full, arena).toFloats();
                    Compare.assertCloseToRms(full, values, reference, new int[] {reference.length}, atol, rtol);
                    checked++;
                } else if (expected.names().contains(full + "/values")) {
                    Compare.assertProbeToRms(
                            full, values, expected.read(full + "/values", arena).toFloats(), atol, rtol);
                    checked++;
                } else if (expected.names().contains(full + "_every_16th_channel")) {
                    float[] reference =
                            expected.read(full + "_every_16th_channel", arena).toFloats();
                    float[] chosen = new float[reference.length];
                    for (int i = 0; i < chosen.length; i++) {
                        chosen[i] = values[16 * i];
                    }
                    Compare.assertCloseToRms(full, chosen, reference, new int[] {reference.length}, atol, rtol);
                    checked++;
                }
            }
            assertThat(checked).isGreaterThanOrEqualTo(Math.max(1, outputs.size() - 2));
        }
    }

    /** How a library moves the statistics (SPEC §4): Hugging Face hands Keras' momentum to torch, which inverts it. */
    private enum Rule {
        KERAS,
        HF
    }

    private static void train(Path folder, Weights weights, Path golden, Rule rule, Backend backend) {
        JsonNode tolerance =
                Golden.json(golden.resolveSibling("tolerances.json")).get("train");
        double atol = tolerance.get("atol_rms").doubleValue();
        double rtol = tolerance.get("rtol").doubleValue();
        boolean efficient = folder.getFileName().toString().contains("efficientnet");
        Params.MovingStatistics how = switch (rule) {
            case KERAS -> new Params.MovingStatistics(BatchNorm.MovingVariance.BIASED, efficient ? 0.99 : 0.999);
            case HF -> new Params.MovingStatistics(BatchNorm.MovingVariance.UNBIASED, efficient ? 0.01 : 0.003);
        };
        try (Arena arena = Arena.ofConfined();
                SafeTensors expected = SafeTensors.open(golden)) {
            HostTensor pictures = input(expected, "train", efficient, arena);
            Params params = Run.params(weights).training(new Params.Training(n -> false, null, how));
            Map<String, Tensor> outputs = new LinkedHashMap<>(family(folder)
                    .outputs(
                            params,
                            Tensor.input("pictures", DType.F32, pictures.shape().dims())));
            String moved = rule.name().toLowerCase(java.util.Locale.ROOT) + "_after/";
            params.updates().forEach((tensor, value) -> outputs.put(moved + tensor, value));
            Map<String, HostTensor> actual =
                    Run.outputs(backend, weights, Map.of("pictures", pictures), outputs, arena);
            int checked = 0;
            for (String key : expected.names()) {
                String name = key.substring(key.indexOf('/') + 1);
                String whole = name.endsWith("/values") ? name.substring(0, name.length() - 7) : name;
                if (key.startsWith("train/") && actual.containsKey(whole)) {
                    Compare.assertProbeToRms(
                            key,
                            Run.nchw(actual.get(whole)),
                            expected.read(key, arena).toFloats(),
                            atol,
                            rtol);
                    checked++;
                }
            }
            assertThat(checked).isGreaterThanOrEqualTo(8);
        }
    }

    private static HostTensor input(SafeTensors expected, String set, boolean efficient, Arena arena) {
        if (expected.names().contains(set + "/pixel_values")) {
            return Run.nhwc(expected.read(set + "/pixel_values", arena), arena);
        }
        HostTensor bytes = expected.raw(set + "/input_u8", arena);
        double[] scale = new double[3];
        double[] shift = new double[3];
        for (int c = 0; c < 3; c++) {
            scale[c] = efficient ? 1 / 255.0 / STD[c] / STD[c] : 1 / 127.5;
            shift[c] = efficient ? -MEAN[c] / STD[c] / STD[c] : -1;
        }
        return Run.pixels(bytes, scale, shift, arena);
    }

    private static Family family(Path folder) {
        ConfigFile file = ConfigFile.read(folder.resolve("config.json"));
        if (file.has("architecture")) {
            return efficientNet(EfficientNet.Config.of(file), "bn1", "bn2", true);
        }
        return switch (file.text("model_type")) {
            case "mobilenet_v2" -> mobileNet(MobileNetV2.Config.of(file));
            case "efficientnet" -> efficientNet(EfficientNet.Config.of(file), "embeddings", "top", false);
            default -> throw new AssertionError("a model of this test's folder is unknown: " + folder);
        };
    }

    private static Family full(JsonNode c) {
        if (c.has("depth_multiplier")) {
            return mobileNet(new MobileNetV2.Config(
                    224,
                    c.get("depth_multiplier").doubleValue(),
                    c.get("depth_divisible_by").intValue(),
                    c.get("min_depth").intValue(),
                    c.get("expand_ratio").doubleValue(),
                    c.get("first_layer_is_expansion").booleanValue(),
                    c.get("finegrained_output").booleanValue(),
                    c.get("tf_padding").booleanValue(),
                    Activation.named(c.get("hidden_act").stringValue()),
                    (float) c.get("layer_norm_eps").doubleValue(),
                    List.of(),
                    Collections.nCopies(1001, "label")));
        }
        return efficientNet(
                new EfficientNet.Config(
                        c.get("image_size").intValue(),
                        c.get("width_coefficient").doubleValue(),
                        c.get("depth_coefficient").doubleValue(),
                        8,
                        List.of(3, 3, 5, 3, 5, 5, 3),
                        List.of(1, 2, 2, 3, 3, 4, 1),
                        List.of(32, 16, 24, 40, 80, 112, 192),
                        List.of(16, 24, 40, 80, 112, 192, 320),
                        List.of(1, 6, 6, 6, 6, 6, 6),
                        List.of(1, 2, 2, 2, 1, 2, 1),
                        0.25,
                        Activation.SILU,
                        (float) c.get("batch_norm_eps").doubleValue(),
                        0,
                        Collections.nCopies(c.get("num_labels").intValue(), "label")),
                "embeddings",
                "top",
                false);
    }

    private static Family mobileNet(MobileNetV2.Config config) {
        return (params, pictures) -> {
            MobileNetV2.Forward f = new MobileNetV2(config, params).forward(pictures);
            Map<String, Tensor> out = new LinkedHashMap<>();
            out.put("conv_stem", f.stem());
            for (int i = 0; i < f.blocks().size(); i++) {
                out.put("layer." + i, f.blocks().get(i));
            }
            out.put("conv_1x1", f.last());
            out.put("pooler", f.pooled());
            out.put("logits", f.logits());
            return out;
        };
    }

    private static Family efficientNet(EfficientNet.Config config, String stem, String top, boolean timm) {
        return (params, pictures) -> {
            EfficientNet.Forward f = new EfficientNet(config, params).forward(pictures);
            Map<String, Tensor> out = new LinkedHashMap<>();
            out.put(stem, f.stem());
            int stage = 0;
            int index = 0;
            for (int i = 0; i < f.blocks().size(); i++) {
                out.put(
                        "blocks." + (timm ? stage + "." + index : "" + i),
                        f.blocks().get(i));
                index++;
                if (index == Math.ceil(config.depth() * config.repeats().get(stage))) {
                    stage++;
                    index = 0;
                }
            }
            out.put(top, f.top());
            if (timm) {
                out.put("global_pool", f.pooled());
            }
            out.put("logits", f.logits());
            return out;
        };
    }
}
