package org.telltale.models;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.Activation;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.Weights;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.testing.Compare;
import org.telltale.engine.testing.Golden;
import org.telltale.engine.testing.Procedural;
import org.telltale.engine.testing.ProceduralWeights;
import org.telltale.kernels.vector.VectorBackend;
import tools.jackson.databind.JsonNode;

/** BLIP against {@code golden/blip}: vision and decoder block by block, the cache, and the full sizes. */
class BlipGoldenTest {
    private interface Case {
        void check(Model model) throws Exception;
    }

    /** A small model with its references, open for one case. */
    private record Model(
            Path folder, SafeTensors expected, SafeTensors pixels, Weights weights, Backend backend, Arena arena) {
        Blip blip(Params params) {
            return new Blip(config(), params);
        }

        Blip.Config config() {
            return Blip.Config.of(ConfigFile.read(folder.resolve("config.json")));
        }

        HostTensor pictures(String name, int... chosen) {
            HostTensor all = Run.nhwc(pixels.read(name, arena), arena);
            return chosen.length == 0 ? all : rows(all, chosen);
        }

        HostTensor rows(HostTensor all, int... chosen) {
            HostTensor some = HostTensor.allocate(arena, DType.F32, all.shape().with(0, chosen.length));
            long row = all.size() / all.shape().dim(0) * 4;
            for (int i = 0; i < chosen.length; i++) {
                some.data().asSlice(i * row, row).copyFrom(all.data().asSlice(chosen[i] * row, row));
            }
            return some;
        }

        void compare(String key, HostTensor actual) {
            compare(key, actual.toFloats(), expected.read(key, arena).toFloats());
        }

        void compare(String key, float[] actual, float[] reference) {
            JsonNode tolerances = Golden.json(folder.resolveSibling("tolerances.json"));
            Golden.Tolerance t = Golden.tolerance(
                    Golden.lookUp(tolerances, folder.getFileName().toString()), key);
            Compare.assertClose(key, actual, reference, new int[] {reference.length}, t.atol(), t.rtol());
        }
    }

    @TestFactory
    List<DynamicTest> smallModelsEqualTheOriginalBlockByBlock() throws IOException {
        return small(Golden.area("blip"));
    }

    /** The cases of a folder of references. */
    static List<DynamicTest> small(Path area) throws IOException {
        Map<String, Case> cases = new LinkedHashMap<>();
        cases.put("vision", m -> vision(m, "vision", m.config()));
        cases.put(
                "vision with epsilon 1e-6",
                m -> vision(m, "vision_eps1e-6", m.config().withVisionEps(1e-6f)));
        cases.put("a larger picture", BlipGoldenTest::larger);
        cases.put("decoder", BlipGoldenTest::decoder);
        cases.put("cache", BlipGoldenTest::cache);
        List<DynamicTest> tests = new ArrayList<>();
        try (Stream<Path> files = Files.list(area)) {
            for (Path folder : files.filter(f -> Files.exists(f.resolve("config.json")))
                    .sorted()
                    .toList()) {
                for (Backend backend : Run.backends()) {
                    cases.forEach((name, check) -> tests.add(DynamicTest.dynamicTest(
                            folder.getFileName() + " " + name + " on " + backend.description(), () -> {
                                Path golden = area.resolve("golden-" + folder.getFileName() + ".safetensors");
                                try (Arena arena = Arena.ofConfined();
                                        Weights weights = SafeTensors.open(folder);
                                        SafeTensors expected = SafeTensors.open(golden);
                                        SafeTensors pixels = SafeTensors.open(area.resolve("pixels.safetensors"))) {
                                    check.check(new Model(folder, expected, pixels, weights, backend, arena));
                                }
                            })));
                }
            }
        }
        assertThat(tests).isNotEmpty();
        return tests;
    }

    private static Map<String, Tensor> visionOutputs(String prefix, Blip.Seen seen) {
        Map<String, Tensor> out = new LinkedHashMap<>();
        out.put(prefix + ".embeddings", seen.embeddings());
        for (int i = 0; i < seen.layers().size(); i++) {
            out.put(prefix + ".layer." + i, seen.layers().get(i));
        }
        out.put(prefix + ".last_hidden_state", seen.last());
        return out;
    }

