package org.telltale.models;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.Weights;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.kernels.vector.VectorBackend;

/** What holds for whole models: no allocation in a run, and the same bits for any number of threads. */
class WholeModelTest {
    private static final Path FOLDER = Path.of("src/test/resources/golden");

    private static Graph graph(String model, Path folder, Params params) {
        ConfigFile config = ConfigFile.read(folder.resolve("config.json"));
        return switch (model) {
            case "bert/tiny-bert" -> {
                Tensor ids = Tensor.input("ids", DType.I32, 2, 17);
                Tensor mask = Tensor.input("mask", DType.I32, 2, 17);
                Tensor types = Tensor.input("types", DType.I32, 2, 17);
                yield Graph.of(
                        model,
                        new Bert(Bert.Config.of(config), params)
                                .forward(ids, mask, types)
                                .logits());
            }
            case "blip/tiny-blip" -> {
                Blip blip = new Blip(Blip.Config.of(config), params);
                Tensor pictures = Tensor.input("pictures", DType.F32, 2, 32, 32, 3);
                Blip.Memory memory = blip.remember(blip.see(pictures).last());
                yield Graph.of(
                        model,
                        blip.tell(Tensor.input("ids", DType.I32, 2, 11), memory).logits());
            }
            case "cnn/tiny-mobilenetv2" ->
                Graph.of(
                        model,
                        new MobileNetV2(MobileNetV2.Config.of(config), params)
                                .forward(Tensor.input("pictures", DType.F32, 2, 48, 48, 3))
                                .logits());
            case "cnn/tiny-efficientnet" ->
                Graph.of(
                        model,
                        new EfficientNet(EfficientNet.Config.of(config), params)
                                .forward(Tensor.input("pictures", DType.F32, 2, 60, 60, 3))
                                .logits());
            default -> throw new AssertionError(model);
        };
    }

    private static void fill(Executable e, Graph graph) {
        for (Tensor t : graph.nodes()) {
            if (t.op() instanceof org.telltale.engine.Primitive.Input in) {
                HostTensor values = e.input(in.name());
                for (long i = 0; i < values.size(); i++) {
                    if (t.dtype() == DType.I32) {
                        values.setInt(
                                i,
                                in.name().equals("ids")
                                        ? (int) (i * 7 % 200)
                                        : in.name().equals("mask") ? 1 : 0);
                    } else {
                        values.set(i, (float) Math.sin(i * 0.37));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bert/tiny-bert", "blip/tiny-blip", "cnn/tiny-mobilenetv2", "cnn/tiny-efficientnet"})
    void anyNumberOfThreadsGivesTheSameBits(String model) {
        Path folder = FOLDER.resolve(model);
        List<float[]> results = new ArrayList<>();
        for (int threads : new int[] {1, 2, 3, 8}) {
            try (Weights weights = SafeTensors.open(folder);
                    Backend backend = new VectorBackend(threads)) {
                Graph graph = graph(model, folder, Run.params(weights));
                try (Executable e = backend.compile(graph, weights, CompileOptions.DEFAULT)) {
                    fill(e, graph);
                    e.run();
                    results.add(e.output(0).toFloats());
                }
            }
        }
        assertThat(results).allSatisfy(r -> assertThat(r).isEqualTo(results.getFirst()));
        assertThat(results.getFirst()).doesNotContain(Float.NaN);
    }

    @ParameterizedTest
    @ValueSource(strings = {"bert/tiny-bert", "blip/tiny-blip", "cnn/tiny-mobilenetv2", "cnn/tiny-efficientnet"})
    void aWarmRunAllocatesNothing(String model) {
        Path folder = FOLDER.resolve(model);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (Weights weights = SafeTensors.open(folder);
                Backend backend = new VectorBackend(1)) {
            Graph graph = graph(model, folder, Run.params(weights));
            try (Executable e = backend.compile(graph, weights, CompileOptions.DEFAULT)) {
                fill(e, graph);
                long allocated = Long.MAX_VALUE;
                for (int round = 0; round < 60 && allocated != 0; round++) {
                    for (int i = 0; i < 200; i++) {
                        e.run();
                    }
                    long before = threads.getCurrentThreadAllocatedBytes();
                    for (int i = 0; i < 10; i++) {
                        e.run();
                    }
                    allocated = threads.getCurrentThreadAllocatedBytes() - before;
                }
                assertThat(allocated).as("bytes of ten runs").isZero();
            }
        }
    }
}
