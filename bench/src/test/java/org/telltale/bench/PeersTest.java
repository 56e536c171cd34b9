package org.telltale.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.telltale.engine.Activation;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.io.SafeTensors;
import org.telltale.engine.io.Weights;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.kernels.vector.VectorBackend;
import org.telltale.models.Bert;
import org.telltale.models.Blip;
import org.telltale.models.ConfigFile;
import org.telltale.models.EfficientNet;
import org.telltale.models.MobileNetV2;

/** ONNX Runtime and libtorch compute what Telltale computes, from the same graph. */
class PeersTest {
    private static final Path FOLDER = Path.of("../models/src/test/resources/golden");

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
                Tensor seen = blip.see(pictures).last();
                Tensor ids = Tensor.input("ids", DType.I32, 2, 11);
                yield Graph.of(model, blip.tell(ids, blip.remember(seen)).logits(), seen);
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

    private static void fill(Primitive.Input in, HostTensor values) {
        for (long i = 0; i < values.size(); i++) {
            switch (in.name()) {
                case "ids" -> values.setInt(i, (int) (i * 7 % 200));
                // The second text is shorter.
                case "mask" -> values.setInt(i, i < 28 ? 1 : 0);
                case "types" -> values.setInt(i, i % 17 > 8 ? 1 : 0);
                default -> values.set(i, (float) Math.sin(i * 0.37));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bert/tiny-bert", "blip/tiny-blip", "cnn/tiny-mobilenetv2", "cnn/tiny-efficientnet"})
    void onnxRuntimeAgreesOnExportedModels(String model) {
        Path folder = FOLDER.resolve(model);
        try (Weights weights = SafeTensors.open(folder);
                Backend backend = new VectorBackend(2)) {
            Params params = Params.of(model, weights.names(), weights::shape, weights::dtype);
            Graph graph = graph(model, folder, params);
            params.verify();
            try (Executable ours = backend.compile(graph, weights, CompileOptions.DEFAULT);
                    OnnxRuntimeWorkload peer = new OnnxRuntimeWorkload(2, graph, weights, PeersTest::fill)) {
                for (Tensor t : graph.nodes()) {
                    if (t.op() instanceof Primitive.Input in) {
                        fill(in, ours.input(in.name()));
                    }
                }
                ours.run();
                peer.run();
                for (int i = 0; i < graph.outputs().size(); i++) {
                    assertThat(Workload.difference(ours.output(i).toFloats(), peer.output(i)))
                            .isLessThan(Workload.TOLERANCE);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void peersAgreeOnLinearLayers(Activation activation) {
        for (int[] rows : new int[][] {{5}, {2, 3}}) {
            int[] x = Arrays.copyOf(rows, rows.length + 1);
            x[rows.length] = 24;
            Graph graph = Graph.of(
                    "linear",
                    Tensor.of(
                            new Fused.Linear(activation),
                            Workload.input("x", x),
                            Workload.weight("w", 17, 24),
                            Workload.weight("b", 17)));
            agree(Workload.ONNX_RUNTIME, graph);
            if (activation != Activation.QUICK_GELU) {
                agree(Workload.LIBTORCH, graph);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"9,6,8,3,2,1", "8,6,8,3,2,1", "8,6,6,5,1,6", "7,6,8,1,1,2", "9,6,6,3,2,6"})
    void peersAgreeOnConvolutions(int extent, int in, int out, int kernel, int stride, int groups) {
        Graph graph = Graph.of(
                "convolution",
                Tensor.of(
                        new Fused.Conv2d(Window.same(kernel, stride, extent, extent), groups, Activation.RELU6),
                        Workload.input("x", 2, extent, extent, in),
                        Workload.weight("w", out, in / groups, kernel, kernel),
                        Workload.weight("b", out)));
        agree(Workload.ONNX_RUNTIME, graph);
        agree(Workload.LIBTORCH, graph);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void peersAgreeOnAttention(boolean causal) {
        Graph graph = Graph.of(
                "attention",
                Tensor.of(
                        new Fused.Attention(3, 0.3f, causal, 0, Fused.Masking.NONE),
                        Workload.input("q", 2, 7, 24),
                        Workload.input("k", 2, 9, 24),
                        Workload.input("v", 2, 9, 24)));
        agree(Workload.ONNX_RUNTIME, graph);
        agree(Workload.LIBTORCH, graph);
    }

    @Test
    void onnxRuntimeAgreesOnCachedAttention() {
        CachedAttentionBenchmark benchmark = new CachedAttentionBenchmark();
        benchmark.shape = "3x5x2x8";
        Graph graph = benchmark.graph();
        Workload.checked(Workload.ONNX_RUNTIME, 2, graph, benchmark.operands(graph))
                .close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"layerNorm:5x24", "softmax:5x24", "gelu:5x24"})
    void peersAgreeOnPointwiseOps(String shape) {
        PointwiseBenchmark benchmark = new PointwiseBenchmark();
        benchmark.shape = shape;
        agree(Workload.ONNX_RUNTIME, benchmark.graph());
        agree(Workload.LIBTORCH, benchmark.graph());
    }

    @Test
    void aDifferenceIsAnError() {
        assertThat(Workload.difference(new float[] {1, 2}, new float[] {1, 2.001f}))
                .isGreaterThan(Workload.TOLERANCE);
        assertThat(Workload.difference(new float[] {1, 2}, new float[] {1, Float.NaN}))
                .isNaN();
        assertThat(Workload.difference(new float[] {0, 0}, new float[] {0, 0})).isNaN();
    }

    @Test
    void anOpWithoutAFormIsNamed() {
        Graph graph = Graph.of("state", Tensor.state("cache", 2, 3).add(1));
        assertThatThrownBy(() -> Workload.open(Workload.ONNX_RUNTIME, 1, graph, new Operands(graph)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no form for the op state");
        assertThatThrownBy(() -> Workload.open("numpy", 1, graph, new Operands(graph)))
                .hasMessageContaining("engine 'numpy' is not one of telltale, onnxruntime, libtorch");
    }

    private static void agree(String engine, Graph graph) {
        Workload.checked(engine, 2, graph, new Operands(graph)).close();
    }
}
