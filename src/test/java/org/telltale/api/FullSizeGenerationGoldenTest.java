package org.telltale.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
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
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.testing.Golden;
import org.telltale.engine.testing.Procedural;
import org.telltale.engine.testing.ProceduralWeights;
import org.telltale.models.Blip;
import org.telltale.models.decode.GenerationOptions;
import org.telltale.models.decode.Logits;
import org.telltale.models.decode.StepFunction;
import tools.jackson.databind.JsonNode;

/**
 * Decoding at real size through the cache: the original's greedy ids, and beam search as it is without a cache, every
 * sequence read anew at each step.
 */
class FullSizeGenerationGoldenTest {
    private static final int END = 102;

    @TestFactory
    List<DynamicTest> captionsAtRealSize() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        try (Stream<Path> files = Files.list(Golden.area("blip"))) {
            for (Path manifest : files.filter(f -> f.getFileName().toString().matches("full-.*\\.json"))
                    .sorted()
                    .toList()) {
                tests.add(DynamicTest.dynamicTest(manifest.getFileName().toString(), () -> check(manifest)));
            }
        }
        assertThat(tests).isNotEmpty();
        return tests;
    }

    private static void check(Path manifest) {
        JsonNode json = Golden.json(manifest);
        try (Arena arena = Arena.ofShared();
                ProceduralWeights weights = ProceduralWeights.open(manifest);
                Backend backend = Device.cpu().open(2)) {
            Params params = Params.of("procedural", weights.names(), weights::shape, weights::dtype);
            Blip.Config config = config(json.get("config"));
            Blip blip = new Blip(config, params);
            HostTensor picture = Procedural.tensor(
                    json.get("inputs").get(0), json.get("salt").longValue(), arena);
            int size = picture.shape().dim(2);
            Tensor nchw = Tensor.input("pictures", DType.F32, 1, 3, size, size);
            Blip.Memory remembered =
                    blip.remember(blip.see(nchw.transpose(List.of(0, 2, 3, 1))).last());
            List<Tensor> outputs = new ArrayList<>(remembered.keys());
            outputs.addAll(remembered.values());
            int[] prompt = Golden.ints(json.get("prompt_ids"));
            int[] greedy = Golden.ints(json.get("greedy_ids"));
            try (Executable vision =
                    backend.compile(Graph.of("vision", outputs, Map.of()), weights, CompileOptions.DEFAULT)) {
                vision.input("pictures").copyFrom(picture);
                vision.run();
                Map<String, HostTensor> memory = new LinkedHashMap<>();
                int layers = config.text().layers();
                for (int i = 0; i < layers; i++) {
                    memory.put("cross_key." + i, vision.output(i));
                    memory.put("cross_value." + i, vision.output(layers + i));
                }
                GenerationOptions short1 =
                        GenerationOptions.greedy().minLength(0).maxLength(greedy.length);
                GenerationOptions short3 =
                        GenerationOptions.beams(3).minLength(5).maxLength(greedy.length);
                BlipDecoder.Size room = new BlipDecoder.Size(16, 16 * 3);
                try (BlipDecoder cached = new BlipDecoder(
                                graph -> backend.compile(graph, weights, CompileOptions.DEFAULT),
                                blip,
                                room,
                                memory,
                                new Timings());
                        Anew anew = new Anew(backend, weights, blip, memory)) {
                    assertThat(short1.generate(cached, prompt, END, () -> false).ids())
                            .isEqualTo(greedy);
                    int[] beams =
                            short3.generate(cached, prompt, END, () -> false).ids();
                    assertThat(beams)
                            .isEqualTo(short3.generate(anew, prompt, END, () -> false)
                                    .ids());
                }
            }
        }
    }

    /** A model's side of decoding without a cache. */
    private static final class Anew implements StepFunction, AutoCloseable {
        private final Backend backend;
        private final ProceduralWeights weights;
        private final Blip blip;
        private final Map<String, HostTensor> memory;
        private final Arena arena = Arena.ofShared();
        private int[][] rows = new int[0][];

        Anew(Backend backend, ProceduralWeights weights, Blip blip, Map<String, HostTensor> memory) {
            this.backend = backend;
            this.weights = weights;
            this.blip = blip;
            this.memory = memory;
        }

        @Override
        public Logits start(int[] prompt) {
            rows = new int[][] {prompt};
            return logits();
        }

        @Override
        public Logits step(int[] parents, int[] tokens) {
            int[][] next = new int[tokens.length][];
            for (int r = 0; r < tokens.length; r++) {
                int[] past = rows[parents[r]];
                next[r] = Arrays.copyOf(past, past.length + 1);
                next[r][past.length] = tokens[r];
            }
            rows = next;
            return logits();
        }

        private Logits logits() {
            int length = rows[0].length;
            List<Tensor> keys = new ArrayList<>();
            List<Tensor> values = new ArrayList<>();
            for (int i = 0; i * 2 < memory.size(); i++) {
                keys.add(Tensor.input(
                        "cross_key." + i,
                        DType.F32,
                        memory.get("cross_key." + i).shape().dims()));
                values.add(Tensor.input(
                        "cross_value." + i,
                        DType.F32,
                        memory.get("cross_value." + i).shape().dims()));
            }
            Tensor ids = Tensor.input("ids", DType.I32, 1, length);
            Tensor all = blip.tell(ids, new Blip.Memory(keys, values)).logits();
            int vocabulary = all.dim(2);
            HostTensor out = HostTensor.allocate(arena, DType.F32, Shape.of(rows.length, vocabulary));
            try (Executable e = backend.compile(
                    Graph.of("anew", all.slice(1, length - 1, length)), weights, CompileOptions.DEFAULT)) {
                memory.forEach(e::bind);
                for (int r = 0; r < rows.length; r++) {
                    e.input("ids").setInts(rows[r]);
                    e.run();
                    out.data()
                            .asSlice(4L * r * vocabulary, 4L * vocabulary)
                            .copyFrom(e.output(0).data());
                }
            }
            return new Logits(out);
        }

        @Override
        public void close() {
            arena.close();
        }
    }

    private static Blip.Config config(JsonNode c) {
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
                        END));
    }
}
