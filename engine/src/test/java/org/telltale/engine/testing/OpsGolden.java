package org.telltale.engine.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.autograd.Autograd;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.NaiveBackend;
import tools.jackson.databind.JsonNode;

/** One operator at a time, forward and every gradient, against float64 references: tests for any backends. */
public final class OpsGolden {
    private final Path folder = Golden.area("ops");
    private final JsonNode tolerances =
            Golden.json(folder.resolve("tolerances.json")).get("cases");

    /**
     * A test for each case on each backend, by its name.
     *
     * @param limit how many elements, each times its inner extent, a backend computes in a test of some seconds
     */
    public Stream<DynamicTest> tests(Map<String, Backend> backends, ToDoubleFunction<Backend> limit) {
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode c : Golden.json(folder.resolve("cases.json")).get("cases")) {
            double work = work(c);
            backends.forEach((name, backend) -> {
                String title = c.get("name").stringValue() + " on " + name;
                if (work <= limit.applyAsDouble(backend)) {
                    tests.add(DynamicTest.dynamicTest(title, () -> check(c, backend, backend instanceof NaiveBackend)));
                }
            });
        }
        return tests.stream();
    }

    /** A case with every tensor an input, and again with all F32 inputs but the first as a checkpoint's weights. */
    private void check(JsonNode c, Backend backend, boolean naive) {
        try (Arena arena = Arena.ofShared();
                SafeTensors stored =
                        SafeTensors.open(folder.resolve(c.get("file").stringValue()))) {
            Case inputs = build(c, false);
            Values values = values(c, stored, arena);
            compare(c, "inputs", inputs, values.run(backend, inputs.graph, arena), stored, arena);
            Case weights = build(c, true);
            if (!naive && weights.graph.nodes().stream().anyMatch(t -> t.op() instanceof Primitive.Weight)) {
                compare(c, "weights", weights, values.run(backend, weights.graph, arena), stored, arena);
            }
        }
    }

    /** The graph of a case; its outputs are those of the case and then the gradients, under these names. */
    private record Case(Graph graph, List<String> names) {}

    private static Case build(JsonNode c, boolean weights) {
        Map<String, Tensor> in = new LinkedHashMap<>();
        c.get("inputs").properties().forEach(e -> {
            Shape shape = shape(e.getValue());
            DType dtype = integers(e.getKey()) ? DType.I32 : DType.F32;
            boolean weight = weights && !in.isEmpty() && dtype == DType.F32;
            in.put(
                    e.getKey(),
                    Tensor.of(
                            weight
                                    ? new Primitive.Weight(e.getKey(), shape)
                                    : new Primitive.Input(e.getKey(), dtype, shape)));
        });
        Map<String, Tensor> out = new LinkedHashMap<>();
        Map<String, Tensor> built = GoldenOps.build(c, in);
        c.get("outputs").propertyNames().forEach(name -> out.put(name, built.get(name)));
        assertThat(out.keySet()).as("outputs").isEqualTo(built.keySet());
        List<Tensor> differentiated = new ArrayList<>();
        List<Tensor> cotangents = new ArrayList<>();
        c.path("cotangents").properties().forEach(e -> {
            Tensor y = out.get(e.getKey());
            differentiated.add(y);
            cotangents.add(
                    e.getValue().has("constant")
                            ? Tensor.of(new Primitive.Fill(
                                    (float) e.getValue().get("constant").doubleValue(), y.shape()))
                            : Tensor.of(new Primitive.Input(cotangent(e.getKey()), DType.F32, y.shape())));
        });
        List<Tensor> wanted = new ArrayList<>();
        List<String> names = new ArrayList<>(out.keySet());
        c.path("gradients").propertyNames().forEach(name -> {
            wanted.add(in.get(name));
            names.add("grad_" + name);
        });
        List<Tensor> outputs = new ArrayList<>(out.values());
        outputs.addAll(Autograd.gradients(differentiated, cotangents, wanted));
        return new Case(Graph.of(c.get("name").stringValue(), outputs, Map.of()), names);
    }

    private static boolean integers(String input) {
        return input.equals("ids") || input.equals("labels") || input.equals("mask");
    }

    private static String cotangent(String output) {
        return "cotangent of " + output;
    }

    private static Values values(JsonNode c, SafeTensors stored, Arena arena) {
        Map<String, HostTensor> values = new LinkedHashMap<>();
        c.get("inputs").properties().forEach(e -> values.put(e.getKey(), value(e.getValue(), stored, arena)));
        c.path("cotangents").properties().forEach(e -> {
            if (!e.getValue().has("constant")) {
                values.put(cotangent(e.getKey()), value(e.getValue(), stored, arena));
            }
        });
        return new Values(values);
    }

    private static HostTensor value(JsonNode spec, SafeTensors stored, Arena arena) {
        JsonNode p = spec.get("procedural");
        if (p != null) {
            return Procedural.tensor(p, p.get("salt").longValue(), arena);
        }
        HostTensor values = stored.read(spec.get("tensor").stringValue(), arena);
        // The file keeps a scalar as [1]; the case says [].
        return spec.has("shape") ? new HostTensor(shape(spec), values.dtype(), values.data()) : values;
    }

    private static Shape shape(JsonNode spec) {
        return Shape.of(Golden.ints(
                spec.path("procedural").path("shape").isArray()
                        ? spec.get("procedural").get("shape")
                        : spec.get("shape")));
    }

    private void compare(
            JsonNode c, String form, Case built, List<HostTensor> actual, SafeTensors stored, Arena arena) {
        String name = c.get("name").stringValue();
        JsonNode tolerance = tolerances.get(name);
        assertThat(tolerance.propertyNames()).as("tensors with a tolerance").containsExactlyElementsOf(built.names);
        for (int i = 0; i < built.names.size(); i++) {
            String tensor = built.names.get(i);
            JsonNode spec = tensor.startsWith("grad_")
                    ? c.get("gradients").get(tensor.substring("grad_".length()))
                    : c.get("outputs").get(tensor);
            String what = name + "/" + tensor + " with " + form;
            assertThat(actual.get(i).shape()).as(what).isEqualTo(shape(spec));
            if (spec.has("probe")) {
                probe(what, actual.get(i).toFloats(), spec, tolerance.get(tensor), stored, arena);
            } else {
                // a scalar is stored with the extents [1]
                HostTensor expected = stored.read(spec.get("tensor").stringValue(), arena);
                JsonNode t = tolerance.get(tensor);
                if (t.has("exact")) {
                    exact(what, actual.get(i), expected, shape(spec));
                } else {
                    Compare.assertClose(
                            what,
                            actual.get(i).toFloats(),
                            expected.toFloats(),
                            shape(spec).dims(),
                            atol(t),
                            rtol(t));
                }
            }
        }
    }

    /** Equal values; zeros may differ in their sign, which depends on how an absent gradient is expressed. */
    private static void exact(String what, HostTensor actual, HostTensor expected, Shape shape) {
        assertThat(actual.dtype()).as(what).isEqualTo(expected.dtype());
        if (expected.dtype() == DType.I32) {
            assertThat(actual.toInts()).as(what).isEqualTo(expected.toInts());
        } else {
            Compare.assertClose(what, actual.toFloats(), expected.toFloats(), shape.dims(), 0, 0);
        }
    }

    /** Some elements, and the mean and norm of all: when every element is within its tolerance, these are within theirs. */
    private static void probe(
            String what, float[] actual, JsonNode spec, JsonNode tolerance, SafeTensors stored, Arena arena) {
        float[] probe = stored.read(spec.get("probe").stringValue(), arena).toFloats();
        assertThat(probe.length).as(what).isEqualTo(spec.get("count").intValue());
        double atol = tolerance.has("exact") ? 0 : atol(tolerance);
        double rtol = tolerance.has("exact") ? 0 : rtol(tolerance);
        Compare.assertProbe(what, actual, probe, atol, rtol);
        double l2 = spec.get("l2").doubleValue();
        double root = Math.sqrt(actual.length);
        double rounding = 1e-6;
        Compare.assertMoments(
                what,
                actual,
                spec.get("mean").doubleValue(),
                new Golden.Tolerance(atol + (rtol + rounding) * l2 / root, 0),
                l2,
                new Golden.Tolerance(atol * root, rtol + rounding));
    }

    private static double atol(JsonNode tolerance) {
        return tolerance.get("atol").doubleValue();
    }

    private static double rtol(JsonNode tolerance) {
        return tolerance.get("rtol").doubleValue();
    }

    /** How long the naive loops take, by the sizes alone; nothing for a case that cannot be built, which then fails. */
    private static double work(JsonNode c) {
        try {
            return build(c, false).graph.nodes().stream()
                    .mapToDouble(OpsGolden::work)
                    .sum();
        } catch (RuntimeException e) {
            return 0;
        }
    }

    private static double work(Tensor t) {
        double each = switch (t.op()) {
            case Primitive.Leaf leaf -> 0;
            case Primitive.MatMul m -> t.inputs().getFirst().dim(m.transposeA() ? -2 : -1);
            case Fused.Linear l -> t.inputs().getFirst().dim(-1);
            case Fused.Conv2d conv -> t.inputs().get(1).shape().size() / t.dim(3);
            case Fused.Attention a -> 2.0 * t.inputs().get(1).dim(1);
            case Fused.GruCell g -> 6.0 * t.inputs().get(2).dim(0);
            case Fused.CrossEntropy e -> t.inputs().getFirst().dim(1);
            case Fused f -> 4;
            case Primitive p -> 4;
        };
        double elements = t.inputs().stream()
                .mapToDouble(in -> in.shape().size())
                .reduce(t.shape().size(), Math::max);
        return each * (each > 4 ? t.shape().size() : elements);
    }
}
