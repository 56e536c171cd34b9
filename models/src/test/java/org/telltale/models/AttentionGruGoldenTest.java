package org.telltale.models;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.autograd.Adam;
import org.telltale.engine.autograd.Autograd;
import org.telltale.engine.autograd.Optimizer;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.Weights;
import org.telltale.engine.nn.Gru;
import org.telltale.engine.nn.Losses;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.testing.Compare;
import org.telltale.engine.testing.Eval;
import org.telltale.engine.testing.Golden;
import org.telltale.engine.testing.Procedural;
import org.telltale.engine.testing.ProceduralWeights;
import org.telltale.engine.testing.Values;
import org.telltale.kernels.vector.VectorBackend;
import org.telltale.models.decode.Generation;
import org.telltale.models.decode.GenerationOptions;
import org.telltale.models.decode.Logits;
import org.telltale.models.decode.StepFunction;
import org.telltale.models.text.CaptionVocabulary;
import tools.jackson.databind.JsonNode;

/** The attention and GRU captioner against TensorFlow's tutorial classes: forward, gradients, Adam, greedy captions. */
class AttentionGruGoldenTest {
    private static Path area() {
        return Golden.area("captioner");
    }

    private static AttentionGruCaptioner.Config config(
            int embedding, int units, int words, int channels, int positions) {
        CaptionVocabulary marks = CaptionVocabulary.of(
                CaptionVocabulary.Standard.TEXT_VECTORIZATION, List.of("", "[UNK]", "<start>", "<end>"));
        return new AttentionGruCaptioner.Config(embedding, units, words, channels, positions, 50, marks);
    }

    private static AttentionGruCaptioner.Config tiny(Path area) {
        return AttentionGruCaptioner.Config.of(
                ConfigFile.read(area.resolve("tiny-attention-gru").resolve("config.json")));
    }

