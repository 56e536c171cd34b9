package org.telltale.engine.nn;

import java.util.Arrays;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;

/**
 * Dropout in training: elements (or whole rows) become zero with a probability, and survivors are divided by one minus
 * it. Random masks are a function of the counter, I32 [2] of seed and step, and of the salt that tells layers apart.
 */
public final class Dropout {
    private Dropout() {}

    /** x of any shape, with the mask drawn anew for every step. */
    public static Tensor of(Tensor x, float rate, Tensor counter, int salt) {
        return rate == 0 ? x : masked(x, mask(rate, counter, salt, x.shape()), rate);
    }

    /** x [N, ..], of which whole rows are dropped: stochastic depth, before the residual is added (SPEC §7.3). */
    public static Tensor path(Tensor x, float rate, Tensor counter, int salt) {
        return rate == 0 ? x : maskedPath(x, mask(rate, counter, salt, Shape.of(x.dim(0))), rate);
    }

    /** x with a given mask of 0 and 1, of the same shape. */
    public static Tensor masked(Tensor x, Tensor keep, float rate) {
        return x.mul(keep.mul(1 / (1 - rate)));
    }

    /** x [N, ..] with a given mask [N] of 0 and 1. */
    public static Tensor maskedPath(Tensor x, Tensor keep, float rate) {
        int[] dims = new int[x.shape().rank()];
        Arrays.fill(dims, 1);
        dims[0] = x.dim(0);
        return masked(x, keep.reshape(dims), rate);
    }

    private static Tensor mask(float rate, Tensor counter, int salt, Shape shape) {
        Tensor uniform = Tensor.of(new Primitive.RandomUniform(salt, shape), counter);
        return Tensor.fill(rate).greater(uniform).neg().add(1);
    }
}
