package org.telltale.kernels.vector;

import static org.telltale.kernels.vector.Memory.ALL;
import static org.telltale.kernels.vector.Memory.FLOAT;
import static org.telltale.kernels.vector.Memory.LANES;
import static org.telltale.kernels.vector.Memory.ORDER;
import static org.telltale.kernels.vector.Memory.SPECIES;

import java.lang.foreign.Arena;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.telltale.engine.Activation;

/**
 * Tiles of up to 6 rows by 2 vectors in the Vector API: 12 accumulators, 2 vectors of b and a broadcast fit the 16
 * registers of AVX2, and 12 independent sums hide the latency of the multiply-add. One flat method per row count, since
 * vectors that pass through arrays, helper methods or branches are boxed.
 *
 * <p>The compiler must not load all of a step's broadcasts first, or accumulators spill and half of the speed is lost.
 * What holds it back are checks between the rows: of the address in the loops over addresses, whose range checks are not
 * hoisted, and a compare in the shorter loops over k, which are unrolled.
 */
final class VectorMicroKernel implements MicroKernel {
    private static final long BYTES = 4L * LANES;
    private static final int ROWS = 6;
    private static final long TILE_BYTES = 2 * ROWS * BYTES;

    /**
     * An address that there never is, which the compiler cannot know. Comparing with it keeps multiply-adds before the
     * compare from moving behind it; without, all of a step's broadcasts are loaded first and accumulators spill.
     */
    private static long never = -1;

    /** Where sums start that do not accumulate: loaded, not assigned, to keep the accumulators free of a branch. */
    private static final long ZEROS = Arena.global().allocate(2 * BYTES, 64).address();

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public int rows() {
        return ROWS;
    }

    @Override
    public int columns() {
        return 2 * LANES;
    }

    /** A panel of 384 x 16 stays in a first-level cache of 32 KiB. */
    @Override
    public int slab() {
        return 384;
    }

    @Override
    public long cached() {
        return 1 << 18;
    }

    @Override
    public boolean interleaved() {
        return true;
    }

    @Override
    public void prepare(Activation activation, boolean bf16) {}

    @Override
    public boolean rounds() {
        return false;
    }

    @Override
    public long roundedStride(int depth) {
        throw new IllegalStateException("it rounds no left operand");
    }

    @Override
    public void round(int rows, int depth, long from, long fromStride, long to, long scratch) {
        throw new IllegalStateException("it rounds no left operand");
    }

    /** A tile, for the edges, and a panel as floats, pair by pair. */
    @Override
    public long scratchBytes(int rows, int depth, boolean bf16) {
        return TILE_BYTES + (bf16 ? 4L * (depth + 1) * columns() : 0);
    }

    @Override
    public void block(
            int rows,
            int depth,
            long a,
            long aStride,
            boolean rounded,
            long b,
            long panelBytes,
            boolean bf16,
            int columns,
            long c,
            long cStride,
            boolean accumulate,
            boolean last,
            long bias,
            Activation activation,
            long scratch) {
        for (int first = 0; first < columns; first += columns()) {
            int width = Math.min(columns(), columns - first);
            long panel = b;
            if (bf16) {
                panel = scratch + TILE_BYTES;
                widen(b, depth, panel);
            }
            panel(rows, depth, a, panel, c + 4L * first, cStride, width, accumulate, scratch);
            b += panelBytes;
        }
        if (last) {
            finish(rows, columns, c, cStride, bias, activation);
        }
    }

    /** Pairs along the depth to floats, [depth][columns], an even depth. A bfloat16 is the high half of a float. */
    private static void widen(long from, int depth, long to) {
        for (int k = 0; k < depth; k += 2) {
            long in = from + k * BYTES;
            long out = to + 2L * k * BYTES;
            IntVector x = FloatVector.fromMemorySegment(SPECIES, ALL, in, ORDER).reinterpretAsInts();
            IntVector y = FloatVector.fromMemorySegment(SPECIES, ALL, in + BYTES, ORDER)
                    .reinterpretAsInts();
            x.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoMemorySegment(ALL, out, ORDER);
            y.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoMemorySegment(ALL, out + BYTES, ORDER);
            x.and(0xFFFF0000).reinterpretAsFloats().intoMemorySegment(ALL, out + 2 * BYTES, ORDER);
            y.and(0xFFFF0000).reinterpretAsFloats().intoMemorySegment(ALL, out + 3 * BYTES, ORDER);
        }
    }

