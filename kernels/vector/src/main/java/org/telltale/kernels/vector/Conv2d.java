package org.telltale.kernels.vector;

import org.jspecify.annotations.Nullable;
import org.telltale.engine.Activation;
import org.telltale.engine.Backward;
import org.telltale.engine.Fused;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/**
 * Convolutions of NHWC pictures: one group as a product, whose left operand is gathered window by window while it is
 * packed, so that for large pictures the matrix of all windows never exists, or read where it lies by {@link TapRowConv};
 * one channel per group by {@link DepthwiseConv}.
 */
final class Conv2d {
    private Conv2d() {}

    static Kernel of(
            Fused.Conv2d op, Tensor t, Operands operands, Parallel parallel, Workspace workspace, Panels panels) {
        if (op.groups() > 1) {
            return DepthwiseConv.of(op, t, operands, parallel, workspace);
        }
        Tensor x = t.inputs().get(0);
        Tensor w = t.inputs().get(1);
        Buffer bias = t.inputs().size() > 2 ? operands.buffer(t.inputs().get(2)) : null;
        return product(op, t, x, w, bias, operands, parallel, workspace, panels);
    }

    /** The gradient of the pictures: a plain product without a window to gather, or of each channel by itself. */
    static Kernel input(
            Backward.ConvInput op, Tensor t, Operands operands, Parallel parallel, Workspace workspace, Panels panels) {
        if (op.depthwise(t.inputs())) {
            return op.window().strideHeight() == 1 && op.window().strideWidth() == 1
                    ? DepthwiseConv.reversed(op, t, operands, parallel, workspace)
                    : new DepthwiseInput(op, t, operands, parallel, workspace);
        }
        Tensor w = t.inputs().get(0);
        Tensor dy = t.inputs().get(1);
        int rows = Math.toIntExact(dy.shape().product(0, 3));
        PackedPanels layout = PackedPanels.matrix(w.dim(0), w.dim(1), false, w.dim(1));
        return new Gemm(
                parallel,
                workspace,
                1,
                rows,
                new LeftRows.Matrix(operands.buffer(dy), rows, w.dim(0), false),
                panels.of(w, layout, "plain", operands),
                operands.buffer(t),
                t.dim(-1),
                null,
                Activation.NONE);
    }

    /** The gradient of the weight. */
    static Kernel weight(Backward.ConvWeight op, Tensor t, Operands operands, Parallel parallel, Workspace workspace) {
        return op.depthwise(t.inputs())
                ? new DepthwiseWeight(op, t, operands, parallel, workspace)
                : new ConvWeight(op, t, operands, parallel, workspace);
    }

    private static Kernel product(
            Fused.Conv2d op,
            Tensor t,
            Tensor x,
            Tensor w,
            @Nullable Buffer bias,
            Operands operands,
            Parallel parallel,
            Workspace workspace,
            Panels panels) {
        int rows = Math.toIntExact(t.shape().product(0, 3));
        int channels = x.dim(3);
        Window window = op.window();
        PackedPanels layout =
                PackedPanels.convolution(w.dim(0), channels, window.kernelHeight() * window.kernelWidth());
        Gemm.RightPanels right = panels.of(w, layout, "convolution", operands);
        if (!window.pointwise() && TapRowConv.suits(window, t.dim(2), channels, right.panels())) {
            return new TapRowConv(op, t, right, bias, operands, parallel, workspace);
        }
        LeftRows left = window.pointwise()
                ? new LeftRows.Matrix(operands.buffer(x), rows, channels, false)
                : new Windows(operands, x, window, t.shape());
        return new Gemm(
                parallel,
                workspace,
                1,
                rows,
                left,
                right,
                operands.buffer(t),
                operands.pitch(t),
                bias,
                op.activation());
    }

    /** A row per output pixel, with what its window covers: tap by tap, all channels of each. */
    static final class Windows implements LeftRows {
        private final Buffer buffer;
        private final Window window;
        private final int height;
        private final int width;
        private final int channels;
        private final int outHeight;
        private final int outWidth;

        /** A row of a window of padding. */
        private final long zeros;

        private long address;

