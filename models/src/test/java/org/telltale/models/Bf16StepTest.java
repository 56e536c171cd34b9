package org.telltale.models;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.telltale.engine.Activation;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.autograd.Autograd;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.CompileOptions.Precision;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.testing.Values;
import org.telltale.kernels.vector.VectorBackend;

/** The gradients of a small BERT (linear layers, GELU, layer norms, attention) with products of bfloat16. */
class Bf16StepTest {
    private static final int BATCH = 4;
    private static final int TOKENS = 33;

    /** Two operands with 8 bits each are off by up to 2^-8 in all; gradients pass some ten such products. */
    private static final double MOST = 0.03;

    private static final double LOSS = 0.005;

    /** Loss, and its gradient by every parameter. */
    private static Graph step() {
        Params params = Params.of("made-up weights", Set.of(), n -> Shape.of(), n -> DType.F32)
                .training(new Params.Training(n -> true, null, null));
        Bert.Config config = new Bert.Config(
                50, 72, 2, 4, 131, TOKENS, 2, Activation.GELU_ERF, 1e-12f, 0, 0, List.of("a", "b", "c"));
        Tensor logits = new Bert(config, params)
                .forward(
                        Tensor.input("ids", DType.I32, BATCH, TOKENS),
                        Tensor.input("mask", DType.I32, BATCH, TOKENS),
                        Tensor.input("types", DType.I32, BATCH, TOKENS))
                .logits();
        Tensor loss = Tensor.of(new Fused.CrossEntropy(), logits, Tensor.input("labels", DType.I32, BATCH))
                .mean(0);
        List<Tensor> outputs = new ArrayList<>(List.of(loss));
        outputs.addAll(Autograd.gradients(loss, parameters(loss)));
        return Graph.of("small BERT", outputs, Map.of());
    }

    private static List<Tensor> parameters(Tensor loss) {
        return Graph.order(List.of(loss)).stream()
                .filter(t -> t.op() instanceof Primitive.State)
                .toList();
    }

    private static List<float[]> run(Graph graph, int threads, Precision precision) {
        try (Backend backend = new VectorBackend(threads);
                Executable e = backend.compile(graph, new Values(Map.of()), new CompileOptions(precision))) {
            for (Tensor t : graph.nodes()) {
                if (t.op() instanceof Primitive.State s) {
                    fill(s.name(), e.state(s.name()));
                } else if (t.op() instanceof Primitive.Input in) {
                    fill(in.name(), e.input(in.name()));
                }
            }
            e.run();
            List<float[]> out = new ArrayList<>();
            for (int i = 0; i < graph.outputs().size(); i++) {
                out.add(e.output(i).toFloats());
            }
            return out;
        }
    }

    private static void fill(String name, HostTensor t) {
        SplittableRandom random = new SplittableRandom(name.hashCode());
        for (long i = 0; i < t.size(); i++) {
            if (t.dtype() == DType.F32) {
                boolean scale = name.endsWith("LayerNorm.weight");
                t.set(i, (float) random.nextDouble(-0.2, 0.2) + (scale ? 1 : 0));
            } else if (name.equals("mask")) {
                t.setInt(i, i % TOKENS < 20 ? 1 : 0);
            } else {
                t.setInt(i, (int) (i * 13 % (name.equals("ids") ? 50 : 2)));
            }
        }
    }

    private static double norm(float[] x) {
        double sum = 0;
        for (float v : x) {
            sum += (double) v * v;
        }
        return Math.sqrt(sum);
    }

    private static float[] difference(float[] a, float[] b) {
        float[] d = new float[a.length];
        for (int i = 0; i < a.length; i++) {
            d[i] = a[i] - b[i];
        }
        return d;
    }

    @Test
    void gradientsAreNearThoseInF32AndTheSameForAnyThreads() {
        Graph graph = step();
        List<Tensor> parameters = parameters(graph.outputs().get(0));
        List<float[]> exact = run(graph, 2, Precision.F32);
        List<float[]> rounded = run(graph, 1, Precision.BF16);
        assertThat(run(graph, 2, Precision.BF16)).usingRecursiveComparison().isEqualTo(rounded);
        assertThat(run(graph, 3, Precision.BF16)).usingRecursiveComparison().isEqualTo(rounded);
        assertThat(Math.abs(rounded.get(0)[0] - exact.get(0)[0])).isBetween(1e-7f, (float) LOSS * exact.get(0)[0]);
        double all = 0;
        for (int i = 1; i < exact.size(); i++) {
            all = Math.hypot(all, norm(exact.get(i)));
        }
        int differing = 0;
        for (int i = 1; i < exact.size(); i++) {
            double off = norm(difference(rounded.get(i), exact.get(i)));
            // biases of keys have gradients that are 0 but for rounding
            double scale = Math.max(norm(exact.get(i)), 1e-3 * all);
            if (System.getProperty("telltale.show") != null)
                System.err.println(off / scale + " " + parameters.get(i - 1).op());
            if (System.getProperty("telltale.show") == null)
                assertThat(off / scale)
                        .as("gradient of %s", parameters.get(i - 1).op())
                        .isLessThan(MOST);
            differing += off > 1e-4 * scale ? 1 : 0;
        }
        assertThat(differing).as("gradients that rounding changes").isGreaterThan(parameters.size() / 2);
    }
}
