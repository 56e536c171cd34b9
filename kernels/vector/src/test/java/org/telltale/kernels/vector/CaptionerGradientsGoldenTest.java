package org.telltale.kernels.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.autograd.Adam;
import org.telltale.engine.autograd.Autograd;
import org.telltale.engine.autograd.Optimizer;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.testing.Compare;
import org.telltale.engine.testing.Golden;
import org.telltale.engine.testing.Procedural;
import org.telltale.engine.testing.Values;
import tools.jackson.databind.JsonNode;

/** The layers of the attention captioner, forward, all gradients and steps of Adam, against the original's. */
class CaptionerGradientsGoldenTest {
    private static final String GOLDEN = ".golden.safetensors";
    private static final String GRADIENT = "grad/";

    /** Softmax does not see a shift of all scores: the gradient of this is rounding noise, and Adam's steps follow it. */
    private static final String SHIFT = "attention.V.bias";

    private static Stream<DynamicTest> onEveryBackend(String title, Consumer<Backend> test) {
        return Backends.all().entrySet().stream()
                .map(e -> DynamicTest.dynamicTest(title + " on " + e.getKey(), () -> test.accept(e.getValue())));
    }

    /** Weights, a batch, and what the original made of them. */
    private record Model(
            Map<String, HostTensor> weights,
            HostTensor features,
            HostTensor target,
            SafeTensors golden,
            JsonNode json,
            JsonNode tolerances)
            implements AutoCloseable {
        static Model open(Path file, Arena arena) {
            String name = name(file);
            Path folder = file.resolveSibling(name);
            JsonNode json = Golden.json(file.resolveSibling(name + ".json"));
            SafeTensors golden = SafeTensors.open(file);
            Map<String, HostTensor> weights = new LinkedHashMap<>();
            HostTensor features;
            if (Files.isDirectory(folder)) {
                try (SafeTensors stored = SafeTensors.open(folder.resolve("model.safetensors"))) {
                    stored.names().forEach(n -> weights.put(n, stored.read(n, arena)));
                }
                features = golden.read("features", arena);
            } else {
                long salt = json.get("salt").longValue();
                json.get("tensors")
                        .forEach(t -> weights.put(t.get("name").stringValue(), Procedural.tensor(t, salt, arena)));
                features = Procedural.tensor(json.get("features"), salt, arena);
                assertThat(json.get("features").get("then").stringValue()).isEqualTo("max(0, x)");
                for (long i = 0; i < features.size(); i++) {
                    features.set(i, Math.max(0, features.get(i)));
                }
            }
            HostTensor target = golden.raw("target", arena);
            JsonNode tolerances =
                    Golden.json(file.resolveSibling("tolerances.json")).get(name);
            return new Model(weights, features, target, golden, json, tolerances);
        }

        static String name(Path file) {
            String name = file.getFileName().toString();
            return name.substring(0, name.length() - GOLDEN.length());
        }

        @Override
        public void close() {
            golden.close();
        }
    }

