package org.telltale.bench;

import java.util.Map;
import java.util.Optional;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Op;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;

/**
 * The loops of one product's definition in plain Java over float[], the outermost in parallel: what a kernel for a device is
 * measured against.
 */
final class PlainLoops {
    private PlainLoops() {}

    /** What computes a graph of one product into an array; empty for any other graph. */
    static Optional<Runnable> of(Graph graph, Map<Tensor, float[]> values, float[] y) {
        Tensor t = graph.outputs().getFirst();
        float[][] in = t.inputs().stream().map(values::get).toArray(float[][]::new);
        for (float[] x : in) {
            if (x == null) {
                return Optional.empty();
            }
        }
        Op op = t.op();
        if (op instanceof Fused.Linear l && l.activation() == Activation.NONE) {
            return Optional.of(() -> linear(in, y, t.dim(-1)));
        }
        if (op instanceof Fused.Attention a && a.masking() == Fused.Masking.NONE && !a.causal()) {
            return Optional.of(() -> attention(a, t, in, y));
        }
        if (op instanceof Fused.Conv2d c && c.groups() == 1 && c.activation() == Activation.RELU6) {
            return Optional.of(() -> convolution(c.window(), t, in, y));
        }
        return Optional.empty();
    }

    private static void linear(float[][] in, float[] y, int columns) {
        int depth = in[1].length / columns;
        rows(y.length / columns, row -> {
            for (int column = 0; column < columns; column++) {
                float sum = in[2][column];
                for (int k = 0; k < depth; k++) {
                    sum += in[0][row * depth + k] * in[1][column * depth + k];
                }
                y[row * columns + column] = sum;
            }
        });
    }

    private static void attention(Fused.Attention op, Tensor t, float[][] in, float[] y) {
        int queries = t.dim(1);
        int keys = t.inputs().get(1).dim(1);
        int width = t.dim(2);
        int depth = width / op.heads();
        rows(t.dim(0) * op.heads() * queries, row -> {
            int batch = row / (op.heads() * queries);
            int column = row / queries % op.heads() * depth;
            int query = (batch * queries + row % queries) * width + column;
            float[] p = new float[keys];
            float most = Float.NEGATIVE_INFINITY;
            for (int k = 0; k < keys; k++) {
                int key = (batch * keys + k) * width + column;
                float dot = 0;
                for (int d = 0; d < depth; d++) {
                    dot += in[0][query + d] * in[1][key + d];
                }
                p[k] = dot * op.scale();
                most = Math.max(most, p[k]);
            }
            float total = 0;
            for (int k = 0; k < keys; k++) {
                p[k] = (float) Math.exp(p[k] - most);
                total += p[k];
            }
            for (int d = 0; d < depth; d++) {
                float sum = 0;
                for (int k = 0; k < keys; k++) {
                    sum += p[k] * in[2][(batch * keys + k) * width + column + d];
                }
                y[query + d] = sum / total;
            }
        });
    }

    private static void convolution(Window w, Tensor t, float[][] in, float[] y) {
        Tensor x = t.inputs().getFirst();
        int height = x.dim(1);
        int width = x.dim(2);
        int channels = x.dim(3);
        int outputs = t.dim(3);
        int taps = w.kernelHeight() * w.kernelWidth();
        rows(t.dim(0) * t.dim(1), row -> {
            int top = row % t.dim(1) * w.strideHeight() - w.top();
            int picture = row / t.dim(1) * height;
            for (int column = 0; column < t.dim(2); column++) {
                int left = column * w.strideWidth() - w.left();
                for (int o = 0; o < outputs; o++) {
                    float sum = in[2][o];
                    for (int r = Math.max(0, -top); r < w.kernelHeight() && top + r < height; r++) {
                        for (int c = Math.max(0, -left); c < w.kernelWidth() && left + c < width; c++) {
                            int from = ((picture + top + r) * width + left + c) * channels;
                            int weight = o * channels * taps + r * w.kernelWidth() + c;
                            for (int k = 0; k < channels; k++) {
                                sum += in[0][from + k] * in[1][weight + k * taps];
                            }
                        }
                    }
                    y[(row * t.dim(2) + column) * outputs + o] = Math.clamp(sum, 0, 6);
                }
            }
        });
    }

    private static void rows(int count, IntConsumer row) {
        IntStream.range(0, count).parallel().forEach(row);
    }
}
