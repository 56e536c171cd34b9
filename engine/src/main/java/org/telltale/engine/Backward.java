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

    /**
     * w [O, C/groups, kh, kw], dy [N, H', W', O]: the gradient [N, height, width, C] of the pictures through
     * {@link Fused.Conv2d} without activation.
     */
    record ConvInput(Window window, int groups, int height, int width) implements Backward {
        @Override
        public Shape extents(List<Tensor> in) {
            Shape w = in.get(0).shape();
            Shape dy = in.get(1).shape();
            if (w.rank() != 4
                    || w.dim(0) % groups != 0
                    || w.dim(2) != window.kernelHeight()
                    || w.dim(3) != window.kernelWidth()) {
                throw Op.misfit(
                        word(),
                        in,
                        "the weight must be [O, C/" + groups + ", " + window.kernelHeight() + ", "
                                + window.kernelWidth() + "]");
            }
            if (dy.rank() != 4
                    || dy.dim(1) != window.outHeight(height)
                    || dy.dim(2) != window.outWidth(width)
                    || dy.dim(3) != w.dim(0)) {
                throw Op.misfit(
                        word(),
                        in,
                        "the gradient must be [N, " + window.outHeight(height) + ", " + window.outWidth(width) + ", "
                                + w.dim(0) + "]");
            }
            return Shape.of(dy.dim(0), height, width, w.dim(1) * groups);
        }

        /** Whether every channel is convolved alone. */
        public boolean depthwise(List<Tensor> in) {
            Shape w = in.getFirst().shape();
            return w.dim(0) == groups && w.dim(1) == 1;
        }

        @Override
        public Tensor decompose(List<Tensor> in) {
            Tensor w = in.get(0);
            Tensor dy = in.get(1);
            int taps = window.kernelHeight() * window.kernelWidth();
            Primitive.Fold fold = new Primitive.Fold(window, height, width);
            if (depthwise(in)) {
                Tensor kernel = w.reshape(groups, taps).transpose(List.of(1, 0));
                return Tensor.of(fold, alone(dy).mul(kernel));
            }
            Tensor[] parts = new Tensor[groups];
            int o = w.dim(0) / groups;
            int c = w.dim(1);
            for (int g = 0; g < groups; g++) {
                Tensor kernel = w.slice(0, g * o, (g + 1) * o)
                        .transpose(List.of(0, 2, 3, 1))
                        .reshape(o, taps * c);
                Tensor part = rows(dy.slice(3, g * o, (g + 1) * o)).matmul(kernel);
                parts[g] = Tensor.of(fold, part.reshape(dy.dim(0), dy.dim(1), dy.dim(2), taps, c));
            }
            return Tensor.concat(3, parts);
        }
    }

    /**
     * x [N, H, W, C], dy [N, H', W', O]: the gradient [O, C/groups, kh, kw] of the weight of {@link Fused.Conv2d} without
     * activation.
     */
    record ConvWeight(Window window, int groups) implements Backward {
        @Override
        public Shape extents(List<Tensor> in) {
            int[] out = window.output(word(), in);
            Shape x = in.get(0).shape();
            Shape dy = in.get(1).shape();
            if (dy.rank() != 4
                    || x.dim(3) % groups != 0
                    || dy.dim(3) % groups != 0
                    || !dy.equals(Shape.of(x.dim(0), out[0], out[1], dy.dim(3)))) {
                throw Op.misfit(
                        word(),
                        in,
                        "the gradient must be [" + x.dim(0) + ", " + out[0] + ", " + out[1] + ", O] with channels in "
                                + groups + " groups");
            }
            return Shape.of(dy.dim(3), x.dim(3) / groups, window.kernelHeight(), window.kernelWidth());
        }

        /** Whether every channel is convolved alone. */
        public boolean depthwise(List<Tensor> in) {
            return in.get(0).dim(3) == groups && in.get(1).dim(3) == groups;
        }

        @Override
        public Tensor decompose(List<Tensor> in) {
            Tensor x = in.get(0);
            Tensor dy = in.get(1);
            int taps = window.kernelHeight() * window.kernelWidth();
            Primitive.Unfold unfold = new Primitive.Unfold(window, 0);
            if (depthwise(in)) {
                Tensor products = Tensor.of(unfold, x).mul(alone(dy));
                return products.sum(0, 1, 2).transpose(List.of(1, 0)).reshape(extents(in));
            }
            Tensor[] parts = new Tensor[groups];
            int o = dy.dim(3) / groups;
            int c = x.dim(3) / groups;
            for (int g = 0; g < groups; g++) {
                Tensor patches = Tensor.of(unfold, x.slice(3, g * c, (g + 1) * c));
                parts[g] = rows(dy.slice(3, g * o, (g + 1) * o))
                        .matmul(patches.reshape(-1, taps * c), true, false)
                        .reshape(o, window.kernelHeight(), window.kernelWidth(), c)
                        .transpose(List.of(0, 3, 1, 2));
            }
            return Tensor.concat(0, parts);
        }
    }

    /** One over the standard deviation of each row [.., 1]. */
    private static Tensor deviation(Tensor x, float epsilon) {
        return x.sub(x.meanKeeping(-1)).square().meanKeeping(-1).add(epsilon).rsqrt();
    }

    /** A picture [N, H, W, C] as windows of one tap, [N, H, W, 1, C]. */
    private static Tensor alone(Tensor y) {
        return y.reshape(y.dim(0), y.dim(1), y.dim(2), 1, y.dim(3));
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
