package org.telltale.engine.nn;

import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;

/** Layer normalisation over the last axis: {@code weight} and {@code bias}, or {@code gamma} and {@code beta}. */
public final class LayerNorm {
    private LayerNorm() {}

    /** x [.., width] to the same shape. TensorFlow-born checkpoints call the parameters gamma and beta (SPEC §8.1). */
    public static Tensor of(Params p, Tensor x, float epsilon) {
        boolean legacy = p.has("gamma") && !p.has("weight");
        Tensor scale = p.f32(legacy ? "gamma" : "weight", x.dim(-1));
        Tensor shift = p.f32(legacy ? "beta" : "bias", x.dim(-1));
        return Tensor.of(new Fused.LayerNorm(epsilon), x, scale, shift);
    }
}
