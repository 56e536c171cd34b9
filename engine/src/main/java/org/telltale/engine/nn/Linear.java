package org.telltale.engine.nn;

import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;

/**
 * A dense layer: {@code weight} [out, in] and {@code bias} [out]. Its activation is an op of its own, which backends join
 * with it where nothing else, such as a gradient, reads what comes before.
 */
public final class Linear {
    private Linear() {}

    /** x [.., in] to [.., out]. */
    public static Tensor of(Params p, Tensor x, int out) {
        return of(p, x, out, Activation.NONE);
    }

    public static Tensor of(Params p, Tensor x, int out, Activation activation) {
        return of(x, p.f32("weight", out, x.dim(-1)), p.f32("bias", out), activation);
    }

    public static Tensor of(Tensor x, Tensor weight, Tensor bias, Activation activation) {
        return Tensor.of(new Fused.Linear(Activation.NONE), x, weight, bias).activate(activation);
    }

    public static Tensor withoutBias(Params p, Tensor x, int out, Activation activation) {
        return Tensor.of(new Fused.Linear(Activation.NONE), x, p.f32("weight", out, x.dim(-1)))
                .activate(activation);
    }
}
