package org.telltale.engine.spi;

import java.util.List;
import org.telltale.engine.Activation;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;

/** One plain loop for each op, every output element by its definition. */
final class NaiveKernels {
    private NaiveKernels() {}

    /** The value of an output element. */
    interface Element {
        double at(long flat, int[] index);
    }

    static Kernel of(Tensor t, KernelMaker.Operands operands) {
        List<Buffer> in = t.inputs().stream().map(operands::buffer).toList();
        Buffer out = operands.buffer(t);
        return () -> {
            HostTensor[] x = in.stream().map(Buffer::tensor).toArray(HostTensor[]::new);
            HostTensor y = out.tensor();
            switch (t.op()) {
                case Primitive p -> primitive(p, x, y);
                case Fused f -> NaiveFused.run(f, x, y);
            }
        };
    }

    private static void primitive(Primitive op, HostTensor[] x, HostTensor y) {
        switch (op) {
            case Primitive.Leaf leaf -> throw new IllegalStateException("a leaf is not computed: " + leaf);
            case Primitive.RandomUniform r ->
                fill(y, (flat, i) -> Primitive.RandomUniform.at(x[0].getInt(0), x[0].getInt(1), r.salt(), flat));
            case Primitive.Detach d -> y.copyFrom(x[0]);
            case Primitive.Reshape r -> y.data().copyFrom(x[0].data());
            case Primitive.ToFloat f -> fill(y, (flat, i) -> x[0].getInt(flat));
            case Primitive.Unary u -> fill(y, (flat, i) -> unary(u.kind(), x[0].get(flat)));
            case Primitive.Binary b -> fill(y, (flat, i) -> binary(b.kind(), broadcast(x[0], i), broadcast(x[1], i)));
            case Primitive.MatMul m -> matmul(m, x[0], x[1], y);
            case Primitive.Reduce r -> reduce(r, x[0], y);
            case Primitive.ArgMax a -> argMax(a, x[0], y);
            case Primitive.Transpose t ->
                fill(y, (flat, i) -> {
                    int[] from = new int[i.length];
                    for (int k = 0; k < i.length; k++) {
                        from[t.order().get(k)] = i[k];
                    }
                    return x[0].get(flat(x[0].shape(), from));
                });
            case Primitive.Broadcast b -> fill(y, (flat, i) -> broadcast(x[0], i));
            case Primitive.Slice s ->
                fill(y, (flat, i) -> {
                    int[] from = i.clone();
                    from[s.axis()] += s.begin();
                    return x[0].get(flat(x[0].shape(), from));
                });
            case Primitive.Pad p ->
                fill(y, (flat, i) -> {
                    int[] from = i.clone();
                    from[p.axis()] -= p.before();
                    boolean inside =
                            from[p.axis()] >= 0 && from[p.axis()] < x[0].shape().dim(p.axis());
                    return inside ? x[0].get(flat(x[0].shape(), from)) : p.value();
                });
            case Primitive.Concat c ->
                fill(y, (flat, i) -> {
                    int[] from = i.clone();
                    int part = 0;
                    while (from[c.axis()] >= x[part].shape().dim(c.axis())) {
                        from[c.axis()] -= x[part].shape().dim(c.axis());
                        part++;
                    }
                    return x[part].get(flat(x[part].shape(), from));
                });
            case Primitive.Gather g -> {
                long row = rowSize(x[0].shape());
                fill(
                        y,
                        (flat, i) -> x[0].get(
                                id(x[1].getInt(flat / row), x[0].shape().dim(0)) * row + flat % row));
            }
            case Primitive.ScatterAdd s -> {
                long row = rowSize(y.shape());
                double[] sum = new double[(int) y.size()];
                for (long k = 0; k < x[0].size(); k++) {
                    sum[(int) (id(x[1].getInt(k / row), s.count()) * row + k % row)] += x[0].get(k);
                }
                fill(y, (flat, i) -> sum[(int) flat]);
            }
            case Primitive.ScatterRows s -> {
                if (x[0].data().address() != y.data().address()) {
                    y.copyFrom(x[0]);
                }
                long row = rowSize(y.shape());
                for (long k = 0; k < x[1].size(); k++) {
                    y.set(id(x[2].getInt(k / row), y.shape().dim(0)) * row + k % row, x[1].get(k));
                }
            }
            case Primitive.Unfold u ->
                fill(y, (flat, i) -> {
                    Window w = u.window();
                    int h = i[1] * w.strideHeight() - w.top() + i[3] / w.kernelWidth();
                    int v = i[2] * w.strideWidth() - w.left() + i[3] % w.kernelWidth();
                    return inside(x[0].shape(), h, v)
                            ? x[0].get(flat(x[0].shape(), new int[] {i[0], h, v, i[4]}))
                            : u.padding();
                });
            case Primitive.Fold f -> fold(f.window(), x[0], y);
            case Primitive.ResampleGrid r -> resample(r, x[0], y);
        }
    }

