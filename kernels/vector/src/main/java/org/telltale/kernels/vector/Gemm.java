package org.telltale.kernels.vector;

import org.jspecify.annotations.Nullable;
import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/**
 * Products c = activation(a b + bias) of one or more pairs of matrices of equal extents, over a right operand in panels.
 *
 * <p>The result is cut into blocks of rows by groups of panels, so that several threads share a product of few rows too.
 * In each such chunk a slab of depth at a time passes: all the rows of the block under each panel of the group. Where a
 * must be packed, with many chunks of rows each packs its own piece while it is hot; with few, all threads pack it first.
 * Where a is rounded to bfloat16, all threads round it first unless its rows are few or there is one group.
 */
final class Gemm implements Kernel {
    /**
     * Rows of a block. In the Vector API a packed block of 96 rows stays in the second-level cache. Emitted code reads the
     * left operand in place, and was fastest where the result is seldom read again and few blocks stream the panels: 2 to 9 %
     * before 96 rows and slabs of 384 on a Zen 3.
     */
    private static final int BLOCK = MicroKernel.BEST.interleaved() ? 96 : 288;

    /** Chunks to aim at, and multiply-adds below which one is not worth handing over. */
    private static final int CHUNKS = 32;

    /** Chunks that a few workers can share evenly. */
    private static final int LEAST_CHUNKS = 8;

    /** Tiles of rows in a block at least, where its panels come from beyond the second-level cache. */
    private static final int LEAST_TILES = 4;

    private static final long SMALL = 1 << 16;

    /** Floats between packed rows: rows of a slab's 4 KiB would all lie in one set of the first-level cache. */
    private static final int GAP = 16;

    private static final MicroKernel MICRO = MicroKernel.BEST;

    private final Parallel parallel;
    private final Workspace workspace;
    private final LeftRows left;
    private final RightPanels right;
    private final Buffer result;

    /** Floats from one row of the result to the next. */
    private final int resultPitch;

    private final @Nullable Buffer bias;
    private final Activation activation;

    private final int rows;
    private final int columns;
    private final int depth;
    private final int blockRows;
    private final int blocksPerMatrix;
    private final int blocks;
    private final int groupPanels;
    private final int groups;

    /** Whether the blocks of rows follow each other under each group of panels, so that panels are read once. */
    private final boolean panelsOuter;

    private final int slab;
    private final int slabs;
    private final long scratchBytes;
    private final Packing layout;

    /** Whether all rows are packed before the first product. */
    private final boolean packFirst;

    /** Whether they are rounded to bfloat16 then: once, and not by each group of panels. */
    private final boolean roundFirst;

    /** Rows of a block that are packed at a time then, and how many such pieces a block has. */
    private final int pieceRows;

    private final int pieces;

    /** Bytes that a row takes when it is packed in full depth. */
    private final long packedRow;

    private final Parallel.Chunk packing = this::pack;
    private final Parallel.Chunk multiplying = this::multiply;
    private long resultAddress;
    private long biasAddress;
    private long packedLeft;

    /** How the left operand reaches the micro-kernel: where it lies, or copied by slabs into rows or into tiles. */
    private enum Packing {
        NONE,
        ROWS,
        TILES
    }

    /** A right operand: where its panels are during a run. */
    interface RightPanels {
        PackedPanels panels();

        /** Readies the panels, at the start of a run. */
        void begin(Workspace workspace);

        /** The first panel of a matrix. */
        long address(int matrix);

        /** Bytes of the shared workspace that the panels take, at its start. */
        long sharedBytes();
    }

