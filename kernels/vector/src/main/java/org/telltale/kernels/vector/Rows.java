package org.telltale.kernels.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/** Kernels on the rows of tables: look-up by id and its adjoint, row updates, and resampled position tables. */
final class Rows {
    private static final MemorySegment M = Memory.ALL;
    private static final VectorSpecies<Float> S = Memory.SPECIES;

    /** Columns of a chunk where rows must be added in order. */
    private static final long COLUMNS = 128;

    private Rows() {}

    private static int id(long address, int count) {
        int id = Memory.getInt(address);
        if (id < 0 || id >= count) {
            throw new IndexOutOfBoundsException("id " + id + " outside a table of " + count + " rows");
        }
        return id;
    }

    private static long rowSize(Shape table) {
        return table.product(1, table.rank());
    }

    /** to += weight * from. */
    private static void add(float weight, long from, long to, long count) {
        long i = 0;
        for (; i <= count - Memory.LANES; i += Memory.LANES) {
            FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER)
                    .fma(
                            FloatVector.broadcast(S, weight),
                            FloatVector.fromMemorySegment(S, M, to + 4 * i, Memory.ORDER))
                    .intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        for (; i < count; i++) {
            Memory.set(to + 4 * i, Math.fma(Memory.get(from + 4 * i), weight, Memory.get(to + 4 * i)));
        }
    }

    static final class Gather implements Kernel, Parallel.Chunk {
        private final Parallel parallel;
        private final Buffer table;
        private final Buffer ids;
        private final Buffer out;
        private final int tableRows;
        private final long row;
        private final long count;
        private final long perChunk;
        private long x;
        private long id;
        private long y;

        Gather(Tensor t, Operands operands, Parallel parallel) {
            this.parallel = parallel;
            table = operands.buffer(t.inputs().get(0));
            ids = operands.buffer(t.inputs().get(1));
            out = operands.buffer(t);
            Shape s = t.inputs().getFirst().shape();
            tableRows = s.dim(0);
            row = rowSize(s);
            count = t.inputs().get(1).shape().size();
            perChunk = Elementwise.rowsPerChunk(row);
        }

        @Override
        public void run() {
            x = table.address();
            id = ids.address();
            y = out.address();
            parallel.forRange(Math.toIntExact(Math.ceilDiv(count, perChunk)), this);
        }

        @Override
        public void run(int chunk, int worker) {
            long end = Math.min(count, (chunk + 1) * perChunk);
            for (long k = chunk * perChunk; k < end; k++) {
                Movement.copy(x + 4 * row * id(id + 4 * k, tableRows), y + 4 * row * k, row);
            }
        }
    }

    /** Zeros first, in chunks of whole rows; then chunks are blocks of columns: each adds all its rows in order. */
    static final class ScatterAdd implements Kernel, Parallel.Chunk {
        private final Parallel parallel;
        private final Buffer rows;
        private final Buffer ids;
        private final Buffer out;
        private final int tableRows;
        private final long row;
        private final long count;
        private final long size;
        private final Parallel.Chunk clearing = this::clear;
        private long x;
        private long id;
        private long y;

        ScatterAdd(Tensor t, Operands operands, Parallel parallel) {
            this.parallel = parallel;
            rows = operands.buffer(t.inputs().get(0));
            ids = operands.buffer(t.inputs().get(1));
            out = operands.buffer(t);
            tableRows = t.dim(0);
            size = t.shape().size();
            row = rowSize(t.shape());
            count = t.inputs().get(1).shape().size();
        }

        @Override
        public void run() {
            x = rows.address();
            id = ids.address();
            y = out.address();
            parallel.forRange(Elementwise.chunks(size), clearing);
            parallel.forRange(Math.toIntExact(Math.ceilDiv(row, COLUMNS)), this);
        }

        private void clear(int chunk, int worker) {
            long at = chunk * Elementwise.CHUNK;
            Movement.fill(y + 4 * at, 0, Math.min(Elementwise.CHUNK, size - at));
        }

