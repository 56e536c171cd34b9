package org.telltale.convert;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;

/** Floating-point values in another type, rounded to the nearest, ties to even. */
final class Floats {
    private Floats() {}

    /**
     * The values in another type of floats.
     *
     * @throws ConvertException if a finite value is too large for F16
     */
    static HostTensor convert(HostTensor from, DType to, String name, Arena arena) {
        HostTensor out = HostTensor.allocate(arena, to, from.shape());
        for (long i = 0; i < from.size(); i++) {
            float value = get(from, i, name);
            if (to == DType.F16 && Float.isFinite(value) && Float.isInfinite(half(value))) {
                throw new ConvertException(
                        "tensor \"" + name + "\" holds " + value + ", which F16 cannot hold; BF16 or F32 can");
            }
            set(out.data(), to, i, value, name);
        }
        return out;
    }

    private static float half(float value) {
        return Float.float16ToFloat(Float.floatToFloat16(value));
    }

    private static float get(HostTensor t, long i, String name) {
        MemorySegment m = t.data();
        return switch (t.dtype()) {
            case F64 -> (float) m.getAtIndex(ValueLayout.JAVA_DOUBLE, i);
            case F32 -> m.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            case F16 -> Float.float16ToFloat(m.getAtIndex(ValueLayout.JAVA_SHORT, i));
            case BF16 -> Float.intBitsToFloat(m.getAtIndex(ValueLayout.JAVA_SHORT, i) << 16);
            case I64, I32, I16, I8, U8, BOOL ->
                throw new ConvertException("tensor \"" + name + "\" is of type " + t.dtype() + ", expected floats");
        };
    }

    private static void set(MemorySegment m, DType to, long i, float value, String name) {
        switch (to) {
            case F64 -> m.setAtIndex(ValueLayout.JAVA_DOUBLE, i, value);
            case F32 -> m.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
            case F16 -> m.setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16(value));
            case BF16 -> m.setAtIndex(ValueLayout.JAVA_SHORT, i, bfloat16(value));
            case I64, I32, I16, I8, U8, BOOL ->
                throw new ConvertException("tensor \"" + name + "\" cannot be written as " + to);
        }
    }

    static short bfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
    }
}