    static double unary(Primitive.UnaryKind kind, double x) {
        return switch (kind) {
            case NEG -> -x;
            case ABS -> Math.abs(x);
            case SQUARE -> x * x;
            case SQRT -> Math.sqrt(x);
            case RSQRT -> 1 / Math.sqrt(x);
            case RECIPROCAL -> 1 / x;
            case EXP -> Math.exp(x);
            case LOG -> Math.log(x);
            case ERF -> Erf.of(x);
            case TANH -> Math.tanh(x);
            case SIGMOID -> 1 / (1 + Math.exp(-x));
            case RELU -> Math.max(x, 0);
            case RELU6 -> Math.min(Math.max(x, 0), 6);
        };
    }

    static double activation(Activation kind, double x) {
        return switch (kind) {
            case NONE -> x;
            case RELU -> Math.max(x, 0);
            case RELU6 -> Math.min(Math.max(x, 0), 6);
            case GELU_ERF -> 0.5 * x * (1 + Erf.of(x * Math.sqrt(0.5)));
            case GELU_TANH -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
            case QUICK_GELU -> x / (1 + Math.exp(-1.702 * x));
            case SILU -> x / (1 + Math.exp(-x));
            case SIGMOID -> 1 / (1 + Math.exp(-x));
            case TANH -> Math.tanh(x);
        };
    }

    static double binary(Primitive.BinaryKind kind, double a, double b) {
        return switch (kind) {
            case ADD -> a + b;
            case SUB -> a - b;
            case MUL -> a * b;
            case DIV -> a / b;
            case MAXIMUM -> Math.max(a, b);
            case GREATER -> a > b ? 1 : 0;
            case EQUAL -> a == b ? 1 : 0;
        };
    }

    private static void matmul(Primitive.MatMul op, HostTensor a, HostTensor b, HostTensor y) {
        int rank = y.shape().rank();
        int inner = a.shape().dim(op.transposeA() ? -2 : -1);
        fill(y, (flat, i) -> {
            int[] ai = i.clone();
            int[] bi = b.shape().rank() == 2 ? new int[2] : i.clone();
            double sum = 0;
            for (int k = 0; k < inner; k++) {
                ai[rank - 2] = op.transposeA() ? k : i[rank - 2];
                ai[rank - 1] = op.transposeA() ? i[rank - 2] : k;
                bi[bi.length - 2] = op.transposeB() ? i[rank - 1] : k;
                bi[bi.length - 1] = op.transposeB() ? k : i[rank - 1];
                sum += (double) a.get(flat(a.shape(), ai)) * b.get(flat(b.shape(), bi));
            }
            return sum;
        });
    }

    private static void reduce(Primitive.Reduce op, HostTensor x, HostTensor y) {
        double[] out = new double[(int) y.size()];
        java.util.Arrays.fill(out, op.kind() == Primitive.ReduceKind.MAX ? Double.NEGATIVE_INFINITY : 0);
        long[] step = new long[x.shape().rank()];
        long stride = 1;
        for (int a = step.length - 1; a >= 0; a--) {
            if (!op.axes().contains(a)) {
                step[a] = stride;
                stride *= x.shape().dim(a);
            }
        }
        each(x.shape(), (flat, i) -> {
            long to = 0;
            for (int a = 0; a < i.length; a++) {
                to += i[a] * step[a];
            }
            int o = (int) to;
            switch (op.kind()) {
                case SUM -> out[o] += x.get(flat);
                case MAX -> out[o] = Math.max(out[o], x.get(flat));
            }
        });
        fill(y, (flat, i) -> out[(int) flat]);
    }

