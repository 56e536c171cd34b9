package org.telltale.bench;

import org.openjdk.jmh.annotations.Param;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Tensor;

/**
 * Attention of BLIP-large's pictures, CLIP, BERT, and of 1, 3 and 64 rows of BLIP's decoder onto a picture: batch x
 * queries x keys x heads x width of a head.
 */
public class AttentionBenchmark extends PeerBenchmark {
    @Param({
        "1x577x577x16x64",
        "1x257x257x16x64",
        "1x128x128x12x64",
        "8x128x128x12x64",
        "1x1x577x12x64",
        "1x3x577x12x64",
        "1x64x577x12x64"
    })
    public String shape = "";

    @Override
    Graph graph() {
        int[] s = Workload.extents(shape);
        int width = s[3] * s[4];
        return Graph.of(
                "attention " + shape,
                Tensor.of(
                        new Fused.Attention(s[3], (float) (1 / Math.sqrt(s[4])), false, 0, Fused.Masking.NONE),
                        Workload.input("q", s[0], s[1], width),
                        Workload.input("k", s[0], s[2], width),
                        Workload.input("v", s[0], s[2], width)));
    }

    @Override
    double gflop() {
        int[] s = Workload.extents(shape);
        return 4e-9 * s[0] * s[1] * s[2] * s[3] * s[4];
    }
}
