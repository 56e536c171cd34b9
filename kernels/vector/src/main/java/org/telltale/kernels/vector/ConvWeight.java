package org.telltale.kernels.vector;

import org.telltale.engine.Activation;
import org.telltale.engine.Backward;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/**
 * The gradient of the weight of a convolution of one group: the product of the results' gradients [rows, O], transposed,
 * and the windows [rows, kh*kw*C], whose depth is the rows, one per pixel of the results.
 *
 * <p>The rows are cut into parts, each with a partial result of its own, and the columns into groups of panels, neither
 * with regard to the number of threads; partial results are added up in order. Within a part a block of rows at a time is
 * brought into the micro-kernel's layout: the narrower operand transposed, as left, and the wider in panels, as right.
 */
final class ConvWeight implements Kernel {
    private static final MicroKernel MICRO = MicroKernel.BEST;

    /** Rows of a block: panels of it stay in the first-level cache. */
    private static final int BLOCK = 256;

    /** Bytes from one row of the transposed block to the next: no power of two, whose lines would share cache sets. */
    private static final long LEFT_STEP = 4L * (BLOCK + 16);

    /** Chunks to aim at, and rows of a part, at least. */
    private static final int CHUNKS = 16;

    private static final int PART = 512;

    /** Rows of sums that are added up together: their results fill a cache line where they are transposed. */
    private static final int TOGETHER = 16;

    private final Parallel parallel;
    private final Workspace workspace;
    private final Rows left;
    private final Rows right;
    private final Buffer result;

    /** Whether the results' gradients are the left operand. */
    private final boolean straight;

    private final int channels;
    private final int taps;
    private final int rows;
    private final int blocks;
    private final int parts;
    private final int panels;
    private final int groups;

    /** Whether the one part's sums are the result as they are. */
    private final boolean direct;

    private final boolean packFirst;
    private final long partBytes;
    private final long scratchBytes;
    private final long leftBytes;
    private final long copiedBytes;

    /** The panels of each group for a whole block, and for the last rows. */
    private final PackedPanels[] whole;

    private final PackedPanels[] rest;
    private final Parallel.Chunk packing = this::packBlock;
    private final Parallel.Chunk multiplying = this::multiply;
    private final Parallel.Chunk adding = this::add;
    private long sums;
    private long packedLeft;
    private long to;

    /** Rows [rows, width] in memory, or windows that are copied there when they are needed. */
    private record Rows(LeftRows rows, int width) {
        /** Bytes for the columns of a block. */
        long scratch(int columns) {
            return rows.inPlace() ? 0 : Workspace.align(4L * BLOCK * columns);
        }

        /** Where rows are, from a column on; copied to the scratch where they do not lie in memory. */
        long address(int row, int count, int from, int end, long scratch) {
            if (rows.inPlace()) {
                return rows.address(0, row) + 4L * from;
            }
            rows.copy(0, row, count, from, end, scratch, 4L * (end - from));
            return scratch;
        }

        /** Floats from one row to the next at such an address. */
        int stride(int from, int end) {
            return rows.inPlace() ? width : end - from;
        }
    }

    ConvWeight(Backward.ConvWeight op, Tensor t, Operands operands, Parallel parallel, Workspace workspace) {
        this.parallel = parallel;
        this.workspace = workspace;
        Tensor x = t.inputs().get(0);
        Tensor dy = t.inputs().get(1);
        result = operands.buffer(t);
        channels = x.dim(3);
        taps = op.window().kernelHeight() * op.window().kernelWidth();
        rows = Math.toIntExact(dy.shape().product(0, 3));
        int out = dy.dim(3);
        int wide = Math.multiplyExact(taps, channels);
        Rows windows = new Rows(
                op.window().pointwise()
                        ? new LeftRows.Matrix(operands.buffer(x), rows, channels, false)
                        : new Conv2d.Windows(operands, x, op.window(), dy.shape()),
                wide);
        Rows gradients = new Rows(new LeftRows.Matrix(operands.buffer(dy), rows, out, false), out);
        straight = out <= wide;
        left = straight ? gradients : windows;
        right = straight ? windows : gradients;
        blocks = Math.ceilDiv(rows, BLOCK);
        parts = Math.clamp(rows / PART, 1, CHUNKS);
        panels = Math.ceilDiv(right.width, MICRO.columns());
        groups = Math.clamp(Math.ceilDiv(CHUNKS, parts), 1, Math.max(panels, 1));
        direct = straight && taps == 1 && parts == 1;
        packFirst = groups > 1;
        partBytes = Workspace.align(4L * left.width * right.width);
        MICRO.prepare(Activation.NONE, false);
        scratchBytes = Workspace.align(MICRO.scratchBytes(Math.max(left.width, BLOCK), BLOCK, false));
        leftBytes = LEFT_STEP * left.width;
        int columns = Math.ceilDiv(panels, groups) * MICRO.columns();
        copiedBytes = Math.max(left.scratch(left.width), right.scratch(columns));
        whole = new PackedPanels[groups];
        rest = new PackedPanels[groups];
        for (int g = 0; g < groups; g++) {
            int width = end(g) - from(g);
            int step = right.stride(from(g), end(g));
            whole[g] = PackedPanels.matrix(BLOCK, width, false, step);
            rest[g] = PackedPanels.matrix(rows % BLOCK, width, false, step);
        }
        workspace.reserve(
                (direct ? 0 : parts * partBytes) + (packFirst ? blocks * leftBytes : 0),
                scratchBytes + leftBytes + copiedBytes + 4L * BLOCK * columns);
    }

