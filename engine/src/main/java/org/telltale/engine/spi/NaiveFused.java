package org.telltale.engine.spi;

import java.util.List;
import org.telltale.engine.Activation;
import org.telltale.engine.Backward;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Op;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Window;

/** The fused ops by their definition, written independently of what they decompose to. */
final class NaiveFused {
    private NaiveFused() {}

    static void run(Fused op, HostTensor[] x, HostTensor y) {
        switch (op) {
            case Fused.Activate a ->
                NaiveKernels.fill(y, (flat, i) -> NaiveKernels.activation(a.activation(), x[0].get(flat)));
            case Fused.Linear l -> linear(l.activation(), x, y);
            case Fused.LayerNorm n -> layerNorm(n.epsilon(), x, y);
            case Fused.Softmax s -> softmax(s.axis(), false, x[0], y);
            case Fused.LogSoftmax s -> softmax(s.axis(), true, x[0], y);
            case Fused.Attention a -> attention(a, x, y);
            case Fused.CachedAttention a -> cachedAttention(a, x, y);
            case Fused.Conv2d c -> convolution(c, x, y);
            case Fused.Pool p -> pool(p, x[0], y);
            case Fused.BatchNorm b ->
                NaiveKernels.fill(y, (flat, i) -> {
                    int c = i[i.length - 1];
                    return (x[0].get(flat) - (double) x[3].get(c))
                                    / Math.sqrt(x[4].get(c) + (double) b.epsilon())
                                    * x[1].get(c)
                            + x[2].get(c);
                });
            case Fused.GruCell g -> gru(x, y);
            case Fused.CrossEntropy c -> crossEntropy(x[0], x[1], y);
            case Fused.Pointwise p -> pointwise(p, x, y);
            case Backward b -> NaiveBackward.run(b, x, y);
        }
    }

    private static void pointwise(Fused.Pointwise op, HostTensor[] x, HostTensor y) {
        double[] values = new double[x.length + op.steps().size()];
        NaiveKernels.fill(y, (flat, i) -> {
            for (int k = 0; k < x.length; k++) {
                values[k] = x[k].dtype() == DType.F32 ? NaiveKernels.broadcast(x[k], i) : 0;
            }
            int at = x.length;
            for (Fused.Pointwise.Step s : op.steps()) {
                List<Integer> in = s.arguments();
                values[at++] = switch (s.op()) {
                    case Primitive.Unary u -> NaiveKernels.unary(u.kind(), values[in.getFirst()]);
                    case Primitive.Binary b -> NaiveKernels.binary(b.kind(), values[in.get(0)], values[in.get(1)]);
                    case Fused.Activate a -> NaiveKernels.activation(a.activation(), values[in.getFirst()]);
                    case Primitive.Fill f -> f.value();
                    case Primitive.RandomUniform r -> {
                        HostTensor counter = x[in.getFirst()];
                        yield Primitive.RandomUniform.at(counter.getInt(0), counter.getInt(1), r.salt(), flat);
                    }
                    case Op other -> throw new IllegalStateException("not pointwise: " + other);
                };
            }
            return values[at - 1];
        });
    }

    private static void linear(Activation activation, HostTensor[] x, HostTensor y) {
        int in = x[1].shape().dim(1);
        int out = x[1].shape().dim(0);
        NaiveKernels.fill(y, (flat, i) -> {
            long row = flat / out * in;
            long column = flat % out;
            double sum = x.length > 2 ? x[2].get(column) : 0;
            for (int k = 0; k < in; k++) {
                sum += (double) x[0].get(row + k) * x[1].get(column * in + k);
            }
            return NaiveKernels.activation(activation, sum);
        });
    }

    private static void layerNorm(double epsilon, HostTensor[] x, HostTensor y) {
        int width = y.shape().dim(-1);
        for (long row = 0; row < y.size(); row += width) {
            double mean = 0;
            for (int k = 0; k < width; k++) {
                mean += x[0].get(row + k);
            }
            mean /= width;
            double variance = 0;
            for (int k = 0; k < width; k++) {
                variance += (x[0].get(row + k) - mean) * (x[0].get(row + k) - mean);
            }
            double scale = 1 / Math.sqrt(variance / width + epsilon);
            for (int k = 0; k < width; k++) {
                y.set(row + k, (float) ((x[0].get(row + k) - mean) * scale * x[1].get(k) + x[2].get(k)));
            }
        }
    }

