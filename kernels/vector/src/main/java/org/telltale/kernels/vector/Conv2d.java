package org.telltale.kernels.vector;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.Fused;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/**
 * Convolution of NHWC pictures as a matrix product [pixels, kh*kw*C] x [kh*kw*C, O]. A pointwise one is the product itself;
 * else each chunk gathers the windows of a few output pixels and multiplies them while they are in the cache.
 */
final class Conv2d implements Kernel, Parallel.Chunk {
    /** Output pixels of a chunk at most, and chunks wanted at least. */
    private static final int ROWS = 16 * Gemm.MICRO.rows();

    private static final int CHUNKS = 16;

    private final Parallel parallel;
    private final Window window;
    private final Buffer in;
    private final Buffer out;
    private final @Nullable Buffer bias;
    private final Panels.Source weight;
    private final Gemm gemm;
    private final int height;
    private final int width;
    private final int channels;
    private final int outHeight;
    private final int outWidth;
    private final int outChannels;
    private final int pixels;
    private final int inner;
    private final int rows;
    private final long patches;
    private final long patchBytes;
    private final long edge;
    private final long edgeBytes;
    private long x;
    private long y;
    private long panels;

    Conv2d(Fused.Conv2d op, Tensor t, Operands operands, Parallel parallel) {
        this.parallel = parallel;
        window = op.window();
        Shape xs = t.inputs().get(0).shape();
        Tensor w = t.inputs().get(1);
        in = operands.buffer(t.inputs().get(0));
        out = operands.buffer(t);
        bias = t.inputs().size() > 2 ? operands.buffer(t.inputs().get(2)) : null;
        height = xs.dim(1);
        width = xs.dim(2);
        channels = xs.dim(3);
        outHeight = t.dim(1);
        outWidth = t.dim(2);
        outChannels = t.dim(3);
        pixels = Math.toIntExact((long) xs.dim(0) * outHeight * outWidth);
        int taps = window.kernelHeight() * window.kernelWidth();
        inner = taps * channels;
        weight = Panels.of(
                w,
                Panels.Layout.transposed(inner, outChannels),
                Gemm.MICRO.columns(),
                operands,
                parallel,
                taps == 1 ? null : (from, to) -> channelsLast(from, to, outChannels, channels, taps));
        gemm = new Gemm(pixels, outChannels, inner, op.activation(), operands, parallel);
        boolean direct = window.pointwise();
        int wanted = Math.ceilDiv(Math.ceilDiv(pixels, CHUNKS), Gemm.MICRO.rows()) * Gemm.MICRO.rows();
        rows = Math.clamp(wanted, Gemm.MICRO.rows(), ROWS);
        patchBytes = direct ? 0 : 4L * rows * inner;
        edgeBytes = 4L * rows * Gemm.MICRO.columns();
        patches = scratch(operands, patchBytes * parallel.threads());
        edge = scratch(operands, edgeBytes * parallel.threads());
    }

    private static long scratch(Operands operands, long bytes) {
        return operands.arena().allocate(Math.max(bytes, 4), 64).address();
    }

    /** [O, C, taps] to [O, taps, C]: the order in which windows are gathered. */
    private static void channelsLast(long from, long to, int out, int channels, int taps) {
        for (long o = 0; o < out; o++) {
            for (long c = 0; c < channels; c++) {
                for (long k = 0; k < taps; k++) {
                    Memory.set(
                            to + 4 * ((o * taps + k) * channels + c),
                            Memory.get(from + 4 * ((o * channels + c) * taps + k)));
                }
            }
        }
    }

    @Override
    public void run() {
        x = in.address();
        y = out.address();
        panels = weight.panels();
        long b = bias == null ? 0 : bias.address();
        if (window.pointwise()) {
            gemm.run(x, 4L * channels, panels, b, y);
            return;
        }
        gemm.bias(b);
        parallel.forRange(Math.ceilDiv(pixels, rows), this);
    }

    @Override
    public void run(int chunk, int worker) {
        int first = chunk * rows;
        int count = Math.min(rows, pixels - first);
        long patch = patches + worker * patchBytes;
        for (int i = 0; i < count; i++) {
            gather(first + i, patch + 4L * i * inner);
        }
        gemm.multiply(
                patch,
                4L * inner,
                panels,
                y + 4L * first * outChannels,
                count,
                0,
                gemm.panels(),
                edge + worker * edgeBytes);
    }

    /** The window of one output pixel, zeros where it leaves the picture. */
    private void gather(int pixel, long to) {
        int column = pixel % outWidth;
        int row = pixel / outWidth % outHeight;
        long picture = x + 4L * (pixel / outWidth / outHeight) * height * width * channels;
        int left = column * window.strideWidth() - window.left();
        int from = Math.clamp(-left, 0, window.kernelWidth());
        int end = Math.clamp(width - left, from, window.kernelWidth());
        long line = 4L * window.kernelWidth() * channels;
        for (int r = 0; r < window.kernelHeight(); r++) {
            long at = to + r * line;
            int h = row * window.strideHeight() - window.top() + r;
            if (h < 0 || h >= height) {
                zero(at, window.kernelWidth());
                continue;
            }
            zero(at, from);
            MemorySegment.copy(
                    Memory.ALL,
                    picture + 4L * ((long) h * width + left + from) * channels,
                    Memory.ALL,
                    at + 4L * from * channels,
                    4L * (end - from) * channels);
            zero(at + 4L * end * channels, window.kernelWidth() - end);
        }
    }

    private void zero(long address, int taps) {
        for (long i = 0; i < (long) taps * channels; i++) {
            Memory.set(address + 4 * i, 0);
        }
    }
}
