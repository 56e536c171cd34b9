package org.telltale.bench;

import org.openjdk.jmh.annotations.Param;
import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Tensor;

/** Linear layers and pointwise convolutions of the models: rows x depth x columns. */
public class MatMulBenchmark extends PeerBenchmark {
    @Param({
        // BERT-base, one and eight texts of 128 tokens.
        "128x768x768",
        "128x768x3072",
        "128x3072x768",
        "1024x768x768",
        "1024x768x3072",
        "1024x3072x768",
        // BLIP-large's picture: 577 places.
        "577x1024x3072",
        "577x1024x1024",
        "577x1024x4096",
        "577x4096x1024",
        "577x1024x768",
        // Its text decoder: one row, 3 beams, 64 beams.
        "1x768x768",
        "1x768x3072",
        "1x3072x768",
        "1x768x30524",
        "3x768x768",
        "3x768x3072",
        "3x3072x768",
        "3x768x30524",
        "64x768x768",
        "64x768x3072",
        "64x3072x768",
        "64x768x30524",
        // CLIP ViT-L/14: 257 places.
        "257x1024x1024",
        "257x1024x4096",
        "257x4096x1024",
        // Pointwise convolutions of MobileNetV2 and EfficientNet-B0, one picture of 224 x 224.
        "12544x32x16",
        "12544x16x96",
        "3136x96x24",
        "3136x24x144",
        "3136x144x24",
        "784x144x32",
        "784x32x192",
        "784x192x32",
        "196x192x64",
        "196x64x384",
        "196x384x64",
        "196x384x96",
        "196x96x576",
        "196x576x96",
        "49x576x160",
        "49x160x960",
        "49x960x160",
        "49x960x320",
        "49x320x1280",
        "784x144x40",
        "784x40x240",
        "784x240x40",
        "196x240x80",
        "196x80x480",
        "196x480x80",
        "196x480x112",
        "196x112x672",
        "196x672x112",
        "49x672x192",
        "49x192x1152",
        "49x1152x192",
        "49x1152x320"
    })
    public String shape = "";

    @Param({"NONE"})
    public Activation activation = Activation.NONE;

    @Override
    Graph graph() {
        int[] s = Workload.extents(shape);
        return Graph.of(
                "linear layer " + shape,
                Tensor.of(
                        new Fused.Linear(activation),
                        Workload.input("x", s[0], s[1]),
                        Workload.weight("w", s[2], s[1]),
                        Workload.weight("b", s[2])));
    }

    @Override
    double gflop() {
        int[] s = Workload.extents(shape);
        return 2e-9 * s[0] * s[1] * s[2];
    }
}
