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
 * rows of taps, in the order of a product over the whole window; windows one pixel wide take several lines at once.
 *
 * <p>Where windows are cut left or right, those of long lines are copied, several lines at a time; short lines are copied
 * with zeros at both ends. Of a panel the part under a row of taps stays in the first-level cache while a few lines pass it, and so do their results.
 */
final class TapRowConv implements Kernel {
    private static final MicroKernel MICRO = MicroKernel.BEST;

    /** Lines of which fewer pixels than these have whole windows are copied. */
    private static final int LONG = 2 * MICRO.rows();

    /** Of so many pixels of a line one may be cut before lines are copied. */
    private static final int RARE = 16;

    /** Chunks to aim at. */
    private static final int CHUNKS = 16;

    /** Runs of lines at least, so that the same lines stay with a worker from layer to layer. */
    private static final int LINE_CHUNKS = 4;

    /** Half of a first-level cache. */
    private static final long RESULT_BYTES = 1 << 14;

    /** Tiles of rows in a chunk at least, where there are as many. */
    private static final int LEAST_TILES = 4;

    /** Cut windows that are copied and multiplied together at most. */
    private static final int MOST_CUT = 8;

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

    private final int pictures;
    private final int height;
    private final int width;
    private final int channels;
    private final int outHeight;
    private final int outWidth;
    private final int columns;

    /** Floats from one pixel of the result to the next. */
    private final int resultPitch;

    private final int depth;

    /** Floats that a row of taps meets. */
    private final int run;

    /** Whether lines of whole windows follow each other in memory as those of the result do. */
    private final boolean joined;

    /** Whether lines are copied, with zeros where windows reach beyond them. */
    private final boolean copied;

    /** Pixels of a line where it is read. */
    private final int pitch;

    /** The pixels of a line of the result with whole windows. */
    private final int from;

    private final int to;

    private final int lines;
    private final int linesOfChunk;

    /** Lines under one row of taps, before they are under the next one: their results stay in the first-level cache. */
    private final int linesAtATime;

    /** Columns of the result that a chunk computes, and how many such groups there are. */
    private final int groupColumns;

    private final int groups;

    private final long scratchBytes;
    private final Parallel.Chunk copying = this::copy;
    private final Parallel.Chunk multiplying = this::multiply;

    /** Where lines are read: in the pictures, or in their copy. */
    private long source;

    private long result;
    private long biasAddress;

    /** Whether it pays: whether lines, or all of them together, fill tiles. */
    static boolean suits(Window window, int outWidth, int channels, PackedPanels panels) {
        int run = window.kernelWidth() * channels;
        if (MICRO.interleaved()) {
            return false;
        }
        if (panels.bf16()) {
            // rounding is done again for each call; see MicroKernel: slabs of bfloat16
            return outWidth - window.left() - window.right() >= LONG
                    && panels.bytes() <= MICRO.cached()
                    && run <= MICRO.slab()
                    && run % 32 == 0;
        }
        return joins(window) || 3 * outWidth >= 2 * MICRO.rows();
    }

    private static boolean joins(Window window) {
        return window.kernelWidth() == 1
                && window.left() == 0
                && window.right() == 0
                && window.strideHeight() == 1
                && window.strideWidth() == 1;
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
        pictures = in.dim(0);
        height = in.dim(1);
        width = in.dim(2);
        channels = in.dim(3);
        outHeight = t.dim(1);
        outWidth = t.dim(2);
        columns = t.dim(3);
        resultPitch = operands.pitch(t);
        run = window.kernelWidth() * channels;
        depth = window.kernelHeight() * run;
        joined = joins(window);
        int whole = to(window, width, outWidth) - from(window);
        boolean bf16 = right.panels().bf16();
        copied = !bf16 && whole < outWidth && (whole < LONG || (outWidth - whole) * RARE > outWidth);
        pitch = copied ? (outWidth - 1) * window.strideWidth() + window.kernelWidth() : width;
        from = copied ? 0 : from(window);
        to = copied ? outWidth : to(window, width, outWidth);
        lines = Math.multiplyExact(pictures, outHeight);
        // what is rounded is rounded for every call
        groupColumns = bf16 ? Math.max(columns, 1) : MICRO.columns();
        groups = Math.ceilDiv(columns, groupColumns);
        long lineBytes = 4L * ((long) pitch * channels * window.strideHeight() + (long) outWidth * columns);
        int cuts = Math.min(
                Math.max(LINE_CHUNKS, Math.ceilDiv(CHUNKS, Math.max(groups, 1))),
                lines * outWidth / (LEAST_TILES * MICRO.rows()));
        linesOfChunk = Math.clamp(
                MICRO.cached() / Math.max(lineBytes, 1), 1, Math.max(1, Math.ceilDiv(lines, Math.max(1, cuts))));
        long resultBytes = 4L * Math.max(outWidth, 1) * groupColumns;
        linesAtATime = joined ? linesOfChunk : Math.clamp(RESULT_BYTES / resultBytes, 1, linesOfChunk);
        MICRO.prepare(activation, bf16);
        int mostRows = (joined ? linesOfChunk : 1) * (to - from);
        scratchBytes = Workspace.align(
                Math.max(MICRO.scratchBytes(mostRows, run, bf16), MICRO.scratchBytes(MOST_CUT, depth, bf16)));
        workspace.reserve(
                right.sharedBytes() + (copied ? 4L * pictures * height * pitch * channels : 0),
                scratchBytes + 4L * MOST_CUT * (depth + GAP));
    }

