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
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.Weights;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.testing.Compare;
import org.telltale.engine.testing.Golden;
import org.telltale.engine.testing.ProceduralWeights;
import org.telltale.kernels.vector.VectorBackend;
import org.telltale.models.text.WordPiece;
import tools.jackson.databind.JsonNode;

/** BERT against {@code golden/bert}: every block of every set, on each backend. */
class BertGoldenTest {
    @TestFactory
    List<DynamicTest> smallModelsEqualTheOriginalBlockByBlock() throws IOException {
        return small(Golden.area("bert"));
    }

    /** The cases of a folder of references. */
    static List<DynamicTest> small(Path area) throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        try (Stream<Path> files = Files.list(area)) {
            for (Path folder : files.filter(Files::isDirectory).sorted().toList()) {
                String name = folder.getFileName().toString();
                Path golden = area.resolve("golden-" + name.replace("-legacy-names", "") + ".safetensors");
                for (Backend backend : Run.backends()) {
                    try (SafeTensors expected = SafeTensors.open(golden)) {
                        for (String set : sets(expected)) {
                            tests.add(DynamicTest.dynamicTest(
                                    name + " " + set + " on " + backend.description(),
                                    () -> small(folder, golden, set, backend)));
                        }
                    }
                }
            }
        }
        assertThat(tests).isNotEmpty();
        return tests;
    }

    private static Set<String> sets(SafeTensors golden) {
        Set<String> sets = new TreeSet<>();
        golden.names().forEach(n -> sets.add(n.substring(0, n.indexOf('.'))));
        return sets;
    }

    private static void small(Path folder, Path golden, String set, Backend backend) {
        JsonNode tolerances =
                Golden.json(golden.resolveSibling("tolerances.json")).get("tiny-bert");
        try (Arena arena = Arena.ofConfined();
                Weights weights = SafeTensors.open(folder);
                SafeTensors expected = SafeTensors.open(golden)) {
            Params params = Run.params(weights);
            Bert bert = new Bert(Bert.Config.of(ConfigFile.read(folder.resolve("config.json"))), params);
            HostTensor ids = Run.ints(expected.read(set + ".input_ids", arena), arena);
            HostTensor mask = Run.ints(expected.read(set + ".attention_mask", arena), arena);
            HostTensor types = Run.ints(expected.read(set + ".token_type_ids", arena), arena);
            Map<String, HostTensor> actual = run(bert, params, weights, backend, ids, mask, types, arena);
            int checked = 0;
            for (String name : expected.names()) {
                String key = name.substring(name.indexOf('.') + 1);
                if (name.startsWith(set + ".") && actual.containsKey(key)) {
                    Golden.Tolerance t = Golden.tolerance(tolerances, key);
                    HostTensor reference = expected.read(name, arena);
                    boolean perToken = reference.shape().rank() == 3;
                    Compare.assertClose(
                            key,
                            perToken
                                    ? visible(actual.get(key), mask)
                                    : actual.get(key).toFloats(),
                            perToken ? visible(reference, mask) : reference.toFloats(),
                            new int[] {perToken ? visible(reference, mask).length : (int) reference.size()},
                            t.atol(),
                            t.rtol());
                    checked++;
                }
            }
            assertThat(checked).isGreaterThanOrEqualTo(4);
            if (expected.names().contains(set + ".logits_gelu_tanh")) {
                float[] wrong = expected.read(set + ".logits_gelu_tanh", arena).toFloats();
                Golden.Tolerance t = Golden.tolerance(tolerances, "logits");
                org.assertj.core.api.Assertions.assertThatThrownBy(() -> Compare.assertClose(
                                "tanh form",
                                actual.get("logits").toFloats(),
                                wrong,
                                new int[] {wrong.length},
                                t.atol(),
                                t.rtol()))
                        .isInstanceOf(AssertionError.class);
            }
        }
    }

    private static Map<String, HostTensor> run(
            Bert bert,
            Params params,
            Weights weights,
            Backend backend,
            HostTensor ids,
            HostTensor mask,
            HostTensor types,
            Arena arena) {
        int[] d = ids.shape().dims();
        Bert.Forward f = bert.forward(
                Tensor.input("ids", DType.I32, d),
                Tensor.input("mask", DType.I32, d),
                Tensor.input("types", DType.I32, d));
        params.verify();
        Map<String, Tensor> outputs = new LinkedHashMap<>();
        outputs.put("embeddings", f.embeddings());
        for (int i = 0; i < f.layers().size(); i++) {
            outputs.put("layer." + i, f.layers().get(i));
        }
        outputs.put("pooled", f.pooled());
        outputs.put("logits", f.logits());
        return Run.outputs(backend, weights, Map.of("ids", ids, "mask", mask, "types", types), outputs, arena);
    }

    /** The states of the tokens that are not masked, row after row. */
    private static float[] visible(HostTensor states, HostTensor mask) {
        int width = states.shape().dim(2);
        List<Float> out = new ArrayList<>();
        for (int token = 0; token < mask.size(); token++) {
            for (int k = 0; k < width && mask.getInt(token) == 1; k++) {
                out.add(states.get((long) token * width + k));
            }
        }
        float[] a = new float[out.size()];
        for (int i = 0; i < a.length; i++) {
            a[i] = out.get(i);
        }
        return a;
    }

    @TestFactory
    List<DynamicTest> textsGiveTheOriginalsIdsAndLogits() {
        return texts(Golden.area("bert"));
    }

    /** The texts of a folder of references. */
    static List<DynamicTest> texts(Path area) {
        JsonNode json = Golden.json(area.resolve("texts.json"));
        Path folder = area.resolve(json.get("model").stringValue());
        JsonNode tolerances = Golden.json(area.resolve("tolerances.json"))
                .get(json.get("model").stringValue());
        WordPiece tokenizer = WordPiece.read(folder);
        List<DynamicTest> tests = new ArrayList<>();
        Backend backend = new VectorBackend(2);
        for (JsonNode text : json.get("texts")) {
            String words = text.get("text").stringValue();
            tests.add(DynamicTest.dynamicTest("text " + tests.size() + ": " + words, () -> {
                int[] ids = tokenizer.encode(words, json.get("max_length").intValue());
                assertThat(ids).isEqualTo(Golden.ints(text.get("ids")));
                try (Arena arena = Arena.ofConfined();
                        Weights weights = SafeTensors.open(folder)) {
                    Params params = Run.params(weights);
                    Bert bert = new Bert(Bert.Config.of(ConfigFile.read(folder.resolve("config.json"))), params);
                    Shape shape = Shape.of(1, ids.length);
                    float[] logits = run(
                                    bert,
                                    params,
                                    weights,
                                    backend,
                                    HostTensor.ofInts(arena, shape, ids),
                                    HostTensor.ofInts(
                                            arena,
                                            shape,
                                            Collections.nCopies(ids.length, 1).stream()
                                                    .mapToInt(i -> i)
                                                    .toArray()),
                                    HostTensor.ofInts(arena, shape, new int[ids.length]),
                                    arena)
                            .get("logits")
                            .toFloats();
                    Golden.Tolerance t = Golden.tolerance(tolerances, "logits");
                    Compare.assertClose(
                            words,
                            logits,
                            Golden.floats(text.get("logits")),
                            new int[] {logits.length},
                            t.atol(),
                            t.rtol());
                }
            }));
        }
        assertThat(tests).isNotEmpty();
        return tests;
    }

    @TestFactory
    List<DynamicTest> fullSizeModelsEqualTheOriginal() throws IOException {
        Path area = Golden.area("bert");
        List<DynamicTest> tests = new ArrayList<>();
        try (Stream<Path> files = Files.list(area)) {
            for (Path manifest : files.filter(f -> f.getFileName().toString().matches("full-.*\\.json"))
                    .sorted()
                    .toList()) {
                String name = manifest.getFileName().toString().replace(".json", "");
                Path golden = manifest.resolveSibling(name + ".safetensors");
                try (SafeTensors expected = SafeTensors.open(golden)) {
                    for (String set : sets(expected)) {
                        tests.add(DynamicTest.dynamicTest(name + " " + set, () -> full(manifest, golden, name, set)));
                    }
                }
            }
        }
        assertThat(tests).isNotEmpty();
        return tests;
    }

    private static void full(Path manifest, Path golden, String name, String set) {
        JsonNode json = Golden.json(manifest);
        JsonNode tolerances =
                Golden.json(golden.resolveSibling("tolerances.json")).get(name);
        JsonNode c = json.get("config");
        Bert.Config config = new Bert.Config(
                c.get("vocab_size").intValue(),
                c.get("hidden_size").intValue(),
                c.get("num_hidden_layers").intValue(),
                c.get("num_attention_heads").intValue(),
                c.get("intermediate_size").intValue(),
                c.get("max_position_embeddings").intValue(),
                c.get("type_vocab_size").intValue(),
                org.telltale.engine.Activation.GELU_ERF,
                (float) c.get("layer_norm_eps").doubleValue(),
                0,
                0,
                Collections.nCopies(c.get("num_labels").intValue(), "label"));
        try (Arena arena = Arena.ofConfined();
                Weights weights = ProceduralWeights.open(manifest);
                SafeTensors expected = SafeTensors.open(golden);
                Backend backend = new VectorBackend(2)) {
            Params params = Run.params(weights);
            HostTensor ids = Run.ints(expected.read(set + ".input_ids", arena), arena);
            HostTensor mask = expected.names().contains(set + ".attention_mask")
                    ? Run.ints(expected.read(set + ".attention_mask", arena), arena)
                    : HostTensor.ofInts(
                            arena,
                            ids.shape(),
                            Collections.nCopies((int) ids.size(), 1).stream()
                                    .mapToInt(i -> i)
                                    .toArray());
            HostTensor types = HostTensor.allocate(arena, DType.I32, ids.shape());
            Map<String, HostTensor> actual =
                    run(new Bert(config, params), params, weights, backend, ids, mask, types, arena);
            for (JsonNode record : json.get("records")) {
                String full = record.get("key").stringValue();
                String key = full.substring(full.indexOf('.') + 1);
                if (full.startsWith(set + ".")) {
                    HostTensor value = actual.get(key);
                    float[] values = value.shape().rank() == 3 ? visible(value, mask) : value.toFloats();
                    Golden.Tolerance t = Golden.tolerance(tolerances, key);
                    Compare.assertProbe(full, values, expected.read(full, arena).toFloats(), t.atol(), t.rtol());
                    Compare.assertMoments(
                            full,
                            values,
                            record.get("mean").doubleValue(),
                            Golden.tolerance(tolerances, "mean"),
                            record.get("l2").doubleValue(),
                            Golden.tolerance(tolerances, "l2"));
                }
            }
        }
    }
}
