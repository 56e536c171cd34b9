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
    private final AttentionMask mask;
    private final @Nullable Dropped dropped;

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
    private long packed;

    AttentionKernel(Fused.Attention op, Tensor t, Operands operands, Parallel parallel, Workspace workspace) {
        this.op = op;
        this.parallel = parallel;
        this.workspace = workspace;
        q = operands.buffer(t.inputs().get(0));
        k = operands.buffer(t.inputs().get(1));
        v = operands.buffer(t.inputs().get(2));
        y = operands.buffer(t);
        mask = new AttentionMask(op, t.inputs(), operands);
        dropped = Dropped.of(op, t.inputs(), operands);
        batch = t.dim(0);
        queries = t.dim(1);
        keys = t.inputs().get(1).dim(1);
        width = t.dim(2);
        head = width / op.heads();
        blocks = (queries + BLOCK - 1) / BLOCK;
        keyPanels = PackedPanels.matrix(head, keys, true, width);
        valuePanels = PackedPanels.matrix(keys, head, false, width);
        scoreColumns = keyPanels.panels() * MICRO.columns();
        headColumns = valuePanels.panels() * MICRO.columns();
        MICRO.prepare(Activation.NONE, false);
        workspace.reserve((long) batch * op.heads() * headBytes(), workerBytes());
    }

    private long headBytes() {
        return keyPanels.bytes() + valuePanels.bytes();
    }

    /**
     * A worker's scratch: the micro-kernel's, addends, packed queries, scores, packed scores, results, random numbers
     * and a vector.
     */
    private long workerBytes() {
        long floats = scoreColumns + BLOCK * (head + scoreColumns + keys + headColumns + 1L) + keys + LANES;
        return Workspace.align(MICRO.scratchBytes(0, false)) + 4 * floats;
    }

    @Override
    public void run() {
        packed = workspace.shared();
        qAddress = q.address();
        kAddress = k.address();
        vAddress = v.address();
        yAddress = y.address();
        mask.begin();
        if (dropped != null) {
            dropped.begin();
        }
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
        long addends = scratch + Workspace.align(MICRO.scratchBytes(0, false));
        long packedQueries = addends + 4L * scoreColumns;
        long scores = packedQueries + 4L * BLOCK * head;
        long packedScores = scores + 4L * BLOCK * scoreColumns;
        long results = packedScores + 4L * BLOCK * keys;
        long sums = results + 4L * BLOCK * headColumns;
        long uniforms = sums + 4L * BLOCK;
        long lanes = uniforms + 4L * keys;
        long place = 4L * ((long) b * queries + first) * width + 4L * h * head;
        long keysAt = packed + ((long) b * op.heads() + h) * headBytes();
        long valuesAt = keysAt + keyPanels.bytes();
        mask.keys(b, addends);
        MicroKernel.product(
                count,
                head,
                qAddress + place,
                4L * width,
                packedQueries,
                keysAt,
                keyPanels.panelBytes(),
                end,
                scores,
                4L * scoreColumns,
                false,
                scratch);
        for (int r = 0; r < count; r++) {
            long row = scores + 4L * r * scoreColumns;
            float sum = SoftmaxRow.exponentials(
                    row, seen(first + r), op.scale(), mask.addends(b, h, first + r, addends), end, lanes);
            ALL.set(FLOAT, sums + 4L * r, sum);
            if (dropped != null) {
                dropped.draw(b, h, first + r, uniforms, seen);
                dropped.apply(row, uniforms, seen);
            }
        }
        MicroKernel.product(
                count,
                seen,
                scores,
                4L * scoreColumns,
                packedScores,
                valuesAt,
                valuePanels.panelBytes(),
                headColumns,
                results,
                4L * headColumns,
                false,
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
