package org.telltale.engine.nn;

import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;

/** Squeeze and excitation (SPEC §7.3): channels scaled by a gate computed from their means. */
public final class SqueezeExcite {
    private SqueezeExcite() {}

    /** x [N, H, W, C]; reduce [S, C] with bias [S], expand [C, S] with bias [C]: the shape of x. The
     * activation is that between the two; the gate is a sigmoid.
     */
    public static Tensor of(
            Tensor x, Tensor reduce, Tensor reduceBias, Tensor expand, Tensor expandBias, Activation activation) {
        Tensor mean = x.mean(1, 2);
        Tensor squeezed = Tensor.of(new Fused.Linear(activation), mean, reduce, reduceBias);
        Tensor gate = Tensor.of(new Fused.Linear(Activation.SIGMOID), squeezed, expand, expandBias);
        return x.mul(gate.reshape(x.dim(0), 1, 1, x.dim(3)));
    }
}
