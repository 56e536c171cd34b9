package org.telltale.engine.spi;

import org.telltale.engine.Backward;
import org.telltale.engine.Fused;
import org.telltale.engine.HostTensor;

/** The gradients of fused ops by their definition, in double, written independently of what they decompose to. */
final class NaiveBackward {
    private NaiveBackward() {}

    static void run(Backward op, HostTensor[] x, HostTensor y) {
        switch (op) {
            case Backward.LayerNorm n -> layerNorm(n.epsilon(), x, y);
            case Backward.LayerNormScale n -> layerNormScale(n.epsilon(), x[0], x[1], y);
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
