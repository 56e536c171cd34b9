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
 * The gradient of the weight of a depthwise convolution, vectorised over channels. A row of taps goes over a row of
 * results four pixels at a time, all channels of each, so that memory is read in order. The rows are cut into parts without
 * regard to the number of threads; each part has sums of its own, [kh*kw, C], added up in order at the end.
 */
final class DepthwiseWeight implements Kernel, Parallel.Chunk {
    /** The most parts. */
    private static final int PARTS = 16;

    /** Channels of a chunk of the last additions. */
    private static final int TOGETHER = 64;

    /** Pixels whose products are added to a sum at a time. */
    private static final int PIXELS = 4;

    private final Parallel parallel;
    private final Workspace workspace;
    private final Window window;
    private final Buffer pictures;
    private final Buffer gradient;
    private final Buffer result;
    private final int height;
    private final int width;
    private final int channels;
    private final int outHeight;
    private final int outWidth;
    private final int rows;
    private final int parts;
    private final int taps;

    /** The columns of results whose windows are cut neither left nor right: from .. to - 1. */
    private final int wholeFrom;

    private final int wholeTo;

    private long x;
    private long dy;
    private long sums;
    private long to;

    private final Parallel.Chunk adding = this::add;

    DepthwiseWeight(Backward.ConvWeight op, Tensor t, Operands operands, Parallel parallel, Workspace workspace) {
        this.parallel = parallel;
        this.workspace = workspace;
        window = op.window();
        Tensor in = t.inputs().get(0);
        Tensor g = t.inputs().get(1);
        pictures = operands.buffer(in);
        gradient = operands.buffer(g);
        result = operands.buffer(t);
        height = in.dim(1);
        width = in.dim(2);
        channels = in.dim(3);
        outHeight = g.dim(1);
        outWidth = g.dim(2);
        rows = Math.multiplyExact(g.dim(0), outHeight);
        parts = Math.clamp(rows, 1, PARTS);
        taps = window.kernelHeight() * window.kernelWidth();
        wholeFrom = Math.min(Math.ceilDiv(Math.max(window.left(), 0), window.strideWidth()), outWidth);
        int last = Math.floorDiv(width - window.kernelWidth() + window.left(), window.strideWidth());
        wholeTo = Math.clamp(last + 1L, wholeFrom, outWidth);
        workspace.reserve(4L * parts * taps * channels, 0);
    }

    @Override
    public void run() {
        x = pictures.address();
        dy = gradient.address();
        sums = workspace.shared();
        parallel.forRange(parts, this);
        to = result.address();
        parallel.forRange(Math.ceilDiv(channels, TOGETHER), adding);
    }

    /** Adds the parts' sums of some channels. */
    private void add(int chunk, int worker) {
        int end = Math.min(channels, (chunk + 1) * TOGETHER);
        for (int k = 0; k < taps; k++) {
            for (int c = chunk * TOGETHER; c < end; c++) {
                float sum = 0;
                for (int p = 0; p < parts; p++) {
                    sum += Memory.get(sums + 4 * (((long) p * taps + k) * channels + c));
                }
                Memory.set(to + 4 * ((long) c * taps + k), sum);
            }
        }
    }

    @Override
    public void run(int part, int worker) {
        long own = sums + 4L * part * taps * channels;
        Movement.fill(own, 0, (long) taps * channels);
        int end = (int) ((part + 1L) * rows / parts);
        for (int row = (int) ((long) part * rows / parts); row < end; row++) {
            for (int r = 0; r < window.kernelHeight(); r++) {
                int h = row % outHeight * window.strideHeight() - window.top() + r;
                if (h >= 0 && h < height) {
                    long first = x + 4L * channels * width * ((long) (row / outHeight) * height + h);
                    tapRow(first, dy + 4L * channels * row * outWidth, own + 4L * channels * r * window.kernelWidth());
                }
            }
        }
    }

