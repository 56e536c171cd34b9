package org.telltale.kernels.vector;

import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/** Kernels that reduce axes. A reduction is cut by its extents alone, never by the number of threads. */
final class Reductions {
    private Reductions() {}

    static Kernel reduce(Primitive.Reduce op, Tensor t, Operands operands, Parallel parallel) {
        Shape x = t.inputs().getFirst().shape();
        long[] to = new long[x.rank()];
        long step = 1;
        for (int a = x.rank() - 1; a >= 0; a--) {
            if (!op.axes().contains(a)) {
                to[a] = step;
                step *= x.dim(a);
            }
        }
        Loops loops = Loops.of(x.dims(), x.strides(), to);
        if (op.kind() == Primitive.ReduceKind.SUM && loops.rank() == 2 && loops.step(1, 0) == 0) {
            return new Columns(loops, t, operands, parallel);
        }
        return loops.step(1, loops.rank() - 1) == 0
                ? new AlongRows(op.kind(), loops, t, operands, parallel)
                : new AcrossRows(op.kind(), loops, t, operands, parallel);
    }

    /** The innermost axis is reduced: each output is made of contiguous runs. */
    private static final class AlongRows implements Kernel, Parallel.Chunk {
        private final Parallel parallel;
        private final Primitive.ReduceKind kind;
        private final Buffer in;
        private final Buffer out;
        private final long size;
        private final long inner;
        private final Loops kept;
        private final Loops runs;
        private final long perChunk;
        private final long scratch;
        private long from;
        private long to;

        AlongRows(Primitive.ReduceKind kind, Loops loops, Tensor t, Operands operands, Parallel parallel) {
            this.parallel = parallel;
            this.kind = kind;
            in = operands.buffer(t.inputs().getFirst());
            out = operands.buffer(t);
            size = t.shape().size();
            int last = loops.rank() - 1;
            inner = loops.extent(last);
            kept = loops.only(a -> loops.step(1, a) != 0);
            runs = loops.only(a -> a < last && loops.step(1, a) == 0);
            perChunk = Elementwise.rowsPerChunk(inner * runs.count());
            scratch = operands.arena()
                    .allocate(Sums.SCRATCH * parallel.threads(), 64)
                    .address();
        }

        @Override
        public void run() {
            from = in.address();
            to = out.address();
            parallel.forRange(Math.toIntExact(Math.ceilDiv(size, perChunk)), this);
        }

        @Override
        public void run(int chunk, int worker) {
            long end = Math.min(size, (chunk + 1) * perChunk);
            for (long o = chunk * perChunk; o < end; o++) {
                long x = from + 4 * kept.offset(0, o);
                Memory.set(
                        to + 4 * o,
                        switch (kind) {
                            case SUM -> (float) sum(x, scratch + Sums.SCRATCH * worker);
                            case MAX -> Sums.max(x, inner);
                        });
            }
        }

        private double sum(long x, long lanes) {
            double sum = 0;
            for (long r = 0; r < runs.count(); r++) {
                sum += Sums.sum(x + 4 * runs.offset(0, r), inner, lanes);
            }
            return sum;
        }
    }

    /** Leading axes of a sum are reduced: the columns of a matrix. */
    private static final class Columns implements Kernel {
        private final Buffer in;
        private final Buffer out;
        private final ColumnSums sums;

        Columns(Loops loops, Tensor t, Operands operands, Parallel parallel) {
            in = operands.buffer(t.inputs().getFirst());
            out = operands.buffer(t);
            sums = new ColumnSums(loops.extent(0), loops.extent(1), operands.arena(), parallel);
        }

        @Override
        public void run() {
            sums.run(in.address(), out.address());
        }
    }

    /** The innermost axis is kept: blocks of columns. */
    private static final class AcrossRows implements Kernel, Parallel.Chunk {
        private final Parallel parallel;
        private final Primitive.ReduceKind kind;
        private final Buffer in;
        private final Buffer out;
        private final long columns;
        private final Loops kept;
        private final Loops rows;
        private final long block;
        private final long blocksPerRow;
        private final long blocks;
        private final long perChunk;
        private final long scratch;
        private long from;
        private long to;

