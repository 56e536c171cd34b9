package org.telltale.kernels.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.telltale.engine.Activation;
import org.telltale.engine.Primitive;

/**
 * Loops of one operand over contiguous floats; input and output may be the same memory. Loops run over whole vectors; a
 * rest is computed in padded memory by the same loop. So each function has one loop and one call in it: with a second call
 * for the rest, or with a switch inside, the compiler meets the limits of its inlining, and what it does not inline
 * allocates its vectors.
 */
final class Pointwise {
    private static final MemorySegment M = Memory.ALL;
    private static final VectorSpecies<Float> S = Memory.SPECIES;
    private static final int W = Memory.LANES;

    /** Memory of one vector. */
    private static final ThreadLocal<MemorySegment> PADDED =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(4L * W, 64));

    private Pointwise() {}

    static void activate(Activation a, long from, long to, long count) {
        long whole = count - count % W;
        if (whole > 0) {
            loop(a, from, to, whole);
        }
        if (whole < count) {
            long padded = PADDED.get().address();
            Movement.copy(from + 4 * whole, padded, count - whole);
            loop(a, padded, padded, W);
            Movement.copy(padded, to + 4 * whole, count - whole);
        }
    }

    static void unary(Primitive.UnaryKind kind, long from, long to, long count) {
        long whole = count - count % W;
        if (whole > 0) {
            loop(kind, from, to, whole);
        }
        if (whole < count) {
            long padded = PADDED.get().address();
            Movement.copy(from + 4 * whole, padded, count - whole);
            loop(kind, padded, padded, W);
            Movement.copy(padded, to + 4 * whole, count - whole);
        }
    }

    /** e^(x - shift). */
    static void exponential(long from, float shift, long to, long count) {
        long whole = count - count % W;
        if (whole > 0) {
            shiftedExp(from, shift, to, whole);
        }
        if (whole < count) {
            long padded = PADDED.get().address();
            Movement.copy(from + 4 * whole, padded, count - whole);
            shiftedExp(padded, shift, padded, W);
            Movement.copy(padded, to + 4 * whole, count - whole);
        }
    }

    private static void loop(Activation a, long from, long to, long count) {
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

    private static void loop(Primitive.UnaryKind kind, long from, long to, long count) {
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

    private static void exp(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.exp(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    private static void log(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.log(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    private static void erf(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.erf(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    private static void tanh(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.tanh(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    private static void sigmoid(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.sigmoid(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    private static void relu(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.relu(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    private static void relu6(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.relu6(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    private static void geluErf(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.geluErf(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    private static void geluTanh(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.geluTanh(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    private static void quickGelu(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.quickGelu(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    private static void silu(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.silu(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    private static void neg(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            x.neg().intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    private static void abs(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            x.abs().intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    private static void square(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            x.mul(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    private static void sqrt(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            x.sqrt().intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    private static void rsqrt(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            FloatVector.broadcast(S, 1).div(x.sqrt()).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    private static void reciprocal(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            FloatVector.broadcast(S, 1).div(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    private static void shiftedExp(long from, float shift, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.exp(x.sub(shift)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }
}