    Gemm(
            Parallel parallel,
            Workspace workspace,
            int matrices,
            int rows,
            LeftRows left,
            RightPanels right,
            Buffer result,
            int resultPitch,
            @Nullable Buffer bias,
            Activation activation) {
        this.parallel = parallel;
        this.workspace = workspace;
        this.left = left;
        this.right = right;
        this.result = result;
        this.resultPitch = resultPitch;
        this.bias = bias;
        this.activation = activation;
        this.rows = rows;
        this.columns = right.panels().columns();
        this.depth = right.panels().depth();
        int panels = right.panels().panels();
        layout = MICRO.interleaved() ? Packing.TILES : left.inPlace() ? Packing.NONE : Packing.ROWS;
        // Panels that stay in the cache are passed by many small blocks of rows, so that rows of a picture stay with a
        // worker from one layer to the next. So are others where there are rows enough and each must be packed, once.
        // Otherwise each worker has panels of its own, and rows are cut only where those are too few.
        int tile = MICRO.rows();
        int tiles = Math.ceilDiv(rows, tile);
        boolean resident = right.panels().panelBytes() * panels <= MICRO.cached();
        boolean byRows = resident || (layout != Packing.NONE && tiles >= LEAST_CHUNKS * LEAST_TILES / 2);
        int wanted = Math.clamp((long) matrices * rows * depth * columns / SMALL, 1, CHUNKS);
        int cuts = byRows
                ? Math.ceilDiv(wanted, Math.max(1, matrices))
                : Math.ceilDiv(Math.min(wanted, LEAST_CHUNKS), Math.max(1, Math.multiplyExact(matrices, panels)));
        int blockTiles = Math.clamp(tiles / cuts, resident ? 1 : LEAST_TILES, BLOCK / tile);
        int even = Math.ceilDiv(tiles, Math.max(1, Math.ceilDiv(tiles, blockTiles)));
        blockRows = even * tile;
        blocksPerMatrix = rows == 0 ? 0 : Math.ceilDiv(rows, blockRows);
        blocks = Math.multiplyExact(matrices, blocksPerMatrix);
        int most = Math.clamp(Math.ceilDiv(wanted, Math.max(blocks, 1)), 1, Math.max(panels, 1));
        groupPanels = Math.max(Math.ceilDiv(panels, most), 1);
        groups = Math.ceilDiv(panels, groupPanels);
        panelsOuter = !byRows && 4L * rows * depth <= MICRO.cached();
        // few rows fit the first-level cache in full depth, and long runs of b suit the prefetcher
        slab = rows <= 2 * MICRO.rows() ? Math.max(depth, 1) : MICRO.slab();
        slabs = Math.ceilDiv(depth, slab);
        roundFirst = right.panels().bf16() && MICRO.rounds() && groups > 1 && rows > 2 * MICRO.rows();
        packFirst = roundFirst || (layout != Packing.NONE && groups > 1);
        int cutsOfBlock = Math.ceilDiv(CHUNKS, Math.max(1, blocks * slabs));
        pieceRows = Math.max(even / cutsOfBlock, 1) * tile;
        pieces = Math.ceilDiv(blockRows, Math.max(pieceRows, 1));
        MICRO.prepare(activation, right.panels().bf16());
        scratchBytes = Workspace.align(MICRO.scratchBytes(
                blockRows, Math.min(slab, depth), right.panels().bf16()));
        boolean copied = layout != Packing.NONE && (roundFirst || !packFirst);
        long blockBytes = blockRows * pitch(Math.min(slab, depth));
        packedRow = depth / slab * packedStride(slab) + packedStride(depth % slab);
        // a tile at the end may be read whole
        long packedRows = (long) matrices * rows + MICRO.rows();
        workspace.reserve(
                right.sharedBytes() + (packFirst ? packedRows * packedRow : 0),
                scratchBytes + (copied ? blockBytes : 0));
    }

    /** The kernel of a linear layer. */
    static Kernel linear(
            Fused.Linear op, Tensor t, Operands operands, Parallel parallel, Workspace workspace, Panels panels) {
        Tensor x = t.inputs().get(0);
        Tensor w = t.inputs().get(1);
        int in = w.dim(1);
        int rows = Math.toIntExact(x.shape().product(0, x.shape().rank() - 1));
        return new Gemm(
                parallel,
                workspace,
                1,
                rows,
                new LeftRows.Matrix(operands.buffer(x), rows, in, false),
                panels.of(w, PackedPanels.matrix(in, w.dim(0), true, in), "transposed", operands),
                operands.buffer(t),
                t.dim(-1),
                t.inputs().size() > 2 ? operands.buffer(t.inputs().get(2)) : null,
                op.activation());
    }

    /** The kernel of a plain product. */
    static Kernel matMul(
            Primitive.MatMul op, Tensor t, Operands operands, Parallel parallel, Workspace workspace, Panels panels) {
        Tensor a = t.inputs().get(0);
        Tensor b = t.inputs().get(1);
        Shape y = t.shape();
        boolean shared = b.shape().rank() == 2;
        int lead = Math.toIntExact(y.product(0, y.rank() - 2));
        int depth = a.dim(op.transposeA() ? -2 : -1);
        int matrices = shared ? 1 : lead;
        int rows = Math.toIntExact((long) y.dim(-2) * (shared ? lead : 1));
        PackedPanels layout = PackedPanels.matrix(depth, y.dim(-1), op.transposeB(), b.dim(-1));
        return new Gemm(
                parallel,
                workspace,
                matrices,
                rows,
                new LeftRows.Matrix(operands.buffer(a), rows, depth, op.transposeA()),
                shared
                        ? panels.of(b, layout, op.transposeB() ? "transposed" : "plain", operands)
                        : panels.each(b, layout, matrices, operands),
                operands.buffer(t),
                t.dim(-1),
                null,
                Activation.NONE);
    }

