package org.telltale.kernels.vector;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/** Kernels that only move elements. */
final class Movement {
    /** Below this many elements a loop beats the call to copy a block. */
    private static final long BLOCK = 64;

    private Movement() {}

    static void copy(long from, long to, long count) {
        if (count >= BLOCK) {
            MemorySegment.copy(Memory.ALL, from, Memory.ALL, to, 4 * count);
            return;
        }
        long i = 0;
        for (; i <= count - Memory.LANES; i += Memory.LANES) {
            FloatVector.fromMemorySegment(Memory.SPECIES, Memory.ALL, from + 4 * i, Memory.ORDER)
                    .intoMemorySegment(Memory.ALL, to + 4 * i, Memory.ORDER);
        }
        for (; i < count; i++) {
            Memory.ALL.set(Memory.INT, to + 4 * i, Memory.getInt(from + 4 * i));
        }
    }

    static void fill(long to, float value, long count) {
        long i = 0;
        for (; i <= count - Memory.LANES; i += Memory.LANES) {
            FloatVector.broadcast(Memory.SPECIES, value).intoMemorySegment(Memory.ALL, to + 4 * i, Memory.ORDER);
        }
        for (; i < count; i++) {
            Memory.set(to + 4 * i, value);
        }
    }

    static Kernel transpose(Primitive.Transpose op, Tensor t, Operands operands, Parallel parallel) {
        long[] own = t.inputs().getFirst().shape().strides();
        long[] steps = new long[own.length];
        for (int a = 0; a < steps.length; a++) {
            steps[a] = own[op.order().get(a)];
        }
        return strided(steps, 0, t, operands, parallel);
    }

    static Kernel broadcast(Tensor t, Operands operands, Parallel parallel) {
        return strided(Loops.broadcast(t.inputs().getFirst().shape(), t.shape()), 0, t, operands, parallel);
    }

    static Kernel slice(Primitive.Slice op, Tensor t, Operands operands, Parallel parallel) {
        Shape x = t.inputs().getFirst().shape();
        return strided(x.strides(), op.begin() * x.strides()[op.axis()], t, operands, parallel);
    }

    private static Kernel strided(long[] steps, long begin, Tensor t, Operands operands, Parallel parallel) {
        Loops loops = Loops.of(t.shape().dims(), steps, t.shape().strides());
        long inner = loops.step(0, loops.rank() - 1);
        return inner <= 1 || loops.extent(loops.rank() - 1) == 1
                ? new Runs(loops, begin, t, operands, parallel)
                : new Tiles(loops, begin, t, operands, parallel);
    }

    /** The innermost axis is contiguous in the operand, or repeats one element. */
    private static final class Runs implements Kernel, Parallel.Chunk {
        private final Parallel parallel;
        private final Buffer in;
        private final Buffer out;
        private final long begin;
        private final long size;
        private final long inner;
        private final boolean repeats;
        private final Loops rows;
        private long from;
        private long to;

        Runs(Loops loops, long begin, Tensor t, Operands operands, Parallel parallel) {
            this.parallel = parallel;
            this.in = operands.buffer(t.inputs().getFirst());
            this.out = operands.buffer(t);
            this.begin = begin;
            this.size = t.shape().size();
            int last = loops.rank() - 1;
            this.inner = loops.extent(last);
            this.repeats = loops.step(0, last) == 0;
            this.rows = loops.only(axis -> axis < last);
        }

        @Override
        public void run() {
            from = in.address() + 4 * begin;
            to = out.address();
            parallel.forRange(Elementwise.chunks(size), this);
        }

        @Override
        public void run(int chunk, int worker) {
            long at = chunk * Elementwise.CHUNK;
            long end = Math.min(size, at + Elementwise.CHUNK);
            while (at < end) {
                long row = at / inner;
                long column = at - row * inner;
                long n = Math.min(inner - column, end - at);
                long x = from + 4 * rows.offset(0, row);
                if (repeats) {
                    fill(to + 4 * at, Memory.get(x), n);
                } else {
                    copy(x + 4 * column, to + 4 * at, n);
                }
                at += n;
            }
        }
    }

    /** The innermost axis is scattered in the operand: tiles, whose other side is the axis that is contiguous there. */
    private static final class Tiles implements Kernel, Parallel.Chunk {
        /** Few rows, since rows a power of two apart share their places in the first-level cache. */
        private static final long TILE_ROWS = 8;

        private static final long TILE_COLUMNS = 64;
        private static final long TILES_PER_CHUNK = Elementwise.CHUNK / (TILE_ROWS * TILE_COLUMNS);
        private final Parallel parallel;
        private final Buffer in;
        private final Buffer out;
        private final long begin;
        private final Loops outer;
        private final long columns;
        private final long columnStep;
        private final long rows;
        private final long rowStep;
        private final long rowTiles;
        private final long columnTiles;
        private final long tiles;
        private long from;
        private long to;

