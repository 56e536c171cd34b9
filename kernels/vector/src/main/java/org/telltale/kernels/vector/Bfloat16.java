package org.telltale.kernels.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Numbers with the upper 16 bits of a float, and where they are in packed panels. */
final class Bfloat16 {
    /** The depth of a panel is a multiple of this, filled up with zeros: what a tile of a matrix unit takes. */
    private static final int STEP = 32;

    private Bfloat16() {}

    /** The bits of a float as the nearest bfloat16, ties to even; NaN stays. */
    static short round(int bits) {
        boolean nan = (bits & 0x7FFFFFFF) > 0x7F800000;
        int rounded = nan ? bits | 0x400000 : bits + 0x7FFF + ((bits >> 16) & 1);
        return (short) (rounded >> 16);
    }

    /** The same for floats of a vector, in the upper half of each lane; the lower one is of no meaning. */
    static IntVector round(FloatVector x) {
        IntVector bits = x.reinterpretAsInts();
        IntVector even = bits.lanewise(VectorOperators.LSHR, 16).and(1);
        IntVector rounded = bits.add(even).add(0x7FFF);
        return rounded.blend(bits.or(0x400000), bits.and(0x7FFFFFFF).compare(VectorOperators.GT, 0x7F800000));
    }

    /** The bits of two floats, rounded, as two steps of a column in a panel. */
    static int pair(int even, int odd) {
        return (round(even) & 0xFFFF) | (round(odd) << 16);
    }

    /** The depth of a panel. */
    static int paddedDepth(int depth) {
        return Math.ceilDiv(depth, STEP) * STEP;
    }

    /** Where step k of a column is in a panel of so many columns: pairs along the depth, [paddedDepth / 2][columns][2]. */
    static long place(long panel, int columns, int k, int column) {
        return panel + 4L * (k / 2 * columns + column) + 2L * (k % 2);
    }
}
