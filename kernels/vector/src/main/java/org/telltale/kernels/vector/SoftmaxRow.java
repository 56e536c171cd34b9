package org.telltale.kernels.vector;

import static org.telltale.kernels.vector.Memory.ALL;
import static org.telltale.kernels.vector.Memory.FLOAT;
import static org.telltale.kernels.vector.Memory.LANES;
import static org.telltale.kernels.vector.Memory.ORDER;
import static org.telltale.kernels.vector.Memory.SPECIES;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Attention's softmax of one row of scores in scratch memory that may be written up to a whole number of vectors. */
final class SoftmaxRow {
    private static final MethodHandle[] SUM = {
        OutOfLine.find(
                MethodHandles.lookup(),
                "sum",
                MethodType.methodType(float.class, long.class, int.class, float.class, long.class))
    };

    private SoftmaxRow() {}

    /**
     * Replaces scores by exp(scale score + bias - max) and fills up with zeros to {@code end}.
     *
     * @param count of scores
     * @param bias address of as many addends, or 0
     * @param end a multiple of the vector's length, at least count
     * @param lanes scratch for one vector
     * @return the sum; 0 when every score is -infinity or there is none
     */
    static float exponentials(long row, int count, float scale, long bias, int end, long lanes) {
        int j = 0;
        for (; j <= count - LANES; j += LANES) {
            FloatVector s = FloatVector.fromMemorySegment(SPECIES, ALL, row + 4L * j, ORDER);
            s.mul(scale).intoMemorySegment(ALL, row + 4L * j, ORDER);
        }
        for (; j < count; j++) {
            ALL.set(FLOAT, row + 4L * j, ALL.get(FLOAT, row + 4L * j) * scale);
        }
        if (bias != 0) {
            VectorMicroKernel.addBias(row, bias, count);
        }
        int filled = (count + LANES - 1) / LANES * LANES;
        fill(row, count, filled, Float.NEGATIVE_INFINITY);
        fill(row, filled, end, 0);
        float max = max(row, filled);
        if (max == Float.NEGATIVE_INFINITY) {
            fill(row, 0, filled, 0);
            return 0;
        }
        try {
            return (float) SUM[0].invokeExact(row, filled, max, lanes);
        } catch (Throwable t) {
            throw OutOfLine.thrown(t);
        }
    }

    private static void fill(long row, int from, int to, float value) {
        for (int j = from; j < to; j++) {
            ALL.set(FLOAT, row + 4L * j, value);
        }
    }

    private static float max(long row, int count) {
        FloatVector max = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
        for (int j = 0; j < count; j += LANES) {
            max = max.max(FloatVector.fromMemorySegment(SPECIES, ALL, row + 4L * j, ORDER));
        }
        return max.reduceLanes(VectorOperators.MAX);
    }

    /** Replaces shifted scores by their exponentials; {@link #SUM}. */
    static float sum(long row, int count, float max, long lanes) {
        FloatVector sum = FloatVector.zero(SPECIES);
        for (int j = 0; j < count; j += LANES) {
            FloatVector e = VectorMath.exp(FloatVector.fromMemorySegment(SPECIES, ALL, row + 4L * j, ORDER)
                    .sub(max));
            e.intoMemorySegment(ALL, row + 4L * j, ORDER);
            sum = sum.add(e);
        }
        // in a fixed order, which reduceLanes does not promise
        sum.intoMemorySegment(ALL, lanes, ORDER);
        return lanes(lanes);
    }

    /** The sum of a vector's worth of floats, in pairs. */
    static float lanes(long at) {
        float a = 0;
        float b = 0;
        for (int j = 0; j < LANES; j += 2) {
            a += ALL.get(FLOAT, at + 4L * j);
            b += ALL.get(FLOAT, at + 4L * j + 4);
        }
        return a + b;
    }
}