    @Override
    public void run() {
        if (blocks == 0 || groups == 0) {
            return;
        }
        long shared = workspace.shared();
        left.begin();
        right.begin(workspace);
        resultAddress = result.address();
        biasAddress = bias == null ? 0 : bias.address();
        packedLeft = shared + right.sharedBytes();
        if (packFirst) {
            parallel.forRange(blocks * slabs * pieces, packing);
        }
        parallel.forRange(blocks * groups, multiplying);
    }

    /** Where a block of the packed left operand is, in full depth: slab by slab. */
    private long packedBlock(int block) {
        int matrix = block / blocksPerMatrix;
        long row = (long) matrix * rows + (long) (block % blocksPerMatrix) * blockRows;
        return packedLeft + row * packedRow;
    }

    /** Bytes from one copied row of a slab to the next. */
    private long pitch(int slabDepth) {
        return 4L * (layout == Packing.ROWS ? slabDepth + GAP : slabDepth);
    }

    /** Bytes from one row of a slab to the next where all are packed first. */
    private long packedStride(int slabDepth) {
        if (slabDepth == 0) {
            return 0;
        }
        return roundFirst ? MICRO.roundedStride(slabDepth) : pitch(slabDepth);
    }

    /** Packs a slab of some rows of a block. */
    private void pack(int chunk, int worker) {
        int block = chunk / pieces / slabs;
        int before = chunk / pieces % slabs;
        int k = before * slab;
        int matrix = block / blocksPerMatrix;
        int first = block % blocksPerMatrix * blockRows;
        int last = Math.min(rows, first + blockRows);
        int begin = first + chunk % pieces * pieceRows;
        int end = Math.min(last, begin + pieceRows);
        if (begin >= end) {
            return;
        }
        int to = Math.min(depth, k + slab);
        long out = packedBlock(block)
                + (last - first) * (before * packedStride(slab))
                + (begin - first) * packedStride(to - k);
        if (roundFirst) {
            roundSlab(matrix, begin, end, k, to, out, workspace.worker(worker));
        } else {
            packSlab(matrix, begin, end, k, to, out);
        }
    }

    private void roundSlab(int matrix, int begin, int end, int from, int to, long out, long scratch) {
        long rows = scratch + scratchBytes;
        long stride = pitch(to - from);
        if (layout == Packing.NONE) {
            rows = left.address(matrix, begin) + 4L * from;
            stride = 4L * depth;
        } else {
            packSlab(matrix, begin, end, from, to, rows);
        }
        MICRO.round(end - begin, to - from, rows, stride, out, scratch);
    }

    private void packSlab(int matrix, int begin, int end, int from, int to, long out) {
        if (layout == Packing.ROWS) {
            left.copy(matrix, begin, end - begin, from, to, out, pitch(to - from));
            return;
        }
        for (int row = begin; row < end; row += MICRO.rows()) {
            int count = Math.min(MICRO.rows(), end - row);
            left.interleave(matrix, row, count, from, to, out + 4L * (row - begin) * (to - from));
        }
    }

    private void multiply(int chunk, int worker) {
        int ofMatrix = blocksPerMatrix * groups;
        int place = chunk % ofMatrix;
        int block = chunk / ofMatrix * blocksPerMatrix + (panelsOuter ? place % blocksPerMatrix : place / groups);
        int firstPanel = (panelsOuter ? place / blocksPerMatrix : place % groups) * groupPanels;
        int lastPanel = Math.min(right.panels().panels(), firstPanel + groupPanels);
        int matrix = block / blocksPerMatrix;
        int begin = block % blocksPerMatrix * blockRows;
        int end = Math.min(rows, begin + blockRows);
        int from = firstPanel * MICRO.columns();
        int to = Math.min(columns, lastPanel * MICRO.columns());
        long scratch = workspace.worker(worker);
        long b = right.address(matrix) + firstPanel * right.panels().panelBytes();
        long c = resultAddress + 4 * (((long) matrix * rows + begin) * resultPitch + from);
        long a = packFirst ? packedBlock(block) : scratch + scratchBytes;
        int k = 0;
        do {
            int next = Math.min(depth, k + slab);
            long stride = packFirst ? packedStride(next - k) : pitch(next - k);
            if (!packFirst && layout == Packing.NONE) {
                a = left.address(matrix, begin) + 4L * k;
                stride = 4L * depth;
            } else if (!packFirst) {
                packSlab(matrix, begin, end, k, next, a);
            }
            MICRO.block(
                    end - begin,
                    next - k,
                    a,
                    stride,
                    roundFirst,
                    b + (long) right.panels().elementBytes() * k * MICRO.columns(),
                    right.panels().panelBytes(),
                    right.panels().bf16(),
                    to - from,
                    c,
                    4L * resultPitch,
                    k > 0,
                    next == depth,
                    biasAddress == 0 ? 0 : biasAddress + 4L * from,
                    activation,
                    scratch);
            if (packFirst) {
                a += (end - begin) * packedStride(next - k);
            }
            k = next;
        } while (k < depth);
    }
}
