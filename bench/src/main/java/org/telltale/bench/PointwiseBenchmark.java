package org.telltale.bench;

import org.openjdk.jmh.annotations.Param;
import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Tensor;

/** What is bound by memory and by exponentials rather than by products: op:rows x columns. */
public class PointwiseBenchmark extends PeerBenchmark {
    @Param({"layerNorm:128x768", "layerNorm:577x1024", "softmax:9232x577", "gelu:577x4096", "quickGelu:257x4096"})
    public String shape = "";

    @Override
    Graph graph() {
        String[] parts = shape.split(":", 2);
        int[] s = Workload.extents(parts[1]);
        Tensor x = Workload.input("x", s);
        Tensor y = switch (parts[0]) {
            case "layerNorm" ->
                Tensor.of(
                        new Fused.LayerNorm(1e-5f),
                        x,
                        Workload.weight("norm.weight", s[1]),
                        Workload.weight("norm.bias", s[1]));
            case "softmax" -> x.softmax(1);
            case "gelu" -> x.activate(Activation.GELU_ERF);
            case "quickGelu" -> x.activate(Activation.QUICK_GELU);
            default ->
                throw new IllegalArgumentException(
                        "op '" + parts[0] + "' is not one of layerNorm, softmax, gelu, quickGelu");
        };
        return Graph.of(shape, y);
    }
}