    private static void argMax(Primitive.ArgMax op, HostTensor x, HostTensor y) {
        Shape s = x.shape();
        int axis = s.axis(op.axis());
        long inner = s.product(axis + 1, s.rank());
        int count = s.dim(axis);
        for (long o = 0; o < y.size(); o++) {
            long base = o / inner * count * inner + o % inner;
            int best = 0;
            for (int k = 1; k < count; k++) {
                if (x.get(base + k * inner) > x.get(base + best * inner)) {
                    best = k;
                }
            }
            y.setInt(o, best);
        }
    }

    private static void fold(Window w, HostTensor x, HostTensor y) {
        double[] sum = new double[(int) y.size()];
        each(x.shape(), (flat, i) -> {
            int h = i[1] * w.strideHeight() - w.top() + i[3] / w.kernelWidth();
            int v = i[2] * w.strideWidth() - w.left() + i[3] % w.kernelWidth();
            if (inside(y.shape(), h, v)) {
                sum[(int) flat(y.shape(), new int[] {i[0], h, v, i[4]})] += x.get(flat);
            }
        });
        fill(y, (flat, i) -> sum[(int) flat]);
    }

    private static void resample(Primitive.ResampleGrid op, HostTensor x, HostTensor y) {
        int width = y.shape().dim(1);
        double[] sum = new double[(int) y.size()];
        for (int r = 0; r < op.toRows(); r++) {
            for (int c = 0; c < op.toColumns(); c++) {
                for (int tap = 0; tap < 16; tap++) {
                    double weight = Primitive.ResampleGrid.tap(op.rows(), op.toRows(), r, tap / 4)
                            * Primitive.ResampleGrid.tap(op.columns(), op.toColumns(), c, tap % 4);
                    int small = Primitive.ResampleGrid.source(op.rows(), op.toRows(), r, tap / 4) * op.columns()
                            + Primitive.ResampleGrid.source(op.columns(), op.toColumns(), c, tap % 4);
                    int big = r * op.toColumns() + c;
                    int from = op.adjoint() ? big : small;
                    int to = op.adjoint() ? small : big;
                    for (int k = 0; k < width; k++) {
                        sum[to * width + k] += weight * x.get((long) from * width + k);
                    }
                }
            }
        }
        fill(y, (flat, i) -> sum[(int) flat]);
    }

    static boolean inside(Shape picture, int h, int w) {
        return h >= 0 && h < picture.dim(1) && w >= 0 && w < picture.dim(2);
    }

    static int id(int id, int count) {
        if (id < 0 || id >= count) {
            throw new IndexOutOfBoundsException("id " + id + " outside a table of " + count + " rows");
        }
        return id;
    }

    private static long rowSize(Shape table) {
        return table.product(1, table.rank());
    }

    /** The flat index of a place. */
    static long flat(Shape s, int... index) {
        long f = 0;
        for (int a = 0; a < index.length; a++) {
            f = f * s.dim(a) + index[a];
        }
        return f;
    }

    /** The operand's value that broadcasting puts at a place of the result. */
    static double broadcast(HostTensor x, int[] index) {
        Shape s = x.shape();
        int lead = index.length - s.rank();
        long f = 0;
        for (int a = 0; a < s.rank(); a++) {
            f = f * s.dim(a) + (s.dim(a) == 1 ? 0 : index[lead + a]);
        }
        return x.get(f);
    }

    static void fill(HostTensor y, Element value) {
        each(y.shape(), (flat, i) -> {
            double v = value.at(flat, i);
            if (y.dtype() == DType.I32) {
                y.setInt(flat, (int) v);
            } else {
                y.set(flat, (float) v);
            }
        });
    }

    interface Place {
        void at(long flat, int[] index);
    }

    /** Every place of a shape, in order; the index array is reused. */
    static void each(Shape s, Place place) {
        int[] index = new int[s.rank()];
        long size = s.size();
        for (long flat = 0; flat < size; flat++) {
            place.at(flat, index);
            for (int a = index.length - 1; a >= 0 && ++index[a] == s.dim(a); a--) {
                index[a] = 0;
            }
        }
    }
}
