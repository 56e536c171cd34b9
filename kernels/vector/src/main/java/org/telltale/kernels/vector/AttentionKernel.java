package org.telltale.kernels.vector;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/**
 * Attention of many queries. Keys and values of every head are packed into panels first; then a chunk takes a block of
 * queries of one head: scores by the micro-kernel, a softmax that stays in the cache, and the product with the values.
 * The score matrix exists for one block of queries and one worker at a time.
 */
final class AttentionKernel implements Kernel {
    private static final MemorySegment M = Memory.ALL;
    private static final VectorSpecies<Float> S = Memory.SPECIES;
    private static final int W = Memory.LANES;
    private static final MicroKernel MICRO = Gemm.MICRO;

    /** Queries of a block. */
    private static final int ROWS = 8 * MICRO.rows();

    private final Fused.Attention op;
    private final Parallel parallel;
    private final Buffer q;
    private final Buffer k;
    private final Buffer v;
    private final Buffer out;
    private final @Nullable Buffer mask;
    private final int batch;
    private final int queries;
    private final int keys;
    private final int width;
    private final int d;
    private final int blocks;
    private final int keyColumns;
    private final int valueColumns;
    private final Panels keyPacker;
    private final Panels valuePacker;
    private final long keyPanels;
    private final long keyBytes;
    private final long valuePanels;
    private final long valueBytes;
    private final long shut;
    private final long scores;
    private final long scoreBytes;
    private final long result;
    private final long resultBytes;
    private final long lanes;
    private final long[] biasStep = new long[4];
    private final Parallel.Chunk pack = this::pack;
    private final Parallel.Chunk attend = this::attend;

    AttentionKernel(Fused.Attention op, Tensor t, Operands operands, Parallel parallel) {
        this.op = op;
        this.parallel = parallel;
        q = operands.buffer(t.inputs().get(0));
        k = operands.buffer(t.inputs().get(1));
        v = operands.buffer(t.inputs().get(2));
        out = operands.buffer(t);
        mask = t.inputs().size() > 3 ? operands.buffer(t.inputs().get(3)) : null;
        batch = t.dim(0);
        queries = t.dim(1);
        width = t.dim(2);
        keys = t.inputs().get(1).dim(1);
        d = width / op.heads();
        blocks = Math.ceilDiv(queries, ROWS);
        int columns = MICRO.columns();
        keyColumns = Math.ceilDiv(keys, columns) * columns;
        valueColumns = Math.ceilDiv(d, columns) * columns;
        Panels.Layout keyLayout = new Panels.Layout(d, keys, 1, width);
        Panels.Layout valueLayout = new Panels.Layout(keys, d, width, 1);
        keyPacker = Panels.packer(keyLayout, columns, parallel);
        valuePacker = Panels.packer(valueLayout, columns, parallel);
        keyBytes = 4L * keyColumns * d;
        valueBytes = 4L * valueColumns * keys;
        long heads = (long) batch * op.heads();
        keyPanels = scratch(operands, keyBytes * heads);
        valuePanels = scratch(operands, valueBytes * heads);
        shut = scratch(operands, 4L * batch * keys);
        scoreBytes = 4L * ROWS * keyColumns;
        scores = scratch(operands, scoreBytes * parallel.threads());
        resultBytes = 4L * ROWS * valueColumns;
        result = scratch(operands, resultBytes * parallel.threads());
        lanes = scratch(operands, Sums.SCRATCH * parallel.threads());
        if (op.masking() == Fused.Masking.BIAS) {
            long[] own = t.inputs().get(3).shape().strides();
            for (int a = 0; a < 4; a++) {
                biasStep[a] = t.inputs().get(3).dim(a) == 1 ? 0 : 4 * own[a];
            }
        }
    }

    private static long scratch(Operands operands, long bytes) {
        return operands.arena().allocate(Math.max(bytes, 4), 64).address();
    }

    @Override
    public void run() {
        if (op.masking() == Fused.Masking.KEYS && mask != null) {
            for (long i = 0; i < (long) batch * keys; i++) {
                Memory.set(shut + 4 * i, Memory.getInt(mask.address() + 4 * i) == 0 ? Float.NEGATIVE_INFINITY : 0);
            }
        }
        parallel.forRange(batch * op.heads(), pack);
        parallel.forRange(batch * op.heads() * blocks, attend);
    }

