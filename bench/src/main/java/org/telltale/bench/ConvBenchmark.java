package org.telltale.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;

/** Convolutions of MobileNetV2, EfficientNet and InceptionV3: extent x channels in x channels out x kernel x stride. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
public class ConvBenchmark {
    /** 0 stands for all processors. */
    @Param("0")
    public int threads;

    @Param("1")
    public int batch;

    /** With 0 channels out, a depthwise convolution. */
    @Param({
        "224x3x32x3x2",
        "112x32x0x3x1",
        "112x32x16x1x1",
        "112x96x0x3x2",
        "56x24x144x1x1",
        "56x144x0x3x1",
        "28x240x0x5x1",
        "14x96x576x1x1",
        "14x480x0x5x1",
        "7x960x0x3x1",
        "7x320x1280x1x1",
        "35x96x96x3x1",
        "147x32x64x3x1"
    })
    public String shape = "";

    private Workload workload;
    private double gflop;

    @Setup
    public void open() {
        int[] s = Workload.extents(shape);
        boolean depthwise = s[2] == 0;
        int out = depthwise ? s[1] : s[2];
        int in = depthwise ? 1 : s[1];
        Tensor y = Tensor.of(
                new Fused.Conv2d(Window.same(s[3], s[4], s[0], s[0]), depthwise ? out : 1, Activation.RELU6),
                Workload.input("x", batch, s[0], s[0], s[1]),
                Workload.weight("w", out, in, s[3], s[3]),
                Workload.weight("b", out));
        gflop = 2e-9 * y.shape().size() * in * s[3] * s[3];
        workload = new Workload(threads, y);
    }

    @TearDown
    public void close() {
        workload.close();
    }

    @Benchmark
    public float run(Work work) {
        work.gflop += gflop;
        return workload.run();
    }
}