    private static List<Path> models() {
        try (Stream<Path> files = Files.list(Golden.area("captioner"))) {
            List<Path> found =
                    files.filter(f -> f.toString().endsWith(GOLDEN)).sorted().toList();
            assertThat(found).isNotEmpty();
            return found;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String token(int step) {
        return "token " + step;
    }

    private static List<Tensor> tokens(int rows, int length) {
        List<Tensor> all = new ArrayList<>();
        for (int t = 0; t < length; t++) {
            all.add(Tensor.input(token(t), DType.I32, rows));
        }
        return all;
    }

    /** A column of ids [B, length] from a row of them on. */
    private static int[] column(HostTensor ids, int firstRow, int rows, int column) {
        int length = ids.shape().dim(-1);
        int[] out = new int[rows];
        for (int i = 0; i < rows; i++) {
            out[i] = ids.getInt((long) (firstRow + i) * length + column);
        }
        return out;
    }

    private static HostTensor ints(int[] values, Arena arena) {
        HostTensor t = HostTensor.allocate(arena, DType.I32, Shape.of(values.length));
        for (int i = 0; i < values.length; i++) {
            t.setInt(i, values[i]);
        }
        return t;
    }

    @TestFactory
    Stream<DynamicTest> outputsAndGradientsAreThoseOfTheOriginal() {
        return models().stream()
                .flatMap(f -> onEveryBackend(Model.name(f), backend -> {
                    try (Arena arena = Arena.ofShared();
                            Model m = Model.open(f, arena)) {
                        outputsAndGradients(m, backend, arena);
                    }
                }));
    }

    private static void outputsAndGradients(Model m, Backend backend, Arena arena) {
        int rows = m.target.shape().dim(0);
        int length = m.target.shape().dim(1);
        assertThat(column(m.target, 0, rows, 0))
                .as("the first tokens")
                .containsOnly(m.json.get("start_id").intValue());
        Map<String, Tensor> leaves = new LinkedHashMap<>();
        m.weights.forEach((n, t) -> leaves.put(n, Tensor.of(new Primitive.Weight(n, t.shape()))));
        Tensor features = Tensor.input("features", DType.F32, m.features.shape().dims());
        CaptionerLayers layers = new CaptionerLayers(leaves::get);
        CaptionerLayers.Unrolled all = layers.unroll(features, tokens(rows, length));
        Map<String, Tensor> out = new LinkedHashMap<>();
        out.put("encoded", all.encoded());
        out.put("logits", all.all(CaptionerLayers.Step::logits));
        out.put("hidden", all.all(CaptionerLayers.Step::hidden));
        out.put("attention", all.all(CaptionerLayers.Step::attention));
        out.put("probabilities", all.all(s -> s.logits().softmax(-1)));
        out.put("logits_step0", all.steps().getFirst().logits());
        out.put(
                "step_loss",
                Tensor.concat(0, all.losses().stream().map(l -> l.reshape(1)).toArray(Tensor[]::new)));
        Map<String, HostTensor> values = new LinkedHashMap<>(m.weights);
        values.put("features", m.features);
        for (int t = 0; t < length; t++) {
            values.put(token(t), ints(column(m.target, 0, rows, t), arena));
        }
        if (m.golden.names().contains("one_step/x")) {
            HostTensor hidden = m.golden.read("one_step/hidden_in", arena);
            values.put("hidden", hidden);
            values.put("x", ints(column(m.golden.raw("one_step/x", arena), 0, rows, 0), arena));
            CaptionerLayers.Step one = layers.step(
                    all.encoded(),
                    Tensor.input("x", DType.I32, rows),
                    Tensor.input("hidden", DType.F32, hidden.shape().dims()));
            out.put("one_step/logits", one.logits());
            out.put("one_step/hidden_out", one.hidden());
            out.put("one_step/attention", one.attention());
        }
        List<Tensor> gradients =
                Autograd.gradients(List.of(all.loss()), List.of(Tensor.fill(1)), List.copyOf(leaves.values()));
        int at = 0;
        for (String name : leaves.keySet()) {
            out.put(GRADIENT + name, gradients.get(at++));
        }
        Graph graph = Graph.of("captioner", List.copyOf(out.values()), Map.of());
        List<HostTensor> actual = new Values(values).run(backend, graph, arena);
        Map<String, HostTensor> byName = new LinkedHashMap<>();
        at = 0;
        for (String name : out.keySet()) {
            byName.put(name, actual.get(at++));
        }
        Set<String> compared = new TreeSet<>();
        byName.forEach((name, value) -> compared.addAll(compare(name, value, byName, m, arena)));
        Set<String> wanted = new TreeSet<>(m.golden.names());
        wanted.removeIf(n -> n.startsWith("after_adam_"));
        wanted.removeAll(Set.of("features", "target", "one_step/x", "one_step/hidden_in"));
        assertThat(compared).as("reference values compared").isEqualTo(wanted);
    }

    /** Compares a value with all that is stored of it, and says what that was. */
    private static List<String> compare(
            String name, HostTensor value, Map<String, HostTensor> all, Model m, Arena arena) {
        JsonNode tolerance = name.startsWith(GRADIENT) ? m.tolerances.get("gradients") : m.tolerances;
        double atol = tolerance.get("atol_rms").doubleValue();
        double rtol = tolerance.get("rtol").doubleValue();
        SafeTensors golden = m.golden;
        List<String> compared = new ArrayList<>();
        if (name.endsWith(SHIFT)) {
            // Noise in relation to what it is the sum of: as V's kernel times tanh, which is at most 1.
            double scale =
                    Compare.rms(value(all, name.replace("bias", "kernel")).toFloats());
            assertThat((double) value.get(0)).as(name).isCloseTo(0, within(atol * scale));
            golden.names().stream().filter(n -> n.startsWith(name)).forEach(compared::add);
            return compared;
        }
        if (golden.names().contains(name)) {
            Compare.assertCloseToRms(name, value, golden.read(name, arena), atol, rtol);
            compared.add(name);
        }
        if (golden.names().contains(name + "/values")) {
            Compare.assertProbeToRms(
                    name, value.toFloats(), golden.read(name + "/values", arena).toFloats(), atol, rtol);
            compared.add(name + "/values");
        }
        if (golden.names().contains(name + "/mean_l2")) {
            HostTensor stored = golden.raw(name + "/mean_l2", arena);
            double mean = stored.data().getAtIndex(ValueLayout.JAVA_DOUBLE_UNALIGNED, 0);
            double l2 = stored.data().getAtIndex(ValueLayout.JAVA_DOUBLE_UNALIGNED, 1);
            double each = (atol + rtol) * l2 / Math.sqrt(value.size());
            Compare.assertMoments(
                    name,
                    value.toFloats(),
                    mean,
                    new Golden.Tolerance(each, 0),
                    l2,
                    new Golden.Tolerance(0, atol + rtol));
            compared.add(name + "/mean_l2");
        }
        if (golden.names().contains(name + "/shape")) {
            HostTensor stored = golden.raw(name + "/shape", arena);
            int[] dims = new int[(int) stored.size()];
            Arrays.setAll(dims, i -> Math.toIntExact(stored.data().getAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, i)));
            assertThat(value.shape()).isEqualTo(Shape.of(dims));
            compared.add(name + "/shape");
        }
        if (golden.names().contains(name + "/row_ids")) {
            compared.addAll(rows(name, value, golden, atol, rtol, arena));
        }
        return compared;
    }

    /** The gradient of an embedding: every eighth column of the rows that occur, and zeros in all others. */
    private static List<String> rows(
            String name, HostTensor value, SafeTensors golden, double atol, double rtol, Arena arena) {
        HostTensor ids = golden.raw(name + "/row_ids", arena);
        String stored = name + "/rows_every_8th_column";
        HostTensor expected = golden.read(stored, arena);
        int width = value.shape().dim(1);
        float[] actual = new float[(int) expected.size()];
        Set<Integer> occurring = new TreeSet<>();
        for (int r = 0; r < ids.size(); r++) {
            int row = Math.toIntExact(ids.data().getAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, r));
            occurring.add(row);
            for (int c = 0; c < width / 8; c++) {
                actual[r * (width / 8) + c] = value.get((long) row * width + 8L * c);
            }
        }
        Compare.assertCloseToRms(
                name, actual, expected.toFloats(), expected.shape().dims(), atol, rtol);
        for (long i = 0; i < value.size(); i++) {
            if (!occurring.contains((int) (i / width))) {
                assertThat(value.get(i))
                        .as(name + " of a token that does not occur")
                        .isZero();
            }
        }
        return List.of(name + "/row_ids", stored);
    }

