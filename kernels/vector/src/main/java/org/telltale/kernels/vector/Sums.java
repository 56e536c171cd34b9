package org.telltale.kernels.vector;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Sums and maxima of contiguous floats. Sums are taken in double and their lanes are added one by one through scratch
 * memory: the order in which the Vector API reduces lanes is not fixed, and differs between compiled and interpreted code.
 */
final class Sums {
    /** Bytes of scratch that a worker needs: four vectors of the widest kind. */
    static final long SCRATCH = 256;

    private static final MemorySegment M = Memory.ALL;
    private static final VectorSpecies<Float> S = Memory.SPECIES;
    private static final VectorSpecies<Double> D = VectorSpecies.of(double.class, S.vectorShape());
    private static final VectorSpecies<Float> HALF =
            VectorSpecies.of(float.class, VectorShape.forBitSize(S.vectorBitSize() / 2));

    /** Doubles in a vector. */
    static final int LANES = D.length();

    /** {@link #addColumns} and {@link #addDoubles}. */
    private static final MethodHandle[] LOOPS = {
        OutOfLine.find(
                MethodHandles.lookup(),
                "addColumns",
                MethodType.methodType(void.class, long.class, long.class, long.class, long.class)),
        OutOfLine.find(MethodHandles.lookup(), "addDoubles", OutOfLine.LOOP)
    };

    private Sums() {}

    /** The floats of half a vector as doubles. */
    private static DoubleVector wide(long address) {
        return (DoubleVector)
                FloatVector.fromMemorySegment(HALF, M, address, Memory.ORDER).convertShape(VectorOperators.F2D, D, 0);
    }

    static double sum(long from, long count, long scratch) {
        DoubleVector a = DoubleVector.zero(D);
        DoubleVector b = DoubleVector.zero(D);
        DoubleVector c = DoubleVector.zero(D);
        DoubleVector d = DoubleVector.zero(D);
        long i = 0;
        for (; i <= count - 4L * LANES; i += 4L * LANES) {
            a = a.add(wide(from + 4 * i));
            b = b.add(wide(from + 4 * (i + LANES)));
            c = c.add(wide(from + 4 * (i + 2L * LANES)));
            d = d.add(wide(from + 4 * (i + 3L * LANES)));
        }
        a.add(b).add(c.add(d)).intoMemorySegment(M, scratch, Memory.ORDER);
        double sum = lanes(scratch);
        for (; i < count; i++) {
            sum += Memory.get(from + 4 * i);
        }
        return sum;
    }

    /** The sum of (x - mean)^2. */
    static double squares(long from, long count, double mean, long scratch) {
        DoubleVector centre = DoubleVector.broadcast(D, mean);
        DoubleVector a = DoubleVector.zero(D);
        DoubleVector b = DoubleVector.zero(D);
        long i = 0;
        for (; i <= count - 2L * LANES; i += 2L * LANES) {
            DoubleVector x = wide(from + 4 * i).sub(centre);
            DoubleVector y = wide(from + 4 * (i + LANES)).sub(centre);
            a = x.fma(x, a);
            b = y.fma(y, b);
        }
        a.add(b).intoMemorySegment(M, scratch, Memory.ORDER);
        double sum = lanes(scratch);
        for (; i < count; i++) {
            double x = Memory.get(from + 4 * i) - mean;
            sum += x * x;
        }
        return sum;
    }

    private static double lanes(long scratch) {
        double sum = 0;
        for (int l = 0; l < LANES; l++) {
            sum += Memory.getDouble(scratch + 8L * l);
        }
        return sum;
    }

    /** The sums of 4 * LANES columns over strided rows. */
    static void columns(long from, Loops rows, long to, long scratch) {
        DoubleVector a = DoubleVector.zero(D);
        DoubleVector b = DoubleVector.zero(D);
        DoubleVector c = DoubleVector.zero(D);
        DoubleVector d = DoubleVector.zero(D);
        for (long r = 0; r < rows.count(); r++) {
            long at = from + 4 * rows.offset(0, r);
            a = a.add(wide(at));
            b = b.add(wide(at + 4L * LANES));
            c = c.add(wide(at + 8L * LANES));
            d = d.add(wide(at + 12L * LANES));
        }
        a.intoMemorySegment(M, scratch, Memory.ORDER);
        b.intoMemorySegment(M, scratch + 8L * LANES, Memory.ORDER);
        c.intoMemorySegment(M, scratch + 16L * LANES, Memory.ORDER);
        d.intoMemorySegment(M, scratch + 24L * LANES, Memory.ORDER);
        // One by one: a store of half a vector of floats would be a second shape of them, see Memory.SPECIES.
        for (long l = 0; l < 4L * LANES; l++) {
            Memory.set(to + 4 * l, (float) Memory.getDouble(scratch + 8 * l));
        }
    }

