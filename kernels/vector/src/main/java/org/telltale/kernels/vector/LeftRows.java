package org.telltale.kernels.vector;

import static org.telltale.kernels.vector.Memory.ALL;
import static org.telltale.kernels.vector.Memory.FLOAT;

import org.telltale.engine.spi.Buffer;

/** The left operand of a product, as the micro-kernel needs it. */
interface LeftRows {
    /** Reads the operand's address, at the start of a run. */
    void begin();

    /** Whether rows lie in memory one after the other, so that they can be read in place. */
    boolean inPlace();

    /** Where a row of a matrix is, when it is {@link #inPlace}. */
    long address(int matrix, int row);

    /** Copies rows {@code row ..} of a matrix, columns {@code from .. to - 1}, to rows {@code outStep} bytes apart. */
    void copy(int matrix, int row, int rows, int from, int to, long out, long outStep);

    /** Packs rows {@code row ..} of a matrix, columns {@code from .. to - 1}, into [to - from][rows]. */
    void interleave(int matrix, int row, int rows, int from, int to, long out);

    /** Interleaves contiguous rows, {@code step} bytes apart: [rows, depth] into [depth][rows]. */
    static void interleave(long in, long step, int rows, int depth, long out) {
        if (rows == 6) {
            long in3 = in + 3 * step;
            interleave(in, in + step, in + 2 * step, in3, in3 + step, in3 + 2 * step, depth, out);
            return;
        }
        for (int r = 0; r < rows; r++) {
            spread(in + r * step, depth, out + 4L * r, rows);
        }
    }

    /** One contiguous row to every rows-th place. */
    static void spread(long in, int depth, long out, int rows) {
        for (int k = 0; k < depth; k++) {
            ALL.set(FLOAT, out + 4L * k * rows, ALL.get(FLOAT, in + 4L * k));
        }
    }

    /** Six rows, the most of a tile in the Vector API. */
    static void interleave(long in0, long in1, long in2, long in3, long in4, long in5, int depth, long out) {
        for (int k = 0; k < depth; k++) {
            ALL.set(FLOAT, out + 24L * k, ALL.get(FLOAT, in0 + 4L * k));
            ALL.set(FLOAT, out + 24L * k + 4, ALL.get(FLOAT, in1 + 4L * k));
            ALL.set(FLOAT, out + 24L * k + 8, ALL.get(FLOAT, in2 + 4L * k));
            ALL.set(FLOAT, out + 24L * k + 12, ALL.get(FLOAT, in3 + 4L * k));
            ALL.set(FLOAT, out + 24L * k + 16, ALL.get(FLOAT, in4 + 4L * k));
            ALL.set(FLOAT, out + 24L * k + 20, ALL.get(FLOAT, in5 + 4L * k));
        }
    }

    /** Row-major matrices [matrices][rows, depth], or [matrices][depth, rows] when transposed. */
    final class Matrix implements LeftRows {
        private final Buffer buffer;
        private final int rows;
        private final int depth;
        private final boolean transposed;
        private long address;

        Matrix(Buffer buffer, int rows, int depth, boolean transposed) {
            this.buffer = buffer;
            this.rows = rows;
            this.depth = depth;
            this.transposed = transposed;
        }

        @Override
        public void begin() {
            address = buffer.address();
        }

        @Override
        public boolean inPlace() {
            return !transposed;
        }

        @Override
        public long address(int matrix, int row) {
            return address + 4L * ((long) matrix * rows + row) * depth;
        }

        @Override
        public void copy(int matrix, int row, int count, int from, int to, long out, long outStep) {
            long base = address + 4L * matrix * rows * depth;
            if (transposed) {
                Turn.move(base + 4L * ((long) from * rows + row), 4L * rows, to - from, count, out, outStep);
                return;
            }
            for (int r = 0; r < count; r++) {
                Movement.copy(base + 4L * ((long) (row + r) * depth + from), out + r * outStep, to - from);
            }
        }

        @Override
        public void interleave(int matrix, int row, int count, int from, int to, long out) {
            long base = address + 4L * matrix * rows * depth;
            if (!transposed) {
                LeftRows.interleave(base + 4L * row * depth + 4L * from, 4L * depth, count, to - from, out);
                return;
            }
            for (int k = from; k < to; k++) {
                long in = base + 4L * k * rows + 4L * row;
                for (int r = 0; r < count; r++) {
                    ALL.set(FLOAT, out + 4L * r, ALL.get(FLOAT, in + 4L * r));
                }
                out += 4L * count;
            }
        }
    }
}
