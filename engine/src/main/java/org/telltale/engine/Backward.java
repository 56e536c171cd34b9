package org.telltale.engine;

import java.util.List;

/**
 * Gradients of fused ops that backends run as one kernel. Each is the gradient of one operand, or of several side by side,
 * given operands of the op and {@code dy}, the gradient of its result; {@link #decompose} is the formula in primitives.
 */
public sealed interface Backward extends Fused {
    /** x [.., width], scale [width], dy like x: the gradient of x through {@link Fused.LayerNorm}. */
    record LayerNorm(float epsilon) implements Backward {
        @Override
        public Shape extents(List<Tensor> in) {
            Shape x = in.getFirst().shape();
            if (!in.get(1).shape().equals(Shape.of(x.dim(-1)))) {
                throw Op.misfit(word(), in, "the scale must be [" + x.dim(-1) + "]");
            }
            like(word(), in, 2);
            return x;
        }

        @Override
        public Tensor decompose(List<Tensor> in) {
            Tensor x = in.get(0);
            Tensor deviation = deviation(x, epsilon);
            Tensor unit = x.sub(x.meanKeeping(-1)).mul(deviation);
            Tensor g = in.get(2).mul(in.get(1));
            return g.sub(g.meanKeeping(-1))
                    .sub(unit.mul(g.mul(unit).meanKeeping(-1)))
                    .mul(deviation);
        }
    }

    /** x [.., width], dy like x: the gradient [width] of the scale of {@link Fused.LayerNorm}. */
    record LayerNormScale(float epsilon) implements Backward {
        @Override
        public Shape extents(List<Tensor> in) {
            like(word(), in, 1);
            return Shape.of(in.getFirst().dim(-1));
        }

        @Override
        public Tensor decompose(List<Tensor> in) {
            Tensor x = in.get(0);
            Tensor unit = x.sub(x.meanKeeping(-1)).mul(deviation(x, epsilon));
            return rows(in.get(1).mul(unit)).sum(0);
        }
    }

    /** One over the standard deviation of each row [.., 1]. */
    private static Tensor deviation(Tensor x, float epsilon) {
        return x.sub(x.meanKeeping(-1)).square().meanKeeping(-1).add(epsilon).rsqrt();
    }

    /** As a matrix of rows [-1, width]. */
    static Tensor rows(Tensor x) {
        return x.reshape(-1, x.dim(-1));
    }

    private static void like(String word, List<Tensor> in, int gradient) {
        if (!in.get(gradient).shape().equals(in.getFirst().shape())) {
            throw Op.misfit(word, in, "the gradient must be " + in.getFirst().shape());
        }
    }
}