    /** A part of ids [B, T], from a column on. */
    private static HostTensor columns(HostTensor ids, int from, Arena arena) {
        int rows = ids.shape().dim(0);
        int all = ids.shape().dim(1);
        HostTensor part = HostTensor.allocate(arena, DType.I32, Shape.of(rows, all - 1));
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < all - 1; c++) {
                part.setInt((long) r * (all - 1) + c, ids.getInt((long) r * all + from + c));
            }
        }
        return part;
    }

    private static HostTensor flat(HostTensor t) {
        return new HostTensor(Shape.of((int) t.size()), t.dtype(), t.data());
    }

    private static void close(String what, HostTensor actual, HostTensor expected, JsonNode tolerance) {
        float[] reference = expected.toFloats();
        Compare.assertCloseToRms(
                what,
                actual.toFloats(),
                reference,
                expected.shape().dims(),
                tolerance.get("atol_rms").doubleValue(),
                tolerance.get("rtol").doubleValue());
    }

    @TestFactory
    List<DynamicTest> aSmallCaptionerEqualsTheOriginal() {
        return small(area());
    }

    /** The cases of a folder of references. */
    static List<DynamicTest> small(Path area) {
        List<DynamicTest> tests = new ArrayList<>();
        for (Backend backend : Run.backends()) {
            tests.add(DynamicTest.dynamicTest(backend.description(), () -> small(area, backend)));
        }
        return tests;
    }

    private static void small(Path area, Backend backend) {
        JsonNode tolerance = Golden.json(area.resolve("tolerances.json")).get("tiny-attention-gru");
        try (Weights weights = SafeTensors.open(area.resolve("tiny-attention-gru"));
                SafeTensors golden = SafeTensors.open(area.resolve("tiny-attention-gru.golden.safetensors"));
                Arena arena = Arena.ofConfined()) {
            Params params = Run.params(weights);
            AttentionGruCaptioner model = new AttentionGruCaptioner(tiny(area), params);
            HostTensor target = golden.read("target", arena);
            HostTensor features = golden.read("features", arena);
            AttentionGruCaptioner.Forward f =
                    model.teach(Tensor.input("words", DType.I32, 4, 9), Tensor.input("features", DType.F32, 4, 9, 24));
            params.verify();
            Tensor targets = Tensor.input("targets", DType.I32, 4, 9);
            Tensor counted = targets.toFloat().equal(Tensor.fill(0)).neg().add(1);
            Tensor stepLoss =
                    Losses.crossEntropyPerRow(f.logits(), targets).mul(counted).mean(0);
            AttentionGruCaptioner.Step one = model.step(
                    Tensor.input("x", DType.I32, 4),
                    Tensor.input("hidden_in", DType.F32, 4, 20),
                    model.see(Tensor.input("features", DType.F32, 4, 9, 24)));
            Map<String, Tensor> outputs = new LinkedHashMap<>();
            outputs.put("encoded", f.encoded());
            outputs.put("logits", f.logits());
            outputs.put("probabilities", f.logits().softmax(2));
            outputs.put("hidden", f.hidden());
            outputs.put("attention", f.attention());
            outputs.put("step_loss", stepLoss);
            Map<String, HostTensor> actual = Run.outputs(
                    backend,
                    weights,
                    Map.of(
                            "words", columns(target, 0, arena),
                            "targets", columns(target, 1, arena),
                            "features", features),
                    outputs,
                    arena);
            actual.forEach((name, value) -> close(name, value, golden.read(name, arena), tolerance));
            Map<String, HostTensor> step = Run.outputs(
                    backend,
                    weights,
                    Map.of(
                            "x", flat(golden.read("one_step/x", arena)),
                            "hidden_in", golden.read("one_step/hidden_in", arena),
                            "features", features),
                    Map.of("logits", one.logits(), "hidden_out", one.hidden(), "attention", one.attention()),
                    arena);
            step.forEach((name, value) -> close(name, value, golden.read("one_step/" + name, arena), tolerance));
        }
    }

    /** Learning steps of all parameters from stored weights; a step's loss is the sum over words. */
    private static final class Learning implements AutoCloseable {
        final Executable executable;
        final List<String> names = new ArrayList<>();
        private final Adam adam = Adam.keras();

        Learning(Backend backend, Weights weights, AttentionGruCaptioner.Config config, int batch, int steps) {
            Params params = Run.params(weights).training(new Params.Training(n -> true, null, null));
            AttentionGruCaptioner model = new AttentionGruCaptioner(config, params);
            Tensor logits = model.teach(
                            Tensor.input("words", DType.I32, batch, steps),
                            Tensor.input("features", DType.F32, batch, config.positions(), config.channels()))
                    .logits();
            Tensor loss = Losses.maskedCrossEntropy(
                            logits, Tensor.input("targets", DType.I32, batch, steps), 0, Losses.Divisor.ALL_ROWS)
                    .mul(steps);
            List<Tensor> parameters = new ArrayList<>();
            for (String name : weights.names()) {
                names.add(name);
                parameters.add(params.f32(name, weights.shape(name).dims()));
            }
            params.verify();
            List<Tensor> gradients = Autograd.gradients(loss, parameters);
            Tensor numbers = Tensor.input("numbers", DType.F32, Optimizer.NUMBERS);
            Map<Tensor, Tensor> updates = new LinkedHashMap<>();
            for (int i = 0; i < names.size(); i++) {
                updates.putAll(adam.update(names.get(i), parameters.get(i), gradients.get(i), numbers));
            }
            List<Tensor> outputs = new ArrayList<>(List.of(loss));
            outputs.addAll(gradients);
            executable = backend.compile(Graph.of("captions", outputs, updates), weights, CompileOptions.DEFAULT);
            try (Arena arena = Arena.ofConfined()) {
                names.forEach(n -> executable.state(n).copyFrom(weights.read(n, arena)));
            }
        }

        float run(HostTensor features, HostTensor target, long step, double rate) {
            try (Arena arena = Arena.ofConfined()) {
                executable.input("features").copyFrom(features);
                executable.input("words").copyFrom(columns(target, 0, arena));
                executable.input("targets").copyFrom(columns(target, 1, arena));
            }
            executable.input("numbers").set(adam.numbers(step, rate));
            executable.run();
            return executable.output(0).get(0);
        }

        float[] gradient(String name) {
            return executable.output(1 + names.indexOf(name)).toFloats();
        }

        @Override
        public void close() {
            executable.close();
        }
    }

    @TestFactory
    List<DynamicTest> gradientsAndAdamAreTheOriginals() {
        return learned(area());
    }

    /** The cases of a folder of references. */
    static List<DynamicTest> learned(Path area) {
        List<DynamicTest> tests = new ArrayList<>();
        for (Backend backend : Run.backends()) {
            tests.add(DynamicTest.dynamicTest(backend.description(), () -> learned(area, backend)));
        }
        return tests;
    }

    private static void learned(Path area, Backend backend) {
        JsonNode tolerance = Golden.json(area.resolve("tolerances.json")).get("tiny-attention-gru");
        JsonNode facts = Golden.json(area.resolve("tiny-attention-gru.json"));
        JsonNode gradients = tolerance.get("gradients");
        try (Weights weights = SafeTensors.open(area.resolve("tiny-attention-gru"));
                SafeTensors golden = SafeTensors.open(area.resolve("tiny-attention-gru.golden.safetensors"));
                Arena arena = Arena.ofConfined();
                Learning learning = new Learning(backend, weights, tiny(area), 4, 9)) {
            HostTensor features = golden.read("features", arena);
            HostTensor target = golden.read("target", arena);
            Map<String, float[]> first = new TreeMap<>();
            for (int step = 0; step < 3; step++) {
                float loss = learning.run(features, target, step, 1e-3);
                assertThat((double) loss)
                        .isCloseTo(facts.get("loss_sum").get(step).doubleValue(), Offset.offset(5e-4));
                for (String name : learning.names) {
                    if (step == 0) {
                        first.put(name, learning.gradient(name));
                        if (!name.endsWith("V.bias")) {
                            float[] expected =
                                    golden.read("grad/" + name, arena).toFloats();
                            Compare.assertCloseToRms(
                                    "grad/" + name,
                                    learning.gradient(name),
                                    expected,
                                    new int[] {expected.length},
                                    gradients.get("atol_rms").doubleValue(),
                                    gradients.get("rtol").doubleValue());
                        }
                    }
                    String key = "after_adam_" + (step + 1);
                    if (step != 1 && !name.endsWith("V.bias")) {
                        moved(
                                key + "/" + name,
                                learning.executable.state(name).toFloats(),
                                golden.read(key + "/" + name, arena).toFloats(),
                                first.getOrDefault(name, new float[0]),
                                tolerance.get(key).get("atol").doubleValue());
                    }
                }
            }
            assertThat(first.get("decoder.gru.recurrent_kernel")).containsOnly(0f);
        }
    }

    /** Where a gradient is next to nothing Adam's first steps go by its rounding. */
    private static void moved(String what, float[] actual, float[] expected, float[] gradient, double atol) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.length; i++) {
            double most = Math.abs(gradient[i]) < 1e-6 ? 1.1e-3 : atol;
            assertThat((double) actual[i]).as("%s at %d", what, i).isCloseTo(expected[i], Offset.offset(most));
        }
    }

    @TestFactory
    List<DynamicTest> twelveUpdatesFollowTheReferenceTrajectory() {
        List<DynamicTest> tests = new ArrayList<>();
        for (Backend backend : Run.backends()) {
            tests.add(DynamicTest.dynamicTest(backend.description(), () -> trajectory(backend)));
        }
        return tests;
    }

    private static void trajectory(Backend backend) {
        Path area = Golden.area("training");
        JsonNode tolerance = Golden.json(area.resolve("tolerances.json")).get("captioner_trajectory");
        JsonNode losses = Golden.json(area.resolve("captioner_trajectory.json")).get("lossSummedOverSteps");
        try (SafeTensors golden = SafeTensors.open(area.resolve("captioner_trajectory.safetensors"));
                Arena arena = Arena.ofConfined()) {
            Map<String, HostTensor> initial = new TreeMap<>();
            golden.names().stream()
                    .filter(n -> n.startsWith("initial/"))
                    .forEach(n -> initial.put(ours(n), golden.read(n, arena)));
            HostTensor features = golden.read("features", arena);
            HostTensor tokens = golden.read("tokens", arena);
            try (Learning learning = new Learning(backend, new Values(initial), config(6, 7, 20, 12, 9), 4, 6)) {
                for (int step = 0; step < 12; step++) {
                    int b = step % 3;
                    HostTensor f = new HostTensor(
                            Shape.of(4, 9, 12), DType.F32, features.data().asSlice(4L * b * 432, 4L * 432));
                    HostTensor t = new HostTensor(
                            Shape.of(4, 7), DType.I32, tokens.data().asSlice(4L * b * 28, 4L * 28));
                    float loss = learning.run(f, t, step, 1e-2);
                    Compare.assertClose(
                            "loss " + step,
                            new float[] {loss},
                            new float[] {(float) losses.get(step).doubleValue()},
                            new int[] {1},
                            tolerance.get("loss").get("atol").doubleValue(),
                            tolerance.get("loss").get("rtol").doubleValue());
                    for (String name : golden.names()) {
                        String own = ours(name);
                        boolean compared = !name.endsWith("attention.V.bias");
                        if (compared && step == 0 && name.startsWith("first_gradient/")) {
                            compare(name, learning.gradient(own), golden, arena, tolerance.get("first_gradient"));
                        } else if (compared && step == 11 && name.startsWith("step12/")) {
                            float[] now = learning.executable.state(own).toFloats();
                            compare(name, now, golden, arena, tolerance.get("step12"));
                        }
                    }
                }
            }
        }
    }

    private static void compare(String name, float[] actual, SafeTensors golden, Arena arena, JsonNode tolerance) {
        float[] expected = golden.read(name, arena).toFloats();
        Compare.assertClose(
                name,
                actual,
                expected,
                new int[] {expected.length},
                tolerance.get("atol").doubleValue(),
                tolerance.get("rtol").doubleValue());
    }

    /** The trajectory's names are without the decoder's. */
    private static String ours(String name) {
        String bare = name.substring(name.indexOf('/') + 1);
        return bare.startsWith("encoder.")
                ? bare
                : "decoder." + (bare.equals("embedding") ? "embedding.embeddings" : bare);
    }

    /** One caption at a time, word by word. */
    private static final class Decoder implements StepFunction, AutoCloseable {
        private final Executable executable;

        Decoder(Backend backend, Weights weights, AttentionGruCaptioner.Config c) {
            AttentionGruCaptioner model = new AttentionGruCaptioner(c, Run.params(weights));
            AttentionGruCaptioner.Memory memory =
                    model.see(Tensor.input("features", DType.F32, 1, c.positions(), c.channels()));
            AttentionGruCaptioner.Step step = model.step(
                    Tensor.input("words", DType.I32, 1), Tensor.input("hidden", DType.F32, 1, c.units()), memory);
            executable =
                    backend.compile(Graph.of("step", step.logits(), step.hidden()), weights, CompileOptions.DEFAULT);
        }

        @Override
        public Logits start(int[] prompt) {
            executable.input("hidden").data().fill((byte) 0);
            return feed(prompt[0]);
        }

        @Override
        public Logits step(int[] parents, int[] tokens) {
            executable.input("hidden").copyFrom(executable.output(1));
            return feed(tokens[0]);
        }

        private Logits feed(int word) {
            executable.input("words").setInt(0, word);
            executable.run();
            return new Logits(executable.output(0));
        }

        @Override
        public void close() {
            executable.close();
        }
    }

    private static void greedy(
            Weights weights, AttentionGruCaptioner.Config config, HostTensor features, JsonNode facts, int words) {
        int start = facts.get("start_id").intValue();
        int end = facts.get("end_id").intValue();
        long bytes = features.data().byteSize() / features.shape().dim(0);
        try (Backend backend = new VectorBackend(2);
                Decoder decoder = new Decoder(backend, weights, config)) {
            for (JsonNode caption : facts.get("captions")) {
                decoder.executable
                        .input("features")
                        .data()
                        .copyFrom(features.data().asSlice(caption.get("image").intValue() * bytes, bytes));
                Generation g = GenerationOptions.greedy()
                        .minLength(0)
                        .maxNewTokens(words)
                        .generate(decoder, new int[] {start}, end);
                int[] ids = Arrays.copyOfRange(g.ids(), 1, g.ids().length);
                assertThat(ids).containsExactly(Golden.ints(caption.get("greedy_ids")));
            }
        }
    }

    @Test
    void greedyCaptionsOfASmallCaptionerAreTheOriginals() {
        greedy(area());
    }

    /** Those of the small captioner of a folder of references. */
    static void greedy(Path area) {
        try (Weights weights = SafeTensors.open(area.resolve("tiny-attention-gru"));
                SafeTensors golden = SafeTensors.open(area.resolve("tiny-attention-gru.golden.safetensors"));
                Arena arena = Arena.ofConfined()) {
            JsonNode facts = Golden.json(area.resolve("tiny-attention-gru.json"));
            greedy(weights, tiny(area), golden.read("features", arena), facts, 30);
        }
    }

    @Test
    void aFullSizeCaptionerEqualsTheOriginal() {
        Path manifest = area().resolve("full-attention-gru.json");
        JsonNode facts = Golden.json(manifest);
        JsonNode tolerance = Golden.json(area().resolve("tolerances.json")).get("full-attention-gru");
        double atol = tolerance.get("atol_rms").doubleValue();
        double rtol = tolerance.get("rtol").doubleValue();
        AttentionGruCaptioner.Config config = config(256, 512, 5000, 2048, 64);
        try (Weights weights = ProceduralWeights.open(manifest);
                Backend backend = new VectorBackend(2);
                SafeTensors golden = SafeTensors.open(area().resolve("full-attention-gru.golden.safetensors"));
                Arena arena = Arena.ofConfined()) {
            HostTensor features =
                    Procedural.tensor(facts.get("features"), facts.get("salt").longValue(), arena);
            for (long i = 0; i < features.size(); i++) {
                features.set(i, Math.max(0, features.get(i)));
            }
            HostTensor target = golden.read("target", arena);
            AttentionGruCaptioner model = new AttentionGruCaptioner(config, Run.params(weights));
            AttentionGruCaptioner.Forward f = model.teach(
                    Tensor.input("words", DType.I32, 2, 7), Tensor.input("features", DType.F32, 2, 64, 2048));
            Tensor targets = Tensor.input("targets", DType.I32, 2, 7);
            Tensor counted = targets.toFloat().equal(Tensor.fill(0)).neg().add(1);
            Map<String, HostTensor> actual = Run.outputs(
                    backend,
                    weights,
                    Map.of(
                            "words", columns(target, 0, arena),
                            "targets", columns(target, 1, arena),
                            "features", features),
                    Map.of(
                            "encoded", f.encoded(),
                            "logits", f.logits(),
                            "logits_step0", f.logits().slice(1, 0, 1),
                            "hidden", f.hidden(),
                            "attention", f.attention(),
                            "step_loss",
                                    Losses.crossEntropyPerRow(f.logits(), targets)
                                            .mul(counted)
                                            .mean(0)),
                    arena);
            for (String name : actual.keySet()) {
                boolean probe = golden.names().contains(name + "/values");
                float[] expected =
                        golden.read(probe ? name + "/values" : name, arena).toFloats();
                float[] values = actual.get(name).toFloats();
                Compare.assertProbeToRms(name, values, expected, atol, rtol);
            }
            gradients(backend, weights, config, features, target, golden, facts, tolerance.get("gradients"));
            greedy(weights, config, features, facts, 20);
        }
    }

    private static void gradients(
            Backend backend,
            Weights weights,
            AttentionGruCaptioner.Config config,
            HostTensor features,
            HostTensor target,
            SafeTensors golden,
            JsonNode facts,
            JsonNode tolerance) {
        double atol = tolerance.get("atol_rms").doubleValue();
        double rtol = tolerance.get("rtol").doubleValue();
        try (Learning learning = new Learning(backend, weights, config, 2, 7);
                Arena arena = Arena.ofConfined()) {
            float loss = learning.run(features, target, 0, 1e-3);
            assertThat((double) loss).isCloseTo(facts.get("loss_sum").doubleValue(), Offset.offset(2e-3));
            for (String name : learning.names) {
                String key = "grad/" + name;
                if (golden.names().contains(key + "/values") && !name.endsWith("V.bias")) {
                    float[] expected = golden.read(key + "/values", arena).toFloats();
                    Compare.assertProbeToRms(key, learning.gradient(name), expected, atol, rtol);
                }
            }
            String table = "decoder.embedding.embeddings";
            HostTensor rows = golden.raw("grad/" + table + "/row_ids", arena);
            float[] expected = golden.read("grad/" + table + "/rows_every_8th_column", arena)
                    .toFloats();
            float[] gradient = learning.gradient(table);
            float[] chosen = new float[expected.length];
            for (int i = 0; i < chosen.length; i++) {
                int row = Run.ints(rows, arena).getInt(i / 32);
                chosen[i] = gradient[row * 256 + i % 32 * 8];
            }
            Compare.assertCloseToRms(table, chosen, expected, new int[] {expected.length}, atol, rtol);
        }
    }

    @Test
    void theGruCellIsKerasAndItsFirstStateIsThatOfTheLayerWithoutAState() {
        JsonNode tolerance = Golden.json(area().resolve("tolerances.json")).get("gru");
        try (SafeTensors golden = SafeTensors.open(area().resolve("gru.safetensors"));
                Arena arena = Arena.ofConfined()) {
            for (int c = 0; golden.names().contains("case" + c + "/x"); c++) {
                String at = "case" + c + "/";
                Map<String, float[]> values = new TreeMap<>();
                Map<String, Tensor> in = new TreeMap<>();
                for (String name : List.of("x", "h0", "kernel", "recurrent_kernel", "bias")) {
                    HostTensor t = golden.read(at + name, arena);
                    values.put(name, t.toFloats());
                    in.put(name, Tensor.input(name, DType.F32, t.shape().dims()));
                }
                for (String from : List.of("zero", "h0")) {
                    HostTensor expected = golden.read(at + "states_from_" + from, arena);
                    int batch = expected.shape().dim(0);
                    int steps = expected.shape().dim(1);
                    int units = expected.shape().dim(2);
                    Tensor h = from.equals("zero") ? Tensor.fill(0, batch, units) : in.get("h0");
                    Tensor[] states = new Tensor[steps];
                    for (int t = 0; t < steps; t++) {
                        Tensor x = in.get("x").slice(1, t, t + 1).reshape(batch, -1);
                        h = Tensor.of(
                                new Fused.GruCell(),
                                x,
                                h,
                                in.get("kernel"),
                                in.get("recurrent_kernel"),
                                in.get("bias"));
                        states[t] = h.reshape(batch, 1, units);
                    }
                    close(at + from, Eval.run(Tensor.concat(1, states), values), expected, tolerance);
                    if (from.equals("zero")) {
                        Tensor x = in.get("x").slice(1, 0, 1).reshape(batch, -1);
                        Tensor alone = Gru.fromZero(x, in.get("kernel"), in.get("bias"));
                        float[] first = Eval.run(states[0].reshape(batch, units).sub(alone), values);
                        for (float difference : first) {
                            assertThat(Math.abs(difference)).isLessThan(1e-6f);
                        }
                    }
                }
            }
        }
    }

    private static void close(String what, float[] actual, HostTensor expected, JsonNode tolerance) {
        Compare.assertClose(
                what,
                actual,
                expected.toFloats(),
                expected.shape().dims(),
                tolerance.get("atol").doubleValue(),
                tolerance.get("rtol").doubleValue());
    }
}
