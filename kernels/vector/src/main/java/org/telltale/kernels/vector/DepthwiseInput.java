package org.telltale.kernels.vector;

import static org.telltale.kernels.vector.Memory.ALL;
import static org.telltale.kernels.vector.Memory.LANES;
import static org.telltale.kernels.vector.Memory.ORDER;
import static org.telltale.kernels.vector.Memory.SPECIES;

import jdk.incubator.vector.FloatVector;
import org.telltale.engine.Backward;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/**
 * The gradient of the pictures of a depthwise convolution, for any strides, vectorised over channels. A pixel collects
 * from the results whose windows hold it: those taps are every stride-th one, the same for every stride-th pixel of a
 * row, so that four such pixels share the taps' weights. A chunk is a row of pixels.
 */
final class DepthwiseInput implements Kernel, Parallel.Chunk {
    private static final int PIXELS = 4;

    private final Parallel parallel;
    private final Window window;
    private final TapWeights weights;
    private final Buffer gradient;
    private final Buffer result;
    private final int height;
    private final int width;
    private final int channels;
    private final int outHeight;
    private final int outWidth;
    private final int rows;
    private long dy;
    private long dx;
    private long packed;

    DepthwiseInput(Backward.ConvInput op, Tensor t, Operands operands, Parallel parallel, Workspace workspace) {
        this.parallel = parallel;
        window = op.window();
        weights = new TapWeights(t.inputs().get(0), false, operands, workspace);
        Tensor g = t.inputs().get(1);
        gradient = operands.buffer(g);
        result = operands.buffer(t);
        height = t.dim(1);
        width = t.dim(2);
        channels = t.dim(3);
        outHeight = g.dim(1);
        outWidth = g.dim(2);
        rows = Math.multiplyExact(t.dim(0), height);
    }

    @Override
    public void run() {
        dy = gradient.address();
        dx = result.address();
        packed = weights.begin();
        parallel.forRange(rows, this);
    }

    @Override
    public void run(int chunk, int worker) {
        int down = chunk % height + window.top();
        long picture = dy + 4L * channels * outWidth * outHeight * (chunk / height);
        long to = dx + 4L * channels * width * chunk;
        int stride = window.strideWidth();
        for (int first = 0; first < Math.min(stride, width); first++) {
            int x = first;
            while (x < width) {
                // the taps s, s + stride .. meet the results at column, column - 1 ..
                int s = (x + window.left()) % stride;
                int column = (x + window.left()) / stride;
                int taps = s < window.kernelWidth() ? (window.kernelWidth() - 1 - s) / stride + 1 : 0;
                boolean four =
                        column - taps + 1 >= 0 && column + PIXELS <= outWidth && x + (PIXELS - 1) * stride < width;
                long out = to + 4L * channels * x;
                if (four) {
                    four(picture, down, column, s, taps, out);
                    x += PIXELS * stride;
                } else {
                    one(picture, down, column, s, taps, out);
                    x += stride;
                }
            }
        }
    }

    /** Four pixels a stride apart, all of whose taps meet results. */
    private void four(long picture, int down, int column, int s, int taps, long out) {
        long pixel = 4L * channels;
        long next = pixel * window.strideWidth();
        int c = 0;
        for (; c <= channels - LANES; c += LANES) {
            FloatVector a0 = FloatVector.zero(SPECIES);
            FloatVector a1 = FloatVector.zero(SPECIES);
            FloatVector a2 = FloatVector.zero(SPECIES);
            FloatVector a3 = FloatVector.zero(SPECIES);
            for (int r = down % window.strideHeight(); r < window.kernelHeight(); r += window.strideHeight()) {
                int row = (down - r) / window.strideHeight();
                if (down < r || row >= outHeight) {
                    continue;
                }
                long in = picture + pixel * ((long) row * outWidth + column) + 4L * c;
                long w = packed + pixel * ((long) r * window.kernelWidth() + s) + 4L * c;
                for (int k = 0; k < taps; k++) {
                    FloatVector tap = FloatVector.fromMemorySegment(SPECIES, ALL, w, ORDER);
                    a0 = FloatVector.fromMemorySegment(SPECIES, ALL, in, ORDER).fma(tap, a0);
                    a1 = FloatVector.fromMemorySegment(SPECIES, ALL, in + pixel, ORDER)
                            .fma(tap, a1);
                    a2 = FloatVector.fromMemorySegment(SPECIES, ALL, in + 2 * pixel, ORDER)
                            .fma(tap, a2);
                    a3 = FloatVector.fromMemorySegment(SPECIES, ALL, in + 3 * pixel, ORDER)
                            .fma(tap, a3);
                    in -= pixel;
                    w += next;
                }
            }
            long target = out + 4L * c;
            a0.intoMemorySegment(ALL, target, ORDER);
            a1.intoMemorySegment(ALL, target + next, ORDER);
            a2.intoMemorySegment(ALL, target + 2 * next, ORDER);
            a3.intoMemorySegment(ALL, target + 3 * next, ORDER);
        }
        for (int p = 0; p < PIXELS && c < channels; p++) {
            rest(picture, down, column + p, s, taps, c, out + p * next);
        }
    }

    /** One pixel, some of whose taps may meet no result. */
    private void one(long picture, int down, int column, int s, int taps, long out) {
        long pixel = 4L * channels;
        int c = 0;
        for (; c <= channels - LANES; c += LANES) {
            FloatVector a = FloatVector.zero(SPECIES);
            for (int r = down % window.strideHeight(); r < window.kernelHeight(); r += window.strideHeight()) {
                int row = (down - r) / window.strideHeight();
                if (down < r || row >= outHeight) {
                    continue;
                }
                for (int k = Math.max(0, column - outWidth + 1); k < taps && k <= column; k++) {
                    long in = picture + pixel * ((long) row * outWidth + column - k) + 4L * c;
                    long tap = (long) r * window.kernelWidth() + s + (long) k * window.strideWidth();
                    a = FloatVector.fromMemorySegment(SPECIES, ALL, in, ORDER)
                            .fma(FloatVector.fromMemorySegment(SPECIES, ALL, packed + pixel * tap + 4L * c, ORDER), a);
                }
            }
            a.intoMemorySegment(ALL, out + 4L * c, ORDER);
        }
        rest(picture, down, column, s, taps, c, out);
    }

    /** The channels of one pixel that do not fill a vector. */
    private void rest(long picture, int down, int column, int s, int taps, int first, long out) {
        long pixel = 4L * channels;
        for (int c = first; c < channels; c++) {
            float a = 0;
            for (int r = down % window.strideHeight(); r < window.kernelHeight(); r += window.strideHeight()) {
                int row = (down - r) / window.strideHeight();
                if (down < r || row >= outHeight) {
                    continue;
                }
                for (int k = Math.max(0, column - outWidth + 1); k < taps && k <= column; k++) {
                    long in = picture + pixel * ((long) row * outWidth + column - k) + 4L * c;
                    long tap = (long) r * window.kernelWidth() + s + (long) k * window.strideWidth();
                    a = Math.fma(Memory.get(in), Memory.get(packed + pixel * tap + 4L * c), a);
                }
            }
            Memory.set(out + 4L * c, a);
        }
    }
}
