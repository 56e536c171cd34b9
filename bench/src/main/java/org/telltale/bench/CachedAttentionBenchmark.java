package org.telltale.bench;

import org.openjdk.jmh.annotations.Param;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Tensor;

/**
 * Attention of a decoding step over its cache: rows x cached tokens x heads x width of a head. A peer gathers each row's
 * tokens first, since it has no op that reads them through a table.
 */
public class CachedAttentionBenchmark extends PeerBenchmark {
    @Param({"1x20x12x64", "3x20x12x64", "64x32x12x64"})
    public String shape = "";

    @Override
    Graph graph() {
        int[] s = Workload.extents(shape);
        int width = s[2] * s[3];
        return Graph.of(
                "cached attention " + shape,
                Tensor.of(
                        new Fused.CachedAttention(s[2], (float) (1 / Math.sqrt(s[3]))),
                        Workload.input("q", s[0], width),
                        Workload.input("k", s[0] * s[1], width),
                        Workload.input("v", s[0] * s[1], width),
                        Tensor.input("table", DType.I32, s[0], s[1]),
                        Tensor.input("lengths", DType.I32, s[0])));
    }

    @Override
    Operands operands(Graph graph) {
        int tokens = Workload.extents(shape)[1];
        return new Operands(graph).integers("table", i -> (int) i).integers("lengths", i -> tokens);
    }

    @Override
    double gflop() {
        int[] s = Workload.extents(shape);
        return 4e-9 * s[0] * s[1] * s[2] * s[3];
    }
}