    private static <T> T value(Map<String, T> all, String name) {
        T t = all.get(name);
        assertThat(t).as(name).isNotNull();
        return Objects.requireNonNull(t);
    }

    /** Steps of Keras' Adam on one graph; the parameters are its states. */
    private static final class Training implements AutoCloseable {
        private final Executable executable;
        private final Map<String, HostTensor> gradients = new LinkedHashMap<>();

        /** @param named what the model calls a parameter, by the layers' name */
        Training(
                Map<String, HostTensor> weights,
                Function<String, String> named,
                Shape features,
                int length,
                Backend backend) {
            Map<String, Tensor> states = new LinkedHashMap<>();
            weights.forEach((n, t) -> states.put(n, Tensor.state(n, t.shape().dims())));
            CaptionerLayers layers = new CaptionerLayers(n -> value(states, named.apply(n)));
            Tensor loss = layers.unroll(
                            Tensor.input("features", DType.F32, features.dims()), tokens(features.dim(0), length))
                    .loss();
            List<Tensor> out = new ArrayList<>();
            out.add(loss);
            out.addAll(Autograd.gradients(List.of(loss), List.of(Tensor.fill(1)), List.copyOf(states.values())));
            Tensor numbers = Tensor.input("numbers", DType.F32, Optimizer.NUMBERS);
            Map<Tensor, Tensor> updates = new LinkedHashMap<>();
            int at = 1;
            for (Map.Entry<String, Tensor> s : states.entrySet()) {
                updates.putAll(Adam.keras().update(s.getKey(), s.getValue(), out.get(at++), numbers));
            }
            executable = backend.compile(Graph.of("captioner", out, updates), new NoWeights(), CompileOptions.DEFAULT);
            at = 1;
            for (Map.Entry<String, HostTensor> w : weights.entrySet()) {
                executable.state(w.getKey()).copyFrom(w.getValue());
                gradients.put(w.getKey(), executable.output(at++));
            }
        }