    /** One panel under all the rows of a block. */
    private void panel(
            int rows, int depth, long a, long b, long c, long stride, int width, boolean accumulate, long scratch) {
        for (int row = 0; row < rows; row += rows()) {
            int n = Math.min(rows(), rows - row);
            long at = c + row * stride;
            long left = a + 4L * row * depth;
            if (width == columns()) {
                tile(n, depth, left, b, at, stride, accumulate);
            } else {
                long wide = 4L * columns();
                if (accumulate) {
                    copy(at, stride, scratch, wide, n, width);
                }
                tile(n, depth, left, b, scratch, wide, accumulate);
                copy(scratch, wide, at, stride, n, width);
            }
        }
    }

    private static void copy(long from, long fromStride, long to, long toStride, int rows, int width) {
        for (int r = 0; r < rows; r++) {
            for (int j = 0; j < width; j++) {
                ALL.set(FLOAT, to + r * toStride + 4L * j, ALL.get(FLOAT, from + r * fromStride + 4L * j));
            }
        }
    }

    /** Bias and activation over the columns of a block, while they are hot. */
    private static void finish(int rows, int columns, long c, long stride, long bias, Activation activation) {
        if (bias != 0) {
            for (int r = 0; r < rows; r++) {
                addBias(c + r * stride, bias, columns);
            }
        }
        if (activation == Activation.NONE) {
            return;
        }
        if (stride == 4L * columns) {
            Pointwise.activate(activation, c, c, (long) rows * columns);
            return;
        }
        for (int r = 0; r < rows; r++) {
            Pointwise.activate(activation, c + r * stride, c + r * stride, columns);
        }
    }

    /** Adds a vector to a row. */
    static void addBias(long row, long bias, int count) {
        int j = 0;
        for (; j <= count - LANES; j += LANES) {
            FloatVector.fromMemorySegment(SPECIES, ALL, row + 4L * j, ORDER)
                    .add(FloatVector.fromMemorySegment(SPECIES, ALL, bias + 4L * j, ORDER))
                    .intoMemorySegment(ALL, row + 4L * j, ORDER);
        }
        for (; j < count; j++) {
            ALL.set(FLOAT, row + 4L * j, ALL.get(FLOAT, row + 4L * j) + ALL.get(FLOAT, bias + 4L * j));
        }
    }

    private static void tile(int rows, int depth, long a, long b, long c, long stride, boolean accumulate) {
        long from = accumulate ? c : ZEROS;
        long step = accumulate ? stride : 0;
        switch (rows) {
            case 6 -> tile6(depth, a, b, c, stride, from, step);
            case 5 -> tile5(depth, a, b, c, stride, from, step);
            case 4 -> tile4(depth, a, b, c, stride, from, step);
            case 3 -> tile3(depth, a, b, c, stride, from, step);
            case 2 -> tile2(depth, a, b, c, stride, from, step);
            case 1 -> tile1(depth, a, b, c, from);
            default -> throw new IllegalArgumentException("a tile has 1 to 6 rows, not " + rows);
        }
    }

