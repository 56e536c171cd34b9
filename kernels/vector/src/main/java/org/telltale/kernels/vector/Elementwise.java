package org.telltale.kernels.vector;

import jdk.incubator.vector.FloatVector;
import org.telltale.engine.Activation;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/** Kernels whose output elements depend on the elements at the same place only. */
final class Elementwise {
    /** Elements of a chunk: enough work to be worth handing over, few enough for the first-level cache. */
    static final long CHUNK = 1 << 13;

    private Elementwise() {}

    /** Chunks of {@link #CHUNK} elements. */
    static int chunks(long size) {
        return Math.toIntExact(Math.ceilDiv(size, CHUNK));
    }

    /** How many rows of a size make a chunk: at least one, and none more because of threads. */
    static long rowsPerChunk(long rowSize) {
        return Math.max(1, CHUNK / Math.max(rowSize, 1));
    }

    /** A function of one operand. */
    abstract static sealed class Map implements Kernel, Parallel.Chunk {
        private final Parallel parallel;
        private final Buffer in;
        private final Buffer out;
        private final long size;
        private long from;
        private long to;

        Map(Tensor t, Operands operands, Parallel parallel) {
            this.parallel = parallel;
            this.in = operands.buffer(t.inputs().getFirst());
            this.out = operands.buffer(t);
            this.size = t.shape().size();
        }

        @Override
        public final void run() {
            from = in.address();
            to = out.address();
            parallel.forRange(chunks(size), this);
        }

        @Override
        public final void run(int chunk, int worker) {
            long at = chunk * CHUNK;
            apply(from, to, at, Math.min(CHUNK, size - at));
        }

        abstract void apply(long from, long to, long at, long count);
    }

    static final class Unary extends Map {
        private final Primitive.UnaryKind kind;

        Unary(Primitive.UnaryKind kind, Tensor t, Operands operands, Parallel parallel) {
            super(t, operands, parallel);
            this.kind = kind;
        }

        @Override
        void apply(long from, long to, long at, long count) {
            Pointwise.unary(kind, from + 4 * at, to + 4 * at, count);
        }
    }

    static final class Activate extends Map {
        private final Activation activation;

        Activate(Activation activation, Tensor t, Operands operands, Parallel parallel) {
            super(t, operands, parallel);
            this.activation = activation;
            Pointwise.prepare(activation);
        }

        @Override
        void apply(long from, long to, long at, long count) {
            Pointwise.activate(activation, from + 4 * at, to + 4 * at, count);
        }
    }

    static final class ToFloat extends Map {
        ToFloat(Tensor t, Operands operands, Parallel parallel) {
            super(t, operands, parallel);
        }

        @Override
        void apply(long from, long to, long at, long count) {
            for (long i = at; i < at + count; i++) {
                Memory.set(to + 4 * i, Memory.getInt(from + 4 * i));
            }
        }
    }

    static final class RandomUniform extends Map {
        private final int salt;

        RandomUniform(int salt, Tensor t, Operands operands, Parallel parallel) {
            super(t, operands, parallel);
            this.salt = salt;
        }

        @Override
        void apply(long from, long to, long at, long count) {
            fill(salt, from, at, count, to + 4 * at);
        }

        /** Numbers at and after an index, by the counter at an address. */
        static void fill(int salt, long counter, long at, long count, long to) {
            long key = Primitive.RandomUniform.key(Memory.getInt(counter), Memory.getInt(counter + 4), salt);
            Uniform.fill(key, at, to, count);
        }
    }

    /** Two operands with broadcasting, row by row of the innermost joined axis. */
    static final class Binary implements Kernel, Parallel.Chunk {
        private static final long SCRATCH = 128;
        private final Parallel parallel;
        private final Primitive.BinaryKind kind;
        private final Buffer left;
        private final Buffer right;
        private final Buffer out;
        private final long size;
        private final long inner;
        private final boolean leftRepeats;
        private final boolean rightRepeats;
        private final Loops rows;
        private final long scratch;
        private long a;
        private long b;
        private long to;

        Binary(Primitive.BinaryKind kind, Tensor t, Operands operands, Parallel parallel) {
            this.parallel = parallel;
            this.kind = kind;
            Tensor l = t.inputs().get(0);
            Tensor r = t.inputs().get(1);
            left = operands.buffer(l);
            right = operands.buffer(r);
            out = operands.buffer(t);
            size = t.shape().size();
            Loops all = Loops.of(
                    t.shape().dims(), Loops.broadcast(l.shape(), t.shape()), Loops.broadcast(r.shape(), t.shape()));
            int last = all.rank() - 1;
            inner = all.extent(last);
            leftRepeats = all.step(0, last) == 0;
            rightRepeats = all.step(1, last) == 0;
            rows = all.only(axis -> axis < last);
            scratch =
                    operands.arena().allocate(SCRATCH * parallel.threads(), 64).address();
        }

        @Override
        public void run() {
            a = left.address();
            b = right.address();
            to = out.address();
            parallel.forRange(chunks(size), this);
        }

        @Override
        public void run(int chunk, int worker) {
            long repeatedLeft = scratch + SCRATCH * worker;
            long repeatedRight = repeatedLeft + SCRATCH / 2;
            long at = chunk * CHUNK;
            long end = Math.min(size, at + CHUNK);
            while (at < end) {
                long row = at / inner;
                long column = at - row * inner;
                long n = Math.min(inner - column, end - at);
                long x = a + 4 * rows.offset(0, row);
                long y = b + 4 * rows.offset(1, row);
                x = leftRepeats ? repeat(x, repeatedLeft) : x + 4 * column;
                y = rightRepeats ? repeat(y, repeatedRight) : y + 4 * column;
                Pairwise.run(kind, x, leftRepeats ? 0 : 4, y, rightRepeats ? 0 : 4, to + 4 * at, n);
                at += n;
            }
        }

        private static long repeat(long value, long into) {
            FloatVector.broadcast(Memory.SPECIES, Memory.get(value)).intoMemorySegment(Memory.ALL, into, Memory.ORDER);
            return into;
        }
    }
}
