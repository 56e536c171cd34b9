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
 * The gradient of the weight of a depthwise convolution, vectorised over channels: a row of taps at a time, whose sums
 * stay in registers while they go over some rows of results. The rows are cut into parts without regard to the number of
 * threads; each part has sums of its own, [kh*kw, C], added up in order at the end.
 */
final class DepthwiseWeight implements Kernel, Parallel.Chunk {
    /** The most parts. */
    private static final int PARTS = 16;

    /** Channels of a chunk of the last additions. */
    private static final int TOGETHER = 64;

    /** Bytes of results and pictures that are gone over tap row by tap row: they stay in the second-level cache. */
    private static final long HOT = 1 << 18;

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
    private final int hotRows;
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
        long rowBytes = 4L * channels * (outWidth + (long) width * window.strideHeight());
        hotRows = Math.clamp(HOT / Math.max(rowBytes, 1), 1, Math.max(rows, 1));
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
        for (int row = (int) ((long) part * rows / parts); row < end; row += hotRows) {
            int to = Math.min(end, row + hotRows);
            for (int r = 0; r < window.kernelHeight(); r++) {
                tapRow(row, to, r, own + 4L * channels * r * window.kernelWidth());
            }
        }
    }

    private void tapRow(int from, int to, int r, long own) {
        int c = 0;
        if (window.kernelWidth() == 3) {
            for (; c <= channels - 2 * LANES; c += 2 * LANES) {
                three(from, to, r, c, own + 4L * c);
            }
        } else if (window.kernelWidth() == 5) {
            for (; c <= channels - LANES; c += LANES) {
                five(from, to, r, c, own + 4L * c);
            }
        }
        for (int s = 0; s < window.kernelWidth(); s++) {
            int rest = c;
            long at = own + 4L * channels * s;
            for (; rest <= channels - LANES; rest += LANES) {
                tap(from, to, r, s, rest, at + 4L * rest);
            }
            for (; rest < channels; rest++) {
                scalar(from, to, r, s, rest, at + 4L * rest);
            }
        }
    }

    /** The row of pictures under a tap row of a row of results; -1 in the padding. */
    private int under(int row, int r) {
        int h = row % outHeight * window.strideHeight() - window.top() + r;
        return h < 0 || h >= height ? -1 : h;
    }

    /** The first pixel of a row of pictures. */
    private long pixels(int row, int h) {
        return x + 4L * channels * width * ((long) (row / outHeight) * height + h);
    }

    private static FloatVector load(long address) {
        return FloatVector.fromMemorySegment(SPECIES, ALL, address, ORDER);
    }

    /** A row of three taps, two vectors of channels. */
    private void three(int from, int to, int r, int c, long own) {
        long pixel = 4L * channels;
        long step = pixel * window.strideWidth();
        long half = 4L * LANES;
        FloatVector a0 = load(own);
        FloatVector a1 = load(own + pixel);
        FloatVector a2 = load(own + 2 * pixel);
        FloatVector b0 = load(own + half);
        FloatVector b1 = load(own + pixel + half);
        FloatVector b2 = load(own + 2 * pixel + half);
        for (int row = from; row < to; row++) {
            int h = under(row, r);
            if (h < 0) {
                continue;
            }
            long g = dy + pixel * row * outWidth + 4L * c;
            long first = pixels(row, h) + 4L * c;
            for (int p = 0; p < outWidth; p++) {
                if (p == wholeFrom) {
                    long at = first + pixel * ((long) p * window.strideWidth() - window.left());
                    for (; p < wholeTo; p++) {
                        FloatVector ga = load(g + pixel * p);
                        FloatVector gb = load(g + pixel * p + half);
                        a0 = load(at).fma(ga, a0);
                        a1 = load(at + pixel).fma(ga, a1);
                        a2 = load(at + 2 * pixel).fma(ga, a2);
                        b0 = load(at + half).fma(gb, b0);
                        b1 = load(at + pixel + half).fma(gb, b1);
                        b2 = load(at + 2 * pixel + half).fma(gb, b2);
                        at += step;
                    }
                    if (p == outWidth) {
                        break;
                    }
                }
                int left = p * window.strideWidth() - window.left();
                long at = first + pixel * left;
                FloatVector ga = load(g + pixel * p);
                FloatVector gb = load(g + pixel * p + half);
                if (left >= 0 && left < width) {
                    a0 = load(at).fma(ga, a0);
                    b0 = load(at + half).fma(gb, b0);
                }
                if (left + 1 >= 0 && left + 1 < width) {
                    a1 = load(at + pixel).fma(ga, a1);
                    b1 = load(at + pixel + half).fma(gb, b1);
                }
                if (left + 2 >= 0 && left + 2 < width) {
                    a2 = load(at + 2 * pixel).fma(ga, a2);
                    b2 = load(at + 2 * pixel + half).fma(gb, b2);
                }
            }
        }
        a0.intoMemorySegment(ALL, own, ORDER);
        a1.intoMemorySegment(ALL, own + pixel, ORDER);
        a2.intoMemorySegment(ALL, own + 2 * pixel, ORDER);
        b0.intoMemorySegment(ALL, own + half, ORDER);
        b1.intoMemorySegment(ALL, own + pixel + half, ORDER);
        b2.intoMemorySegment(ALL, own + 2 * pixel + half, ORDER);
    }

    /** A row of five taps, one vector of channels. */
    private void five(int from, int to, int r, int c, long own) {
        long pixel = 4L * channels;
        long step = pixel * window.strideWidth();
        FloatVector a0 = load(own);
        FloatVector a1 = load(own + pixel);
        FloatVector a2 = load(own + 2 * pixel);
        FloatVector a3 = load(own + 3 * pixel);
        FloatVector a4 = load(own + 4 * pixel);
        for (int row = from; row < to; row++) {
            int h = under(row, r);
            if (h < 0) {
                continue;
            }
            long g = dy + pixel * row * outWidth + 4L * c;
            long first = pixels(row, h) + 4L * c;
            for (int p = 0; p < outWidth; p++) {
                if (p == wholeFrom) {
                    long at = first + pixel * ((long) p * window.strideWidth() - window.left());
                    for (; p < wholeTo; p++) {
                        FloatVector d = load(g + pixel * p);
                        a0 = load(at).fma(d, a0);
                        a1 = load(at + pixel).fma(d, a1);
                        a2 = load(at + 2 * pixel).fma(d, a2);
                        a3 = load(at + 3 * pixel).fma(d, a3);
                        a4 = load(at + 4 * pixel).fma(d, a4);
                        at += step;
                    }
                    if (p == outWidth) {
                        break;
                    }
                }
                int left = p * window.strideWidth() - window.left();
                long at = first + pixel * left;
                FloatVector d = load(g + pixel * p);
                if (left >= 0 && left < width) {
                    a0 = load(at).fma(d, a0);
                }
                if (left + 1 >= 0 && left + 1 < width) {
                    a1 = load(at + pixel).fma(d, a1);
                }
                if (left + 2 >= 0 && left + 2 < width) {
                    a2 = load(at + 2 * pixel).fma(d, a2);
                }
                if (left + 3 >= 0 && left + 3 < width) {
                    a3 = load(at + 3 * pixel).fma(d, a3);
                }
                if (left + 4 >= 0 && left + 4 < width) {
                    a4 = load(at + 4 * pixel).fma(d, a4);
                }
            }
        }
        a0.intoMemorySegment(ALL, own, ORDER);
        a1.intoMemorySegment(ALL, own + pixel, ORDER);
        a2.intoMemorySegment(ALL, own + 2 * pixel, ORDER);
        a3.intoMemorySegment(ALL, own + 3 * pixel, ORDER);
        a4.intoMemorySegment(ALL, own + 4 * pixel, ORDER);
    }

    /** One tap, one vector of channels. */
    private void tap(int from, int to, int r, int s, int c, long own) {
        long pixel = 4L * channels;
        FloatVector a = load(own);
        for (int row = from; row < to; row++) {
            int h = under(row, r);
            if (h < 0) {
                continue;
            }
            long g = dy + pixel * row * outWidth + 4L * c;
            long first = pixels(row, h) + 4L * c;
            for (int p = 0; p < outWidth; p++) {
                int w = p * window.strideWidth() - window.left() + s;
                if (w >= 0 && w < width) {
                    a = load(first + pixel * w).fma(load(g + pixel * p), a);
                }
            }
        }
        a.intoMemorySegment(ALL, own, ORDER);
    }

    /** One tap of a channel that fills no vector. */
    private void scalar(int from, int to, int r, int s, int c, long own) {
        long pixel = 4L * channels;
        float a = Memory.get(own);
        for (int row = from; row < to; row++) {
            int h = under(row, r);
            if (h < 0) {
                continue;
            }
            long g = dy + pixel * row * outWidth + 4L * c;
            long first = pixels(row, h) + 4L * c;
            for (int p = 0; p < outWidth; p++) {
                int w = p * window.strideWidth() - window.left() + s;
                if (w >= 0 && w < width) {
                    a = Math.fma(Memory.get(first + pixel * w), Memory.get(g + pixel * p), a);
                }
            }
        }
        Memory.set(own, a);
    }
}
