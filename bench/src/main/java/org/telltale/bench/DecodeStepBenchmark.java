package org.telltale.bench;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.openjdk.jmh.annotations.Param;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.models.Blip;

/**
 * One step of BLIP-large's text decoder on a picture of 577 places, the graph that the application compiles: rows x
 * tokens, the one that is read included. The caches are states; a peer gets them as inputs, libtorch writes them in place
 * and ONNX Runtime makes a copy of each.
 */
public class DecodeStepBenchmark extends PeerBenchmark {
    /** Tokens of "[DEC] a picture of", which all rows share. */
    private static final int PROMPT = 4;

    /** The longest sequence: caches are made for multiples of 16. */
    private static final int SPAN = 32;

    private static final int PLACES = 577;

    @Param({"1x20", "3x20", "64x20"})
    public String shape = "";

    @Override
    Graph graph() {
        int rows = rows();
        Blip blip = new Blip(ModelBenchmark.blip(384), ModelBenchmark.anyWeights());
        Blip.Step step = blip.step(rows, SPAN, PROMPT + (SPAN - PROMPT) * rows, PLACES);
        return Graph.of("BLIP step " + shape, List.of(step.logits()), step.updates());
    }

    @Override
    Operands operands(Graph graph) {
        int tokens = tokens();
        return new Operands(graph)
                .integers("ids", i -> (int) (i * 7919 % 30000))
                .integers("positions", i -> tokens - 1)
                .integers("slots", i -> slot((int) i, tokens - 1))
                .integers("lengths", i -> tokens)
                .integers("table", i -> slot((int) (i / SPAN), (int) (i % SPAN)));
    }

    /** Where a row's token is in the caches, as the application lays them out. */
    private int slot(int row, int token) {
        return token < PROMPT ? token : PROMPT + (token - PROMPT) * rows() + row;
    }

    private int rows() {
        return Workload.extents(shape)[0];
    }

    private int tokens() {
        return Workload.extents(shape)[1];
    }

    /**
     * Bytes that a step must read at least: the weights that are multiplied, once, and the keys and values of the picture
     * and of all tokens, once.
     *
     * @param bf16 whether weights are bfloat16
     */
    long bytes(boolean bf16) {
        Graph graph = graph();
        long weights = 0;
        long others = 0;
        for (Tensor w : multiplied(graph)) {
            weights += w.shape().size();
        }
        long slots = PROMPT + (long) (tokens() - PROMPT) * rows();
        for (Tensor t : graph.nodes()) {
            if (graph.updates().containsKey(t)) {
                others += slots * t.dim(1);
            } else if (t.op() instanceof Primitive.State) {
                others += t.shape().size();
            }
        }
        return (bf16 ? 2 : 4) * weights + 4 * others;
    }

    private static Set<Tensor> multiplied(Graph graph) {
        Set<Tensor> weights = new HashSet<>();
        for (Tensor t : graph.nodes()) {
            if (t.op() instanceof Fused.Linear) {
                weights.add(t.inputs().get(1));
            }
        }
        return weights;
    }

    /** Products with weights, and both products of both attentions. */
    @Override
    double gflop() {
        double products = 0;
        Graph graph = graph();
        for (Tensor w : multiplied(graph)) {
            products += 2.0 * w.shape().size();
        }
        for (Tensor t : graph.nodes()) {
            if (t.op() instanceof Fused.Attention) {
                products += 4.0 * PLACES * t.dim(-1);
            } else if (t.op() instanceof Fused.CachedAttention) {
                products += 4.0 * tokens() * t.dim(-1);
            }
        }
        return 1e-9 * rows() * products;
    }
}
