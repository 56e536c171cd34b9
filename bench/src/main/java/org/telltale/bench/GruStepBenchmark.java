package org.telltale.bench;

import org.openjdk.jmh.annotations.Param;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Tensor;

/**
 * One step of the GRU of the attention captioner, Keras's cell: rows x input x units. Peers run what it decomposes to,
 * since their own GRU cells keep weights and gates in another order.
 */
public class GruStepBenchmark extends PeerBenchmark {
    @Param({"1x256x512", "64x256x512"})
    public String shape = "";

    @Override
    Graph graph() {
        int[] s = Workload.extents(shape);
        int units = s[2];
        return Graph.of(
                "GRU step " + shape,
                Tensor.of(
                        new Fused.GruCell(),
                        Workload.input("x", s[0], s[1]),
                        Workload.input("h", s[0], units),
                        Workload.weight("kernel", s[1], 3 * units),
                        Workload.weight("recurrent", units, 3 * units),
                        Workload.weight("bias", 2, 3 * units)));
    }

    @Override
    double gflop() {
        int[] s = Workload.extents(shape);
        return 6e-9 * s[0] * s[2] * (s[1] + s[2]);
    }
}
