package org.telltale.engine.nn;

import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;

/** Multi-head scaled dot-product attention over projected queries, keys and values; the scale is 1/√(width of a head). */
public final class Attention {
    private Attention() {}

    /** Every query sees every key: q [B, Tq, width], k and v [B, Tk, width]. */
    public static Tensor full(Tensor q, Tensor k, Tensor v, int heads) {
        return Tensor.of(new Fused.Attention(heads, scale(q, heads), false, 0, Fused.Masking.NONE), q, k, v);
    }

    /** Keys with 0 in the mask, I32 [B, Tk], are not seen. */
    public static Tensor masked(Tensor q, Tensor k, Tensor v, Tensor mask, int heads) {
        return Tensor.of(new Fused.Attention(heads, scale(q, heads), false, 0, Fused.Masking.KEYS), q, k, v, mask);
    }

    /** The same in training: probabilities are dropped, drawn anew for every step as in {@link Dropout}. */
    public static Tensor masked(
            Tensor q, Tensor k, Tensor v, Tensor mask, int heads, float dropout, Tensor counter, int salt) {
        if (dropout == 0) {
            return masked(q, k, v, mask, heads);
        }
        Fused.Attention op = new Fused.Attention(heads, scale(q, heads), false, 0, Fused.Masking.KEYS, dropout, salt);
        return Tensor.of(op, q, k, v, mask, counter);
    }

    /** Query i sees keys 0 to i. */
    public static Tensor causal(Tensor q, Tensor k, Tensor v, int heads) {
        return Tensor.of(new Fused.Attention(heads, scale(q, heads), true, 0, Fused.Masking.NONE), q, k, v);
    }

    /** Single queries [R, width] over cached rows; see {@link Fused.CachedAttention}. */
    public static Tensor cached(Tensor q, Tensor keys, Tensor values, Tensor table, Tensor lengths, int heads) {
        return Tensor.of(new Fused.CachedAttention(heads, scale(q, heads)), q, keys, values, table, lengths);
    }

    private static float scale(Tensor q, int heads) {
        return (float) (1 / Math.sqrt(q.dim(-1) / (double) heads));
    }
}