    private static void tile6(int depth, long a, long b, long c, long stride, long from, long step) {
        FloatVector x0 = FloatVector.fromMemorySegment(SPECIES, ALL, from, ORDER);
        FloatVector y0 = FloatVector.fromMemorySegment(SPECIES, ALL, from + BYTES, ORDER);
        FloatVector x1 = FloatVector.fromMemorySegment(SPECIES, ALL, from + step, ORDER);
        FloatVector y1 = FloatVector.fromMemorySegment(SPECIES, ALL, from + step + BYTES, ORDER);
        FloatVector x2 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 2 * step, ORDER);
        FloatVector y2 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 2 * step + BYTES, ORDER);
        FloatVector x3 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 3 * step, ORDER);
        FloatVector y3 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 3 * step + BYTES, ORDER);
        FloatVector x4 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 4 * step, ORDER);
        FloatVector y4 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 4 * step + BYTES, ORDER);
        FloatVector x5 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 5 * step, ORDER);
        FloatVector y5 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 5 * step + BYTES, ORDER);
        long end = a + depth * 24L;
        for (long q = a, p = b; q < end; q += 24, p += 2 * BYTES) {
            FloatVector u = FloatVector.fromMemorySegment(SPECIES, ALL, p, ORDER);
            FloatVector v = FloatVector.fromMemorySegment(SPECIES, ALL, p + BYTES, ORDER);
            FloatVector f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q));
            x0 = f.fma(u, x0);
            y0 = f.fma(v, y0);
            f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q + 4));
            x1 = f.fma(u, x1);
            y1 = f.fma(v, y1);
            f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q + 8));
            x2 = f.fma(u, x2);
            y2 = f.fma(v, y2);
            f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q + 12));
            x3 = f.fma(u, x3);
            y3 = f.fma(v, y3);
            f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q + 16));
            x4 = f.fma(u, x4);
            y4 = f.fma(v, y4);
            f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q + 20));
            x5 = f.fma(u, x5);
            y5 = f.fma(v, y5);
        }
        x0.intoMemorySegment(ALL, c, ORDER);
        y0.intoMemorySegment(ALL, c + BYTES, ORDER);
        x1.intoMemorySegment(ALL, c + stride, ORDER);
        y1.intoMemorySegment(ALL, c + stride + BYTES, ORDER);
        x2.intoMemorySegment(ALL, c + 2 * stride, ORDER);
        y2.intoMemorySegment(ALL, c + 2 * stride + BYTES, ORDER);
        x3.intoMemorySegment(ALL, c + 3 * stride, ORDER);
        y3.intoMemorySegment(ALL, c + 3 * stride + BYTES, ORDER);
        x4.intoMemorySegment(ALL, c + 4 * stride, ORDER);
        y4.intoMemorySegment(ALL, c + 4 * stride + BYTES, ORDER);
        x5.intoMemorySegment(ALL, c + 5 * stride, ORDER);
        y5.intoMemorySegment(ALL, c + 5 * stride + BYTES, ORDER);
    }

    private static void tile5(int depth, long a, long b, long c, long stride, long from, long step) {
        FloatVector x0 = FloatVector.fromMemorySegment(SPECIES, ALL, from, ORDER);
        FloatVector y0 = FloatVector.fromMemorySegment(SPECIES, ALL, from + BYTES, ORDER);
        FloatVector x1 = FloatVector.fromMemorySegment(SPECIES, ALL, from + step, ORDER);
        FloatVector y1 = FloatVector.fromMemorySegment(SPECIES, ALL, from + step + BYTES, ORDER);
        FloatVector x2 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 2 * step, ORDER);
        FloatVector y2 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 2 * step + BYTES, ORDER);
        FloatVector x3 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 3 * step, ORDER);
        FloatVector y3 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 3 * step + BYTES, ORDER);
        FloatVector x4 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 4 * step, ORDER);
        FloatVector y4 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 4 * step + BYTES, ORDER);
        long end = a + depth * 20L;
        for (long q = a, p = b; q < end; q += 20, p += 2 * BYTES) {
            FloatVector u = FloatVector.fromMemorySegment(SPECIES, ALL, p, ORDER);
            FloatVector v = FloatVector.fromMemorySegment(SPECIES, ALL, p + BYTES, ORDER);
            FloatVector f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q));
            x0 = f.fma(u, x0);
            y0 = f.fma(v, y0);
            f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q + 4));
            x1 = f.fma(u, x1);
            y1 = f.fma(v, y1);
            f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q + 8));
            x2 = f.fma(u, x2);
            y2 = f.fma(v, y2);
            f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q + 12));
            x3 = f.fma(u, x3);
            y3 = f.fma(v, y3);
            f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q + 16));
            x4 = f.fma(u, x4);
            y4 = f.fma(v, y4);
        }
        x0.intoMemorySegment(ALL, c, ORDER);
        y0.intoMemorySegment(ALL, c + BYTES, ORDER);
        x1.intoMemorySegment(ALL, c + stride, ORDER);
        y1.intoMemorySegment(ALL, c + stride + BYTES, ORDER);
        x2.intoMemorySegment(ALL, c + 2 * stride, ORDER);
        y2.intoMemorySegment(ALL, c + 2 * stride + BYTES, ORDER);
        x3.intoMemorySegment(ALL, c + 3 * stride, ORDER);
        y3.intoMemorySegment(ALL, c + 3 * stride + BYTES, ORDER);
        x4.intoMemorySegment(ALL, c + 4 * stride, ORDER);
        y4.intoMemorySegment(ALL, c + 4 * stride + BYTES, ORDER);
    }

    private static void tile4(int depth, long a, long b, long c, long stride, long from, long step) {
        long fence = never;
        FloatVector x0 = FloatVector.fromMemorySegment(SPECIES, ALL, from, ORDER);
        FloatVector y0 = FloatVector.fromMemorySegment(SPECIES, ALL, from + BYTES, ORDER);
        FloatVector x1 = FloatVector.fromMemorySegment(SPECIES, ALL, from + step, ORDER);
        FloatVector y1 = FloatVector.fromMemorySegment(SPECIES, ALL, from + step + BYTES, ORDER);
        FloatVector x2 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 2 * step, ORDER);
        FloatVector y2 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 2 * step + BYTES, ORDER);
        FloatVector x3 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 3 * step, ORDER);
        FloatVector y3 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 3 * step + BYTES, ORDER);
        for (int k = 0; k < depth; k++) {
            long p = b + k * (2 * BYTES);
            long q = a + k * 16L;
            FloatVector u = FloatVector.fromMemorySegment(SPECIES, ALL, p, ORDER);
            FloatVector v = FloatVector.fromMemorySegment(SPECIES, ALL, p + BYTES, ORDER);
            FloatVector f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q));
            x0 = f.fma(u, x0);
            y0 = f.fma(v, y0);
            f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q + 4));
            x1 = f.fma(u, x1);
            y1 = f.fma(v, y1);
            if (q == fence) {
                throw new IllegalStateException();
            }
            f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q + 8));
            x2 = f.fma(u, x2);
            y2 = f.fma(v, y2);
            f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q + 12));
            x3 = f.fma(u, x3);
            y3 = f.fma(v, y3);
        }
        x0.intoMemorySegment(ALL, c, ORDER);
        y0.intoMemorySegment(ALL, c + BYTES, ORDER);
        x1.intoMemorySegment(ALL, c + stride, ORDER);
        y1.intoMemorySegment(ALL, c + stride + BYTES, ORDER);
        x2.intoMemorySegment(ALL, c + 2 * stride, ORDER);
        y2.intoMemorySegment(ALL, c + 2 * stride + BYTES, ORDER);
        x3.intoMemorySegment(ALL, c + 3 * stride, ORDER);
        y3.intoMemorySegment(ALL, c + 3 * stride + BYTES, ORDER);
    }

    private static void tile3(int depth, long a, long b, long c, long stride, long from, long step) {
        long fence = never;
        FloatVector x0 = FloatVector.fromMemorySegment(SPECIES, ALL, from, ORDER);
        FloatVector y0 = FloatVector.fromMemorySegment(SPECIES, ALL, from + BYTES, ORDER);
        FloatVector x1 = FloatVector.fromMemorySegment(SPECIES, ALL, from + step, ORDER);
        FloatVector y1 = FloatVector.fromMemorySegment(SPECIES, ALL, from + step + BYTES, ORDER);
        FloatVector x2 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 2 * step, ORDER);
        FloatVector y2 = FloatVector.fromMemorySegment(SPECIES, ALL, from + 2 * step + BYTES, ORDER);
        for (int k = 0; k < depth; k++) {
            long p = b + k * (2 * BYTES);
            long q = a + k * 12L;
            FloatVector u = FloatVector.fromMemorySegment(SPECIES, ALL, p, ORDER);
            FloatVector v = FloatVector.fromMemorySegment(SPECIES, ALL, p + BYTES, ORDER);
            FloatVector f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q));
            x0 = f.fma(u, x0);
            y0 = f.fma(v, y0);
            f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q + 4));
            x1 = f.fma(u, x1);
            y1 = f.fma(v, y1);
            if (q == fence) {
                throw new IllegalStateException();
            }
            f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q + 8));
            x2 = f.fma(u, x2);
            y2 = f.fma(v, y2);
        }
        x0.intoMemorySegment(ALL, c, ORDER);
        y0.intoMemorySegment(ALL, c + BYTES, ORDER);
        x1.intoMemorySegment(ALL, c + stride, ORDER);
        y1.intoMemorySegment(ALL, c + stride + BYTES, ORDER);
        x2.intoMemorySegment(ALL, c + 2 * stride, ORDER);
        y2.intoMemorySegment(ALL, c + 2 * stride + BYTES, ORDER);
    }

    private static void tile2(int depth, long a, long b, long c, long stride, long from, long step) {
        FloatVector x0 = FloatVector.fromMemorySegment(SPECIES, ALL, from, ORDER);
        FloatVector y0 = FloatVector.fromMemorySegment(SPECIES, ALL, from + BYTES, ORDER);
        FloatVector x1 = FloatVector.fromMemorySegment(SPECIES, ALL, from + step, ORDER);
        FloatVector y1 = FloatVector.fromMemorySegment(SPECIES, ALL, from + step + BYTES, ORDER);
        for (int k = 0; k < depth; k++) {
            long p = b + k * (2 * BYTES);
            long q = a + k * 8L;
            FloatVector u = FloatVector.fromMemorySegment(SPECIES, ALL, p, ORDER);
            FloatVector v = FloatVector.fromMemorySegment(SPECIES, ALL, p + BYTES, ORDER);
            FloatVector f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q));
            x0 = f.fma(u, x0);
            y0 = f.fma(v, y0);
            f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q + 4));
            x1 = f.fma(u, x1);
            y1 = f.fma(v, y1);
        }
        x0.intoMemorySegment(ALL, c, ORDER);
        y0.intoMemorySegment(ALL, c + BYTES, ORDER);
        x1.intoMemorySegment(ALL, c + stride, ORDER);
        y1.intoMemorySegment(ALL, c + stride + BYTES, ORDER);
    }

    private static void tile1(int depth, long a, long b, long c, long from) {
        FloatVector x0 = FloatVector.fromMemorySegment(SPECIES, ALL, from, ORDER);
        FloatVector y0 = FloatVector.fromMemorySegment(SPECIES, ALL, from + BYTES, ORDER);
        for (int k = 0; k < depth; k++) {
            long p = b + k * (2 * BYTES);
            long q = a + k * 4L;
            FloatVector u = FloatVector.fromMemorySegment(SPECIES, ALL, p, ORDER);
            FloatVector v = FloatVector.fromMemorySegment(SPECIES, ALL, p + BYTES, ORDER);
            FloatVector f = FloatVector.broadcast(SPECIES, ALL.get(FLOAT, q));
            x0 = f.fma(u, x0);
            y0 = f.fma(v, y0);
        }
        x0.intoMemorySegment(ALL, c, ORDER);
        y0.intoMemorySegment(ALL, c + BYTES, ORDER);
    }
}
