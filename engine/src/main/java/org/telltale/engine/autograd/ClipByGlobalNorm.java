package org.telltale.engine.autograd;

import java.util.List;
import org.telltale.engine.Tensor;

/**
 * Gradients made shorter together when the norm of all of them is above a limit.
 *
 * @param gradients the gradients, of the shapes they had
 * @param norm their norm before, a scalar
 */
public record ClipByGlobalNorm(List<Tensor> gradients, Tensor norm) {
    public ClipByGlobalNorm {
        gradients = List.copyOf(gradients);
    }

    /** Clips gradients to a global norm; below it they stay bit for bit as they are. */
    public static ClipByGlobalNorm of(List<Tensor> gradients, float limit) {
        Tensor norm = gradients.stream()
                .map(g -> g.square().sumAll())
                .reduce(Tensor::add)
                .orElseThrow(() -> new IllegalArgumentException("no gradients to clip"))
                .sqrt();
        Tensor most = Tensor.fill(limit);
        Tensor scale = most.div(norm.maximum(most));
        return new ClipByGlobalNorm(gradients.stream().map(g -> g.mul(scale)).toList(), norm);
    }
}