        /** A step, and its loss; the row is where the batch begins in the ids. */
        float step(int t, double rate, HostTensor features, HostTensor ids, int row, Arena arena) {
            executable.input("features").copyFrom(features);
            int rows = features.shape().dim(0);
            for (int k = 0; k < ids.shape().dim(-1); k++) {
                executable.input(token(k)).copyFrom(ints(column(ids, row, rows, k), arena));
            }
            executable.input("numbers").set(Adam.keras().numbers(t, rate));
            executable.run();
            return executable.output(0).get(0);
        }

        @Override
        public void close() {
            executable.close();
        }
    }

    @TestFactory
    Stream<DynamicTest> stepsOfAdamAreThoseOfTheOriginal() {
        return models().stream()
                .filter(f -> {
                    try (SafeTensors golden = SafeTensors.open(f)) {
                        return golden.names().stream().anyMatch(n -> n.startsWith("after_adam_"));
                    }
                })
                .flatMap(f -> onEveryBackend(Model.name(f), backend -> {
                    try (Arena arena = Arena.ofShared();
                            Model m = Model.open(f, arena)) {
                        steps(m, backend, arena);
                    }
                }));
    }

    private static void steps(Model m, Backend backend, Arena arena) {
        JsonNode losses = m.json.get("loss_sum");
        double rate = m.json.get("adam").get("learning_rate").doubleValue();
        double rtol = m.tolerances.get("rtol").doubleValue();
        int compared = 0;
        try (Training training = new Training(
                m.weights,
                Function.identity(),
                m.features.shape(),
                m.target.shape().dim(1),
                backend)) {
            for (int t = 0; t < losses.size(); t++) {
                double expected = losses.get(t).doubleValue();
                assertThat((double) training.step(t, rate, m.features, m.target, 0, arena))
                        .as("loss before step " + (t + 1))
                        .isCloseTo(expected, within(rtol * expected));
                String after = "after_adam_" + (t + 1);
                for (String key : m.golden.names()) {
                    if (key.startsWith(after + "/")) {
                        adam(key.substring(after.length() + 1), after, training, m, arena);
                        compared++;
                    }
                }
            }
        }
        assertThat(compared)
                .isEqualTo(m.golden.names().stream()
                        .filter(n -> n.startsWith("after_adam_"))
                        .count());
    }

