package org.telltale.kernels.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * All of native memory as one segment, indexed by address: every kernel's call sites then see a single kind of segment,
 * without which they run several times slower. Kernels check their extents once, when they are made.
 */
final class Memory {
    /** Every address there is. */
    static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    static final ByteOrder ORDER = ByteOrder.nativeOrder();
    static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    /**
     * The vector shape of every kernel; {@code -Dtelltale.vector.bits=128|256|512} overrides the CPU's preference. No
     * kernel stores floats in a second shape: the stores of all kernels share one profile, and where it shows two shapes
     * the compiler may leave a store uninlined, which then allocates its vector at every turn of the loop.
     */
    static final VectorSpecies<Float> SPECIES = species();

    /** Floats in a vector. */
    static final int LANES = SPECIES.length();

    private Memory() {}

    private static VectorSpecies<Float> species() {
        String bits = System.getProperty("telltale.vector.bits", "");
        return switch (bits) {
            case "" -> FloatVector.SPECIES_PREFERRED;
            case "128" -> FloatVector.SPECIES_128;
            case "256" -> FloatVector.SPECIES_256;
            case "512" -> FloatVector.SPECIES_512;
            default ->
                throw new IllegalArgumentException("telltale.vector.bits is '" + bits + "', not 128, 256 or 512");
        };
    }

    static float get(long address) {
        return ALL.get(FLOAT, address);
    }

    static void set(long address, float value) {
        ALL.set(FLOAT, address, value);
    }

    static void setLong(long address, long value) {
        ALL.set(LONG, address, value);
    }

    static double getDouble(long address) {
        return ALL.get(DOUBLE, address);
    }

    static void setDouble(long address, double value) {
        ALL.set(DOUBLE, address, value);
    }

    static int getInt(long address) {
        return ALL.get(INT, address);
    }

    static void setInt(long address, int value) {
        ALL.set(INT, address, value);
    }
}
