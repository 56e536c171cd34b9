package org.telltale.models;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.telltale.engine.Backward;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.autograd.Autograd;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.Weights;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.spi.NaiveBackend;
import org.telltale.engine.testing.Compare;
import org.telltale.kernels.vector.VectorBackend;

/** Gradients of whole convolutional models: as the naive backend has them, and the same bits for any threads. */
class TrainingStepTest {
    private static final Path FOLDER = Path.of("src/test/resources/golden/cnn");
    private static final int BATCH = 3;

    /** The loss of a batch, and its gradient by every parameter but the stored statistics, which are then inputs. */
    private static Graph step(String model, Weights weights) {
        ConfigFile config = ConfigFile.read(FOLDER.resolve(model).resolve("config.json"));
        Tensor pictures = Tensor.input("pictures", DType.F32, BATCH, 48, 48, 3);
        Tensor logits = model.contains("mobilenet")
                ? new MobileNetV2(MobileNetV2.Config.of(config), Run.params(weights))
                        .forward(pictures)
                        .logits()
                : new EfficientNet(EfficientNet.Config.of(config), Run.params(weights))
                        .forward(pictures)
                        .logits();
        Tensor loss = Tensor.of(new Fused.CrossEntropy(), logits, Tensor.input("labels", DType.I32, BATCH))
                .mean(0);
        Set<Tensor> trained = new HashSet<>();
        List<Tensor> outputs = new ArrayList<>(List.of(loss));
        List<Tensor> parameters = Graph.order(outputs).stream()
                .filter(t -> t.op() instanceof Primitive.Weight w && !w.name().contains("running"))
                .toList();
        trained.addAll(parameters);
        outputs.addAll(Autograd.gradients(loss, parameters));
        return Graph.of(model, outputs, Map.of())
                .rewrite((before, t) -> t.op() instanceof Primitive.Weight w && trained.contains(before)
                        ? Tensor.of(new Primitive.Input(w.name(), DType.F32, w.extents()))
                        : t);
    }

    private static List<float[]> run(Backend backend, Graph graph, Weights weights) {
        try (Executable e = backend.compile(graph, weights, CompileOptions.DEFAULT);
                java.lang.foreign.Arena arena = java.lang.foreign.Arena.ofShared()) {
            for (Tensor t : graph.nodes()) {
                if (t.op() instanceof Primitive.Input in) {
                    HostTensor x = e.input(in.name());
                    if (weights.names().contains(in.name())) {
                        x.copyFrom(weights.read(in.name(), arena));
                    } else {
                        fill(x);
                    }
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

    private static void fill(HostTensor x) {
        for (long i = 0; i < x.size(); i++) {
            if (x.dtype() == DType.I32) {
                x.setInt(i, (int) (i % 3));
            } else {
                x.set(i, (float) Math.sin(i * 0.37));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tiny-mobilenetv2", "tiny-efficientnet"})
    void gradientsAreThoseOfTheNaiveBackend(String model) {
        try (Weights weights = SafeTensors.open(FOLDER.resolve(model));
                Backend naive = new NaiveBackend()) {
            Graph graph = step(model, weights);
            assertThat(graph.nodes()).anyMatch(t -> t.op() instanceof Backward.ConvInput);
            assertThat(graph.nodes()).noneMatch(t -> t.op() instanceof Primitive.Unfold);
            List<float[]> expected = run(naive, graph, weights);
            List<List<float[]>> found = new ArrayList<>();
            for (int threads : new int[] {1, 2, 3}) {
                try (Backend backend = new VectorBackend(threads)) {
                    found.add(run(backend, graph, weights));
                }
            }
            for (int i = 0; i < expected.size(); i++) {
                float[] one = found.getFirst().get(i);
                float largest = 0;
                for (float v : expected.get(i)) {
                    largest = Math.max(largest, Math.abs(v));
                }
                assertThat(largest).as("gradient %d", i).isPositive();
                Compare.assertClose(
                        graph.outputs().get(i).toString(),
                        one,
                        expected.get(i),
                        new int[] {one.length},
                        1e-3 * largest,
                        1e-3);
                for (List<float[]> crew : found) {
                    assertThat(crew.get(i)).isEqualTo(one);
                }
            }
        }
    }
}