    /** A weight whose gradient is all but zero goes a whole step either way. */
    private static void adam(String name, String after, Training training, Model m, Arena arena) {
        double atol = m.tolerances.get(after).get("atol").doubleValue();
        float[] gradient = m.golden.read(GRADIENT + name, arena).toFloats();
        float[] expected = m.golden.read(after + "/" + name, arena).toFloats();
        HostTensor state = training.executable.state(name);
        float[] actual = state.toFloats();
        for (int i = 0; i < actual.length; i++) {
            if (gradient[i] != 0 && Math.abs(gradient[i]) < 1e-6) {
                assertThat(actual[i]).as(name + " " + i).isCloseTo(expected[i], within(1.1e-3f));
                actual[i] = expected[i];
            }
        }
        Compare.assertClose(after + " " + name, actual, expected, state.shape().dims(), atol, 0);
    }

    @TestFactory
    Stream<DynamicTest> aTrajectoryIsThatOfTheOriginal() {
        return onEveryBackend("captioner_trajectory", backend -> {
            try (Arena arena = Arena.ofShared();
                    SafeTensors golden =
                            SafeTensors.open(Golden.area("training").resolve("captioner_trajectory.safetensors"))) {
                trajectory(golden, backend, arena);
            }
        });
    }

    private static void trajectory(SafeTensors golden, Backend backend, Arena arena) {
        JsonNode losses = Golden.json(Golden.area("training").resolve("captioner_trajectory.json"))
                .get("lossSummedOverSteps");
        JsonNode tolerances =
                Golden.json(Golden.area("training").resolve("tolerances.json")).get("captioner_trajectory");
        String ignored = tolerances.get("notCompared").get("names").stringValue();
        Map<String, HostTensor> weights = new LinkedHashMap<>();
        golden.names().stream()
                .filter(n -> n.startsWith("initial/"))
                .forEach(n -> weights.put(n.substring("initial/".length()), golden.read(n, arena)));
        HostTensor features = golden.read("features", arena);
        HostTensor ids = golden.raw("tokens", arena);
        int batches = ids.shape().dim(0);
        int rows = ids.shape().dim(1);
        Shape of = Shape.of(rows, features.shape().dim(2), features.shape().dim(3));
        Function<String, String> named =
                n -> n.replace("decoder.embedding.embeddings", "embedding").replace("decoder.", "");
        try (Training training = new Training(weights, named, of, ids.shape().dim(2), backend)) {
            for (int t = 0; t < losses.size(); t++) {
                int batch = t % batches;
                HostTensor pictures = new HostTensor(
                        of,
                        DType.F32,
                        features.data().asSlice(batch * of.size() * Float.BYTES, of.size() * Float.BYTES));
                double expected = losses.get(t).doubleValue();
                JsonNode loss = tolerances.get("loss");
                assertThat((double) training.step(t, 1e-2, pictures, ids, batch * rows, arena))
                        .as("loss of step " + t)
                        .isCloseTo(
                                expected,
                                within(loss.get("atol").doubleValue()
                                        + loss.get("rtol").doubleValue() * expected));
                if (t == 0) {
                    same("first_gradient", training.gradients, weights, ignored, golden, tolerances, arena);
                }
            }
            Map<String, HostTensor> states = new LinkedHashMap<>();
            weights.keySet().forEach(n -> states.put(n, training.executable.state(n)));
            same("step" + losses.size(), states, weights, ignored, golden, tolerances, arena);
        }
    }

