package org.telltale.kernels.vector;

import static org.telltale.kernels.vector.Memory.ALL;
import static org.telltale.kernels.vector.Memory.FLOAT;
import static org.telltale.kernels.vector.Memory.LANES;
import static org.telltale.kernels.vector.Memory.ORDER;
import static org.telltale.kernels.vector.Memory.SPECIES;

import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/**
 * Scaled dot-product attention: per head, keys and values are packed for the micro-kernel; then per block of queries the
 * scores of all keys, their exponentials, and the product with the values, which the sums divide last.
 */
final class AttentionKernel implements Kernel {
    /** Queries of a block: with 577 keys its scores and their packed copy take 150 KiB of a second-level cache. */
    private static final int BLOCK = 36;

    private static final MicroKernel MICRO = MicroKernel.BEST;

    private final Fused.Attention op;
    private final Parallel parallel;
    private final Workspace workspace;
    private final Buffer q;
    private final Buffer k;
    private final Buffer v;
    private final Buffer y;
    private final @Nullable Buffer mask;
    private final long[] biasSteps;

    private final int batch;
    private final int queries;
    private final int keys;
    private final int width;
    private final int head;
    private final int blocks;
    private final PackedPanels keyPanels;
    private final PackedPanels valuePanels;
    private final int scoreColumns;
    private final int headColumns;

    private final Parallel.Chunk packing = this::pack;
    private final Parallel.Chunk attending = this::attend;
    private long qAddress;
    private long kAddress;
    private long vAddress;
    private long yAddress;
    private long maskAddress;
    private long packed;

    AttentionKernel(Fused.Attention op, Tensor t, Operands operands, Parallel parallel, Workspace workspace) {
        this.op = op;
        this.parallel = parallel;
        this.workspace = workspace;
        q = operands.buffer(t.inputs().get(0));
        k = operands.buffer(t.inputs().get(1));
        v = operands.buffer(t.inputs().get(2));
        y = operands.buffer(t);
        mask = op.masking() == Fused.Masking.NONE
                ? null
                : operands.buffer(t.inputs().get(3));
        batch = t.dim(0);
        queries = t.dim(1);
        keys = t.inputs().get(1).dim(1);
        width = t.dim(2);
        head = width / op.heads();
        blocks = (queries + BLOCK - 1) / BLOCK;
        biasSteps = op.masking() == Fused.Masking.BIAS
                ? broadcastSteps(t.inputs().get(3).shape(), Shape.of(batch, op.heads(), queries, keys))
                : new long[4];
        keyPanels = PackedPanels.matrix(head, keys, true, width);
        valuePanels = PackedPanels.matrix(keys, head, false, width);
        scoreColumns = keyPanels.panels() * MICRO.columns();
        headColumns = valuePanels.panels() * MICRO.columns();
        MICRO.prepare(Activation.NONE, false);
        workspace.reserve((long) batch * op.heads() * headBytes(), workerBytes());
    }

    /** Steps along the axes of a bias, 0 where it repeats. */
    private static long[] broadcastSteps(Shape bias, Shape full) {
        long[] steps = bias.strides();
        for (int i = 0; i < steps.length; i++) {
            if (bias.dim(i) == 1) {
                steps[i] = 0;
            } else if (bias.dim(i) != full.dim(i)) {
                throw new IllegalArgumentException("attention: the bias " + bias + " does not broadcast to " + full);
            }
        }
        return steps;
    }

    private long headBytes() {
        return keyPanels.bytes() + valuePanels.bytes();
    }

    /** A worker's scratch: the micro-kernel's, addends, packed queries, scores, packed scores, results, and a vector. */
    private long workerBytes() {
        long floats = scoreColumns + BLOCK * (head + scoreColumns + keys + headColumns + 1L) + LANES;
        return Workspace.align(MICRO.scratchBytes(BLOCK, 0, false)) + 4 * floats;
    }

    @Override
    public void run() {
        packed = workspace.shared();
        qAddress = q.address();
        kAddress = k.address();
        vAddress = v.address();
        yAddress = y.address();
        maskAddress = mask == null ? 0 : mask.address();
        parallel.forRange(batch * op.heads(), packing);
        parallel.forRange(batch * op.heads() * blocks, attending);
    }

    private void pack(int chunk, int worker) {
        long from = 4L * (chunk / op.heads()) * keys * width + 4L * (chunk % op.heads()) * head;
        long to = packed + chunk * headBytes();
        for (int p = 0; p < keyPanels.panels(); p++) {
            keyPanels.pack(kAddress + from, to, p);
        }
        for (int p = 0; p < valuePanels.panels(); p++) {
            valuePanels.pack(vAddress + from, to + keyPanels.bytes(), p);
        }
    }

