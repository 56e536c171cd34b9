package org.telltale.engine.autograd;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Primitive;
import org.telltale.engine.ShapeException;
import org.telltale.engine.Tensor;

/** Reverse-mode differentiation: gradients are more expression, so nothing but building happens here. */
public final class Autograd {
    private Autograd() {}

    /** The gradient of a scalar loss with respect to each tensor; zeros where the loss does not depend on it. */
    public static List<Tensor> gradients(Tensor loss, List<Tensor> parameters) {
        if (loss.shape().size() != 1) {
            throw new ShapeException("gradients: the loss must be a scalar, not " + loss.shape());
        }
        Tensor one = Tensor.fill(1).broadcast(loss.shape());
        return gradients(List.of(loss), List.of(one), parameters);
    }

    /**
     * The sum over outputs of cotangentᵀ · d output / d tensor, for each tensor. The tensors count as independent: none
     * is differentiated through.
     */
    public static List<Tensor> gradients(List<Tensor> outputs, List<Tensor> cotangents, List<Tensor> wanted) {
        Set<Tensor> boundary = new HashSet<>();
        boundary.addAll(wanted);
        Map<Tensor, Tensor> gradient = new HashMap<>();
        for (int i = 0; i < outputs.size(); i++) {
            if (!outputs.get(i).shape().equals(cotangents.get(i).shape())) {
                throw new ShapeException(
                        "gradients: cotangent " + cotangents.get(i).shape() + " for an output "
                                + outputs.get(i).shape());
            }
            gradient.merge(outputs.get(i), cotangents.get(i), Autograd::sum);
        }
        Set<Tensor> active = active(outputs, boundary);
        List<Tensor> order = Graph.order(outputs);
        for (int i = order.size() - 1; i >= 0; i--) {
            Tensor y = order.get(i);
            Tensor dy = gradient.get(y);
            if (dy == null || boundary.contains(y) || !active.contains(y)) {
                continue;
            }
            List<Tensor> in = y.inputs();
            List<Tensor> contribution = switch (y.op()) {
                case Primitive p -> p.vjp(y, dy);
                case Fused f -> f.vjp(y, dy).orElseGet(() -> through(f, dy, in));
            };
            for (int k = 0; k < in.size(); k++) {
                if (active.contains(in.get(k))) {
                    gradient.merge(in.get(k), contribution.get(k), Autograd::sum);
                }
            }
        }
        List<Tensor> out = new ArrayList<>();
        for (Tensor t : wanted) {
            Tensor g = gradient.get(t);
            out.add(g == null ? Tensor.zeros(t.shape()) : g);
        }
        return out;
    }

    /** Per operand; an operand that occurs twice gets the whole gradient at its first place and zeros at the others. */
    private static List<Tensor> through(Fused f, Tensor dy, List<Tensor> in) {
        List<Tensor> whole = gradients(List.of(f.decompose(in)), List.of(dy), in);
        List<Tensor> out = new ArrayList<>();
        for (int i = 0; i < in.size(); i++) {
            out.add(
                    in.subList(0, i).contains(in.get(i))
                            ? Tensor.zeros(in.get(i).shape())
                            : whole.get(i));
        }
        return out;
    }

    /** The tensors through which an output depends on the boundary, the boundary included. */
    private static Set<Tensor> active(List<Tensor> outputs, Set<Tensor> boundary) {
        Set<Tensor> active = new HashSet<>();
        for (Tensor t : Graph.order(outputs)) {
            if (boundary.contains(t) || t.inputs().stream().anyMatch(active::contains)) {
                active.add(t);
            }
        }
        return active;
    }

    private static Tensor sum(Tensor a, Tensor b) {
        return zero(a) ? b : zero(b) ? a : a.add(b);
    }

    private static boolean zero(Tensor t) {
        return t.op() instanceof Primitive.Fill fill && fill.value() == 0;
    }
}