    private static void same(
            String what,
            Map<String, HostTensor> actual,
            Map<String, HostTensor> weights,
            String ignored,
            SafeTensors golden,
            JsonNode tolerances,
            Arena arena) {
        JsonNode tolerance = tolerances.get(what);
        for (String name : weights.keySet()) {
            if (!name.equals(ignored)) {
                Compare.assertClose(
                        what + " " + name,
                        value(actual, name),
                        golden.read(what + "/" + name, arena),
                        tolerance.get("atol").doubleValue(),
                        tolerance.get("rtol").doubleValue());
            }
        }
    }

    @TestFactory
    Stream<DynamicTest> statesAndGradientsOfGruCellsAreThoseOfTheOriginal() {
        Path folder = Golden.area("captioner");
        Set<Integer> cases = new TreeSet<>();
        Golden.json(folder.resolve("gru.json"))
                .get("cases")
                .forEach(c -> cases.add(c.get("case").intValue()));
        return cases.stream()
                .flatMap(c -> onEveryBackend("GRU " + c, backend -> {
                    try (Arena arena = Arena.ofShared();
                            SafeTensors golden = SafeTensors.open(folder.resolve("gru.safetensors"))) {
                        gru("case" + c + "/", golden, backend, arena);
                    }
                }));
    }

    private static void gru(String prefix, SafeTensors golden, Backend backend, Arena arena) {
        JsonNode tolerance =
                Golden.json(Golden.area("captioner").resolve("tolerances.json")).get("gru");
        Map<String, HostTensor> values = new LinkedHashMap<>();
        Map<String, Tensor> leaves = new LinkedHashMap<>();
        for (String name : List.of("x", "h0", "kernel", "recurrent_kernel", "bias", "grad/cotangent")) {
            HostTensor t = golden.read(prefix + name, arena);
            values.put(name, t);
            leaves.put(name, Tensor.input(name, DType.F32, t.shape().dims()));
        }
        Tensor fromGiven = states(leaves, value(leaves, "h0"));
        int steps = fromGiven.dim(1);
        Tensor last = fromGiven.slice(1, steps - 1, steps).reshape(fromGiven.dim(0), fromGiven.dim(2));
        Map<String, Tensor> out = new LinkedHashMap<>();
        out.put("states_from_h0", fromGiven);
        out.put(
                "states_from_zero",
                states(leaves, Tensor.zeros(value(leaves, "h0").shape())));
        List<String> wanted = List.of("x", "h0", "kernel", "recurrent_kernel", "bias");
        List<Tensor> gradients = Autograd.gradients(
                List.of(last),
                List.of(value(leaves, "grad/cotangent")),
                wanted.stream().map(n -> value(leaves, n)).toList());
        for (int i = 0; i < wanted.size(); i++) {
            out.put(GRADIENT + wanted.get(i), gradients.get(i));
        }
        List<HostTensor> actual =
                new Values(values).run(backend, Graph.of("gru", List.copyOf(out.values()), Map.of()), arena);
        int at = 0;
        for (String name : out.keySet()) {
            Compare.assertClose(
                    name,
                    actual.get(at++),
                    golden.read(prefix + name, arena),
                    tolerance.get("atol").doubleValue(),
                    tolerance.get("rtol").doubleValue());
        }
    }

    /** The states after each step [B, steps, units]. */
    private static Tensor states(Map<String, Tensor> leaves, Tensor before) {
        Tensor x = value(leaves, "x");
        List<Tensor> all = new ArrayList<>();
        Tensor h = before;
        for (int t = 0; t < x.dim(1); t++) {
            h = Tensor.of(
                    new Fused.GruCell(),
                    x.slice(1, t, t + 1).reshape(x.dim(0), x.dim(2)),
                    h,
                    value(leaves, "kernel"),
                    value(leaves, "recurrent_kernel"),
                    value(leaves, "bias"));
            all.add(h.reshape(h.dim(0), 1, h.dim(1)));
        }
        return Tensor.concat(1, all.toArray(Tensor[]::new));
    }
}
