package org.telltale.engine;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Ops with a shape rule and a gradient of their own, written with tensors; they know nothing of devices. */
public sealed interface Primitive extends Op {
    /**
     * The gradient of each input, given the result and the gradient of the result. Inputs without a gradient (ids,
     * positions) get zeros.
     */
    List<Tensor> vjp(Tensor y, Tensor dy);

    /** Ops without operands. */
    sealed interface Leaf extends Primitive {
        @Override
        default List<Tensor> vjp(Tensor y, Tensor dy) {
            return List.of();
        }
    }

    /** A value given before each run. */
    record Input(String name, DType type, Shape extents) implements Leaf {
        @Override
        public Shape shape(List<Tensor> in) {
            return extents;
        }

        @Override
        public DType dtype(List<Tensor> in) {
            return type;
        }
    }

    /** A tensor of the checkpoint, in the checkpoint's own layout. */
    record Weight(String name, Shape extents) implements Leaf {
        @Override
        public Shape shape(List<Tensor> in) {
            return extents;
        }
    }

    /** Memory that outlives a run (a cache, running statistics), starting at zero; {@link Graph#updates} change it. */
    record State(String name, Shape extents) implements Leaf {
        @Override
        public Shape shape(List<Tensor> in) {
            return extents;
        }
    }

    /** The same number everywhere. */
    record Fill(float value, Shape extents) implements Leaf {
        @Override
        public Shape shape(List<Tensor> in) {
            return extents;
        }
    }

    /** The coordinate along an axis, as F32: exact up to 2^24. */
    record Iota(int axis, Shape extents) implements Leaf {
        @Override
        public Shape shape(List<Tensor> in) {
            extents.axis(axis);
            return extents;
        }
    }

    /**
     * Uniform numbers in [0, 1) that are a pure function of (seed, step, salt, index), so that every backend draws the
     * same. The operand is I32 [2]: seed and step.
     */
    record RandomUniform(int salt, Shape extents) implements Primitive {
        @Override
        public Shape shape(List<Tensor> in) {
            if (in.getFirst().dtype() != DType.I32 || in.getFirst().shape().size() != 2) {
                throw Op.misfit(word(), in, "the counter must be I32 [2], seed and step");
            }
            return extents;
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            return zeros(y);
        }

        /** The number at a flat index: splitmix64 over the four keys, the top 24 bits. */
        public static float at(int seed, int step, int salt, long index) {
            return at(key(seed, step, salt), index);
        }

        /** What the numbers of one tensor have in common. */
        public static long key(int seed, int step, int salt) {
            return mix(mix(seed * 0x9E3779B97F4A7C15L + step) + salt * 0xD1B54A32D192ED03L);
        }

        /** The number at a flat index of a tensor. */
        public static float at(long key, long index) {
            return (mix(key + (index + 1) * 0x9E3779B97F4A7C15L) >>> 40) * 0x1p-24f;
        }

        private static long mix(long seed) {
            long z = seed;
            z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
            z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
            return z ^ (z >>> 31);
        }
    }

    /** The same values with no gradient. */
    record Detach() implements Primitive {
        @Override
        public Shape shape(List<Tensor> in) {
            return in.getFirst().shape();
        }

        @Override
        public DType dtype(List<Tensor> in) {
            return in.getFirst().dtype();
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            return zeros(y);
        }
    }

    /** I32 to F32 (exact up to 2^24). */
    record ToFloat() implements Primitive {
        @Override
        public Shape shape(List<Tensor> in) {
            if (in.getFirst().dtype() != DType.I32) {
                throw Op.misfit(word(), in, "the operand is " + in.getFirst().dtype() + ", not I32");
            }
            return in.getFirst().shape();
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            return zeros(y);
        }
    }

    enum UnaryKind {
        NEG,
        ABS,
        SQUARE,
        SQRT,
        RSQRT,
        RECIPROCAL,
        EXP,
        LOG,
        ERF,
        TANH,
        SIGMOID,
        RELU,
        RELU6
    }

