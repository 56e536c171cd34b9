package org.telltale.kernels.vector;

import static org.telltale.kernels.vector.Memory.ALL;
import static org.telltale.kernels.vector.Memory.FLOAT;
import static org.telltale.kernels.vector.Memory.LANES;
import static org.telltale.kernels.vector.Memory.ORDER;
import static org.telltale.kernels.vector.Memory.SPECIES;

import jdk.incubator.vector.FloatVector;
import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/**
 * Attention of single queries, as decoding needs it: by dot products with keys and values where they lie, without
 * packing. A chunk is one head of one query.
 */
final class RowAttention implements Kernel, Parallel.Chunk {
    private final Parallel parallel;
    private final Workspace workspace;
    private final Buffer[] operands;
    private final Buffer y;
    private final float scale;
    private final int heads;

    /** How many queries share the keys of their batch element; 0 when each has a row of the table. */
    private final int queries;

    private final boolean causal;
    private final int offset;
    private final int rows;
    private final int slots;
    private final int columns;
    private final int width;
    private final int head;
    private long q;
    private long k;
    private long v;
    private long table;
    private long lengths;
    private long out;

    /** Over a cache, through a table of slots. */
    RowAttention(Fused.CachedAttention op, Tensor t, Operands operands, Parallel parallel, Workspace workspace) {
        this(t, op.heads(), op.scale(), t.inputs().get(3).dim(1), 0, false, 0, operands, parallel, workspace);
    }

    /** Over all keys of a query's batch element, or those up to its own place; without a mask. */
    RowAttention(Fused.Attention op, Tensor t, Operands operands, Parallel parallel, Workspace workspace) {
        this(
                t,
                op.heads(),
                op.scale(),
                t.inputs().get(1).dim(1),
                t.dim(1),
                op.causal(),
                op.offset(),
                operands,
                parallel,
                workspace);
    }

    private RowAttention(
            Tensor t,
            int heads,
            float scale,
            int columns,
            int queries,
            boolean causal,
            int offset,
            Operands operands,
            Parallel parallel,
            Workspace workspace) {
        this.parallel = parallel;
        this.workspace = workspace;
        this.operands = new Buffer[t.inputs().size()];
        for (int i = 0; i < this.operands.length; i++) {
            this.operands[i] = operands.buffer(t.inputs().get(i));
        }
        this.heads = heads;
        this.scale = scale;
        this.columns = columns;
        this.queries = queries;
        this.causal = causal;
        this.offset = offset;
        y = operands.buffer(t);
        width = t.dim(-1);
        head = width / heads;
        rows = Math.toIntExact(t.shape().product(0, t.shape().rank() - 1));
        slots = t.inputs().get(1).dim(0);
        workspace.reserve(0, 4L * (padded(columns) + head + LANES));
    }

    private static int padded(int count) {
        return (count + LANES - 1) / LANES * LANES;
    }

    @Override
    public void run() {
        workspace.shared();
        q = operands[0].address();
        k = operands[1].address();
        v = operands[2].address();
        out = y.address();
        if (queries == 0) {
            table = operands[3].address();
            lengths = operands[4].address();
            check();
        }
        parallel.forRange(rows * heads, this);
    }

    /** Refuses a table that points outside the cache, before anything is read through it. */
    private void check() {
        for (int r = 0; r < rows; r++) {
            int length = Memory.getInt(lengths + 4L * r);
            if (length < 1 || length > columns) {
                throw new IndexOutOfBoundsException(
                        "cachedAttention: the length of row " + r + " is " + length + ", outside 1 to " + columns);
            }
            for (int j = 0; j < length; j++) {
                int slot = Memory.getInt(table + 4L * ((long) r * columns + j));
                if (slot < 0 || slot >= slots) {
                    throw new IndexOutOfBoundsException("cachedAttention: the table names slot " + slot + " at [" + r
                            + ", " + j + "], outside 0 to " + (slots - 1));
                }
            }
        }
    }

    @Override
    public void run(int chunk, int worker) {
        int r = chunk / heads;
        long place = 4L * (chunk % heads) * head;
        int length = length(r);
        // a table of rows, or the first row of a run of them
        long seen = queries == 0 ? table + 4L * r * columns : 0;
        long first = queries == 0 ? 0 : 4L * width * (r / queries) * columns;
        long scores = workspace.worker(worker);
        long result = scores + 4L * padded(columns);
        long lanes = result + 4L * head;
        long query = q + 4L * r * width + place;
        for (int j = 0; j < length; j++) {
            float dot = dot(query, k + place + first + row(seen, j), head, lanes);
            ALL.set(FLOAT, scores + 4L * j, dot);
        }
        float sum = SoftmaxRow.exponentials(scores, length, scale, 0, padded(length), lanes);
        combine(scores, seen, length, v + place + first, result);
        AttentionKernel.divide(result, sum, out + 4L * r * width + place, head);
    }

    private int length(int r) {
        if (queries == 0) {
            return Memory.getInt(lengths + 4L * r);
        }
        return causal ? Math.clamp(r % queries + 1L + offset, 0, columns) : columns;
    }

    private long row(long seen, int j) {
        return 4L * width * (seen == 0 ? j : Memory.getInt(seen + 4L * j));
    }

    private static float dot(long a, long b, int count, long lanes) {
        FloatVector sum = FloatVector.zero(SPECIES);
        int j = 0;
        for (; j <= count - LANES; j += LANES) {
            FloatVector x = FloatVector.fromMemorySegment(SPECIES, ALL, a + 4L * j, ORDER);
            sum = x.fma(FloatVector.fromMemorySegment(SPECIES, ALL, b + 4L * j, ORDER), sum);
        }
        sum.intoMemorySegment(ALL, lanes, ORDER);
        float total = SoftmaxRow.lanes(lanes);
        for (; j < count; j++) {
            total = Math.fma(ALL.get(FLOAT, a + 4L * j), ALL.get(FLOAT, b + 4L * j), total);
        }
        return total;
    }

    /** The sum of the seen rows of values, weighted by scores. */
    private void combine(long scores, long seen, int length, long values, long result) {
        int c = 0;
        for (; c <= head - 2 * LANES; c += 2 * LANES) {
            FloatVector s = FloatVector.zero(SPECIES);
            FloatVector t = FloatVector.zero(SPECIES);
            for (int j = 0; j < length; j++) {
                FloatVector p = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, scores + 4L * j));
                long at = values + row(seen, j) + 4L * c;
                s = FloatVector.fromMemorySegment(SPECIES, ALL, at, ORDER).fma(p, s);
                t = FloatVector.fromMemorySegment(SPECIES, ALL, at + 4L * LANES, ORDER)
                        .fma(p, t);
            }
            s.intoMemorySegment(ALL, result + 4L * c, ORDER);
            t.intoMemorySegment(ALL, result + 4L * (c + LANES), ORDER);
        }
        for (; c < head; c++) {
            float s = 0;
            for (int j = 0; j < length; j++) {
                s = Math.fma(ALL.get(FLOAT, values + row(seen, j) + 4L * c), ALL.get(FLOAT, scores + 4L * j), s);
            }
            ALL.set(FLOAT, result + 4L * c, s);
        }
    }
}