    /** A row of taps over a row of results: four whole windows at a time, then each tap where it is in the picture. */
    private void tapRow(long in, long g, long own) {
        long pixel = 4L * channels;
        int p = wholeFrom;
        for (; p <= wholeTo - PIXELS; p += PIXELS) {
            windows(in + pixel * ((long) p * window.strideWidth() - window.left()), g + pixel * p, own);
        }
        for (int s = 0; s < window.kernelWidth(); s++) {
            int before = window.left() - s;
            int from = Math.max(0, Math.ceilDiv(before, window.strideWidth()));
            int end = Math.min(outWidth, Math.floorDiv(width - 1 + before, window.strideWidth()) + 1);
            tap(in - pixel * before, g, from, Math.min(end, wholeFrom), own + pixel * s);
            tap(in - pixel * before, g, Math.max(from, p), end, own + pixel * s);
        }
    }

    /** A tap over some pixels. */
    private void tap(long in, long g, int from, int end, long own) {
        long pixel = 4L * channels;
        long next = pixel * window.strideWidth();
        int p = from;
        for (; p <= end - PIXELS; p += PIXELS) {
            four(in + next * p, g + pixel * p, own);
        }
        for (; p < end; p++) {
            one(in + next * p, g + pixel * p, own);
        }
    }

    private static FloatVector load(long address) {
        return FloatVector.fromMemorySegment(SPECIES, ALL, address, ORDER);
    }

    /** Adds the products of four whole windows to the sums of a row of taps. */
    private void windows(long a, long b, long own) {
        long pixel = 4L * channels;
        long next = pixel * window.strideWidth();
        int c = 0;
        for (; c <= channels - LANES; c += LANES) {
            long at = a + 4L * c;
            long g = b + 4L * c;
            FloatVector g0 = load(g);
            FloatVector g1 = load(g + pixel);
            FloatVector g2 = load(g + 2 * pixel);
            FloatVector g3 = load(g + 3 * pixel);
            long to = own + 4L * c;
            for (int s = 0; s < window.kernelWidth(); s++) {
                FloatVector sum = load(at).fma(g0, load(to));
                sum = load(at + next).fma(g1, sum);
                sum = load(at + 2 * next).fma(g2, sum);
                sum = load(at + 3 * next).fma(g3, sum);
                sum.intoMemorySegment(ALL, to, ORDER);
                at += pixel;
                to += pixel;
            }
        }
        for (int k = 0; k < PIXELS * window.kernelWidth() && c < channels; k++) {
            int p = k % PIXELS;
            int s = k / PIXELS;
            rest(a + p * next + s * pixel, b + p * pixel, c, own + s * pixel);
        }
    }

    /** Adds the products of four pixels to the sums of a tap. */
    private void four(long a, long b, long own) {
        long pixel = 4L * channels;
        long next = pixel * window.strideWidth();
        int c = 0;
        for (; c <= channels - LANES; c += LANES) {
            long at = a + 4L * c;
            long g = b + 4L * c;
            FloatVector sum = load(at).fma(load(g), load(own + 4L * c));
            sum = load(at + next).fma(load(g + pixel), sum);
            sum = load(at + 2 * next).fma(load(g + 2 * pixel), sum);
            sum = load(at + 3 * next).fma(load(g + 3 * pixel), sum);
            sum.intoMemorySegment(ALL, own + 4L * c, ORDER);
        }
        for (int p = 0; p < PIXELS && c < channels; p++) {
            rest(a + p * next, b + p * pixel, c, own);
        }
    }

    private void one(long a, long b, long own) {
        int c = 0;
        for (; c <= channels - LANES; c += LANES) {
            load(a + 4L * c).fma(load(b + 4L * c), load(own + 4L * c)).intoMemorySegment(ALL, own + 4L * c, ORDER);
        }
        rest(a, b, c, own);
    }

    /** The channels of one pixel that do not fill a vector. */
    private void rest(long a, long b, int first, long own) {
        for (int c = first; c < channels; c++) {
            float sum = Memory.get(own + 4L * c);
            Memory.set(own + 4L * c, Math.fma(Memory.get(a + 4L * c), Memory.get(b + 4L * c), sum));
        }
    }
}
