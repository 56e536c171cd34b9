package org.telltale.kernels.vector;

import static org.telltale.kernels.vector.Memory.ALL;
import static org.telltale.kernels.vector.Memory.FLOAT;
import static org.telltale.kernels.vector.Memory.LANES;
import static org.telltale.kernels.vector.Memory.ORDER;
import static org.telltale.kernels.vector.Memory.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * How a right operand b [depth, columns] lies in memory, and its copy in panels [columns / C][depth][C] of a micro-kernel
 * with C columns, the last panel filled up with zeros. In bfloat16 panels are pairs along the depth, [depth / 2][C][2], and
 * the depth is filled up with zeros to a multiple of 32: 32 bits hold two steps of one column, and a tile of a matrix unit
 * lies as it needs it. Row k of b is at {@code (k / inner) outerStep + (k % inner)
 * innerStep}, in floats, which covers plain and transposed matrices and the weights of convolutions.
 */
record PackedPanels(int columns, int outer, long outerStep, int inner, long innerStep, long columnStep, boolean bf16) {
    private static final int WIDTH = MicroKernel.BEST.columns();

    /** Steps of the depth that columns are rounded at a time. */
    private static final int RUN = 64;

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

    /** The extent of k in the copy. */
    int paddedDepth() {
        return bf16 ? Bfloat16.paddedDepth(depth()) : depth();
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
        return (long) elementBytes() * paddedDepth() * WIDTH;
    }

    /** Packs one panel; {@code to} is where the first one goes. */
    void pack(long from, long to, int panel) {
        int first = panel * WIDTH;
        int count = Math.min(WIDTH, columns - first);
        long out = to + panel * panelBytes();
        if (bf16) {
            round(from + 4L * first * columnStep, out, count);
            return;
        }
        for (int o = 0; o < outer; o++) {
            long in = from + 4L * (o * outerStep + first * columnStep);
            if (columnStep == 1 && count == WIDTH) {
                copy(in, out);
            } else {
                gather(in, out, count);
            }
            out += 4L * inner * WIDTH;
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
        if (outer == 1 && columnStep == 1 && count == WIDTH) {
            roundRows(in, out);
        } else if (outer == 1 && innerStep == 1) {
            roundColumns(in, out, count);
        } else {
            roundEach(in, out, count);
        }
    }

    /** Two rows of b, side by side in memory, to a row of pairs at a time. */
    private void roundRows(long in, long out) {
        int k = 0;
        for (; k <= inner - 2; k += 2) {
            long even = in + 4L * k * innerStep;
            long odd = even + 4 * innerStep;
            long to = out + 2L * k * WIDTH;
            for (int j = 0; j < WIDTH; j += LANES) {
                IntVector low = Bfloat16.round(FloatVector.fromMemorySegment(SPECIES, ALL, even + 4L * j, ORDER));
                IntVector high = Bfloat16.round(FloatVector.fromMemorySegment(SPECIES, ALL, odd + 4L * j, ORDER));
                low.lanewise(VectorOperators.LSHR, 16)
                        .or(high.and(0xFFFF0000))
                        .reinterpretAsFloats()
                        .intoMemorySegment(ALL, to + 4L * j, ORDER);
            }
        }
        for (; k < paddedDepth(); k += 2) {
            for (int j = 0; j < WIDTH; j++) {
                int low = k < inner ? Memory.getInt(in + 4L * (k * innerStep + j)) : 0;
                Memory.setInt(out + 4L * (k / 2 * WIDTH + j), Bfloat16.pair(low, 0));
            }
        }
    }

    /** Columns of b, each a run in memory, a piece of the depth at a time whose pairs stay in the first-level cache. */
    private void roundColumns(long in, long out, int count) {
        for (int from = 0; from < paddedDepth(); from += RUN) {
            int to = Math.min(from + RUN, paddedDepth());
            for (int j = 0; j < WIDTH; j++) {
                long column = in + 4L * j * columnStep;
                int end = j < count ? Math.min(to, inner) : from;
                int k = from;
                for (; k <= end - 2; k += 2) {
                    int pair = Bfloat16.pair(Memory.getInt(column + 4L * k), Memory.getInt(column + 4L * k + 4));
                    Memory.setInt(out + 4L * (k / 2 * WIDTH + j), pair);
                }
                for (; k < to; k += 2) {
                    int pair = k < end ? Bfloat16.pair(Memory.getInt(column + 4L * k), 0) : 0;
                    Memory.setInt(out + 4L * (k / 2 * WIDTH + j), pair);
                }
            }
        }
    }

    private void roundEach(long in, long out, int count) {
        for (int j = 0; j < WIDTH; j++) {
            int k = 0;
            for (int o = 0; j < count && o < outer; o++) {
                long source = in + 4L * (j * columnStep + o * outerStep);
                for (int i = 0; i < inner; i++) {
                    short half = Bfloat16.round(Memory.getInt(source + 4L * i * innerStep));
                    ALL.set(Memory.SHORT, Bfloat16.place(out, WIDTH, k++, j), half);
                }
            }
            while (k < paddedDepth()) {
                ALL.set(Memory.SHORT, Bfloat16.place(out, WIDTH, k++, j), (short) 0);
            }
        }
    }
}
