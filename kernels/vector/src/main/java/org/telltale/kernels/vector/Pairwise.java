package org.telltale.kernels.vector;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.telltale.engine.Primitive;

/**
 * Loops of two operands. An operand's step is 4 bytes where it is contiguous, and 0 where it is a vector of one repeated
 * value; the output may be the memory of a contiguous operand.
 */
final class Pairwise {
    private static final MemorySegment M = Memory.ALL;
    private static final VectorSpecies<Float> S = Memory.SPECIES;
    private static final int W = Memory.LANES;

    private Pairwise() {}

    static void run(Primitive.BinaryKind kind, long a, long aStep, long b, long bStep, long to, long count) {
        switch (kind) {
            case ADD -> add(a, aStep, b, bStep, to, count);
            case SUB -> sub(a, aStep, b, bStep, to, count);
            case MUL -> mul(a, aStep, b, bStep, to, count);
            case DIV -> div(a, aStep, b, bStep, to, count);
            case MAXIMUM -> maximum(a, aStep, b, bStep, to, count);
            case GREATER -> greater(a, aStep, b, bStep, to, count);
            case EQUAL -> equal(a, aStep, b, bStep, to, count);
        }
    }

    private static FloatVector load(long address) {
        return FloatVector.fromMemorySegment(S, M, address, Memory.ORDER);
    }

    private static FloatVector load(long address, VectorMask<Float> mask) {
        return FloatVector.fromMemorySegment(S, M, address, Memory.ORDER, mask);
    }

    private static FloatVector one(VectorMask<Float> where) {
        return FloatVector.zero(S).blend(1, where);
    }

    private static void add(long a, long aStep, long b, long bStep, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            load(a + aStep * i).add(load(b + bStep * i)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            load(a + aStep * i, m).add(load(b + bStep * i, m)).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void sub(long a, long aStep, long b, long bStep, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            load(a + aStep * i).sub(load(b + bStep * i)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            load(a + aStep * i, m).sub(load(b + bStep * i, m)).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void mul(long a, long aStep, long b, long bStep, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            load(a + aStep * i).mul(load(b + bStep * i)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            load(a + aStep * i, m).mul(load(b + bStep * i, m)).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void div(long a, long aStep, long b, long bStep, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            load(a + aStep * i).div(load(b + bStep * i)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            load(a + aStep * i, m).div(load(b + bStep * i, m)).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void maximum(long a, long aStep, long b, long bStep, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            load(a + aStep * i).max(load(b + bStep * i)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            load(a + aStep * i, m).max(load(b + bStep * i, m)).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void greater(long a, long aStep, long b, long bStep, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            one(load(a + aStep * i).compare(VectorOperators.GT, load(b + bStep * i)))
                    .intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            one(load(a + aStep * i, m).compare(VectorOperators.GT, load(b + bStep * i, m)))
                    .intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void equal(long a, long aStep, long b, long bStep, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            one(load(a + aStep * i).compare(VectorOperators.EQ, load(b + bStep * i)))
                    .intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            one(load(a + aStep * i, m).compare(VectorOperators.EQ, load(b + bStep * i, m)))
                    .intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }
}