        Windows(Operands operands, Tensor x, Window window, Shape out) {
            this.buffer = operands.buffer(x);
            this.window = window;
            this.height = x.dim(1);
            this.width = x.dim(2);
            this.channels = x.dim(3);
            this.outHeight = out.dim(1);
            this.outWidth = out.dim(2);
            this.zeros = operands.arena()
                    .allocate(Math.max(4L * channels * window.kernelWidth(), 4), 64)
                    .address();
        }

        @Override
        public void begin() {
            address = buffer.address();
        }

        @Override
        public boolean inPlace() {
            return false;
        }

        @Override
        public long address(int matrix, int row) {
            throw new IllegalStateException("windows overlap, so rows do not lie in memory");
        }

        @Override
        public void copy(int matrix, int row, int rows, int from, int to, long out, long outStep) {
            int run = window.kernelWidth() * channels;
            int place = row % (outHeight * outWidth);
            long picture = address + 4L * channels * width * height * (row / (outHeight * outWidth));
            int y = place / outWidth;
            int x = place % outWidth;
            for (int r = 0; r < rows; r++) {
                int left = x * window.strideWidth() - window.left();
                int top = y * window.strideHeight() - window.top();
                boolean whole = left >= 0 && left + window.kernelWidth() <= width;
                long target = out + r * outStep;
                for (int k = from; k < to; ) {
                    int tapRow = k / run;
                    int inRun = k - tapRow * run;
                    int h = top + tapRow;
                    int count = Math.min(run - inRun, to - k);
                    long in = picture + 4L * channels * ((long) h * width + left) + 4L * inRun;
                    if (h < 0 || h >= height) {
                        Movement.fill(target, 0, count);
                    } else if (whole) {
                        Movement.copy(in, target, count);
                    } else {
                        cut(in, left, inRun, count, target);
                    }
                    target += 4L * count;
                    k += count;
                }
                x++;
                if (x == outWidth) {
                    x = 0;
                    y++;
                    if (y == outHeight) {
                        y = 0;
                        picture += 4L * channels * width * height;
                    }
                }
            }
        }

        /** A piece of a row of taps, part of which lies left or right of the picture. */
        private void cut(long in, int left, int inRun, int count, long out) {
            for (int i = 0; i < count; ) {
                int column = left + (inRun + i) / channels;
                int n = Math.min(channels - (inRun + i) % channels, count - i);
                if (column < 0 || column >= width) {
                    Movement.fill(out + 4L * i, 0, n);
                } else {
                    Movement.copy(in + 4L * i, out + 4L * i, n);
                }
                i += n;
            }
        }

        @Override
        public void interleave(int matrix, int row, int rows, int from, int to, long out) {
            // where no window is cut left or right, its pixels of one picture row are one run
            int taps = whole(row, rows) ? window.kernelWidth() : 1;
            int run = taps * channels;
            int k = from;
            while (k < to) {
                int tap = k / run * taps;
                int channel = k % run;
                int count = Math.min(run - channel, to - k);
                long target = out + 4L * (k - from) * rows;
                if (rows == 6) {
                    LeftRows.interleave(
                            pixel(row, tap) + 4L * channel,
                            pixel(row + 1, tap) + 4L * channel,
                            pixel(row + 2, tap) + 4L * channel,
                            pixel(row + 3, tap) + 4L * channel,
                            pixel(row + 4, tap) + 4L * channel,
                            pixel(row + 5, tap) + 4L * channel,
                            count,
                            target);
                } else {
                    for (int r = 0; r < rows; r++) {
                        LeftRows.spread(pixel(row + r, tap) + 4L * channel, count, target + 4L * r, rows);
                    }
                }
                k += count;
            }
        }

        private boolean whole(int row, int rows) {
            for (int r = row; r < row + rows; r++) {
                int w = r % outWidth * window.strideWidth() - window.left();
                if (w < 0 || w + window.kernelWidth() > width) {
                    return false;
                }
            }
            return true;
        }

        /** The input pixel under a tap of an output pixel's window. */
        private long pixel(int row, int tap) {
            int picture = row / (outHeight * outWidth);
            int place = row % (outHeight * outWidth);
            int h = place / outWidth * window.strideHeight() - window.top() + tap / window.kernelWidth();
            int w = place % outWidth * window.strideWidth() - window.left() + tap % window.kernelWidth();
            if (h < 0 || h >= height || w < 0 || w >= width) {
                return zeros;
            }
            return address + 4L * channels * (((long) picture * height + h) * width + w);
        }
    }
}
