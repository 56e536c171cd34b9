package org.telltale.engine.nn;

import org.telltale.engine.Activation;
import org.telltale.engine.Tensor;

/** Additive attention (SPEC §9.4): the weights are softmax over places of v tanh(w1 f + w2 h). Kernels are [in, out]. */
public final class Bahdanau {
    /**
     * What attention gives.
     *
     * @param context the weighted sum of the features [B, F]
     * @param weights [B, places]
     */
    public record Attended(Tensor context, Tensor weights) {}

    private Bahdanau() {}

    /**
     * Features f [B, places, F] attended by a state h [B, U].
     *
     * @param w1 [F, A], with b1 [A]
     * @param w2 [U, A], with b2 [A]
     * @param v [A, 1], with bv [1]
     */
    public static Attended of(Tensor f, Tensor h, Tensor w1, Tensor b1, Tensor w2, Tensor b2, Tensor v, Tensor bv) {
        return of(f, keys(f, w1, b1), h, w2, b2, v, bv);
    }

    /** The part of the scores that no state changes, w1 f: [B, places, A], for any number of states. */
    public static Tensor keys(Tensor f, Tensor w1, Tensor b1) {
        return f.matmul(w1).add(b1);
    }

    /** The same with {@link #keys} that are computed once. */
    public static Attended of(Tensor f, Tensor keys, Tensor h, Tensor w2, Tensor b2, Tensor v, Tensor bv) {
        Tensor query = h.matmul(w2).add(b2).reshape(h.dim(0), 1, b2.dim(0));
        Tensor scores = keys.add(query).activate(Activation.TANH).matmul(v).add(bv);
        Tensor weights = scores.softmax(1);
        return new Attended(weights.mul(f).sum(1), weights.reshape(f.dim(0), f.dim(1)));
    }
}