    private static void softmax(int axis, boolean log, HostTensor x, HostTensor y) {
        Shape s = x.shape();
        int count = s.dim(axis);
        long inner = s.product(s.axis(axis) + 1, s.rank());
        for (long o = 0; o < (count == 0 ? 0 : s.size() / count); o++) {
            long base = o / inner * count * inner + o % inner;
            double max = Double.NEGATIVE_INFINITY;
            for (int k = 0; k < count; k++) {
                max = Math.max(max, x.get(base + k * inner));
            }
            double sum = 0;
            for (int k = 0; k < count; k++) {
                sum += Math.exp(x.get(base + k * inner) - max);
            }
            for (int k = 0; k < count; k++) {
                double shifted = x.get(base + k * inner) - max;
                y.set(base + k * inner, (float) (log ? shifted - Math.log(sum) : Math.exp(shifted) / sum));
            }
        }
    }

    private interface Keys {
        /** The row of the k-th key, or -1 when the query does not see it. */
        int row(int k);
    }

    private static void attention(Fused.Attention op, HostTensor[] x, HostTensor y) {
        int batch = y.shape().dim(0);
        int queries = y.shape().dim(1);
        int keys = x[1].shape().dim(1);
        for (int b = 0; b < batch; b++) {
            for (int h = 0; h < op.heads(); h++) {
                for (int q = 0; q < queries; q++) {
                    double[] p = probabilities(op, x, b, h, q);
                    for (int k = 0; k < keys; k++) {
                        p[k] *= kept(op, x, b, h, q, k);
                    }
                    int first = b * keys;
                    values(op.heads(), h, b * queries + q, p, k -> first + k, x, y);
                }
            }
        }
    }

    /** What a query gives to every key, before dropout; 0 to those that it does not see. */
    static double[] probabilities(Fused.Attention op, HostTensor[] x, int b, int h, int q) {
        int queries = x[0].shape().dim(1);
        int keys = x[1].shape().dim(1);
        return probabilities(
                op.heads(),
                h,
                op.scale(),
                b * queries + q,
                keys,
                k -> (op.causal() && k > q + op.offset())
                                || (op.masking() == Fused.Masking.KEYS && x[3].getInt((long) b * keys + k) == 0)
                        ? -1
                        : b * keys + k,
                k -> op.masking() == Fused.Masking.BIAS ? NaiveKernels.broadcast(x[3], new int[] {b, h, q, k}) : 0,
                x);
    }

    /** What dropout multiplies a probability with. */
    static double kept(Fused.Attention op, HostTensor[] x, int b, int h, int q, int k) {
        if (op.dropout() == 0) {
            return 1;
        }
        HostTensor counter = x[op.operands() - 1];
        long query = ((long) b * op.heads() + h) * x[0].shape().dim(1) + q;
        long index = query * x[1].shape().dim(1) + k;
        float uniform = Primitive.RandomUniform.at(counter.getInt(0), counter.getInt(1), op.salt(), index);
        return uniform < op.dropout() ? 0 : 1.0 / (1 - op.dropout());
    }

    private static void cachedAttention(Fused.CachedAttention op, HostTensor[] x, HostTensor y) {
        int columns = x[3].shape().dim(1);
        for (int r = 0; r < y.shape().dim(0); r++) {
            for (int h = 0; h < op.heads(); h++) {
                long base = (long) r * columns;
                Keys keys =
                        k -> NaiveKernels.id(x[3].getInt(base + k), x[1].shape().dim(0));
                double[] p = probabilities(op.heads(), h, op.scale(), r, x[4].getInt(r), keys, k -> 0, x);
                values(op.heads(), h, r, p, keys, x, y);
            }
        }
    }

    private interface Bias {
        double at(int k);
    }

    private static double[] probabilities(
            int heads, int h, double scale, int row, int count, Keys keys, Bias bias, HostTensor[] x) {
        int width = x[0].shape().dim(-1);
        int d = width / heads;
        long query = (long) row * width + (long) h * d;
        double[] p = new double[count];
        double max = Double.NEGATIVE_INFINITY;
        for (int k = 0; k < count; k++) {
            if (keys.row(k) >= 0) {
                double dot = 0;
                for (int j = 0; j < d; j++) {
                    dot += (double) x[0].get(query + j) * x[1].get((long) keys.row(k) * width + (long) h * d + j);
                }
                p[k] = dot * scale + bias.at(k);
                max = Math.max(max, p[k]);
            }
        }
        double sum = 0;
        for (int k = 0; k < count; k++) {
            p[k] = keys.row(k) < 0 ? 0 : Math.exp(p[k] - max);
            sum += p[k];
        }
        for (int k = 0; k < count; k++) {
            p[k] = sum == 0 ? 0 : p[k] / sum;
        }
        return p;
    }