    private static void vision(Model m, String prefix, Blip.Config config) {
        int count = m.expected.shape(prefix + ".last_hidden_state").dim(0);
        int[] chosen = new int[count];
        for (int i = 0; i < count; i++) {
            chosen[i] = i;
        }
        HostTensor pictures = m.pictures("pixel_values", chosen);
        Blip blip = new Blip(config, Run.params(m.weights));
        Blip.Seen seen =
                blip.see(Tensor.input("pictures", DType.F32, pictures.shape().dims()));
        Map<String, HostTensor> actual =
                Run.outputs(m.backend, m.weights, Map.of("pictures", pictures), visionOutputs(prefix, seen), m.arena);
        int checked = 0;
        for (Map.Entry<String, HostTensor> e : actual.entrySet()) {
            if (m.expected.names().contains(e.getKey())) {
                m.compare(e.getKey(), e.getValue());
                checked++;
            }
        }
        assertThat(checked).isGreaterThanOrEqualTo(seen.layers().size() + 1);
    }

    private static void larger(Model m) {
        HostTensor pictures = m.pictures("larger_pixel_values");
        Blip.Seen seen = m.blip(Run.params(m.weights))
                .see(Tensor.input("pictures", DType.F32, pictures.shape().dims()));
        HostTensor last = Run.outputs(
                        m.backend, m.weights, Map.of("pictures", pictures), Map.of("last", seen.last()), m.arena)
                .get("last");
        m.compare("interpolated.last_hidden_state", last);
    }

    private static void decoder(Model m) {
        HostTensor pictures = m.pictures("pixel_values");
        Map<String, int[]> sets = Map.of(
                "prompt", new int[] {0, 1, 2, 3, 4, 5, 6, 7}, "text14", new int[] {0, 1}, "text39", new int[] {3});
        for (String set : List.of("prompt", "text14", "text39")) {
            Params params = Run.params(m.weights);
            Blip blip = m.blip(params);
            String prefix = "decoder." + set + ".";
            HostTensor ids = Run.ints(m.expected.read(prefix + "input_ids", m.arena), m.arena);
            HostTensor some = m.rows(pictures, sets.get(set));
            Blip.Seen seen =
                    blip.see(Tensor.input("pictures", DType.F32, some.shape().dims()));
            Blip.Told told =
                    blip.tell(Tensor.input("ids", DType.I32, ids.shape().dims()), blip.remember(seen.last()));
            params.verify();
            Map<String, Tensor> out = new LinkedHashMap<>();
            out.put(prefix + "embeddings", told.embeddings());
            for (int i = 0; i < told.layers().size(); i++) {
                out.put(
                        prefix + "layer." + i + ".self_attention",
                        told.selfAttended().get(i));
                out.put(
                        prefix + "layer." + i + ".cross_attention",
                        told.crossAttended().get(i));
                out.put(prefix + "layer." + i, told.layers().get(i));
            }
            out.put(prefix + "transform", told.transform());
            out.put(prefix + "logits", told.logits());
            Map<String, HostTensor> actual =
                    Run.outputs(m.backend, m.weights, Map.of("pictures", some, "ids", ids), out, m.arena);
            for (String key : out.keySet()) {
                if (m.expected.names().contains(key)) {
                    m.compare(key, actual.get(key));
                }
            }
        }
    }