        Tiles(Loops loops, long begin, Tensor t, Operands operands, Parallel parallel) {
            this.parallel = parallel;
            this.in = operands.buffer(t.inputs().getFirst());
            this.out = operands.buffer(t);
            this.begin = begin;
            int last = loops.rank() - 1;
            int contiguous = -1;
            for (int a = 0; a < last; a++) {
                contiguous = loops.step(0, a) == 1 ? a : contiguous;
            }
            int side = contiguous;
            columns = loops.extent(last);
            columnStep = loops.step(0, last);
            rows = side < 0 ? 1 : loops.extent(side);
            rowStep = side < 0 ? 0 : loops.step(1, side);
            outer = loops.only(axis -> axis != last && axis != side);
            rowTiles = Math.ceilDiv(rows, TILE_ROWS);
            columnTiles = Math.ceilDiv(columns, TILE_COLUMNS);
            tiles = outer.count() * rowTiles * columnTiles;
        }

        @Override
        public void run() {
            from = in.address() + 4 * begin;
            to = out.address();
            parallel.forRange(Math.toIntExact(Math.ceilDiv(tiles, TILES_PER_CHUNK)), this);
        }

        @Override
        public void run(int chunk, int worker) {
            long end = Math.min(tiles, (chunk + 1) * TILES_PER_CHUNK);
            for (long tile = chunk * TILES_PER_CHUNK; tile < end; tile++) {
                long o = tile / (rowTiles * columnTiles);
                long row = tile / columnTiles % rowTiles * TILE_ROWS;
                long column = tile % columnTiles * TILE_COLUMNS;
                move(
                        from + 4 * (outer.offset(0, o) + row + column * columnStep),
                        to + 4 * (outer.offset(1, o) + row * rowStep + column),
                        Math.min(TILE_ROWS, rows - row),
                        Math.min(TILE_COLUMNS, columns - column));
            }
        }

        private void move(long x, long y, long rowCount, long columnCount) {
            for (long c = 0; c < columnCount; c++) {
                long line = x + 4 * c * columnStep;
                for (long r = 0; r < rowCount; r++) {
                    Memory.ALL.set(Memory.INT, y + 4 * (r * rowStep + c), Memory.getInt(line + 4 * r));
                }
            }
        }
    }

    /** Parts side by side along one axis; a part without an operand is filled with one value. */
    static final class Join implements Kernel, Parallel.Chunk {
        private final Parallel parallel;
        private final Buffer[] parts;
        private final long[] address;

        /** Parts that were computed where they belong. */
        private final boolean[] there;

        private final Buffer out;
        private final long[] begins;
        private final float value;
        private final long size;
        private final long inner;
        private long to;

        private Join(int axis, int before, float value, Tensor t, Operands operands, Parallel parallel) {
            this.parallel = parallel;
            this.value = value;
            this.size = t.shape().size();
            this.out = operands.buffer(t);
            long step = t.shape().product(axis + 1, t.shape().rank());
            this.inner = t.dim(axis) * step;
            int count = t.inputs().size();
            parts = new Buffer[count];
            address = new long[count];
            there = new boolean[count];
            begins = new long[count + 1];
            begins[0] = before * step;
            for (int p = 0; p < count; p++) {
                Tensor part = t.inputs().get(p);
                parts[p] = operands.buffer(part);
                there[p] = operands.pitch(part) != part.dim(-1);
                begins[p + 1] = begins[p] + part.dim(axis) * step;
            }
        }

        static Kernel concat(Primitive.Concat op, Tensor t, Operands operands, Parallel parallel) {
            return new Join(op.axis(), 0, 0, t, operands, parallel);
        }

        static Kernel pad(Primitive.Pad op, Tensor t, Operands operands, Parallel parallel) {
            return new Join(op.axis(), op.before(), op.value(), t, operands, parallel);
        }

        @Override
        public void run() {
            for (int p = 0; p < parts.length; p++) {
                address[p] = parts[p].address();
            }
            to = out.address();
            parallel.forRange(Elementwise.chunks(size), this);
        }

        @Override
        public void run(int chunk, int worker) {
            long at = chunk * Elementwise.CHUNK;
            long end = Math.min(size, at + Elementwise.CHUNK);
            while (at < end) {
                long row = at / inner;
                long column = at - row * inner;
                int p = -1;
                while (p < parts.length && column >= begins[p + 1]) {
                    p++;
                }
                long stop = p == parts.length ? inner : begins[p + 1];
                long n = Math.min(stop - column, end - at);
                if (p < 0 || p == parts.length) {
                    fill(to + 4 * at, value, n);
                } else if (!there[p]) {
                    long width = begins[p + 1] - begins[p];
                    copy(address[p] + 4 * (row * width + column - begins[p]), to + 4 * at, n);
                }
                at += n;
            }
        }
    }
}
