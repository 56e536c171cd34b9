package org.telltale.kernels.vector;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/**
 * Depthwise convolution of NHWC pictures, vectorised over channels. A chunk is a row of output pixels; away from the
 * borders four pixels are computed per step, so that a weight is loaded once for them. Every path adds the taps in one order.
 */
final class DepthwiseConv implements Kernel, Parallel.Chunk {
    private static final MemorySegment M = Memory.ALL;
    private static final VectorSpecies<Float> S = Memory.SPECIES;
    private static final int W = Memory.LANES;
    private static final int PIXELS = 4;

    private final Parallel parallel;
    private final Window window;
    private final Activation activation;
    private final Buffer in;
    private final Buffer out;
    private final Buffer weight;
    private final boolean constant;
    private final @Nullable Buffer bias;
    private final int batch;
    private final int height;
    private final int width;
    private final int channels;
    private final int outHeight;
    private final int outWidth;
    private final long taps;
    private final long zeros;
    private long x;
    private long y;
    private long b;

    DepthwiseConv(Fused.Conv2d op, Tensor t, Operands operands, Parallel parallel) {
        this.parallel = parallel;
        window = op.window();
        activation = op.activation();
        Shape xs = t.inputs().get(0).shape();
        in = operands.buffer(t.inputs().get(0));
        out = operands.buffer(t);
        weight = operands.buffer(t.inputs().get(1));
        bias = t.inputs().size() > 2 ? operands.buffer(t.inputs().get(2)) : null;
        batch = xs.dim(0);
        height = xs.dim(1);
        width = xs.dim(2);
        channels = xs.dim(3);
        outHeight = t.dim(1);
        outWidth = t.dim(2);
        int count = window.kernelHeight() * window.kernelWidth();
        taps = operands.arena().allocate(Math.max(4L * count * channels, 4), 64).address();
        zeros = operands.arena().allocate(Math.max(4L * channels, 4), 64).address();
        constant = operands.constant(t.inputs().get(1));
        if (constant) {
            arrange();
        }
    }

    /** [C, 1, kh, kw] to [kh*kw, C]. */
    private void arrange() {
        int count = window.kernelHeight() * window.kernelWidth();
        long from = weight.address();
        for (long c = 0; c < channels; c++) {
            for (long k = 0; k < count; k++) {
                Memory.set(taps + 4 * (k * channels + c), Memory.get(from + 4 * (c * count + k)));
            }
        }
    }

    @Override
    public void run() {
        if (!constant) {
            arrange();
        }
        x = in.address();
        y = out.address();
        b = bias == null ? zeros : bias.address();
        parallel.forRange(batch * outHeight, this);
    }

    @Override
    public void run(int chunk, int worker) {
        int row = chunk % outHeight;
        int top = row * window.strideHeight() - window.top();
        int firstTap = Math.clamp(-top, 0, window.kernelHeight());
        int endTap = Math.clamp(height - top, firstTap, window.kernelHeight());
        long picture = x + 4L * (chunk / outHeight) * height * width * channels;
        long to = y + 4L * chunk * outWidth * channels;
        int column = 0;
        while (column < outWidth) {
            int left = column * window.strideWidth() - window.left();
            int last = left + (PIXELS - 1) * window.strideWidth() + window.kernelWidth();
            if (left >= 0 && last <= width && column + PIXELS <= outWidth) {
                four(picture + 4L * ((long) top * width + left) * channels, to, firstTap, endTap);
                column += PIXELS;
                to += 4L * PIXELS * channels;
            } else {
                int from = Math.clamp(-left, 0, window.kernelWidth());
                int end = Math.clamp(width - left, from, window.kernelWidth());
                one(picture + 4L * ((long) top * width + left) * channels, to, firstTap, endTap, from, end);
                column++;
                to += 4L * channels;
            }
        }
        VectorMath.activate(activation, y + 4L * chunk * outWidth * channels, (long) outWidth * channels);
    }

    private void four(long from, long to, int firstTap, int endTap) {
        long pixel = 4L * channels;
        long step = pixel * window.strideWidth();
        long line = pixel * width;
        int kw = window.kernelWidth();
        int c = 0;
        for (; c <= channels - W; c += W) {
            long lane = 4L * c;
            FloatVector s0 = load(b + lane);
            FloatVector s1 = s0;
            FloatVector s2 = s0;
            FloatVector s3 = s0;
            for (int r = firstTap; r < endTap; r++) {
                long at = from + r * line + lane;
                long w = taps + (long) r * kw * pixel + lane;
                for (int k = 0; k < kw; k++) {
                    FloatVector weights = load(w);
                    s0 = load(at).fma(weights, s0);
                    s1 = load(at + step).fma(weights, s1);
                    s2 = load(at + 2 * step).fma(weights, s2);
                    s3 = load(at + 3 * step).fma(weights, s3);
                    at += pixel;
                    w += pixel;
                }
            }
            s0.intoMemorySegment(M, to + lane, Memory.ORDER);
            s1.intoMemorySegment(M, to + pixel + lane, Memory.ORDER);
            s2.intoMemorySegment(M, to + 2 * pixel + lane, Memory.ORDER);
            s3.intoMemorySegment(M, to + 3 * pixel + lane, Memory.ORDER);
        }
        for (int i = 0; c < channels && i < PIXELS; i++) {
            tail(from + i * step, to + i * pixel, firstTap, endTap, 0, kw, c);
        }
    }

    private void one(long from, long to, int firstTap, int endTap, int fromColumn, int endColumn) {
        long pixel = 4L * channels;
        long line = pixel * width;
        int kw = window.kernelWidth();
        int c = 0;
        for (; c <= channels - W; c += W) {
            long lane = 4L * c;
            FloatVector sum = load(b + lane);
            for (int r = firstTap; r < endTap; r++) {
                for (int k = fromColumn; k < endColumn; k++) {
                    FloatVector weights = load(taps + ((long) r * kw + k) * pixel + lane);
                    sum = load(from + r * line + k * pixel + lane).fma(weights, sum);
                }
            }
            sum.intoMemorySegment(M, to + lane, Memory.ORDER);
        }
        if (c < channels) {
            tail(from, to, firstTap, endTap, fromColumn, endColumn, c);
        }
    }

    /** The channels beyond the last whole vector, of one pixel. */
    private void tail(long from, long to, int firstTap, int endTap, int fromColumn, int endColumn, int c) {
        long pixel = 4L * channels;
        long line = pixel * width;
        int kw = window.kernelWidth();
        long lane = 4L * c;
        VectorMask<Float> mask = S.indexInRange(c, channels);
        FloatVector sum = load(b + lane, mask);
        for (int r = firstTap; r < endTap; r++) {
            for (int k = fromColumn; k < endColumn; k++) {
                FloatVector weights = load(taps + ((long) r * kw + k) * pixel + lane, mask);
                sum = load(from + r * line + k * pixel + lane, mask).fma(weights, sum);
            }
        }
        sum.intoMemorySegment(M, to + lane, Memory.ORDER, mask);
    }

    private static FloatVector load(long address) {
        return FloatVector.fromMemorySegment(S, M, address, Memory.ORDER);
    }

    private static FloatVector load(long address, VectorMask<Float> mask) {
        return FloatVector.fromMemorySegment(S, M, address, Memory.ORDER, mask);
    }
}
