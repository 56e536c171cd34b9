package org.telltale.kernels.vector;

import org.jspecify.annotations.Nullable;
import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/**
 * Convolution of NHWC pictures that lie where they are: what a row of taps meets, from one pixel of a line of the result
 * to the next, is a matrix whose rows overlap, a stride apart. So a line is the sum of as many products as the window has
 * rows of taps, in the order of a product over the whole window. Only windows that are cut left or right are copied, those
 * of several lines at a time.
 */
final class TapRowConv implements Kernel, Parallel.Chunk {
    private static final MicroKernel MICRO = MicroKernel.BEST;

    /** Lines of which fewer pixels than these have whole windows fill tiles badly: there copying windows is faster. */
    private static final int LEAST_PIXELS = 2 * MICRO.rows();

    /** Chunks to aim at. */
    private static final int CHUNKS = 32;

    /** Lines of a chunk at most; so few windows are copied and multiplied in full depth. */
    private static final int MOST_LINES = 8;

    /** Floats between copied windows, lest they lie in one set of the first-level cache. */
    private static final int GAP = 16;

    private final Parallel parallel;
    private final Workspace workspace;
    private final Window window;
    private final Conv2d.Windows windows;
    private final Gemm.RightPanels right;
    private final Buffer x;
    private final Buffer y;
    private final @Nullable Buffer bias;
    private final Activation activation;

    private final int height;
    private final int width;
    private final int channels;
    private final int outHeight;
    private final int outWidth;
    private final int columns;
    private final int depth;

    /** Floats that a row of taps meets. */
    private final int run;

    /** The pixels of a line with whole windows. */
    private final int from;

    private final int to;

    private final int lines;
    private final int linesOfChunk;
    private final long scratchBytes;
    private long address;
    private long result;
    private long biasAddress;

    /** Whether lines are long enough for it, and panels stay in the cache while one line after the other passes them. */
    static boolean suits(Window window, int width, int outWidth, int channels, PackedPanels panels) {
        int run = window.kernelWidth() * channels;
        return !MICRO.interleaved()
                && to(window, width, outWidth) - from(window) >= LEAST_PIXELS
                && run <= MICRO.slab()
                && panels.bytes() <= MICRO.cached()
                // see MicroKernel: slabs of bfloat16
                && (!panels.bf16() || run % 32 == 0);
    }

    private static int from(Window window) {
        return Math.ceilDiv(window.left(), window.strideWidth());
    }

    private static int to(Window window, int width, int outWidth) {
        int last = Math.floorDiv(width + window.left() - window.kernelWidth(), window.strideWidth());
        return Math.min(outWidth, last + 1);
    }

    TapRowConv(
            Fused.Conv2d op,
            Tensor t,
            Gemm.RightPanels right,
            @Nullable Buffer bias,
            Operands operands,
            Parallel parallel,
            Workspace workspace) {
        Tensor in = t.inputs().getFirst();
        this.parallel = parallel;
        this.workspace = workspace;
        this.window = op.window();
        this.windows = new Conv2d.Windows(operands, in, window, t.shape());
        this.right = right;
        this.x = operands.buffer(in);
        this.y = operands.buffer(t);
        this.bias = bias;
        this.activation = op.activation();
        height = in.dim(1);
        width = in.dim(2);
        channels = in.dim(3);
        outHeight = t.dim(1);
        outWidth = t.dim(2);
        columns = t.dim(3);
        run = window.kernelWidth() * channels;
        depth = window.kernelHeight() * run;
        from = from(window);
        to = to(window, width, outWidth);
        lines = Math.multiplyExact(t.dim(0), outHeight);
        linesOfChunk = Math.clamp(Math.ceilDiv(lines, CHUNKS), 1, MOST_LINES);
        boolean bf16 = right.panels().bf16();
        MICRO.prepare(activation, bf16);
        scratchBytes = Workspace.align(
                Math.max(MICRO.scratchBytes(to - from, run, bf16), MICRO.scratchBytes(linesOfChunk, depth, bf16)));
        workspace.reserve(right.sharedBytes(), scratchBytes + 4L * linesOfChunk * (depth + GAP));
    }

    @Override
    public void run() {
        workspace.shared();
        right.begin(workspace);
        windows.begin();
        address = x.address();
        result = y.address();
        biasAddress = bias == null ? 0 : bias.address();
        parallel.forRange(Math.ceilDiv(lines, linesOfChunk), this);
    }

    @Override
    public void run(int chunk, int worker) {
        int first = chunk * linesOfChunk;
        int end = Math.min(lines, first + linesOfChunk);
        long scratch = workspace.worker(worker);
        for (int line = first; line < end; line++) {
            whole(line, scratch);
        }
        for (int pixel = 0; pixel < outWidth; pixel++) {
            if (pixel < from || pixel >= to) {
                cut(first, end, pixel, scratch);
            }
        }
    }

    /** The whole windows of a line, row of taps by row of taps. */
    private void whole(int line, long scratch) {
        long pixelBytes = 4L * channels;
        int top = line % outHeight * window.strideHeight() - window.top();
        int firstTap = Math.max(0, -top);
        int endTap = Math.min(window.kernelHeight(), height - top);
        long out = result + 4L * columns * ((long) line * outWidth + from);
        if (firstTap >= endTap) {
            block(to - from, 0, address, pixelBytes, 0, out, 4L * columns, false, true, scratch);
            return;
        }
        long picture = address + pixelBytes * width * height * (line / outHeight);
        int left = from * window.strideWidth() - window.left();
        for (int tap = firstTap; tap < endTap; tap++) {
            block(
                    to - from,
                    run,
                    picture + pixelBytes * ((long) (top + tap) * width + left),
                    pixelBytes * window.strideWidth(),
                    tap * run,
                    out,
                    4L * columns,
                    tap > firstTap,
                    tap == endTap - 1,
                    scratch);
        }
    }

    /** A pixel of several lines, with its window copied. */
    private void cut(int first, int end, int pixel, long scratch) {
        long copies = scratch + scratchBytes;
        long pitch = 4L * (depth + GAP);
        for (int line = first; line < end; line++) {
            windows.copy(0, line * outWidth + pixel, 1, 0, depth, copies + (line - first) * pitch, pitch);
        }
        long out = result + 4L * columns * ((long) first * outWidth + pixel);
        block(end - first, depth, copies, pitch, 0, out, 4L * columns * outWidth, false, true, scratch);
    }

    private void block(
            int rows,
            int count,
            long a,
            long aStride,
            int k,
            long c,
            long cStride,
            boolean accumulate,
            boolean last,
            long scratch) {
        MICRO.block(
                rows,
                count,
                a,
                aStride,
                false,
                right.address(0) + (long) right.panels().elementBytes() * k * MICRO.columns(),
                right.panels().panelBytes(),
                right.panels().bf16(),
                columns,
                c,
                cStride,
                accumulate,
                last,
                biasAddress,
                activation,
                scratch);
    }
}