    record Unary(UnaryKind kind) implements Primitive {
        @Override
        public Shape shape(List<Tensor> in) {
            float32(word(), in);
            return in.getFirst().shape();
        }

        @Override
        public String word() {
            return kind.name().toLowerCase(java.util.Locale.ROOT);
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            Tensor x = y.inputs().getFirst();
            Tensor zero = Tensor.fill(0);
            return List.of(
                    switch (kind) {
                        case NEG -> dy.neg();
                        case ABS -> dy.mul(x.greater(zero).sub(zero.greater(x)));
                        case SQUARE -> dy.mul(x).mul(2);
                        case SQRT -> dy.mul(0.5f).div(y);
                        case RSQRT -> dy.mul(-0.5f).mul(y).mul(y).mul(y);
                        case RECIPROCAL -> dy.neg().mul(y).mul(y);
                        case EXP -> dy.mul(y);
                        case LOG -> dy.div(x);
                        case ERF ->
                            dy.mul((float) (2 / Math.sqrt(Math.PI)))
                                    .mul(x.square().neg().exp());
                        case TANH -> dy.sub(dy.mul(y).mul(y));
                        case SIGMOID -> dy.mul(y).mul(y.neg().add(1));
                        case RELU -> dy.mul(x.greater(zero));
                        case RELU6 -> dy.mul(x.greater(zero)).mul(Tensor.fill(6).greater(x));
                    });
        }
    }

    enum BinaryKind {
        ADD,
        SUB,
        MUL,
        DIV,
        /** A tie sends half of the gradient to each side. */
        MAXIMUM,
        /** 1 where a > b, else 0; no gradient. */
        GREATER,
        /** 1 where a = b, else 0; no gradient. */
        EQUAL
    }

    /** Pointwise over two operands with NumPy's broadcasting. */
    record Binary(BinaryKind kind) implements Primitive {
        @Override
        public Shape shape(List<Tensor> in) {
            float32(word(), in);
            Shape a = in.get(0).shape();
            Shape b = in.get(1).shape();
            int rank = Math.max(a.rank(), b.rank());
            int[] out = new int[rank];
            for (int i = 1; i <= rank; i++) {
                int x = i <= a.rank() ? a.dim(-i) : 1;
                int y = i <= b.rank() ? b.dim(-i) : 1;
                if (x != y && x != 1 && y != 1) {
                    throw Op.misfit(word(), in, "extents differ on axis " + -i + ": " + x + " vs " + y);
                }
                out[rank - i] = x == 1 ? y : x;
            }
            return Shape.of(out);
        }

        @Override
        public String word() {
            return kind.name().toLowerCase(java.util.Locale.ROOT);
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            Tensor a = y.inputs().get(0);
            Tensor b = y.inputs().get(1);
            return switch (kind) {
                case ADD -> both(a, dy, b, dy);
                case SUB -> both(a, dy, b, dy.neg());
                case MUL -> both(a, dy.mul(b), b, dy.mul(a));
                case DIV -> both(a, dy.div(b), b, dy.mul(y).div(b).neg());
                case MAXIMUM -> {
                    Tensor tie = a.equal(b).mul(0.5f);
                    yield both(
                            a,
                            dy.mul(a.greater(b).add(tie)),
                            b,
                            dy.mul(b.greater(a).add(tie)));
                }
                case GREATER, EQUAL -> zeros(y);
            };
        }

        private static List<Tensor> both(Tensor a, Tensor da, Tensor b, Tensor db) {
            return List.of(da.sumTo(a.shape()), db.sumTo(b.shape()));
        }
    }

