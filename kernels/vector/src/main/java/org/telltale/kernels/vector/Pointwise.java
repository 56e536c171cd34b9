package org.telltale.kernels.vector;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;
import org.telltale.engine.Activation;
import org.telltale.engine.Primitive;

/**
 * Loops of one operand over contiguous floats; input and output may be the same memory. Each function has a loop of its
 * own, since a switch inside a shared one defeats the compiler's inlining, and vectors are then allocated.
 */
final class Pointwise {
    private static final MemorySegment M = Memory.ALL;
    private static final VectorSpecies<Float> S = Memory.SPECIES;
    private static final int W = Memory.LANES;

    private Pointwise() {}

    static void activate(Activation a, long from, long to, long count) {
        switch (a) {
            case NONE -> Movement.copy(from, to, count);
            case RELU -> relu(from, to, count);
            case RELU6 -> relu6(from, to, count);
            case GELU_ERF -> geluErf(from, to, count);
            case GELU_TANH -> geluTanh(from, to, count);
            case QUICK_GELU -> quickGelu(from, to, count);
            case SILU -> silu(from, to, count);
            case SIGMOID -> sigmoid(from, to, count);
            case TANH -> tanh(from, to, count);
        }
    }

    static void unary(Primitive.UnaryKind kind, long from, long to, long count) {
        switch (kind) {
            case NEG -> neg(from, to, count);
            case ABS -> abs(from, to, count);
            case SQUARE -> square(from, to, count);
            case SQRT -> sqrt(from, to, count);
            case RSQRT -> rsqrt(from, to, count);
            case RECIPROCAL -> reciprocal(from, to, count);
            case EXP -> exp(from, to, count);
            case LOG -> log(from, to, count);
            case ERF -> erf(from, to, count);
            case TANH -> tanh(from, to, count);
            case SIGMOID -> sigmoid(from, to, count);
            case RELU -> relu(from, to, count);
            case RELU6 -> relu6(from, to, count);
        }
    }

    private static FloatVector v(float c) {
        return FloatVector.broadcast(S, c);
    }

    private static FloatVector load(long address) {
        return FloatVector.fromMemorySegment(S, M, address, Memory.ORDER);
    }

    private static FloatVector load(long address, VectorMask<Float> mask) {
        return FloatVector.fromMemorySegment(S, M, address, Memory.ORDER, mask);
    }

    private static void exp(long from, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            VectorMath.exp(load(from + 4 * i)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            VectorMath.exp(load(from + 4 * i, m)).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void log(long from, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            VectorMath.log(load(from + 4 * i)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            VectorMath.log(load(from + 4 * i, m)).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void erf(long from, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            VectorMath.erf(load(from + 4 * i)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            VectorMath.erf(load(from + 4 * i, m)).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void tanh(long from, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            VectorMath.tanh(load(from + 4 * i)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            VectorMath.tanh(load(from + 4 * i, m)).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void sigmoid(long from, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            VectorMath.sigmoid(load(from + 4 * i)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            VectorMath.sigmoid(load(from + 4 * i, m)).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void relu(long from, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            VectorMath.relu(load(from + 4 * i)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            VectorMath.relu(load(from + 4 * i, m)).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void relu6(long from, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            VectorMath.relu6(load(from + 4 * i)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            VectorMath.relu6(load(from + 4 * i, m)).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void geluErf(long from, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            VectorMath.geluErf(load(from + 4 * i)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            VectorMath.geluErf(load(from + 4 * i, m)).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void geluTanh(long from, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            VectorMath.geluTanh(load(from + 4 * i)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            VectorMath.geluTanh(load(from + 4 * i, m)).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void quickGelu(long from, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            VectorMath.quickGelu(load(from + 4 * i)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            VectorMath.quickGelu(load(from + 4 * i, m)).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void silu(long from, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            VectorMath.silu(load(from + 4 * i)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            VectorMath.silu(load(from + 4 * i, m)).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void neg(long from, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            load(from + 4 * i).neg().intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            load(from + 4 * i, m).neg().intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void abs(long from, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            load(from + 4 * i).abs().intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            load(from + 4 * i, m).abs().intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void square(long from, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            FloatVector x = load(from + 4 * i);
            x.mul(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            FloatVector x = load(from + 4 * i, m);
            x.mul(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void sqrt(long from, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            load(from + 4 * i).sqrt().intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            load(from + 4 * i, m).sqrt().intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void rsqrt(long from, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            v(1).div(load(from + 4 * i).sqrt()).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            v(1).div(load(from + 4 * i, m).sqrt()).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    private static void reciprocal(long from, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            v(1).div(load(from + 4 * i)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < count) {
            VectorMask<Float> m = S.indexInRange(i, count);
            v(1).div(load(from + 4 * i, m)).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }
}
