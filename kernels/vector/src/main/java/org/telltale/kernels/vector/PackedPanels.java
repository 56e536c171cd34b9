package org.telltale.kernels.vector;

import static org.telltale.kernels.vector.Memory.ALL;
import static org.telltale.kernels.vector.Memory.FLOAT;
import static org.telltale.kernels.vector.Memory.LANES;
import static org.telltale.kernels.vector.Memory.ORDER;
import static org.telltale.kernels.vector.Memory.SPECIES;

import jdk.incubator.vector.FloatVector;

/**
 * How a right operand b [depth, columns] lies in memory, and its copy in panels [columns / C][depth][C] of a micro-kernel
 * with C columns, the last panel filled up with zeros. Row k of b is at {@code (k / inner) outerStep + (k % inner)
 * innerStep}, in floats, which covers plain and transposed matrices and the weights of convolutions.
 */
record PackedPanels(int columns, int outer, long outerStep, int inner, long innerStep, long columnStep, boolean bf16) {
    private static final int WIDTH = MicroKernel.BEST.columns();

    /** A matrix [depth, columns], or [columns, depth] when transposed, with rows this many floats apart. */
    static PackedPanels matrix(int depth, int columns, boolean transposed, long rowStep) {
        return new PackedPanels(columns, 1, 0, depth, transposed ? 1 : rowStep, transposed ? rowStep : 1, false);
    }

    /** A convolution's weight [columns, channels, taps]; row k of b is channel k % channels of tap k / channels. */
    static PackedPanels convolution(int columns, int channels, int taps) {
        return new PackedPanels(columns, taps, 1, channels, taps, (long) channels * taps, false);
    }

    /** The same, with elements rounded to bfloat16 in the copy. */
    PackedPanels asBf16() {
        return new PackedPanels(columns, outer, outerStep, inner, innerStep, columnStep, true);
    }

    /** Bytes of an element of the copy. */
    int elementBytes() {
        return bf16 ? 2 : 4;
    }

    int depth() {
        return outer * inner;
    }

    int panels() {
        return (columns + WIDTH - 1) / WIDTH;
    }

    /** Bytes of the packed copy. */
    long bytes() {
        return panels() * panelBytes();
    }

    /** Bytes from one panel to the next. */
    long panelBytes() {
        return (long) elementBytes() * depth() * WIDTH;
    }

    /** Packs one panel; {@code to} is where the first one goes. */
    void pack(long from, long to, int panel) {
        int first = panel * WIDTH;
        int count = Math.min(WIDTH, columns - first);
        long out = to + panel * panelBytes();
        for (int o = 0; o < outer; o++) {
            long in = from + 4L * (o * outerStep + first * columnStep);
            if (bf16) {
                round(in, out, count);
            } else if (columnStep == 1 && count == WIDTH) {
                copy(in, out);
            } else {
                gather(in, out, count);
            }
            out += (long) elementBytes() * inner * WIDTH;
        }
    }

    private void copy(long in, long out) {
        for (int k = 0; k < inner; k++) {
            long source = in + 4L * k * innerStep;
            long target = out + 4L * k * WIDTH;
            for (int j = 0; j < WIDTH; j += LANES) {
                FloatVector.fromMemorySegment(SPECIES, ALL, source + 4L * j, ORDER)
                        .intoMemorySegment(ALL, target + 4L * j, ORDER);
            }
        }
    }

    private void gather(long in, long out, int count) {
        int j = 0;
        if (innerStep == 1) {
            Turn.move(in, 4 * columnStep, count, inner, out, 4L * WIDTH);
            j = count;
        }
        for (; j <= count - 8; j += 8) {
            eight(in + 4L * j * columnStep, 4 * columnStep, inner, 4 * innerStep, out + 4L * j);
        }
        for (; j < count; j++) {
            long source = in + 4L * j * columnStep;
            for (int k = 0; k < inner; k++) {
                ALL.set(FLOAT, out + 4L * k * WIDTH + 4L * j, ALL.get(FLOAT, source + 4L * k * innerStep));
            }
        }
        for (; j < WIDTH; j++) {
            for (int k = 0; k < inner; k++) {
                ALL.set(FLOAT, out + 4L * k * WIDTH + 4L * j, 0);
            }
        }
    }

    /** Eight columns at a time, so that what is written lies side by side. */
    private static void eight(long in0, long column, int inner, long step, long out) {
        long in2 = in0 + 2 * column;
        long in4 = in2 + 2 * column;
        long in6 = in4 + 2 * column;
        for (int k = 0; k < inner; k++) {
            long at = k * step;
            long to = out + 4L * WIDTH * k;
            Memory.set(to, Memory.get(in0 + at));
            Memory.set(to + 4, Memory.get(in0 + column + at));
            Memory.set(to + 8, Memory.get(in2 + at));
            Memory.set(to + 12, Memory.get(in2 + column + at));
            Memory.set(to + 16, Memory.get(in4 + at));
            Memory.set(to + 20, Memory.get(in4 + column + at));
            Memory.set(to + 24, Memory.get(in6 + at));
            Memory.set(to + 28, Memory.get(in6 + column + at));
        }
    }

    private void round(long in, long out, int count) {
        for (int j = 0; j < WIDTH; j++) {
            long source = in + 4L * j * columnStep;
            for (int k = 0; k < inner; k++) {
                short value = j < count ? bf16(Memory.getInt(source + 4L * k * innerStep)) : 0;
                ALL.set(Memory.SHORT, out + 2L * k * WIDTH + 2L * j, value);
            }
        }
    }

    /** The bits of a float as the nearest bfloat16, ties to even; NaN stays. */
    static short bf16(int bits) {
        boolean nan = (bits & 0x7FFFFFFF) > 0x7F800000;
        int rounded = nan ? bits | 0x400000 : bits + 0x7FFF + ((bits >> 16) & 1);
        return (short) (rounded >> 16);
    }
}