    /** Rows that are added while the sums of some columns are in registers. */
    private static final long TILE = 16;

    /**
     * The sums of columns, as doubles: each adds its rows in order.
     *
     * @param from the first row; the next ones follow {@code step} bytes apart
     * @param to memory for as many doubles as columns
     */
    static void columns(long from, long step, long rows, long columns, long to) {
        for (long c = 0; c < columns; c++) {
            Memory.setDouble(to + 8 * c, 0);
        }
        long whole = columns - columns % (4L * LANES);
        for (long r = 0; r < rows; r += TILE) {
            long count = Math.min(TILE, rows - r);
            long tile = from + r * step;
            try {
                for (long c = 0; c < whole; c += 4L * LANES) {
                    LOOPS[0].invokeExact(tile + 4 * c, step, count, to + 8 * c);
                }
            } catch (Throwable t) {
                throw OutOfLine.thrown(t);
            }
            for (long c = whole; c < columns; c++) {
                double sum = Memory.getDouble(to + 8 * c);
                for (long k = 0; k < count; k++) {
                    sum += Memory.get(tile + k * step + 4 * c);
                }
                Memory.setDouble(to + 8 * c, sum);
            }
        }
    }

    /** Adds rows of 4 * LANES columns to their sums. */
    static void addColumns(long from, long step, long rows, long to) {
        DoubleVector a = DoubleVector.fromMemorySegment(D, M, to, Memory.ORDER);
        DoubleVector b = DoubleVector.fromMemorySegment(D, M, to + 8L * LANES, Memory.ORDER);
        DoubleVector c = DoubleVector.fromMemorySegment(D, M, to + 16L * LANES, Memory.ORDER);
        DoubleVector d = DoubleVector.fromMemorySegment(D, M, to + 24L * LANES, Memory.ORDER);
        for (long r = 0; r < rows; r++) {
            long at = from + r * step;
            a = a.add(wide(at));
            b = b.add(wide(at + 4L * LANES));
            c = c.add(wide(at + 8L * LANES));
            d = d.add(wide(at + 12L * LANES));
        }
        a.intoMemorySegment(M, to, Memory.ORDER);
        b.intoMemorySegment(M, to + 8L * LANES, Memory.ORDER);
        c.intoMemorySegment(M, to + 16L * LANES, Memory.ORDER);
        d.intoMemorySegment(M, to + 24L * LANES, Memory.ORDER);
    }

    /** to += from, doubles. */
    static void add(long from, long to, long count) {
        try {
            LOOPS[1].invokeExact(from, to, count);
        } catch (Throwable t) {
            throw OutOfLine.thrown(t);
        }
    }

    /** {@link #add}, compiled by itself. */
    static void addDoubles(long from, long to, long count) {
        long i = 0;
        for (; i <= count - LANES; i += LANES) {
            DoubleVector.fromMemorySegment(D, M, to + 8 * i, Memory.ORDER)
                    .add(DoubleVector.fromMemorySegment(D, M, from + 8 * i, Memory.ORDER))
                    .intoMemorySegment(M, to + 8 * i, Memory.ORDER);
        }
        for (; i < count; i++) {
            Memory.setDouble(to + 8 * i, Memory.getDouble(to + 8 * i) + Memory.getDouble(from + 8 * i));
        }
    }

    /** The sum of one column over strided rows, added in the order of {@link #columns}. */
    static double column(long from, Loops rows) {
        double sum = 0;
        for (long r = 0; r < rows.count(); r++) {
            sum += Memory.get(from + 4 * rows.offset(0, r));
        }
        return sum;
    }

    /** The maximum, which no order of the lanes changes; minus infinity when there is none, NaN where there is one. */
    static float max(long from, long count) {
        FloatVector a = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
        FloatVector b = a;
        long i = 0;
        for (; i <= count - 2L * Memory.LANES; i += 2L * Memory.LANES) {
            a = a.max(FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER));
            b = b.max(FloatVector.fromMemorySegment(S, M, from + 4 * (i + Memory.LANES), Memory.ORDER));
        }
        float max = a.max(b).reduceLanes(VectorOperators.MAX);
        for (; i < count; i++) {
            max = Math.max(max, Memory.get(from + 4 * i));
        }
        return max;
    }

    /** The maxima of up to a vector of columns over strided rows. */
    static void maxColumns(long from, Loops rows, long to, long count) {
        VectorMask<Float> m = S.indexInRange(0, count);
        FloatVector max = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
        for (long r = 0; r < rows.count(); r++) {
            max = max.max(FloatVector.fromMemorySegment(S, M, from + 4 * rows.offset(0, r), Memory.ORDER, m));
        }
        max.intoMemorySegment(M, to, Memory.ORDER, m);
    }
}