    /** The prompt as one batch of rows, then one token at a time, all through the cache. */
    private static void cache(Model m) {
        Params params = Run.params(m.weights);
        Blip blip = m.blip(params);
        Blip.Config config = m.config();
        HostTensor picture = m.rows(m.pictures("pixel_values"), 1);
        Blip.Seen seen =
                blip.see(Tensor.input("pictures", DType.F32, picture.shape().dims()));
        Blip.Memory memory = blip.remember(seen.last());
        Map<String, Tensor> crossed = new LinkedHashMap<>();
        for (int i = 0; i < config.text().layers(); i++) {
            crossed.put("cross_key." + i, memory.keys().get(i));
            crossed.put("cross_value." + i, memory.values().get(i));
        }
        Map<String, HostTensor> cross =
                Run.outputs(m.backend, m.weights, Map.of("pictures", picture), crossed, m.arena);
        for (int i = 0; i < config.text().layers(); i++) {
            m.compare("cache.layer." + i + ".cross_key", headsFirst(cross.get("cross_key." + i), config));
            m.compare("cache.layer." + i + ".cross_value", headsFirst(cross.get("cross_value." + i), config));
        }
        int[] prompt = firstRow(Run.ints(m.expected.read("decoder.prompt.input_ids", m.arena), m.arena));
        int[] tokens =
                Run.ints(m.expected.read("cache.step_tokens", m.arena), m.arena).toInts();
        float[] expected = m.expected.read("cache.step_logits", m.arena).toFloats();
        int vocabulary = config.text().vocabulary();
        int span = prompt.length + tokens.length;
        int seenTokens = cross.get("cross_key.0").shape().dim(1);
        Map<String, HostTensor> caches = new HashMap<>();
        try (Executable prefill = step(m, blip, prompt.length, span, seenTokens, cross, caches);
                Executable single = step(m, blip, 1, span, seenTokens, cross, caches)) {
            for (int r = 0; r < prompt.length; r++) {
                feed(prefill, r, prompt[r], r, span);
            }
            prefill.run();
            for (int i = 0; i < config.text().layers(); i++) {
                Shape rows = Shape.of(1, prompt.length, config.text().width());
                for (String kind : List.of("key", "value")) {
                    HostTensor cached = new HostTensor(
                            rows,
                            DType.F32,
                            prefill.state("self_" + kind + "." + i).data().asSlice(0, rows.size() * 4));
                    m.compare("cache.prefill.layer." + i + ".self_" + kind, headsFirst(cached, config));
                }
            }
            float[] last = prefill.output(0).toFloats();
            m.compare(
                    "cache.step_logits",
                    java.util.Arrays.copyOfRange(last, (prompt.length - 1) * vocabulary, prompt.length * vocabulary),
                    java.util.Arrays.copyOfRange(expected, 0, vocabulary));
            for (int k = 0; k < tokens.length; k++) {
                feed(single, 0, tokens[k], prompt.length + k, span);
                single.run();
                m.compare(
                        "cache.step_logits",
                        single.output(0).toFloats(),
                        java.util.Arrays.copyOfRange(expected, (k + 1) * vocabulary, (k + 2) * vocabulary));
            }
        }
    }

    private static Executable step(
            Model m,
            Blip blip,
            int rows,
            int span,
            int tokens,
            Map<String, HostTensor> cross,
            Map<String, HostTensor> caches) {
        Blip.Step step = blip.step(rows, span, span, tokens);
        Executable e = m.backend.compile(
                Graph.of("step", List.of(step.logits()), step.updates()), m.weights, CompileOptions.DEFAULT);
        cross.forEach(e::bind);
        step.updates().keySet().forEach(state -> {
            String name = ((Primitive.State) state.op()).name();
            e.bind(name, caches.computeIfAbsent(name, n -> HostTensor.allocate(m.arena, DType.F32, state.shape())));
        });
        return e;
    }

    private static void feed(Executable e, int row, int token, int position, int span) {
        e.input("ids").setInt(row, token);
        e.input("positions").setInt(row, position);
        e.input("slots").setInt(row, position);
        e.input("lengths").setInt(row, position + 1);
        for (int t = 0; t <= position; t++) {
            e.input("table").setInt((long) row * span + t, t);
        }
    }

    /** [1, T, heads*D] as the original keeps it: [1, heads, T, D]. */
    private static HostTensor headsFirst(HostTensor x, Blip.Config config) {
        int heads = config.text().heads();
        int length = x.shape().dim(1);
        int d = x.shape().dim(2) / heads;
        HostTensor y = HostTensor.allocate(Arena.ofAuto(), DType.F32, Shape.of(1, heads, length, d));
        for (int t = 0; t < length; t++) {
            for (int k = 0; k < heads * d; k++) {
                y.set(((long) (k / d) * length + t) * d + k % d, x.get((long) t * heads * d + k));
            }
        }
        return y;
    }

    private static int[] firstRow(HostTensor ids) {
        return java.util.Arrays.copyOf(ids.toInts(), ids.shape().dim(1));
    }

    @TestFactory
    List<DynamicTest> fullSizeModelsEqualTheOriginal() throws IOException {
        Path area = Golden.area("blip");
        List<DynamicTest> tests = new ArrayList<>();
        try (Stream<Path> files = Files.list(area)) {
            for (Path manifest : files.filter(f -> f.getFileName().toString().matches("full-.*\\.json"))
                    .sorted()
                    .toList()) {
                tests.add(DynamicTest.dynamicTest(manifest.getFileName().toString(), () -> full(manifest)));
            }
        }
        assertThat(tests).isNotEmpty();
        return tests;
    }