    /**
     * Matrix product over the last two axes. [.., M, K] x [.., K, N] with equal leading axes, or with b of rank 2 shared
     * by them; each operand may be transposed.
     */
    record MatMul(boolean transposeA, boolean transposeB) implements Primitive {
        @Override
        public Shape shape(List<Tensor> in) {
            float32(word(), in);
            Shape a = in.get(0).shape();
            Shape b = in.get(1).shape();
            if (a.rank() < 2 || b.rank() < 2) {
                throw Op.misfit(word(), in, "both operands need at least two axes");
            }
            if ((b.rank() != 2 && b.rank() != a.rank()) || (transposeA && b.rank() == 2 && a.rank() > 2)) {
                throw Op.misfit(word(), in, "ranks do not fit: " + a.rank() + " vs " + b.rank());
            }
            for (int i = 0; b.rank() > 2 && i < a.rank() - 2; i++) {
                if (a.dim(i) != b.dim(i)) {
                    throw Op.misfit(word(), in, "leading extents differ: " + a.dim(i) + " vs " + b.dim(i));
                }
            }
            int m = a.dim(transposeA ? -1 : -2);
            int k = a.dim(transposeA ? -2 : -1);
            int k2 = b.dim(transposeB ? -1 : -2);
            int n = b.dim(transposeB ? -2 : -1);
            if (k != k2) {
                throw Op.misfit(word(), in, "inner extents differ: " + k + " vs " + k2);
            }
            return a.with(-2, m).with(-1, n);
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            Tensor a = y.inputs().get(0);
            Tensor b = y.inputs().get(1);
            Tensor da = transposeA ? product(b, dy, transposeB, true) : product(dy, b, false, !transposeB);
            Tensor rows = a;
            Tensor dRows = dy;
            if (b.shape().rank() == 2 && a.shape().rank() > 2) {
                rows = a.reshape(-1, a.shape().dim(-1));
                dRows = dy.reshape(-1, dy.shape().dim(-1));
            }
            Tensor db = transposeB ? product(dRows, rows, true, transposeA) : product(rows, dRows, !transposeA, false);
            return List.of(da, db);
        }

        private static Tensor product(Tensor a, Tensor b, boolean ta, boolean tb) {
            return Tensor.of(new MatMul(ta, tb), a, b);
        }
    }

    enum ReduceKind {
        SUM,
        /** Over one axis; the gradient goes to the first maximum. */
        MAX
    }

    /** Reduction over axes (from 0, ascending), which keep the extent 1 or vanish. */
    record Reduce(ReduceKind kind, List<Integer> axes, boolean keep) implements Primitive {
        public Reduce {
            axes = List.copyOf(axes);
        }

        @Override
        public Shape shape(List<Tensor> in) {
            float32(word(), in);
            Shape x = in.getFirst().shape();
            if (kind == ReduceKind.MAX && (axes.size() != 1 || x.dim(axes.getFirst()) == 0)) {
                throw Op.misfit(word(), in, "the maximum is taken over one axis that is not empty");
            }
            axes.forEach(x::axis);
            return reduced(x, axes, keep);
        }

        @Override
        public String word() {
            return kind.name().toLowerCase(java.util.Locale.ROOT);
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            Tensor x = y.inputs().getFirst();
            Tensor wide = dy.reshape(reduced(x.shape(), axes, true)).broadcast(x.shape());
            return List.of(
                    switch (kind) {
                        case SUM -> wide;
                        case MAX -> {
                            int axis = axes.getFirst();
                            Tensor first = Tensor.of(new ArgMax(axis), x).toFloat();
                            Tensor at = first.reshape(reduced(x.shape(), axes, true));
                            yield wide.mul(Tensor.iota(axis, x.shape()).equal(at));
                        }
                    });
        }

        private static Shape reduced(Shape x, List<Integer> axes, boolean keep) {
            List<Integer> out = new ArrayList<>();
            for (int i = 0; i < x.rank(); i++) {
                if (!axes.contains(i)) {
                    out.add(x.dim(i));
                } else if (keep) {
                    out.add(1);
                }
            }
            return Shape.of(out);
        }
    }