        @Override
        public void run(int chunk, int worker) {
            long column = chunk * COLUMNS;
            long n = Math.min(COLUMNS, row - column);
            for (long k = 0; k < count; k++) {
                long to = row * id(id + 4 * k, tableRows) + column;
                add(1, x + 4 * (row * k + column), y + 4 * to, n);
            }
        }
    }

    /** The table is copied first, unless the result is planned into its memory. */
    static final class ScatterRows implements Kernel {
        private final Buffer table;
        private final Buffer rows;
        private final Buffer slots;
        private final Buffer out;
        private final int tableRows;
        private final long row;
        private final long count;

        ScatterRows(Tensor t, Operands operands) {
            table = operands.buffer(t.inputs().get(0));
            rows = operands.buffer(t.inputs().get(1));
            slots = operands.buffer(t.inputs().get(2));
            out = operands.buffer(t);
            tableRows = t.dim(0);
            row = rowSize(t.shape());
            count = t.inputs().get(2).shape().size();
        }

        @Override
        public void run() {
            long x = rows.address();
            long slot = slots.address();
            long y = out.address();
            if (table.address() != y) {
                Movement.copy(table.address(), y, tableRows * row);
            }
            for (long k = 0; k < count; k++) {
                Movement.copy(x + 4 * row * k, y + 4 * row * id(slot + 4 * k, tableRows), row);
            }
        }
    }

    /** Sixteen taps for each place of the larger grid; chunks are blocks of columns. */
    static final class ResampleGrid implements Kernel, Parallel.Chunk {
        private final Parallel parallel;
        private final Primitive.ResampleGrid op;
        private final Buffer in;
        private final Buffer out;
        private final long width;
        private final long size;
        private final long rowTaps;
        private final long columnTaps;
        private long x;
        private long y;

        ResampleGrid(Primitive.ResampleGrid op, Tensor t, Operands operands, Parallel parallel) {
            this.parallel = parallel;
            this.op = op;
            in = operands.buffer(t.inputs().getFirst());
            out = operands.buffer(t);
            width = t.dim(1);
            size = t.dim(0);
            rowTaps = taps(op.rows(), op.toRows(), operands.arena());
            columnTaps = taps(op.columns(), op.toColumns(), operands.arena());
        }

        /** For each output coordinate four pairs of a weight and a source. */
        private static long taps(int from, int to, Arena arena) {
            long at = arena.allocate(32L * to, 64).address();
            for (int i = 0; i < 4 * to; i++) {
                Memory.set(at + 8L * i, (float) Primitive.ResampleGrid.tap(from, to, i / 4, i % 4));
                M.set(Memory.INT, at + 8L * i + 4, Primitive.ResampleGrid.source(from, to, i / 4, i % 4));
            }
            return at;
        }

        @Override
        public void run() {
            x = in.address();
            y = out.address();
            parallel.forRange(Math.toIntExact(Math.ceilDiv(width, COLUMNS)), this);
        }

        @Override
        public void run(int chunk, int worker) {
            long column = chunk * COLUMNS;
            long n = Math.min(COLUMNS, width - column);
            for (long k = 0; k < size; k++) {
                Movement.fill(y + 4 * (k * width + column), 0, n);
            }
            for (int place = 0; place < op.toRows() * op.toColumns(); place++) {
                for (int tap = 0; tap < 16; tap++) {
                    long r = rowTaps + 32L * (place / op.toColumns()) + 8L * (tap / 4);
                    long c = columnTaps + 32L * (place % op.toColumns()) + 8L * (tap % 4);
                    long source = (long) Memory.getInt(r + 4) * op.columns() + Memory.getInt(c + 4);
                    long from = op.adjoint() ? place : source;
                    long to = op.adjoint() ? source : place;
                    add(
                            Memory.get(r) * Memory.get(c),
                            x + 4 * (from * width + column),
                            y + 4 * (to * width + column),
                            n);
                }
            }
        }
    }
}