    private static void values(int heads, int h, int row, double[] p, Keys keys, HostTensor[] x, HostTensor y) {
        int width = y.shape().dim(-1);
        int d = width / heads;
        for (int j = 0; j < d; j++) {
            double v = 0;
            for (int k = 0; k < p.length; k++) {
                v += p[k] * x[2].get((long) keys.row(k) * width + (long) h * d + j);
            }
            y.set((long) row * width + (long) h * d + j, (float) v);
        }
    }

    private static void convolution(Fused.Conv2d op, HostTensor[] x, HostTensor y) {
        Window w = op.window();
        int channels = x[1].shape().dim(1);
        int perGroup = y.shape().dim(3) / op.groups();
        NaiveKernels.fill(y, (flat, i) -> {
            double sum = x.length > 2 ? x[2].get(i[3]) : 0;
            for (int r = 0; r < w.kernelHeight(); r++) {
                for (int s = 0; s < w.kernelWidth(); s++) {
                    int h = i[1] * w.strideHeight() - w.top() + r;
                    int v = i[2] * w.strideWidth() - w.left() + s;
                    if (NaiveKernels.inside(x[0].shape(), h, v)) {
                        for (int c = 0; c < channels; c++) {
                            int from = i[3] / perGroup * channels + c;
                            sum += (double) x[0].get(NaiveKernels.flat(x[0].shape(), i[0], h, v, from))
                                    * x[1].get(NaiveKernels.flat(x[1].shape(), i[3], c, r, s));
                        }
                    }
                }
            }
            return NaiveKernels.activation(op.activation(), sum);
        });
    }

    private static void pool(Fused.Pool op, HostTensor x, HostTensor y) {
        Window w = op.window();
        NaiveKernels.fill(y, (flat, i) -> {
            double max = Double.NEGATIVE_INFINITY;
            double sum = 0;
            int real = 0;
            for (int r = 0; r < w.kernelHeight(); r++) {
                for (int s = 0; s < w.kernelWidth(); s++) {
                    int h = i[1] * w.strideHeight() - w.top() + r;
                    int v = i[2] * w.strideWidth() - w.left() + s;
                    if (NaiveKernels.inside(x.shape(), h, v)) {
                        float value = x.get(NaiveKernels.flat(x.shape(), i[0], h, v, i[3]));
                        max = Math.max(max, value);
                        sum += value;
                        real++;
                    }
                }
            }
            return switch (op.kind()) {
                case MAX -> max;
                case MEAN_OF_REAL -> sum / real;
                case MEAN_OF_WINDOW -> sum / (w.kernelHeight() * w.kernelWidth());
            };
        });
    }

    private static void gru(HostTensor[] x, HostTensor y) {
        int units = y.shape().dim(1);
        NaiveKernels.fill(y, (flat, i) -> {
            int b = i[0];
            int u = i[1];
            double z = NaiveKernels.activation(
                    Activation.SIGMOID, gate(x[0], x[2], x[4], 0, b, u) + gate(x[1], x[3], x[4], 1, b, u));
            double r = NaiveKernels.activation(
                    Activation.SIGMOID,
                    gate(x[0], x[2], x[4], 0, b, units + u) + gate(x[1], x[3], x[4], 1, b, units + u));
            double c = Math.tanh(
                    gate(x[0], x[2], x[4], 0, b, 2 * units + u) + r * gate(x[1], x[3], x[4], 1, b, 2 * units + u));
            return z * x[1].get(flat) + (1 - z) * c;
        });
    }

    private static double gate(HostTensor x, HostTensor kernel, HostTensor bias, int biasRow, int row, int column) {
        int wide = kernel.shape().dim(1);
        int in = kernel.shape().dim(0);
        double sum = bias.get((long) biasRow * wide + column);
        for (int k = 0; k < in; k++) {
            sum += (double) x.get((long) row * in + k) * kernel.get((long) k * wide + column);
        }
        return sum;
    }

    private static void crossEntropy(HostTensor logits, HostTensor labels, HostTensor y) {
        int classes = logits.shape().dim(1);
        NaiveKernels.fill(y, (flat, i) -> {
            int label = labels.getInt(flat);
            if (label < 0 || label >= classes) {
                return 0;
            }
            double max = Double.NEGATIVE_INFINITY;
            for (int c = 0; c < classes; c++) {
                max = Math.max(max, logits.get(flat * classes + c));
            }
            double sum = 0;
            for (int c = 0; c < classes; c++) {
                sum += Math.exp(logits.get(flat * classes + c) - max);
            }
            return Math.log(sum) + max - logits.get(flat * classes + label);
        });
    }
}
