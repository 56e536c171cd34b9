package org.telltale.engine.spi;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Op;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;

/** Rewrites that keep a graph's meaning and save work; a backend chooses which it wants. */
public final class GraphPasses {
    private GraphPasses() {}

    /**
     * Batch normalisation by weights, straight after a convolution that nothing else reads, becomes part of the
     * convolution's weight and bias; an activation after that, its epilogue.
     */
    public static Graph foldBatchNorm(Graph graph) {
        return fuseActivation(fold(graph));
    }

    /** Equal operations on the same operands become one; inputs and states stay, as their names are checked elsewhere. */
    public static Graph shareEqual(Graph graph) {
        Map<Computation, Tensor> known = new HashMap<>();
        return graph.rewrite((before, t) -> t.op() instanceof Primitive.Input || t.op() instanceof Primitive.State
                ? t
                : known.computeIfAbsent(new Computation(t.op(), t.inputs()), c -> t));
    }

    private record Computation(Op op, List<Tensor> inputs) {}

    private static Graph fold(Graph graph) {
        Map<Tensor, Integer> readers = readers(graph);
        return graph.rewrite((before, t) -> {
            if (t.op() instanceof Fused.BatchNorm norm
                    && t.inputs().getFirst().op() instanceof Fused.Conv2d conv
                    && conv.activation() == Activation.NONE
                    && readers.getOrDefault(before.inputs().getFirst(), 0) == 1
                    && weightsOnly(t.inputs().subList(1, 5))
                    && weightsOnly(t.inputs().getFirst().inputs().subList(1, 2))) {
                Tensor y = t.inputs().getFirst();
                Tensor w = y.inputs().get(1);
                Tensor scale = t.inputs()
                        .get(4)
                        .add(norm.epsilon())
                        .rsqrt()
                        .mul(t.inputs().get(1));
                Tensor shift = t.inputs().get(3).neg();
                if (y.inputs().size() > 2) {
                    shift = shift.add(y.inputs().get(2));
                }
                return Tensor.of(
                        conv,
                        y.inputs().getFirst(),
                        w.mul(scale.reshape(w.dim(0), 1, 1, 1)),
                        shift.mul(scale).add(t.inputs().get(2)));
            }
            return t;
        });
    }

    private static Graph fuseActivation(Graph graph) {
        Map<Tensor, Integer> readers = readers(graph);
        return graph.rewrite((before, t) -> {
            if (t.op() instanceof Fused.Activate a
                    && readers.getOrDefault(before.inputs().getFirst(), 0) == 1) {
                Tensor y = t.inputs().getFirst();
                if (y.op() instanceof Fused.Conv2d c && c.activation() == Activation.NONE) {
                    return Tensor.of(new Fused.Conv2d(c.window(), c.groups(), a.activation()), y.inputs());
                }
                if (y.op() instanceof Fused.Linear l && l.activation() == Activation.NONE) {
                    return Tensor.of(new Fused.Linear(a.activation()), y.inputs());
                }
            }
            return t;
        });
    }

    private static boolean weightsOnly(List<Tensor> tensors) {
        return tensors.stream().allMatch(t -> t.op() instanceof Primitive.Weight);
    }

    /** How many tensors, outputs and updates read each tensor. */
    private static Map<Tensor, Integer> readers(Graph graph) {
        Map<Tensor, Integer> readers = new HashMap<>();
        for (Tensor t : graph.nodes()) {
            t.inputs().forEach(in -> readers.merge(in, 1, Integer::sum));
        }
        graph.outputs().forEach(t -> readers.merge(t, 1, Integer::sum));
        graph.updates().values().forEach(t -> readers.merge(t, 1, Integer::sum));
        return readers;
    }
}
