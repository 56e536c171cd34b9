package org.telltale.engine.spi;

import org.telltale.engine.Backward;
import org.telltale.engine.Fused;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.Window;

/** The gradients of fused ops by their definition, in double, written independently of what they decompose to. */
final class NaiveBackward {
    private NaiveBackward() {}

    static void run(Backward op, HostTensor[] x, HostTensor y) {
        switch (op) {
            case Backward.LayerNorm n -> layerNorm(n.epsilon(), x, y);
            case Backward.LayerNormScale n -> layerNormScale(n.epsilon(), x[0], x[1], y);
            case Backward.ConvInput c ->
                convolution(
                        c.window(),
                        c.groups(),
                        y,
                        x[1],
                        (sums, in, weight, out) ->
                                sums[Math.toIntExact(in)] += (double) x[0].get(weight) * x[1].get(out),
                        y);
            case Backward.ConvWeight c ->
                convolution(
                        c.window(),
                        c.groups(),
                        x[0],
                        x[1],
                        (sums, in, weight, out) ->
                                sums[Math.toIntExact(weight)] += (double) x[0].get(in) * x[1].get(out),
                        y);
            case Backward.Attention a -> attention(a.of(), x, y);
        }
    }

    /** The derivative of every result of a row with respect to every element of it, times dy. */
    private static void layerNorm(double epsilon, HostTensor[] x, HostTensor y) {
        int width = y.shape().dim(-1);
        for (long row = 0; row < y.size(); row += width) {
            Moments m = Moments.of(x[0], row, width, epsilon);
            for (int i = 0; i < width; i++) {
                double sum = 0;
                for (int j = 0; j < width; j++) {
                    double unit = m.unit(x[0].get(row + i)) * m.unit(x[0].get(row + j));
                    double derivative = ((i == j ? 1 : 0) - (1 + unit) / width) / m.deviation;
                    sum += derivative * x[1].get(j) * x[2].get(row + j);
                }
                y.set(row + i, (float) sum);
            }
        }
    }

    private static void layerNormScale(double epsilon, HostTensor x, HostTensor dy, HostTensor y) {
        int width = x.shape().dim(-1);
        double[] sums = new double[width];
        for (long row = 0; row < x.size(); row += width) {
            Moments m = Moments.of(x, row, width, epsilon);
            for (int i = 0; i < width; i++) {
                sums[i] += dy.get(row + i) * m.unit(x.get(row + i));
            }
        }
        for (int i = 0; i < width; i++) {
            y.set(i, (float) sums[i]);
        }
    }

    /** One product of a convolution: which element of the pictures meets which of the weight, for which result. */
    private interface Meeting {
        void at(double[] sums, long in, long weight, long out);
    }

    /** Goes over all products of the convolution of pictures [N, H, W, C] to [N, H', W', O], and keeps the sums. */
    private static void convolution(
            Window window, int groups, HostTensor pictures, HostTensor results, Meeting meeting, HostTensor y) {
        Shape in = pictures.shape();
        Shape out = results.shape();
        int each = in.dim(3) / groups;
        int fan = out.dim(3) / groups;
        double[] sums = new double[Math.toIntExact(y.size())];
        for (long n = 0; n < out.dim(0); n++) {
            for (int row = 0; row < out.dim(1); row++) {
                for (int column = 0; column < out.dim(2); column++) {
                    for (int r = 0; r < window.kernelHeight(); r++) {
                        for (int s = 0; s < window.kernelWidth(); s++) {
                            int h = row * window.strideHeight() + r - window.top();
                            int w = column * window.strideWidth() + s - window.left();
                            if (h < 0 || w < 0 || h >= in.dim(1) || w >= in.dim(2)) {
                                continue;
                            }
                            for (int o = 0; o < out.dim(3); o++) {
                                for (int c = 0; c < each; c++) {
                                    long from = ((n * in.dim(1) + h) * in.dim(2) + w) * in.dim(3);
                                    long tap =
                                            (((long) o * each + c) * window.kernelHeight() + r) * window.kernelWidth()
                                                    + s;
                                    long to = ((n * out.dim(1) + row) * out.dim(2) + column) * out.dim(3) + o;
                                    meeting.at(sums, from + (long) o / fan * each + c, tap, to);
                                }
                            }
                        }
                    }
                }
            }
        }
        for (int i = 0; i < sums.length; i++) {
            y.set(i, (float) sums[i]);
        }
    }

    private record Moments(double mean, double deviation) {
        static Moments of(HostTensor x, long row, int width, double epsilon) {
            double mean = 0;
            for (int k = 0; k < width; k++) {
                mean += x.get(row + k);
            }
            mean /= width;
            double variance = 0;
            for (int k = 0; k < width; k++) {
                variance += (x.get(row + k) - mean) * (x.get(row + k) - mean);
            }
            return new Moments(mean, Math.sqrt(variance / width + epsilon));
        }

        double unit(float value) {
            return (value - mean) / deviation;
        }
    }

    /** Through every score: the derivative of a probability p is p (dp - the mean of all dp), which dy y states. */
    private static void attention(Fused.Attention op, HostTensor[] x, HostTensor y) {
        int batch = x[0].shape().dim(0);
        int queries = x[0].shape().dim(1);
        int keys = x[1].shape().dim(1);
        int width = x[0].shape().dim(2);
        int d = width / op.heads();
        HostTensor result = x[x.length - 2];
        HostTensor dy = x[x.length - 1];
        double[] sums = new double[(int) y.size()];
        int dk = batch * queries * width;
        int dv = dk + batch * keys * width;
        for (int b = 0; b < batch; b++) {
            for (int h = 0; h < op.heads(); h++) {
                for (int q = 0; q < queries; q++) {
                    int query = (b * queries + q) * width + h * d;
                    double[] p = NaiveFused.probabilities(op, x, b, h, q);
                    double mean = dot(dy, query, result, query, d);
                    for (int k = 0; k < keys; k++) {
                        int key = (b * keys + k) * width + h * d;
                        double kept = NaiveFused.kept(op, x, b, h, q, k);
                        double score = op.scale() * p[k] * (kept * dot(dy, query, x[2], key, d) - mean);
                        for (int j = 0; j < d; j++) {
                            sums[query + j] += score * x[1].get(key + j);
                            sums[dk + key + j] += score * x[0].get(query + j);
                            sums[dv + key + j] += kept * p[k] * dy.get(query + j);
                        }
                    }
                }
            }
        }
        for (int i = 0; i < sums.length; i++) {
            y.set(i, (float) sums[i]);
        }
    }

    private static double dot(HostTensor a, int i, HostTensor b, int j, int count) {
        double sum = 0;
        for (int k = 0; k < count; k++) {
            sum += (double) a.get(i + k) * b.get(j + k);
        }
        return sum;
    }
}
