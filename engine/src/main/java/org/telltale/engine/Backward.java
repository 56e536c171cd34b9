package org.telltale.engine;

import java.util.ArrayList;
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

    /**
     * The operands of an {@link Fused.Attention}, its result y and dy like y: the gradients of q, k and v side by side, [all
     * their elements].
     */
    record Attention(Fused.Attention of) implements Backward {
        @Override
        public boolean integers(List<Tensor> in, Tensor operand) {
            return in.size() > 2 && of.integers(operands(in), operand);
        }

        @Override
        public Shape extents(List<Tensor> in) {
            if (in.size() != of.operands() + 2) {
                throw Op.misfit(word(), in, "attention's operands, result and gradient are " + (of.operands() + 2));
            }
            Shape y = of.extents(operands(in));
            like(word(), in, in.size() - 2);
            like(word(), in, in.size() - 1);
            return Shape.of(Math.toIntExact(y.size() + 2 * in.get(1).shape().size()));
        }

        private static List<Tensor> operands(List<Tensor> in) {
            return in.subList(0, in.size() - 2);
        }

        @Override
        public Tensor decompose(List<Tensor> in) {
            Tensor p = of.probabilities(operands(in));
            Tensor dropped = of.dropout() == 0 ? p : p.mul(of.kept(operands(in)));
            Tensor scores = scores(in).mul(of.scale());
            List<Tensor> gradients = List.of(
                    scores.matmul(of.split(in.get(1))),
                    scores.matmul(of.split(in.get(0)), true, false),
                    dropped.matmul(of.split(in.getLast()), true, false));
            return Tensor.concat(
                    0, gradients.stream().map(g -> of.join(g).reshape(-1)).toArray(Tensor[]::new));
        }

        /** The gradient of the scaled scores with what is added to them, [B, heads, Tq, Tk]. */
        private Tensor scores(List<Tensor> in) {
            Tensor y = of.split(in.get(in.size() - 2));
            Tensor dy = of.split(in.getLast());
            Tensor dropped = dy.matmul(of.split(in.get(2)), false, true);
            Tensor dp = of.dropout() == 0 ? dropped : dropped.mul(of.kept(operands(in)));
            return of.probabilities(operands(in)).mul(dp.sub(dy.mul(y).sumKeeping(3)));
        }

        /** The gradient of the bias: that of the scores, summed where the bias repeats. */
        Tensor bias(List<Tensor> in) {
            Tensor scores = scores(in);
            List<Integer> axes = new ArrayList<>();
            for (int a = 0; a < 4; a++) {
                if (in.get(3).dim(a) != scores.dim(a)) {
                    axes.add(a);
                }
            }
            return axes.isEmpty()
                    ? scores
                    : scores.sumKeeping(axes.stream().mapToInt(a -> a).toArray());
        }
    }
}
