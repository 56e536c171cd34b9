package org.telltale.kernels.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.telltale.engine.Activation;
import org.telltale.engine.Primitive;
import org.telltale.kernels.vector.jit.Rung;

/**
 * Loops of one operand over contiguous floats; input and output may be the same memory. Loops run over whole vectors; a
 * rest is computed in padded memory by the same loop. Each is compiled by itself, see {@link OutOfLine}.
 */
final class Pointwise {
    private static final MemorySegment M = Memory.ALL;
    private static final VectorSpecies<Float> S = Memory.SPECIES;
    private static final int W = Memory.LANES;

    /** Memory of one vector. */
    private static final ThreadLocal<MemorySegment> PADDED =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(4L * W, 64));

    private Pointwise() {}

    private static final Optional<Rung> RUNG = Ladder.emitted();

    /** Emitted when a kernel that needs it is made. */
    private static final Map<Activation, MethodHandle> EMITTED = new ConcurrentHashMap<>();

    private static final Map<Activation, MethodHandle> ACTIVATIONS = new EnumMap<>(Activation.class);
    private static final Map<Primitive.UnaryKind, MethodHandle> UNARY = new EnumMap<>(Primitive.UnaryKind.class);

    static {
        for (Activation a : Activation.values()) {
            ACTIVATIONS.put(a, loop(a));
        }
        for (Primitive.UnaryKind kind : Primitive.UnaryKind.values()) {
            UNARY.put(kind, loop(kind));
        }
    }

    private static final MethodHandle[] SHIFTED_EXP = {
        OutOfLine.find(
                MethodHandles.lookup(),
                "shiftedExp",
                MethodType.methodType(void.class, long.class, float.class, long.class, long.class))
    };

    private static MethodHandle loop(Activation a) {
        return loop(
                switch (a) {
                    case NONE -> "none";
                    case RELU -> "relu";
                    case RELU6 -> "relu6";
                    case GELU_ERF -> "geluErf";
                    case GELU_TANH -> "geluTanh";
                    case QUICK_GELU -> "quickGelu";
                    case SILU -> "silu";
                    case SIGMOID -> "sigmoid";
                    case TANH -> "tanh";
                });
    }

    private static MethodHandle loop(Primitive.UnaryKind kind) {
        return loop(
                switch (kind) {
                    case NEG -> "neg";
                    case ABS -> "abs";
                    case SQUARE -> "square";
                    case SQRT -> "sqrt";
                    case RSQRT -> "rsqrt";
                    case RECIPROCAL -> "reciprocal";
                    case EXP -> "exp";
                    case LOG -> "log";
                    case ERF -> "erf";
                    case TANH -> "tanh";
                    case SIGMOID -> "sigmoid";
                    case RELU -> "relu";
                    case RELU6 -> "relu6";
                });
    }

    private static MethodHandle loop(String name) {
        return OutOfLine.find(MethodHandles.lookup(), name, OutOfLine.LOOP);
    }

    private static boolean emitted(Activation a) {
        return RUNG.isPresent() && a != Activation.NONE && Rung.fuses(a);
    }

    /** Readies an activation, so that no run waits for its code or fails. */
    static void prepare(Activation a) {
        if (emitted(a)) {
            EMITTED.computeIfAbsent(a, RUNG.orElseThrow()::map);
        }
    }

    /** By emitted code where the products are, so that an activation has the same bits after a product and alone. */
    static void activate(Activation a, long from, long to, long count) {
        if (!emitted(a)) {
            loops(a, from, to, count);
            return;
        }
        MethodHandle map = EMITTED.get(a);
        if (map == null) {
            throw new IllegalStateException("no code was prepared for " + a);
        }
        try {
            map.invokeExact(from, to, count);
        } catch (Throwable t) {
            throw OutOfLine.thrown(t);
        }
    }

    /** The same by the Vector API. */
    static void loops(Activation a, long from, long to, long count) {
        run(Objects.requireNonNull(ACTIVATIONS.get(a)), from, to, count);
    }

    static void unary(Primitive.UnaryKind kind, long from, long to, long count) {
        run(Objects.requireNonNull(UNARY.get(kind)), from, to, count);
    }

    private static void run(MethodHandle loop, long from, long to, long count) {
        long whole = count - count % W;
        try {
            if (whole > 0) {
                loop.invokeExact(from, to, whole);
            }
            if (whole < count) {
                long padded = PADDED.get().address();
                Movement.copy(from + 4 * whole, padded, count - whole);
                loop.invokeExact(padded, padded, (long) W);
                Movement.copy(padded, to + 4 * whole, count - whole);
            }
        } catch (Throwable t) {
            throw OutOfLine.thrown(t);
        }
    }

    /** e^(x - shift). */
    static void exponential(long from, float shift, long to, long count) {
        long whole = count - count % W;
        try {
            if (whole > 0) {
                SHIFTED_EXP[0].invokeExact(from, shift, to, whole);
            }
            if (whole < count) {
                long padded = PADDED.get().address();
                Movement.copy(from + 4 * whole, padded, count - whole);
                SHIFTED_EXP[0].invokeExact(padded, shift, padded, (long) W);
                Movement.copy(padded, to + 4 * whole, count - whole);
            }
        } catch (Throwable t) {
            throw OutOfLine.thrown(t);
        }
    }

    static void none(long from, long to, long count) {
        Movement.copy(from, to, count);
    }

    static void exp(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.exp(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    static void log(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.log(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    static void erf(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.erf(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    static void tanh(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.tanh(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    static void sigmoid(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.sigmoid(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    static void relu(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.relu(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    static void relu6(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.relu6(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    static void geluErf(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.geluErf(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    static void geluTanh(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.geluTanh(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    static void quickGelu(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.quickGelu(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    static void silu(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.silu(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    static void neg(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            x.neg().intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    static void abs(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            x.abs().intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    static void square(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            x.mul(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    static void sqrt(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            x.sqrt().intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    static void rsqrt(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            FloatVector.broadcast(S, 1).div(x.sqrt()).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    static void reciprocal(long from, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            FloatVector.broadcast(S, 1).div(x).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }

    static void shiftedExp(long from, float shift, long to, long count) {
        for (long i = 0; i < count; i += W) {
            FloatVector x = FloatVector.fromMemorySegment(S, M, from + 4 * i, Memory.ORDER);
            VectorMath.exp(x.sub(shift)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
    }
}