    private void pack(int head, int worker) {
        long at = 4L * ((long) (head / op.heads()) * keys * width + (long) (head % op.heads()) * d);
        for (int p = 0; p < keyColumns / MICRO.columns(); p++) {
            keyPacker.pack(k.address() + at, keyPanels + head * keyBytes, p);
        }
        for (int p = 0; p < valueColumns / MICRO.columns(); p++) {
            valuePacker.pack(v.address() + at, valuePanels + head * valueBytes, p);
        }
    }

    private void attend(int chunk, int worker) {
        int head = chunk / blocks;
        int b = head / op.heads();
        int first = chunk % blocks * ROWS;
        int count = Math.min(ROWS, queries - first);
        long at = 4L * (((long) b * queries + first) * width + (long) (head % op.heads()) * d);
        long s = scores + worker * scoreBytes;
        long r = result + worker * resultBytes;
        multiply(q.address() + at, 4L * width, keyPanels + head * keyBytes, s, keyColumns, count, d);
        for (int i = 0; i < count; i++) {
            int query = first + i;
            int seen = op.causal() ? Math.clamp(query + op.offset() + 1L, 0, keys) : keys;
            softmax(s + 4L * i * keyColumns, seen, b, head % op.heads(), query, lanes + worker * Sums.SCRATCH);
        }
        multiply(s, 4L * keyColumns, valuePanels + head * valueBytes, r, valueColumns, count, keys);
        for (int i = 0; i < count; i++) {
            MemorySegment.copy(M, r + 4L * i * valueColumns, M, out.address() + at + 4L * i * width, 4L * d);
        }
    }

    /** C [count, columns] = A x panels, all columns. */
    private static void multiply(long a, long aStride, long panels, long c, int columns, int count, int inner) {
        long cStride = 4L * columns;
        for (long i = 0; i < (long) count * columns; i += W) {
            FloatVector.zero(S).intoMemorySegment(M, c + 4 * i, Memory.ORDER);
        }
        for (int p = 0; p * MICRO.columns() < columns; p++) {
            long panel = panels + 4L * p * MICRO.columns() * inner;
            for (int i = 0; i < count; i += MICRO.rows()) {
                MICRO.add(
                        Math.min(MICRO.rows(), count - i),
                        a + i * aStride,
                        aStride,
                        panel,
                        c + i * cStride + 4L * p * MICRO.columns(),
                        cStride,
                        inner);
            }
        }
    }

    /** Turns a row of raw scores into weights that sum to 1, zeros where nothing is seen. */
    private void softmax(long row, int seen, int b, int head, int query, long lanes) {
        float max = Float.NEGATIVE_INFINITY;
        if (seen > 0) {
            score(row, seen, b, head, query);
            max = Sums.max(row, seen);
        }
        boolean none = max == Float.NEGATIVE_INFINITY;
        if (!none) {
            Pointwise.exponential(row, max, row, seen);
            Normalization.scale(row, (float) (1 / Sums.sum(row, seen, lanes)), seen);
        }
        for (int j = none ? 0 : seen; j < keys; j++) {
            Memory.set(row + 4L * j, 0);
        }
    }

    /** Scales the scores and adds what masks them. */
    private void score(long row, int seen, int b, int head, int query) {
        Normalization.scale(row, op.scale(), seen);
        switch (op.masking()) {
            case NONE -> {}
            case KEYS -> add(row, shut + 4L * b * keys, 4, seen);
            case BIAS ->
                add(row, address(mask) + b * biasStep[0] + head * biasStep[1] + query * biasStep[2], biasStep[3], seen);
        }
    }

    private static void add(long row, long from, long step, int count) {
        int j = 0;
        if (step == 4) {
            for (; j <= count - W; j += W) {
                FloatVector x = FloatVector.fromMemorySegment(S, M, row + 4L * j, Memory.ORDER);
                FloatVector y = FloatVector.fromMemorySegment(S, M, from + 4L * j, Memory.ORDER);
                x.add(y).intoMemorySegment(M, row + 4L * j, Memory.ORDER);
            }
        }
        for (; j < count; j++) {
            Memory.set(row + 4L * j, Memory.get(row + 4L * j) + Memory.get(from + j * step));
        }
    }

    private static long address(@Nullable Buffer buffer) {
        return buffer == null ? 0 : buffer.address();
    }
}
