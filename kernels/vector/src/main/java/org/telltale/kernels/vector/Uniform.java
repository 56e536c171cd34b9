package org.telltale.kernels.vector;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.telltale.engine.Primitive;

/** The numbers of {@link Primitive.RandomUniform}, bit for bit, a vector at a time. */
final class Uniform {
    private static final MemorySegment M = Memory.ALL;
    private static final VectorSpecies<Float> S = Memory.SPECIES;
    private static final VectorSpecies<Long> L = VectorSpecies.of(long.class, S.vectorShape());

    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    /** From the first number's state to those at even places. */
    private static final LongVector EVEN = LongVector.zero(L).addIndex(2).mul(GOLDEN);

    private static final MethodHandle[] FILL = {
        OutOfLine.find(
                MethodHandles.lookup(),
                "draw",
                MethodType.methodType(void.class, long.class, long.class, long.class, long.class))
    };

    private Uniform() {}

    /** The numbers at {@code index ..} of a tensor; see {@link Primitive.RandomUniform#key}. */
    static void fill(long key, long index, long to, long count) {
        try {
            FILL[0].invokeExact(key, index, to, count);
        } catch (Throwable t) {
            throw OutOfLine.thrown(t);
        }
    }

    /** {@link #fill}, compiled by itself. */
    static void draw(long key, long index, long to, long count) {
        LongVector even = EVEN.add(key + (index + 1) * GOLDEN);
        long i = 0;
        for (; i <= count - Memory.LANES; i += Memory.LANES) {
            // The even places are the low halves of longs, the odd ones the high halves.
            LongVector low = mix(even).lanewise(VectorOperators.LSHR, 40);
            LongVector high =
                    mix(even.add(GOLDEN)).lanewise(VectorOperators.LSHR, 40).lanewise(VectorOperators.LSHL, 32);
            FloatVector whole = (FloatVector) low.or(high).reinterpretAsInts().convert(VectorOperators.I2F, 0);
            whole.mul(0x1p-24f).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
            even = even.add(Memory.LANES * GOLDEN);
        }
        for (; i < count; i++) {
            Memory.set(to + 4 * i, Primitive.RandomUniform.at(key, index + i));
        }
    }

    private static LongVector mix(LongVector z) {
        LongVector a = z.lanewise(VectorOperators.XOR, z.lanewise(VectorOperators.LSHR, 30))
                .mul(0xBF58476D1CE4E5B9L);
        LongVector b = a.lanewise(VectorOperators.XOR, a.lanewise(VectorOperators.LSHR, 27))
                .mul(0x94D049BB133111EBL);
        return b.lanewise(VectorOperators.XOR, b.lanewise(VectorOperators.LSHR, 31));
    }
}