    @Override
    public void run() {
        left.rows.begin();
        right.rows.begin();
        to = result.address();
        long shared = workspace.shared();
        sums = direct ? to : shared;
        packedLeft = shared + (direct ? 0 : parts * partBytes);
        if (packFirst) {
            parallel.forRange(blocks, packing);
        }
        parallel.forRange(parts * groups, multiplying);
        if (!direct) {
            parallel.forRange(Math.ceilDiv(left.width, TOGETHER), adding);
        }
    }

    /** The first column of a group of panels. */
    private int from(int group) {
        return (int) ((long) group * panels / groups) * MICRO.columns();
    }

    private int end(int group) {
        return Math.min(right.width, from(group + 1));
    }

    private int count(int block) {
        return Math.min(BLOCK, rows - block * BLOCK);
    }

    private void packBlock(int block, int worker) {
        packLeft(block, packedLeft + block * leftBytes, workspace.worker(worker) + scratchBytes + leftBytes);
    }

    /** Transposes a block of the left operand: to [width, rows], or tile by tile to [rows, rows of the tile]. */
    private void packLeft(int block, long out, long scratch) {
        int count = count(block);
        int width = left.width;
        long in = left.address(block * BLOCK, count, 0, width, scratch);
        long step = 4L * left.stride(0, width);
        if (!MICRO.interleaved()) {
            Turn.move(in, step, count, width, out, LEFT_STEP);
            return;
        }
        for (int tile = 0; tile < width; tile += MICRO.rows()) {
            int rows = Math.min(MICRO.rows(), width - tile);
            long at = out + 4L * tile * count;
            for (int k = 0; k < count; k++) {
                for (int r = 0; r < rows; r++) {
                    Memory.set(at + 4L * (k * rows + r), Memory.get(in + k * step + 4L * (tile + r)));
                }
            }
        }
    }

    private void multiply(int chunk, int worker) {
        int part = chunk / groups;
        int group = chunk % groups;
        int from = from(group);
        int end = end(group);
        long scratch = workspace.worker(worker);
        long a = scratch + scratchBytes;
        long copied = a + leftBytes;
        long b = copied + copiedBytes;
        long c = sums + part * partBytes + 4L * from;
        int first = (int) ((long) part * blocks / parts);
        int last = (int) ((part + 1L) * blocks / parts);
        if (first == last) {
            for (int r = 0; r < left.width; r++) {
                Movement.fill(c + 4L * r * right.width, 0, end - from);
            }
        }
        for (int block = first; block < last; block++) {
            int count = count(block);
            if (packFirst) {
                a = packedLeft + block * leftBytes;
            } else {
                packLeft(block, a, copied);
            }
            long in = right.address(block * BLOCK, count, from, end, copied);
            PackedPanels layout = (count == BLOCK ? whole : rest)[group];
            for (int p = 0; p < layout.panels(); p++) {
                layout.pack(in, b, p);
            }
            MICRO.block(
                    left.width,
                    count,
                    a,
                    LEFT_STEP,
                    false,
                    b,
                    layout.panelBytes(),
                    false,
                    end - from,
                    c,
                    4L * right.width,
                    block > first,
                    false,
                    0,
                    Activation.NONE,
                    scratch);
        }
    }

    /** Adds the parts of some rows of sums, and puts them where [O, C, taps] has them. */
    private void add(int chunk, int worker) {
        int first = chunk * TOGETHER;
        int end = Math.min(left.width, first + TOGETHER);
        int width = right.width;
        for (int row = first; row < end; row++) {
            long own = sums + 4L * row * width;
            for (int p = 1; p < parts; p++) {
                Pairwise.run(Primitive.BinaryKind.ADD, own, 4, own + p * partBytes, 4, own, width);
            }
        }
        if (straight && taps == 1) {
            Movement.copy(sums + 4L * first * width, to + 4L * first * width, (long) (end - first) * width);
        } else if (straight) {
            for (int row = first; row < end; row++) {
                for (int k = 0; k < taps; k++) {
                    for (int c = 0; c < channels; c++) {
                        place(row, k, c, Memory.get(sums + 4L * ((long) row * width + (long) k * channels + c)));
                    }
                }
            }
        } else {
            for (int o = 0; o < width; o++) {
                for (int row = first; row < end; row++) {
                    place(o, row / channels, row % channels, Memory.get(sums + 4L * ((long) row * width + o)));
                }
            }
        }
    }

    private void place(int o, int tap, int channel, float value) {
        Memory.set(to + 4L * (((long) o * channels + channel) * taps + tap), value);
    }
}