        AcrossRows(Primitive.ReduceKind kind, Loops loops, Tensor t, Operands operands, Parallel parallel) {
            this.parallel = parallel;
            this.kind = kind;
            in = operands.buffer(t.inputs().getFirst());
            out = operands.buffer(t);
            int last = loops.rank() - 1;
            columns = loops.extent(last);
            kept = loops.only(a -> a < last && loops.step(1, a) != 0);
            rows = loops.only(a -> loops.step(1, a) == 0);
            block = switch (kind) {
                case SUM -> 4L * Sums.LANES;
                case MAX -> Memory.LANES;
            };
            blocksPerRow = Math.ceilDiv(columns, block);
            blocks = kept.count() * blocksPerRow;
            perChunk = Elementwise.rowsPerChunk(block * rows.count());
            scratch = operands.arena()
                    .allocate(Sums.SCRATCH * parallel.threads(), 64)
                    .address();
        }

        @Override
        public void run() {
            from = in.address();
            to = out.address();
            parallel.forRange(Math.toIntExact(Math.ceilDiv(blocks, perChunk)), this);
        }

        @Override
        public void run(int chunk, int worker) {
            long end = Math.min(blocks, (chunk + 1) * perChunk);
            for (long k = chunk * perChunk; k < end; k++) {
                long row = k / blocksPerRow;
                long column = (k - row * blocksPerRow) * block;
                long n = Math.min(block, columns - column);
                long x = from + 4 * (kept.offset(0, row) + column);
                long y = to + 4 * (row * columns + column);
                switch (kind) {
                    case SUM -> sum(x, y, n, scratch + Sums.SCRATCH * worker);
                    case MAX -> Sums.maxColumns(x, rows, y, n);
                }
            }
        }

        private void sum(long x, long y, long n, long lanes) {
            if (n == block) {
                Sums.columns(x, rows, y, lanes);
                return;
            }
            for (long c = 0; c < n; c++) {
                Memory.set(y + 4 * c, (float) Sums.column(x + 4 * c, rows));
            }
        }
    }

    /** The lowest index of the maximum. */
    static final class ArgMax implements Kernel, Parallel.Chunk {
        private final Parallel parallel;
        private final Buffer in;
        private final Buffer out;
        private final long size;
        private final long inner;
        private final int count;
        private final long perChunk;
        private long from;
        private long to;

        ArgMax(int axis, Tensor t, Operands operands, Parallel parallel) {
            this.parallel = parallel;
            Shape x = t.inputs().getFirst().shape();
            in = operands.buffer(t.inputs().getFirst());
            out = operands.buffer(t);
            size = t.shape().size();
            count = x.dim(axis);
            inner = x.product(x.axis(axis) + 1, x.rank());
            perChunk = Elementwise.rowsPerChunk(count);
        }

        @Override
        public void run() {
            from = in.address();
            to = out.address();
            parallel.forRange(Math.toIntExact(Math.ceilDiv(size, perChunk)), this);
        }

        @Override
        public void run(int chunk, int worker) {
            long end = Math.min(size, (chunk + 1) * perChunk);
            for (long o = chunk * perChunk; o < end; o++) {
                long x = from + 4 * (o / inner * count * inner + o % inner);
                Memory.ALL.set(Memory.INT, to + 4 * o, first(x));
            }
        }

        /** For contiguous elements the maximum is found by vectors, then its place; beside a NaN, one by one. */
        private int first(long x) {
            if (inner == 1) {
                float max = Sums.max(x, count);
                for (int k = 0; k < count; k++) {
                    if (Memory.get(x + 4L * k) == max) {
                        return k;
                    }
                }
            }
            int best = 0;
            float max = Memory.get(x);
            for (int k = 1; k < count; k++) {
                float value = Memory.get(x + 4L * k * inner);
                if (value > max) {
                    max = value;
                    best = k;
                }
            }
            return best;
        }
    }
}