    private void attend(int chunk, int worker) {
        int first = chunk % blocks * BLOCK;
        int count = Math.min(BLOCK, queries - first);
        int h = chunk / blocks % op.heads();
        int b = chunk / blocks / op.heads();
        // keys that no query of the block sees are left out of both products
        int seen = seen(first + count - 1);
        int end = (seen + MICRO.columns() - 1) / MICRO.columns() * MICRO.columns();
        long scratch = workspace.worker(worker);
        long addends = scratch + Workspace.align(MICRO.scratchBytes(BLOCK, 0, false));
        long packedQueries = addends + 4L * scoreColumns;
        long scores = packedQueries + 4L * BLOCK * head;
        long packedScores = scores + 4L * BLOCK * scoreColumns;
        long results = packedScores + 4L * BLOCK * keys;
        long sums = results + 4L * BLOCK * headColumns;
        long lanes = sums + 4L * BLOCK;
        long place = 4L * ((long) b * queries + first) * width + 4L * h * head;
        long keysAt = packed + ((long) b * op.heads() + h) * headBytes();
        long valuesAt = keysAt + keyPanels.bytes();
        if (op.masking() == Fused.Masking.KEYS) {
            keyAddends(maskAddress + 4L * b * keys, addends);
        }
        product(
                count,
                head,
                qAddress + place,
                4L * width,
                packedQueries,
                keysAt,
                keyPanels,
                end,
                scores,
                scoreColumns,
                scratch);
        for (int r = 0; r < count; r++) {
            long bias = op.masking() == Fused.Masking.BIAS ? bias(b, h, first + r, addends) : addends;
            float sum = SoftmaxRow.exponentials(
                    scores + 4L * r * scoreColumns,
                    seen(first + r),
                    op.scale(),
                    op.masking() == Fused.Masking.NONE ? 0 : bias,
                    end,
                    lanes);
            ALL.set(FLOAT, sums + 4L * r, sum);
        }
        product(
                count,
                seen,
                scores,
                4L * scoreColumns,
                packedScores,
                valuesAt,
                valuePanels,
                headColumns,
                results,
                headColumns,
                scratch);
        for (int r = 0; r < count; r++) {
            divide(
                    results + 4L * r * headColumns,
                    ALL.get(FLOAT, sums + 4L * r),
                    yAddress + place + 4L * r * width,
                    head);
        }
    }

    /** How many keys a query sees, the masked ones included. */
    private int seen(int query) {
        return seen(op, query, keys);
    }

    static int seen(Fused.Attention op, int query, int keys) {
        return op.causal() ? Math.clamp(query + 1L + op.offset(), 0, keys) : keys;
    }

    /** [rows, columns] of results, from rows where they lie or, for a kernel that needs it, from a packed copy. */
    private void product(
            int rows,
            int depth,
            long a,
            long aStride,
            long copy,
            long b,
            PackedPanels panels,
            int columns,
            long c,
            int resultColumns,
            long scratch) {
        long left = a;
        if (MICRO.interleaved()) {
            left = copy;
            for (int r = 0; r < rows; r += MICRO.rows()) {
                int n = Math.min(MICRO.rows(), rows - r);
                LeftRows.interleave(a + r * aStride, aStride, n, depth, copy + 4L * r * depth);
            }
        }
        if (columns > 0) {
            MicroKernel.product(rows, depth, left, aStride, b, panels, columns, c, 4L * resultColumns, scratch);
        }
    }

    /** Turns a row of the key mask into what is added to scores. */
    private void keyAddends(long keyMask, long to) {
        for (int j = 0; j < keys; j++) {
            ALL.set(FLOAT, to + 4L * j, Memory.getInt(keyMask + 4L * j) == 0 ? Float.NEGATIVE_INFINITY : 0);
        }
    }

    /** Where the bias of a query's scores is; it is spread out first when it is one number for all keys. */
    private long bias(int b, int h, int query, long scratch) {
        long at = maskAddress + 4 * (b * biasSteps[0] + h * biasSteps[1] + query * biasSteps[2]);
        if (biasSteps[3] != 0) {
            return at;
        }
        float one = ALL.get(FLOAT, at);
        for (int j = 0; j < keys; j++) {
            ALL.set(FLOAT, scratch + 4L * j, one);
        }
        return scratch;
    }

    /** A row divided by its sum; zeros when no key was seen. */
    static void divide(long row, float sum, long to, int count) {
        float factor = sum == 0 ? 0 : 1 / sum;
        int j = 0;
        for (; j <= count - LANES; j += LANES) {
            FloatVector.fromMemorySegment(SPECIES, ALL, row + 4L * j, ORDER)
                    .mul(factor)
                    .intoMemorySegment(ALL, to + 4L * j, ORDER);
        }
        for (; j < count; j++) {
            ALL.set(FLOAT, to + 4L * j, ALL.get(FLOAT, row + 4L * j) * factor);
        }
    }
}