    /** The lowest index of the maximum along an axis, which vanishes; I32. */
    record ArgMax(int axis) implements Primitive {
        @Override
        public Shape shape(List<Tensor> in) {
            float32(word(), in);
            Shape x = in.getFirst().shape();
            if (x.dim(axis) == 0) {
                throw Op.misfit(word(), in, "the axis is empty");
            }
            return Reduce.reduced(x, List.of(x.axis(axis)), false);
        }

        @Override
        public DType dtype(List<Tensor> in) {
            return DType.I32;
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            return zeros(y);
        }
    }

    /** The same elements in the same order. */
    record Reshape(Shape extents) implements Primitive {
        @Override
        public Shape shape(List<Tensor> in) {
            if (in.getFirst().shape().size() != extents.size()) {
                throw Op.misfit(word(), in, "the element count differs from that of " + extents);
            }
            return extents;
        }

        @Override
        public DType dtype(List<Tensor> in) {
            return in.getFirst().dtype();
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            return List.of(dy.reshape(y.inputs().getFirst().shape()));
        }
    }

    /** Axis i of the result is axis order[i] of the operand. */
    record Transpose(List<Integer> order) implements Primitive {
        public Transpose {
            order = List.copyOf(order);
        }

        @Override
        public Shape shape(List<Tensor> in) {
            float32(word(), in);
            Shape x = in.getFirst().shape();
            List<Integer> sorted = order.stream().sorted().toList();
            for (int i = 0; i < Math.max(sorted.size(), x.rank()); i++) {
                if (sorted.size() != x.rank() || sorted.get(i) != i) {
                    throw Op.misfit(word(), in, order + " is not an order of its axes");
                }
            }
            return Shape.of(order.stream().map(x::dim).toList());
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            List<Integer> back = new ArrayList<>(order);
            for (int i = 0; i < order.size(); i++) {
                back.set(order.get(i), i);
            }
            return List.of(dy.transpose(back));
        }
    }

    /** Repeats axes of extent 1, and adds leading ones, until the operand has the shape. */
    record Broadcast(Shape extents) implements Primitive {
        @Override
        public Shape shape(List<Tensor> in) {
            float32(word(), in);
            Shape x = in.getFirst().shape();
            for (int i = 1; i <= x.rank(); i++) {
                if (i > extents.rank() || (x.dim(-i) != 1 && x.dim(-i) != extents.dim(-i))) {
                    throw Op.misfit(word(), in, "it cannot become " + extents);
                }
            }
            return extents;
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            return List.of(dy.sumTo(y.inputs().getFirst().shape()));
        }
    }

    /** Elements from begin (inclusive) to end (exclusive) along one axis. */
    record Slice(int axis, int begin, int end) implements Primitive {
        @Override
        public Shape shape(List<Tensor> in) {
            float32(word(), in);
            Shape x = in.getFirst().shape();
            if (begin < 0 || end < begin || end > x.dim(axis)) {
                throw Op.misfit(word(), in, begin + ".." + end + " lies outside axis " + axis);
            }
            return x.with(axis, end - begin);
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            int extent = y.inputs().getFirst().shape().dim(axis);
            return List.of(dy.pad(axis, begin, extent - end, 0));
        }
    }

    /** Adds elements of one value before and after along one axis. */
    record Pad(int axis, int before, int after, float value) implements Primitive {
        @Override
        public Shape shape(List<Tensor> in) {
            float32(word(), in);
            Shape x = in.getFirst().shape();
            if (before < 0 || after < 0) {
                throw Op.misfit(word(), in, "negative padding " + before + ", " + after);
            }
            return x.with(axis, x.dim(axis) + before + after);
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            return List.of(dy.slice(axis, before, y.shape().dim(axis) - after));
        }
    }

