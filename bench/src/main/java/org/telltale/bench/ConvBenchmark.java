package org.telltale.bench;

import org.openjdk.jmh.annotations.Param;
import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;

/** Convolutions of MobileNetV2, EfficientNet and InceptionV3: extent x channels in x channels out x kernel x stride. */
public class ConvBenchmark extends PeerBenchmark {
    @Param("1")
    public int batch = 1;

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

    @Override
    Graph graph() {
        int[] s = Workload.extents(shape);
        boolean depthwise = s[2] == 0;
        int out = depthwise ? s[1] : s[2];
        return Graph.of(
                "convolution " + shape,
                Tensor.of(
                        new Fused.Conv2d(Window.same(s[3], s[4], s[0], s[0]), depthwise ? out : 1, Activation.RELU6),
                        Workload.input("x", batch, s[0], s[0], s[1]),
                        Workload.weight("w", out, depthwise ? 1 : s[1], s[3], s[3]),
                        Workload.weight("b", out)));
    }

    @Override
    double gflop() {
        int[] s = Workload.extents(shape);
        int extent = (s[0] + s[4] - 1) / s[4];
        int taps = s[3] * s[3] * (s[2] == 0 ? 1 : s[1]);
        return 2e-9 * batch * extent * extent * (s[2] == 0 ? s[1] : s[2]) * taps;
    }
}