    private static void full(Path manifest) {
        JsonNode json = Golden.json(manifest);
        JsonNode tolerances = Golden.lookUp(
                Golden.json(manifest.resolveSibling("tolerances.json")),
                manifest.getFileName().toString());
        Path golden = manifest.resolveSibling(manifest.getFileName().toString().replace(".json", ".safetensors"));
        Blip.Config config = fullConfig(json.get("config"));
        try (Arena arena = Arena.ofConfined();
                Weights weights = ProceduralWeights.open(manifest);
                SafeTensors expected = SafeTensors.open(golden);
                Backend backend = new VectorBackend(2)) {
            Params params = Run.params(weights);
            Blip blip = new Blip(config, params);
            HostTensor picture = Run.nhwc(
                    Procedural.tensor(
                            json.get("inputs").get(0), json.get("salt").longValue(), arena),
                    arena);
            Blip.Seen seen =
                    blip.see(Tensor.input("pictures", DType.F32, picture.shape().dims()));
            Map<String, Tensor> out = visionOutputs("vision", seen);
            Map<String, HostTensor> vision = Run.outputs(backend, weights, Map.of("pictures", picture), out, arena);
            int[] ids = Golden.ints(json.get("greedy_ids"));
            int prompt = json.get("prompt_ids").size();
            Tensor memory = Tensor.input("seen", DType.F32, seen.last().shape().dims());
            Blip.Told told = blip.tell(Tensor.input("ids", DType.I32, 1, ids.length), blip.remember(memory));
            params.verify();
            Map<String, Tensor> text = new LinkedHashMap<>();
            for (int i = 0; i < told.layers().size(); i++) {
                text.put("decoder.prompt.layer." + i, told.layers().get(i).slice(1, 0, prompt));
            }
            text.put("decoder.prompt.logits", told.logits().slice(1, 0, prompt));
            text.put("decoder.after_greedy.logits", told.logits());
            text.put("greedy", told.logits().argMax(2));
            Map<String, HostTensor> actual = new HashMap<>(Run.outputs(
                    backend,
                    weights,
                    Map.of(
                            "seen",
                            vision.get("vision.last_hidden_state"),
                            "ids",
                            HostTensor.ofInts(arena, Shape.of(1, ids.length), ids)),
                    text,
                    arena));
            actual.putAll(vision);
            for (JsonNode record : json.get("records")) {
                String key = record.get("key").stringValue();
                HostTensor value = actual.get(key);
                assertThat(value).as(key).isNotNull();
                float[] values = value.toFloats();
                if (values.length > Shape.of(Golden.ints(record.get("shape"))).size()) {
                    int size = (int) Shape.of(Golden.ints(record.get("shape"))).size();
                    values = java.util.Arrays.copyOfRange(values, values.length - size, values.length);
                }
                Golden.Tolerance t = Golden.tolerance(tolerances, key);
                Compare.assertProbe(key, values, expected.read(key, arena).toFloats(), t.atol(), t.rtol());
                Compare.assertMoments(
                        key,
                        values,
                        record.get("mean").doubleValue(),
                        Golden.tolerance(tolerances, "mean"),
                        record.get("l2").doubleValue(),
                        Golden.tolerance(tolerances, "l2"));
            }
            int[] best = actual.get("greedy").toInts();
            for (int i = prompt; i < ids.length; i++) {
                assertThat(best[i - 1]).as("token " + i).isEqualTo(ids[i]);
            }
        }
    }

    private static Blip.Config fullConfig(JsonNode c) {
        JsonNode v = c.get("vision");
        JsonNode t = c.get("text");
        int vocabulary = t.get("vocab_size").intValue();
        return new Blip.Config(
                new Blip.Vision(
                        v.get("hidden_size").intValue(),
                        v.get("num_hidden_layers").intValue(),
                        v.get("num_attention_heads").intValue(),
                        v.get("intermediate_size").intValue(),
                        v.get("image_size").intValue(),
                        v.get("patch_size").intValue(),
                        Activation.named(v.get("hidden_act").stringValue()),
                        (float) v.get("layer_norm_eps").doubleValue()),
                new Blip.Text(
                        vocabulary,
                        t.get("hidden_size").intValue(),
                        t.get("num_hidden_layers").intValue(),
                        t.get("num_attention_heads").intValue(),
                        t.get("intermediate_size").intValue(),
                        t.get("max_position_embeddings").intValue(),
                        Activation.GELU_ERF,
                        (float) t.get("layer_norm_eps").doubleValue(),
                        vocabulary - 2,
                        102));
    }
}
