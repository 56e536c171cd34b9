package org.telltale.models;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.telltale.engine.Activation;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.autograd.Adam;
import org.telltale.engine.autograd.Autograd;
import org.telltale.engine.autograd.ClipByGlobalNorm;
import org.telltale.engine.autograd.Optimizer;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Program;
import org.telltale.engine.testing.Values;

/** Steps of a BERT with dropout in which values of the forward pass are computed again: less memory, the same bits. */
class RecomputationTest {
    private static final int BATCH = 4;
    private static final int TOKENS = 32;
    private static final int STEPS = 3;
    private static final Adam ADAM = Adam.gardenDecayed();

    private static Graph step() {
        Tensor counter = Tensor.input("counter", DType.I32, 2);
        Params params = Params.of("made-up weights", Set.of(), n -> Shape.of(), n -> DType.F32)
                .training(new Params.Training(n -> true, counter, null));
        Bert.Config config = new Bert.Config(
                50, 32, 6, 4, 128, TOKENS, 2, Activation.GELU_ERF, 1e-12f, 0.1f, 0.1f, Collections.nCopies(3, "l"));
        Tensor logits = new Bert(config, params)
                .forward(
                        Tensor.input("ids", DType.I32, BATCH, TOKENS),
                        Tensor.input("mask", DType.I32, BATCH, TOKENS),
                        Tensor.input("types", DType.I32, BATCH, TOKENS))
                .logits();
        Tensor loss = Tensor.of(
                        new Fused.CrossEntropy(), params.drop(logits, 0.1f), Tensor.input("labels", DType.I32, BATCH))
                .mean(0);
        List<Tensor> parameters = Graph.order(List.of(loss)).stream()
                .filter(t -> t.op() instanceof Primitive.State)
                .toList();
        ClipByGlobalNorm clipped = ClipByGlobalNorm.of(Autograd.gradients(loss, parameters), 1);
        Tensor numbers = Tensor.input("numbers", DType.F32, Optimizer.NUMBERS);
        Map<Tensor, Tensor> updates = new LinkedHashMap<>();
        for (int i = 0; i < parameters.size(); i++) {
            String name = ((Primitive.State) parameters.get(i).op()).name();
            updates.putAll(
                    ADAM.update(name, parameters.get(i), clipped.gradients().get(i), numbers));
        }
        return Graph.of("small BERT", List.of(loss, clipped.norm()), updates);
    }

    /** What some steps make of the outputs and states, and the memory that they need. */
    private record Found(List<float[]> values, long bytes) {}

    private static Found run(Backend backend, boolean recompute) {
        Graph graph = step();
        CompileOptions options = new CompileOptions(CompileOptions.Precision.F32, recompute);
        try (Program e = (Program) backend.compile(graph, new Values(Map.of()), options)) {
            List<HostTensor> states = new ArrayList<>();
            for (Tensor t : graph.nodes()) {
                if (t.op() instanceof Primitive.State s) {
                    states.add(e.state(s.name()));
                    if (!s.name().contains("/")) {
                        fill(s.name(), e.state(s.name()));
                    }
                } else if (t.op() instanceof Primitive.Input in && in.type() == DType.I32) {
                    fill(in.name(), e.input(in.name()));
                }
            }
            List<float[]> values = new ArrayList<>();
            for (int i = 0; i < STEPS; i++) {
                e.input("counter").setInts(new int[] {7, i});
                e.input("numbers").set(ADAM.numbers(i, 1e-3));
                e.run();
                values.add(e.output(0).toFloats());
                values.add(e.output(1).toFloats());
            }
            states.forEach(s -> values.add(s.toFloats()));
            return new Found(values, e.planned());
        }
    }

    private static void fill(String name, HostTensor t) {
        for (long i = 0; i < t.size(); i++) {
            if (t.dtype() == DType.F32) {
                boolean scale = name.endsWith("LayerNorm.weight");
                t.set(i, (float) Math.sin(name.hashCode() % 100 + i * 0.7) * 0.2f + (scale ? 1 : 0));
            } else if (name.equals("mask")) {
                t.setInt(i, i % TOKENS < 20 ? 1 : 0);
            } else {
                t.setInt(i, (int) (i * 13 % (name.equals("ids") ? 50 : 2)));
            }
        }
    }

    @Test
    void stepsHaveTheSameBitsInLessMemory() {
        for (Backend backend : Run.backends()) {
            try (backend) {
                Found kept = run(backend, false);
                Found recomputed = run(backend, true);
                assertThat(recomputed.bytes).isLessThan(kept.bytes * 7 / 10);
                assertThat(recomputed.values).hasSameSizeAs(kept.values);
                for (int i = 0; i < kept.values.size(); i++) {
                    assertThat(recomputed.values.get(i)).isEqualTo(kept.values.get(i));
                }
                assertThat(kept.values.get(0)).isNotEqualTo(kept.values.get(2));
                assertThat(kept.values.get(0)[0]).isBetween(0.1f, 10f);
            }
        }
    }
}
