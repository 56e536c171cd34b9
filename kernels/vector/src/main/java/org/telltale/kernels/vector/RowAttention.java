package org.telltale.kernels.vector;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/**
 * Attention of single queries, as decoding needs: each key and value is read once where it lies, without packing. A chunk
 * is one head of one query.
 */
abstract sealed class RowAttention implements Kernel, Parallel.Chunk {
    private static final MemorySegment M = Memory.ALL;
    private static final VectorSpecies<Float> S = Memory.SPECIES;
    private static final int W = Memory.LANES;

    private final Parallel parallel;
    private final Buffer q;
    private final Buffer k;
    private final Buffer v;
    private final Buffer out;
    private final int heads;
    private final float scale;
    private final int rows;
    private final int width;
    private final int d;
    private final long scores;
    private final long scoreBytes;

    private RowAttention(int rows, int most, int heads, float scale, Tensor t, Operands operands, Parallel parallel) {
        this.parallel = parallel;
        this.heads = heads;
        this.scale = scale;
        this.rows = rows;
        q = operands.buffer(t.inputs().get(0));
        k = operands.buffer(t.inputs().get(1));
        v = operands.buffer(t.inputs().get(2));
        out = operands.buffer(t);
        width = t.dim(-1);
        d = width / heads;
        scoreBytes = Math.ceilDiv(4L * most, 64) * 64 + Sums.SCRATCH;
        scores = operands.arena().allocate(scoreBytes * parallel.threads(), 64).address();
    }

    /** How many keys a query sees. */
    abstract int count(int row);

    /** The row of keys and values that a query sees at a place. */
    abstract long slot(int row, int place);

    /** Checks what the run was given, before anything is read by it. */
    abstract void check();

    /** Over a cache, through a table of slots. */
    static final class Cached extends RowAttention {
        private final Buffer table;
        private final Buffer lengths;
        private final int rows;
        private final int slots;
        private final int span;

        Cached(Fused.CachedAttention op, Tensor t, Operands operands, Parallel parallel) {
            super(t.dim(0), t.inputs().get(3).dim(1), op.heads(), op.scale(), t, operands, parallel);
            table = operands.buffer(t.inputs().get(3));
            lengths = operands.buffer(t.inputs().get(4));
            rows = t.dim(0);
            slots = t.inputs().get(1).dim(0);
            span = t.inputs().get(3).dim(1);
        }

        @Override
        void check() {
            for (int r = 0; r < rows; r++) {
                int length = count(r);
                if (length < 1 || length > span) {
                    throw new IndexOutOfBoundsException(
                            "cachedAttention: the length of row " + r + " is " + length + ", outside 1 to " + span);
                }
                for (int i = 0; i < length; i++) {
                    long slot = slot(r, i);
                    if (slot < 0 || slot >= slots) {
                        throw new IndexOutOfBoundsException("cachedAttention: the table names slot " + slot + " at ["
                                + r + ", " + i + "], outside 0 to " + (slots - 1));
                    }
                }
            }
        }

        @Override
        int count(int row) {
            return Memory.getInt(lengths.address() + 4L * row);
        }

        @Override
        long slot(int row, int place) {
            return Memory.getInt(table.address() + 4 * ((long) row * span + place));
        }
    }

    /** Over all keys of the query's batch element, or those up to its own place. */
    static final class Few extends RowAttention {
        private final Fused.Attention op;
        private final int queries;
        private final int keys;

        Few(Fused.Attention op, Tensor t, Operands operands, Parallel parallel) {
            super(t.dim(0) * t.dim(1), t.inputs().get(1).dim(1), op.heads(), op.scale(), t, operands, parallel);
            this.op = op;
            queries = t.dim(1);
            keys = t.inputs().get(1).dim(1);
        }

        @Override
        void check() {}

        @Override
        int count(int row) {
            return op.causal() ? Math.clamp(row % queries + op.offset() + 1L, 0, keys) : keys;
        }

        @Override
        long slot(int row, int place) {
            return (long) (row / queries) * keys + place;
        }
    }

    @Override
    public void run() {
        check();
        parallel.forRange(rows * heads, this);
    }

    @Override
    public void run(int chunk, int worker) {
        int row = chunk / heads;
        long head = 4L * (chunk % heads) * d;
        long query = q.address() + 4L * row * width + head;
        long to = out.address() + 4L * row * width + head;
        long weights = scores + worker * scoreBytes;
        int count = count(row);
        if (count == 0) {
            for (int j = 0; j < d; j++) {
                Memory.set(to + 4L * j, 0);
            }
            return;
        }
        long lanes = weights + scoreBytes - Sums.SCRATCH;
        for (int i = 0; i < count; i++) {
            float score = dot(query, k.address() + 4 * slot(row, i) * width + head, lanes) * scale;
            Memory.set(weights + 4L * i, score);
        }
        Pointwise.exponential(weights, Sums.max(weights, count), weights, count);
        Normalization.scale(weights, (float) (1 / Sums.sum(weights, count, lanes)), count);
        long values = v.address() + head;
        int j = 0;
        for (; j <= d - W; j += W) {
            FloatVector sum = FloatVector.zero(S);
            for (int i = 0; i < count; i++) {
                long value = values + 4 * slot(row, i) * width + 4L * j;
                sum = FloatVector.fromMemorySegment(S, M, value, Memory.ORDER)
                        .fma(FloatVector.broadcast(S, M.get(Memory.FLOAT, weights + 4L * i)), sum);
            }
            sum.intoMemorySegment(M, to + 4L * j, Memory.ORDER);
        }
        for (; j < d; j++) {
            float sum = 0;
            for (int i = 0; i < count; i++) {
                float value = Memory.get(values + 4 * slot(row, i) * width + 4L * j);
                sum = Math.fma(value, Memory.get(weights + 4L * i), sum);
            }
            Memory.set(to + 4L * j, sum);
        }
    }

    /** The lanes are added through memory, since the order in which the Vector API reduces them is not fixed. */
    private float dot(long a, long b, long lanes) {
        FloatVector sum = FloatVector.zero(S);
        int j = 0;
        for (; j <= d - W; j += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, a + 4L * j, Memory.ORDER);
            FloatVector y = FloatVector.fromMemorySegment(S, M, b + 4L * j, Memory.ORDER);
            sum = x.fma(y, sum);
        }
        sum.intoMemorySegment(M, lanes, Memory.ORDER);
        float dot = 0;
        for (int l = 0; l < W; l++) {
            dot += Memory.get(lanes + 4L * l);
        }
        for (; j < d; j++) {
            dot = Math.fma(Memory.get(a + 4L * j), Memory.get(b + 4L * j), dot);
        }
        return dot;
    }
}