    /** Joins operands along one axis. */
    record Concat(int axis) implements Primitive {
        @Override
        public Shape shape(List<Tensor> in) {
            float32(word(), in);
            Shape first = in.getFirst().shape();
            int sum = 0;
            for (Tensor t : in) {
                if (t.shape().rank() != first.rank() || !t.shape().with(axis, 0).equals(first.with(axis, 0))) {
                    throw Op.misfit(word(), in, "extents differ off axis " + axis);
                }
                sum += t.shape().dim(axis);
            }
            return first.with(axis, sum);
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            List<Tensor> out = new ArrayList<>();
            int at = 0;
            for (Tensor t : y.inputs()) {
                int next = at + t.shape().dim(axis);
                out.add(dy.slice(axis, at, next));
                at = next;
            }
            return out;
        }
    }

    /** Rows of a table [V, ..] by ids, I32 of any shape: ids.shape + [..]. An id outside 0..V-1 fails the run. */
    record Gather() implements Primitive {
        @Override
        public Shape shape(List<Tensor> in) {
            Shape table = in.get(0).shape();
            ids(word(), in, in.get(1));
            if (table.rank() < 1) {
                throw Op.misfit(word(), in, "the table needs rows");
            }
            return rows(in.get(1).shape(), table);
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            Tensor table = y.inputs().get(0);
            Tensor ids = y.inputs().get(1);
            return List.of(Tensor.of(new ScatterAdd(table.shape().dim(0)), dy, ids), Tensor.zeros(ids.shape()));
        }

        static Shape rows(Shape ids, Shape table) {
            int[] out = new int[ids.rank() + table.rank() - 1];
            for (int i = 0; i < out.length; i++) {
                out[i] = i < ids.rank() ? ids.dim(i) : table.dim(i - ids.rank() + 1);
            }
            return Shape.of(out);
        }
    }

    /** The adjoint of {@link Gather}: a table of zeros [count, ..] with each row added at its id, in order. */
    record ScatterAdd(int count) implements Primitive {
        @Override
        public Shape shape(List<Tensor> in) {
            Shape rows = in.get(0).shape();
            Shape ids = in.get(1).shape();
            ids(word(), in, in.get(1));
            if (rows.rank() < ids.rank()
                    || !Shape.of(java.util.Arrays.copyOf(rows.dims(), ids.rank()))
                            .equals(ids)) {
                throw Op.misfit(word(), in, "rows must begin with the extents of the ids");
            }
            int[] out = new int[rows.rank() - ids.rank() + 1];
            out[0] = count;
            for (int i = 1; i < out.length; i++) {
                out[i] = rows.dim(ids.rank() + i - 1);
            }
            return Shape.of(out);
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            Tensor ids = y.inputs().get(1);
            return List.of(Tensor.of(new Gather(), dy, ids), Tensor.zeros(ids.shape()));
        }
    }

    /** A table [V, ..] with rows [R, ..] written at distinct slots, I32 [R]; a slot outside the table fails the run. */
    record ScatterRows() implements Primitive {
        @Override
        public Shape shape(List<Tensor> in) {
            Shape table = in.get(0).shape();
            Shape rows = in.get(1).shape();
            ids(word(), in, in.get(2));
            if (in.get(2).shape().rank() != 1
                    || !rows.equals(table.with(0, in.get(2).shape().dim(0)))) {
                throw Op.misfit(word(), in, "rows must be [slots, ..] with the table's row shape");
            }
            return table;
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            Tensor rows = y.inputs().get(1);
            Tensor slots = y.inputs().get(2);
            return List.of(
                    Tensor.of(new ScatterRows(), dy, Tensor.zeros(rows.shape()), slots),
                    Tensor.of(new Gather(), dy, slots),
                    Tensor.zeros(slots.shape()));
        }
    }

