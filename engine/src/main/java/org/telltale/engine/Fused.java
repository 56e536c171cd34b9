package org.telltale.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Ops that backends run as one kernel; {@link #decompose} says in primitives what they mean. */
public sealed interface Fused extends Op
        permits Fused.Activate,
                Fused.Linear,
                Fused.LayerNorm,
                Fused.Softmax,
                Fused.LogSoftmax,
                Fused.Attention,
                Fused.CachedAttention,
                Fused.Conv2d,
                Fused.Pool,
                Fused.BatchNorm,
                Fused.GruCell,
                Fused.CrossEntropy,
                Fused.Pointwise,
                Backward {
    /** The same value in primitives (or simpler fused ops). */
    Tensor decompose(List<Tensor> in);

    /**
     * The gradient of each operand by ops that have kernels, zeros for ids, given the result and its gradient; empty when
     * it is the gradient of what the op decomposes to.
     */
    default Optional<List<Tensor>> vjp(Tensor y, Tensor dy) {
        return Optional.empty();
    }

    @Override
    default Shape shape(List<Tensor> in) {
        for (Tensor t : in) {
            DType wanted = integers(in, t) ? DType.I32 : DType.F32;
            if (t.dtype() != wanted) {
                throw Op.misfit(word(), in, "an operand is " + t.dtype() + ", not " + wanted);
            }
        }
        return extents(in);
    }

    /** Whether an I32 operand stands where ids belong. */
    default boolean integers(List<Tensor> in, Tensor operand) {
        return false;
    }

    /** The shape rule. */
    Shape extents(List<Tensor> in);

    /** A pointwise non-linearity. */
    record Activate(Activation activation) implements Fused {
        @Override
        public Shape extents(List<Tensor> in) {
            return in.getFirst().shape();
        }

        @Override
        public Tensor decompose(List<Tensor> in) {
            return activation.of(in.getFirst());
        }

        /** Where the result says enough: what computed the operand can then end with the activation. */
        @Override
        public Optional<List<Tensor>> vjp(Tensor y, Tensor dy) {
            return switch (activation) {
                case NONE -> Optional.of(List.of(dy));
                case RELU -> Optional.of(List.of(dy.mul(y.greater(Tensor.fill(0)))));
                case RELU6 ->
                    Optional.of(List.of(
                            dy.mul(y.greater(Tensor.fill(0))).mul(Tensor.fill(6).greater(y))));
                case GELU_ERF, GELU_TANH, QUICK_GELU, SILU, SIGMOID, TANH -> Optional.empty();
            };
        }
    }

    /** x [.., in], w [out, in] and perhaps b [out]: activation(x wᵀ + b), [.., out]. */
    record Linear(Activation activation) implements Fused {
        @Override
        public Shape extents(List<Tensor> in) {
            Shape x = in.get(0).shape();
            Shape w = in.get(1).shape();
            if (w.rank() != 2 || x.rank() < 1 || x.dim(-1) != w.dim(1)) {
                throw Op.misfit(word(), in, "the weight must be [out, " + (x.rank() < 1 ? "?" : x.dim(-1)) + "]");
            }
            bias(word(), in, w.dim(0));
            return x.with(-1, w.dim(0));
        }

        @Override
        public Tensor decompose(List<Tensor> in) {
            Tensor x = in.get(0);
            Tensor y = x.reshape(-1, x.dim(-1)).matmul(in.get(1), false, true);
            Tensor biased = in.size() > 2 ? y.add(in.get(2)) : y;
            return biased.activate(activation).reshape(shape(in));
        }
    }

    /** x [.., width], scale [width], shift [width]: zero mean and unit variance along the last axis, then affine. */
    record LayerNorm(float epsilon) implements Fused {
        @Override
        public Shape extents(List<Tensor> in) {
            Shape x = in.getFirst().shape();
            Shape width = Shape.of(x.dim(-1));
            if (!in.get(1).shape().equals(width) || !in.get(2).shape().equals(width)) {
                throw Op.misfit(word(), in, "scale and shift must be " + width);
            }
            return x;
        }

        @Override
        public Tensor decompose(List<Tensor> in) {
            Tensor x = in.get(0);
            Tensor centred = x.sub(x.meanKeeping(-1));
            Tensor scale = centred.square().meanKeeping(-1).add(epsilon).rsqrt();
            return centred.mul(scale).mul(in.get(1)).add(in.get(2));
        }

        @Override
        public Optional<List<Tensor>> vjp(Tensor y, Tensor dy) {
            Tensor x = y.inputs().getFirst();
            return Optional.of(List.of(
                    Tensor.of(new Backward.LayerNorm(epsilon), x, y.inputs().get(1), dy),
                    Tensor.of(new Backward.LayerNormScale(epsilon), x, dy),
                    Backward.rows(dy).sum(0)));
        }
    }

    /** exp(x - max) / sum along an axis. */
    record Softmax(int axis) implements Fused {
        @Override
        public Shape extents(List<Tensor> in) {
            in.getFirst().shape().axis(axis);
            return in.getFirst().shape();
        }

        @Override
        public Tensor decompose(List<Tensor> in) {
            Tensor x = in.getFirst();
            Tensor e = x.sub(x.maxKeeping(axis).detach()).exp();
            return e.div(e.sumKeeping(axis));
        }
    }

    /** x - max - log(sum exp(x - max)) along an axis. */
    record LogSoftmax(int axis) implements Fused {
        @Override
        public Shape extents(List<Tensor> in) {
            in.getFirst().shape().axis(axis);
            return in.getFirst().shape();
        }

        @Override
        public Tensor decompose(List<Tensor> in) {
            Tensor x = in.getFirst();
            Tensor shifted = x.sub(x.maxKeeping(axis).detach());
            return shifted.sub(shifted.exp().sumKeeping(axis).log());
        }
    }

    /** What restricts the keys of {@link Attention}, as its fourth operand. */
    enum Masking {
        NONE,
        /** I32 [B, Tk]: keys with 0 are left out; a query with no key left gives 0. */
        KEYS,
        /** F32, broadcastable to [B, heads, Tq, Tk], added to the scores. */
        BIAS
    }

    /**
     * Scaled dot-product attention. q [B, Tq, heads*D], k and v [B, Tk, heads*D], head h in columns h*D to h*D+D-1:
     * softmax(scale q kᵀ) v, [B, Tq, heads*D]. Causal: query i sees keys up to i + offset. A mask follows the values, as
     * {@link Masking} says. In training a part {@code dropout} of the probabilities becomes 0 and the others are divided by
     * 1 - dropout, by {@link Primitive.RandomUniform} of the salt over [B, heads, Tq, Tk]; its counter, I32 [2], is then
     * the last operand.
     */
    record Attention(int heads, float scale, boolean causal, int offset, Masking masking, float dropout, int salt)
            implements Fused {
        /** Without dropout. */
        public Attention(int heads, float scale, boolean causal, int offset, Masking masking) {
            this(heads, scale, causal, offset, masking, 0, 0);
        }

        /** How many operands there are. */
        public int operands() {
            return 3 + (masking == Masking.NONE ? 0 : 1) + (dropout == 0 ? 0 : 1);
        }

        @Override
        public boolean integers(List<Tensor> in, Tensor operand) {
            return in.size() == operands()
                    && ((masking == Masking.KEYS && operand == in.get(3)) || (dropout != 0 && operand == in.getLast()));
        }

        @Override
        public Shape extents(List<Tensor> in) {
            Shape q = in.get(0).shape();
            Shape k = in.get(1).shape();
            if (q.rank() != 3 || k.rank() != 3 || q.dim(0) != k.dim(0) || q.dim(2) != k.dim(2)) {
                throw Op.misfit(word(), in, "queries and keys must be [B, T, width] of equal B and width");
            }
            if (!in.get(2).shape().equals(k)) {
                throw Op.misfit(word(), in, "values must have the shape of the keys");
            }
            if (q.dim(2) % heads != 0) {
                throw Op.misfit(word(), in, "the width " + q.dim(2) + " does not divide into " + heads + " heads");
            }
            if (!(dropout >= 0 && dropout < 1)) {
                throw Op.misfit(word(), in, "a dropout of " + dropout + " lies outside 0 to below 1");
            }
            if (in.size() != operands()) {
                String what = "masking " + masking + (dropout == 0 ? "" : " and dropout");
                throw Op.misfit(word(), in, what + " with " + in.size() + " operands");
            }
            if (masking == Masking.KEYS && !in.get(3).shape().equals(Shape.of(k.dim(0), k.dim(1)))) {
                throw Op.misfit(word(), in, "the mask must be [B, Tk]");
            }
            if (masking == Masking.BIAS && !repeats(in.get(3).shape(), scores(in))) {
                throw Op.misfit(word(), in, "the bias must be [B, heads, Tq, Tk] or 1 where it repeats");
            }
            if (dropout != 0 && in.getLast().shape().size() != 2) {
                throw Op.misfit(word(), in, "the counter must be I32 [2], seed and step");
            }
            return q;
        }

        private static boolean repeats(Shape bias, Shape scores) {
            boolean fits = bias.rank() == scores.rank();
            for (int i = 0; fits && i < scores.rank(); i++) {
                fits = bias.dim(i) == 1 || bias.dim(i) == scores.dim(i);
            }
            return fits;
        }

        /** [B, heads, Tq, Tk]. */
        private Shape scores(List<Tensor> in) {
            return Shape.of(in.get(0).dim(0), heads, in.get(0).dim(1), in.get(1).dim(1));
        }

        @Override
        public Tensor decompose(List<Tensor> in) {
            Tensor p = probabilities(in);
            Tensor y = (dropout == 0 ? p : p.mul(kept(in))).matmul(split(in.get(2)));
            return join(y);
        }

        /** What every query gives to every key, [B, heads, Tq, Tk], before dropout. */
        Tensor probabilities(List<Tensor> in) {
            Tensor plain =
                    split(in.get(0)).matmul(split(in.get(1)), false, true).mul(scale);
            Tensor scores = masking == Masking.BIAS ? plain.add(in.get(3)) : plain;
            List<Tensor> masks = new ArrayList<>();
            if (masking == Masking.KEYS) {
                Tensor mask = in.get(3);
                masks.add(mask.toFloat().reshape(mask.dim(0), 1, 1, mask.dim(1)));
            }
            if (causal) {
                Shape square = Shape.of(1, 1, scores.dim(2), scores.dim(3));
                masks.add(Tensor.iota(2, square).add(offset + 1).greater(Tensor.iota(3, square)));
            }
            if (masks.isEmpty()) {
                return scores.softmax(3);
            }
            Tensor allowed = masks.stream().reduce(Tensor::mul).orElseThrow();
            Tensor shut = scores.mul(allowed).add(allowed.add(-1).mul(1e30f));
            Tensor e = shut.sub(shut.maxKeeping(3).detach()).exp().mul(allowed);
            Tensor sum = e.sumKeeping(3);
            return e.div(sum.add(sum.equal(Tensor.fill(0))));
        }

        /** What dropout multiplies probabilities with: 0, or one over what is kept of them. */
        Tensor kept(List<Tensor> in) {
            Tensor uniform = Tensor.of(new Primitive.RandomUniform(salt, scores(in)), in.get(operands() - 1));
            return Tensor.fill(dropout).greater(uniform).neg().add(1).mul(1 / (1 - dropout));
        }

        /** [B, T, heads*D] as [B, heads, T, D]. */
        Tensor split(Tensor x) {
            return x.reshape(x.dim(0), x.dim(1), heads, x.dim(2) / heads).transpose(List.of(0, 2, 1, 3));
        }

        /** [B, heads, T, D] as [B, T, heads*D]. */
        Tensor join(Tensor x) {
            return x.transpose(List.of(0, 2, 1, 3)).reshape(x.dim(0), x.dim(2), heads * x.dim(3));
        }

        /** The gradients of q, k and v are one op; that of a bias, which few graphs want, is in primitives. */
        @Override
        public Optional<List<Tensor>> vjp(Tensor y, Tensor dy) {
            List<Tensor> in = new ArrayList<>(y.inputs());
            in.add(y);
            in.add(dy);
            Backward.Attention backward = new Backward.Attention(this);
            Tensor all = Tensor.of(backward, in);
            List<Tensor> out = new ArrayList<>();
            int end = 0;
            for (Tensor t : y.inputs().subList(0, 3)) {
                int begin = end;
                end += Math.toIntExact(t.shape().size());
                out.add(all.slice(0, begin, end).reshape(t.shape()));
            }
            for (Tensor t : y.inputs().subList(3, operands())) {
                out.add(masking == Masking.BIAS && out.size() == 3 ? backward.bias(in) : Tensor.zeros(t.shape()));
            }
            return Optional.of(out);
        }
    }

    /**
     * Attention of single queries over cached rows. q [R, width]; keys and values [slots, width]; table I32 [R, T] holds
     * the slots that row r sees, oldest first; lengths I32 [R], 1 to T, says how many of them count. So a beam search
     * reorders its cache by rewriting the table, and a prompt is a batch of rows with growing lengths.
     */
    record CachedAttention(int heads, float scale) implements Fused {
        @Override
        public boolean integers(List<Tensor> in, Tensor operand) {
            return operand == in.get(3) || operand == in.get(4);
        }

        @Override
        public Shape extents(List<Tensor> in) {
            Shape q = in.get(0).shape();
            Shape keys = in.get(1).shape();
            Shape table = in.get(3).shape();
            if (q.rank() != 2 || keys.rank() != 2 || q.dim(1) != keys.dim(1) || q.dim(1) % heads != 0) {
                throw Op.misfit(word(), in, "queries [R, width] and keys [slots, width] must share a width of heads");
            }
            if (!in.get(2).shape().equals(keys)) {
                throw Op.misfit(word(), in, "values must have the shape of the keys");
            }
            if (table.rank() != 2
                    || table.dim(0) != q.dim(0)
                    || !in.get(4).shape().equals(Shape.of(q.dim(0)))) {
                throw Op.misfit(word(), in, "the table must be [R, T] and the lengths [R]");
            }
            return q;
        }

        @Override
        public Tensor decompose(List<Tensor> in) {
            Tensor q = in.get(0);
            Tensor table = in.get(3);
            Shape grid = table.shape();
            Tensor mask = in.get(4).toFloat().reshape(grid.dim(0), 1).greater(Tensor.iota(1, grid));
            Tensor bias = mask.add(-1).mul(1e30f).reshape(grid.dim(0), 1, 1, grid.dim(1));
            Tensor y = Tensor.of(
                    new Attention(heads, scale, false, 0, Masking.BIAS),
                    q.reshape(q.dim(0), 1, q.dim(1)),
                    in.get(1).gather(table),
                    in.get(2).gather(table),
                    bias);
            return y.reshape(q.shape());
        }
    }

    /**
     * Convolution of x [N, H, W, C] with w [O, C/groups, kh, kw] and perhaps b [O], then an activation: [N, H', W', O].
     */
    record Conv2d(Window window, int groups, Activation activation) implements Fused {
        @Override
        public Shape extents(List<Tensor> in) {
            int[] out = window.output(word(), in);
            Shape x = in.get(0).shape();
            Shape w = in.get(1).shape();
            if (x.dim(3) % groups != 0
                    || w.rank() != 4
                    || w.dim(0) % groups != 0
                    || !w.equals(Shape.of(w.dim(0), x.dim(3) / groups, window.kernelHeight(), window.kernelWidth()))) {
                throw Op.misfit(
                        word(),
                        in,
                        "the weight must be [O, " + x.dim(3) + "/" + groups + ", " + window.kernelHeight() + ", "
                                + window.kernelWidth() + "]");
            }
            bias(word(), in, w.dim(0));
            return Shape.of(x.dim(0), out[0], out[1], w.dim(0));
        }

        /** Whether every channel is convolved alone. */
        public boolean depthwise(List<Tensor> in) {
            Shape w = in.get(1).shape();
            return groups == in.get(0).dim(3) && w.dim(0) == groups && w.dim(1) == 1;
        }

        @Override
        public Optional<List<Tensor>> vjp(Tensor y, Tensor dy) {
            if (activation != Activation.NONE) {
                return Optional.empty();
            }
            List<Tensor> in = y.inputs();
            Tensor x = in.get(0);
            List<Tensor> out = new ArrayList<>(List.of(
                    Tensor.of(new Backward.ConvInput(window, groups, x.dim(1), x.dim(2)), in.get(1), dy),
                    Tensor.of(new Backward.ConvWeight(window, groups), x, dy)));
            if (in.size() > 2) {
                out.add(dy.sum(0, 1, 2));
            }
            return Optional.of(out);
        }

        @Override
        public Tensor decompose(List<Tensor> in) {
            if (activation != Activation.NONE) {
                return Tensor.of(new Conv2d(window, groups, Activation.NONE), in)
                        .activate(activation);
            }
            Tensor x = in.get(0);
            Tensor w = in.get(1);
            int o = w.dim(0);
            int taps = window.kernelHeight() * window.kernelWidth();
            Tensor y;
            if (depthwise(in)) {
                Tensor patches = Tensor.of(new Primitive.Unfold(window, 0), x);
                Tensor kernel = w.reshape(o, taps).transpose(List.of(1, 0));
                y = patches.mul(kernel).sum(3);
            } else {
                Tensor[] parts = new Tensor[groups];
                int c = x.dim(3) / groups;
                for (int g = 0; g < groups; g++) {
                    Tensor patches = Tensor.of(new Primitive.Unfold(window, 0), x.slice(3, g * c, (g + 1) * c));
                    Tensor kernel = w.slice(0, g * (o / groups), (g + 1) * (o / groups))
                            .transpose(List.of(0, 2, 3, 1))
                            .reshape(o / groups, taps * c);
                    parts[g] = patches.reshape(-1, taps * c).matmul(kernel, false, true);
                }
                y = Tensor.concat(1, parts).reshape(shape(in));
            }
            return in.size() > 2 ? y.add(in.get(2)) : y;
        }
    }

    enum PoolKind {
        MAX,
        /** The mean of the real elements of the window: TensorFlow's rule. */
        MEAN_OF_REAL,
        /** The sum over the window's size, padding counted: PyTorch's rule. */
        MEAN_OF_WINDOW
    }

    /** Pooling of x [N, H, W, C]; padding never is a maximum. */
    record Pool(PoolKind kind, Window window) implements Fused {
        @Override
        public Shape extents(List<Tensor> in) {
            int[] out = window.output(word(), in);
            Shape x = in.getFirst().shape();
            return Shape.of(x.dim(0), out[0], out[1], x.dim(3));
        }

        @Override
        public Tensor decompose(List<Tensor> in) {
            Tensor x = in.getFirst();
            return switch (kind) {
                case MAX ->
                    Tensor.of(new Primitive.Unfold(window, Float.NEGATIVE_INFINITY), x)
                            .max(3);
                case MEAN_OF_WINDOW ->
                    Tensor.of(new Primitive.Unfold(window, 0), x).mean(3);
                case MEAN_OF_REAL -> {
                    Tensor ones = Tensor.fill(1, 1, x.dim(1), x.dim(2), 1);
                    Tensor real =
                            Tensor.of(new Primitive.Unfold(window, 0), ones).sum(3);
                    yield Tensor.of(new Primitive.Unfold(window, 0), x).sum(3).div(real);
                }
            };
        }
    }

    /** Batch normalisation by given statistics: x [.., C], scale, shift, mean and variance [C]. */
    record BatchNorm(float epsilon) implements Fused {
        @Override
        public Shape extents(List<Tensor> in) {
            Shape x = in.getFirst().shape();
            for (Tensor t : in.subList(1, 5)) {
                if (!t.shape().equals(Shape.of(x.dim(-1)))) {
                    throw Op.misfit(word(), in, "scale, shift, mean and variance must be [" + x.dim(-1) + "]");
                }
            }
            return x;
        }

        @Override
        public Tensor decompose(List<Tensor> in) {
            Tensor scale = in.get(4).add(epsilon).rsqrt().mul(in.get(1));
            return in.get(0).sub(in.get(3)).mul(scale).add(in.get(2));
        }
    }

    /**
     * A Keras GRU cell (reset_after, gates z, r, candidate; SPEC §9.4): x [B, in], h [B, units], kernel [in, 3 units],
     * recurrent [units, 3 units], bias [2, 3 units]; the new h.
     */
    record GruCell() implements Fused {
        @Override
        public Shape extents(List<Tensor> in) {
            Shape x = in.get(0).shape();
            Shape h = in.get(1).shape();
            if (x.rank() != 2 || h.rank() != 2 || x.dim(0) != h.dim(0)) {
                throw Op.misfit(word(), in, "x and h must be [B, in] and [B, units]");
            }
            int wide = 3 * h.dim(1);
            if (!in.get(2).shape().equals(Shape.of(x.dim(1), wide))
                    || !in.get(3).shape().equals(Shape.of(h.dim(1), wide))
                    || !in.get(4).shape().equals(Shape.of(2, wide))) {
                throw Op.misfit(word(), in, "kernel, recurrent and bias must be [in, 3u], [u, 3u] and [2, 3u]");
            }
            return h;
        }

        @Override
        public Tensor decompose(List<Tensor> in) {
            Tensor h = in.get(1);
            int u = h.dim(1);
            Tensor bias = in.get(4);
            Tensor a = in.get(0).matmul(in.get(2)).add(bias.slice(0, 0, 1));
            Tensor b = h.matmul(in.get(3)).add(bias.slice(0, 1, 2));
            Tensor gates = a.slice(1, 0, 2 * u).add(b.slice(1, 0, 2 * u)).activate(Activation.SIGMOID);
            Tensor z = gates.slice(1, 0, u);
            Tensor r = gates.slice(1, u, 2 * u);
            Tensor c = a.slice(1, 2 * u, 3 * u)
                    .add(r.mul(b.slice(1, 2 * u, 3 * u)))
                    .activate(Activation.TANH);
            return z.mul(h).add(z.neg().add(1).mul(c));
        }
    }

    /** Cross-entropy per row: logits [N, C], labels I32 [N] -> [N]. A label outside 0..C-1 costs nothing. */
    record CrossEntropy() implements Fused {
        @Override
        public boolean integers(List<Tensor> in, Tensor operand) {
            return operand == in.get(1);
        }

        @Override
        public Shape extents(List<Tensor> in) {
            Shape x = in.get(0).shape();
            if (x.rank() != 2 || !in.get(1).shape().equals(Shape.of(x.dim(0)))) {
                throw Op.misfit(word(), in, "logits must be [N, C] and labels [N]");
            }
            return Shape.of(x.dim(0));
        }

        @Override
        public Tensor decompose(List<Tensor> in) {
            Tensor logits = in.get(0);
            Tensor labels = in.get(1).toFloat().reshape(-1, 1);
            Tensor chosen = Tensor.iota(1, logits.shape()).equal(labels);
            return logits.logSoftmax(1).mul(chosen).sum(1).neg();
        }
    }

    /**
     * Pointwise ops as one kernel, so that nothing between them goes to memory: operands that broadcast to the extents, or
     * I32 [2] counters of random numbers; the last step is the result.
     */
    record Pointwise(Shape extents, List<Step> steps) implements Fused {
        /**
         * One op.
         *
         * @param op {@link Primitive.Unary}, {@link Primitive.Binary}, {@link Activate}, {@link Primitive.RandomUniform} of
         *     the extents, or {@link Primitive.Fill} of one number
         * @param arguments operands, then earlier steps, by their place
         */
        public record Step(Op op, List<Integer> arguments) {
            public Step {
                arguments = List.copyOf(arguments);
                boolean allowed = op instanceof Primitive.Unary
                        || op instanceof Primitive.Binary
                        || op instanceof Activate
                        || op instanceof Primitive.RandomUniform
                        || (op instanceof Primitive.Fill f && f.extents().rank() == 0);
                if (!allowed) {
                    throw new IllegalArgumentException("not pointwise: " + op);
                }
            }
        }

        public Pointwise {
            steps = List.copyOf(steps);
        }

        @Override
        public boolean integers(List<Tensor> in, Tensor operand) {
            return steps.stream()
                    .anyMatch(s -> s.op() instanceof Primitive.RandomUniform
                            && in.get(s.arguments().getFirst()) == operand);
        }

        @Override
        public Shape extents(List<Tensor> in) {
            Shape y = decompose(in).shape();
            if (!y.equals(extents)) {
                throw Op.misfit(word(), in, "the result is " + y + ", not " + extents);
            }
            return extents;
        }

        @Override
        public Tensor decompose(List<Tensor> in) {
            List<Tensor> values = new ArrayList<>(in);
            for (Step s : steps) {
                values.add(Tensor.of(
                        s.op(), s.arguments().stream().map(values::get).toList()));
            }
            return values.getLast();
        }
    }

    private static void bias(String word, List<Tensor> in, int out) {
        if (in.size() > 2 && !in.get(2).shape().equals(Shape.of(out))) {
            throw Op.misfit(word, in, "the bias must be [" + out + "]");
        }
    }
}