    @Override
    public void run() {
        long shared = workspace.shared();
        right.begin(workspace);
        windows.begin();
        source = copied ? shared + right.sharedBytes() : x.address();
        if (copied) {
            parallel.forRange(pictures * height, copying);
        }
        result = y.address();
        biasAddress = bias == null ? 0 : bias.address();
        parallel.forRange(Math.ceilDiv(lines, linesOfChunk) * groups, multiplying);
    }

    /** Copies a line, with zeros around it. */
    private void copy(int line, int worker) {
        long out = source + 4L * line * pitch * channels;
        int before = Math.min(window.left(), pitch);
        int here = Math.min(width, pitch - before);
        Movement.fill(out, 0, (long) before * channels);
        Movement.copy(x.address() + 4L * line * width * channels, out + 4L * before * channels, (long) here * channels);
        Movement.fill(out + 4L * (before + here) * channels, 0, (long) (pitch - before - here) * channels);
    }

    private void multiply(int chunk, int worker) {
        int first = chunk / groups * linesOfChunk;
        int end = Math.min(lines, first + linesOfChunk);
        int column = chunk % groups * groupColumns;
        int count = Math.min(groupColumns, columns - column);
        long scratch = workspace.worker(worker);
        for (int begin = first; begin < end; begin += linesAtATime) {
            int stop = Math.min(end, begin + linesAtATime);
            for (int tap = 0; tap < window.kernelHeight(); tap++) {
                for (int line = begin; line < stop; ) {
                    int next = joined ? alike(line, stop) : line + 1;
                    whole(line, next, tap, column, count, scratch);
                    line = next;
                }
            }
        }
        for (int line = first; line < end && (from > 0 || to < outWidth); line += MOST_CUT) {
            for (int pixel = 0; pixel < outWidth; pixel++) {
                if (pixel < from || pixel >= to) {
                    cut(line, Math.min(end, line + MOST_CUT), pixel, column, count, scratch);
                }
            }
        }
    }

    private int top(int line) {
        return line % outHeight * window.strideHeight() - window.top();
    }

    private int firstTap(int line) {
        return Math.max(0, -top(line));
    }

    private int endTap(int line) {
        return Math.min(window.kernelHeight(), height - top(line));
    }

    /** The end of the lines after this one, of the same picture, whose windows meet the same rows of taps. */
    private int alike(int line, int end) {
        int next = line + 1;
        while (next < end
                && next % outHeight != 0
                && firstTap(next) == firstTap(line)
                && endTap(next) == endTap(line)) {
            next++;
        }
        return next;
    }

    /** A row of taps of the whole windows of lines. */
    private void whole(int line, int end, int tap, int column, int count, long scratch) {
        int rows = (end - line) * (to - from);
        long pixelBytes = 4L * channels;
        int firstTap = firstTap(line);
        int endTap = endTap(line);
        long out = result + 4L * (resultPitch * ((long) line * outWidth + from) + column);
        if (firstTap >= endTap && tap == 0) {
            block(rows, 0, source, pixelBytes, 0, column, count, out, 4L * resultPitch, false, true, scratch);
        }
        if (tap < firstTap || tap >= endTap) {
            return;
        }
        long picture = source + pixelBytes * pitch * height * (line / outHeight);
        int left = copied ? 0 : from * window.strideWidth() - window.left();
        block(
                rows,
                run,
                picture + pixelBytes * ((long) (top(line) + tap) * pitch + left),
                pixelBytes * window.strideWidth(),
                tap * run,
                column,
                count,
                out,
                4L * resultPitch,
                tap > firstTap,
                tap == endTap - 1,
                scratch);
    }

    /** A pixel of several lines, with its window copied. */
    private void cut(int first, int end, int pixel, int column, int count, long scratch) {
        long copies = scratch + scratchBytes;
        long pitch = 4L * (depth + GAP);
        for (int line = first; line < end; line++) {
            windows.copy(0, line * outWidth + pixel, 1, 0, depth, copies + (line - first) * pitch, pitch);
        }
        long out = result + 4L * (resultPitch * ((long) first * outWidth + pixel) + column);
        block(
                end - first,
                depth,
                copies,
                pitch,
                0,
                column,
                count,
                out,
                4L * resultPitch * outWidth,
                false,
                true,
                scratch);
    }

    private void block(
            int rows,
            int count,
            long a,
            long aStride,
            int k,
            int column,
            int columnCount,
            long c,
            long cStride,
            boolean accumulate,
            boolean last,
            long scratch) {
        PackedPanels panels = right.panels();
        MICRO.block(
                rows,
                count,
                a,
                aStride,
                false,
                right.address(0)
                        + column / MICRO.columns() * panels.panelBytes()
                        + (long) panels.elementBytes() * k * MICRO.columns(),
                panels.panelBytes(),
                panels.bf16(),
                columnCount,
                c,
                cStride,
                accumulate,
                last,
                biasAddress == 0 ? 0 : biasAddress + 4L * column,
                activation,
                scratch);
    }
}