    /** The windows of pictures [N, H, W, C] as [N, H', W', kh*kw, C]; padding holds one value. */
    record Unfold(Window window, float padding) implements Primitive {
        @Override
        public Shape shape(List<Tensor> in) {
            float32(word(), in);
            int[] out = window.output(word(), in);
            Shape x = in.getFirst().shape();
            return Shape.of(x.dim(0), out[0], out[1], window.kernelHeight() * window.kernelWidth(), x.dim(3));
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            Shape x = y.inputs().getFirst().shape();
            return List.of(Tensor.of(new Fold(window, x.dim(1), x.dim(2)), dy));
        }
    }

    /** The adjoint of {@link Unfold}: every window's elements added where they came from. */
    record Fold(Window window, int height, int width) implements Primitive {
        @Override
        public Shape shape(List<Tensor> in) {
            float32(word(), in);
            Shape y = in.getFirst().shape();
            if (y.rank() != 5
                    || y.dim(1) != window.outHeight(height)
                    || y.dim(2) != window.outWidth(width)
                    || y.dim(3) != window.kernelHeight() * window.kernelWidth()) {
                throw Op.misfit(word(), in, "not the windows of " + height + "x" + width + " pictures");
            }
            return Shape.of(y.dim(0), height, width, y.dim(4));
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            return List.of(Tensor.of(new Unfold(window, 0), dy));
        }
    }

    /**
     * Bicubic resampling (a = -0.75, half-pixel centres, no antialias, indices clamped) of tables [rows*columns, W], as
     * for position embeddings (SPEC §10.4); the adjoint takes the resampled shape back.
     */
    record ResampleGrid(int rows, int columns, int toRows, int toColumns, boolean adjoint) implements Primitive {
        @Override
        public Shape shape(List<Tensor> in) {
            float32(word(), in);
            Shape x = in.getFirst().shape();
            int from = adjoint ? Math.multiplyExact(toRows, toColumns) : Math.multiplyExact(rows, columns);
            if (x.rank() != 2 || x.dim(0) != from) {
                throw Op.misfit(word(), in, "the table must be [" + from + ", W]");
            }
            return x.with(0, adjoint ? rows * columns : toRows * toColumns);
        }

        @Override
        public List<Tensor> vjp(Tensor y, Tensor dy) {
            return List.of(Tensor.of(new ResampleGrid(rows, columns, toRows, toColumns, !adjoint), dy));
        }

        /** Weight of the i-th (0..3) tap of output coordinate o, and its source index, as torch computes them. */
        public static double tap(int from, int to, int o, int i) {
            double t = fraction(from, to, o);
            double d = Math.abs(i - 1 - t);
            double a = -0.75;
            return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
        }

        public static int source(int from, int to, int o, int i) {
            double x = (o + 0.5) * from / to - 0.5;
            return Math.clamp((int) Math.floor(x) - 1 + i, 0, from - 1);
        }

        private static double fraction(int from, int to, int o) {
            double x = (o + 0.5) * from / to - 0.5;
            return x - Math.floor(x);
        }
    }

    private static List<Tensor> zeros(Tensor y) {
        return y.inputs().stream().map(t -> Tensor.zeros(t.shape())).toList();
    }

    private static void float32(String word, List<Tensor> in) {
        for (Tensor t : in) {
            if (t.dtype() != DType.F32) {
                throw Op.misfit(word, in, "an operand is " + t.dtype() + ", not F32");
            }
        }
    }

    /** Ids are I32 and all other operands F32. */
    private static void ids(String word, List<Tensor> in, Tensor ids) {
        if (ids.dtype() != DType.I32) {
            throw Op.misfit(word, in, "ids are " + ids.dtype() + ", not I32");
        }
        for (Tensor t : in) {
            if (t != ids && t.dtype() != DType.F32) {
                throw Op.misfit(word, in, "an operand is " + t.dtype() + ", not F32");
            }
        }
    }

    /** All axes of a shape, for a complete reduction. */
    static List<Integer> allAxes(Shape shape) {
        List<Integer> axes = new ArrayList<>();
        for (int i = 0; i < shape.rank(); i++) {
            axes.add(i);
        }
        return Collections.unmodifiableList(axes);
    }
}
