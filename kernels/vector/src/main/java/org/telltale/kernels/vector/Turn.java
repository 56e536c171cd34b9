package org.telltale.kernels.vector;

/** Matrices turned around, in blocks of columns whose lines stay in the first-level cache. */
final class Turn {
    /** Floats of a row that are read before the next rows are: four cache lines. */
    private static final int RUN = 64;

    private Turn() {}

    /**
     * Writes the transpose of a matrix.
     *
     * @param from [rows, columns], rows {@code fromStep} bytes apart
     * @param to [columns, rows], rows {@code toStep} bytes apart
     */
    static void move(long from, long fromStep, int rows, int columns, long to, long toStep) {
        for (int c = 0; c < columns; c += RUN) {
            int run = Math.min(RUN, columns - c);
            long in = from + 4L * c;
            long out = to + c * toStep;
            int r = 0;
            for (; r <= rows - 8; r += 8) {
                eight(in + r * fromStep, fromStep, run, out + 4L * r, toStep);
            }
            for (; r < rows; r++) {
                for (int j = 0; j < run; j++) {
                    Memory.set(out + j * toStep + 4L * r, Memory.get(in + r * fromStep + 4L * j));
                }
            }
        }
    }

    /** Eight rows at a time, so that what is written lies side by side. */
    static void eight(long in0, long step, int count, long out, long toStep) {
        long in2 = in0 + 2 * step;
        long in4 = in2 + 2 * step;
        long in6 = in4 + 2 * step;
        for (int j = 0; j < count; j++) {
            long at = 4L * j;
            long to = out + j * toStep;
            Memory.set(to, Memory.get(in0 + at));
            Memory.set(to + 4, Memory.get(in0 + step + at));
            Memory.set(to + 8, Memory.get(in2 + at));
            Memory.set(to + 12, Memory.get(in2 + step + at));
            Memory.set(to + 16, Memory.get(in4 + at));
            Memory.set(to + 20, Memory.get(in4 + step + at));
            Memory.set(to + 24, Memory.get(in6 + at));
            Memory.set(to + 28, Memory.get(in6 + step + at));
        }
    }
}
