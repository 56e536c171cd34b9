package org.telltale.kernels.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** One item for each element. The last argument holds offsets and extents, in the order that {@link Lowering} writes them. */
final class PointwiseKernels {
    private PointwiseKernels() {}

    /** at: n, x, y, function. */
    static void unaryFunction(KernelContext context, FloatArray x, FloatArray y, IntArray at) {
        int i = context.globalIdx;
        if (i < at.get(0)) {
            y.set(at.get(2) + i, ScalarMath.apply(at.get(3), x.get(at.get(1) + i)));
        }
    }

    /** at: n, a, b, y, kind, six extents, the six steps of a, those of b. */
    @SuppressWarnings("IdentityBinaryExpression") // TornadoVM has no Float.isNaN
    static void binaryFunction(KernelContext context, FloatArray a, FloatArray b, FloatArray y, IntArray at) {
        int i = context.globalIdx;
        if (i < at.get(0)) {
            int from = at.get(1);
            int other = at.get(2);
            int rest = i;
            for (int axis = 5; axis >= 0; axis--) {
                int extent = at.get(5 + axis);
                int outer = rest / extent;
                int place = rest - outer * extent;
                from += place * at.get(11 + axis);
                other += place * at.get(17 + axis);
                rest = outer;
            }
            float left = a.get(from);
            float right = b.get(other);
            int kind = at.get(4);
            float result = 0f;
            if (kind == 0) {
                result = left + right;
            } else if (kind == 1) {
                result = left - right;
            } else if (kind == 2) {
                result = left * right;
            } else if (kind == 3) {
                result = left / right;
            } else if (kind == 4) {
                result = left > right ? left : right;
                if (left != left) {
                    result = left;
                }
            } else if (kind == 5) {
                result = left > right ? 1f : 0f;
            } else {
                result = left == right ? 1f : 0f;
            }
            y.set(at.get(3) + i, result);
        }
    }

    /** Elements in any order of steps, to places in any order of steps. at: n, x, y, six extents, the six steps of x, those of y. */
    static void moveElements(KernelContext context, FloatArray x, FloatArray y, IntArray at) {
        int i = context.globalIdx;
        if (i < at.get(0)) {
            int from = at.get(1);
            int to = at.get(2);
            int rest = i;
            for (int axis = 5; axis >= 0; axis--) {
                int extent = at.get(3 + axis);
                int outer = rest / extent;
                int place = rest - outer * extent;
                from += place * at.get(9 + axis);
                to += place * at.get(15 + axis);
                rest = outer;
            }
            y.set(to, x.get(from));
        }
    }

    /** Rows of a table by ids; an id outside leaves its launch's number in the first element. at: n, table, ids, y, row, rows, number. */
    static void gatherRows(KernelContext context, FloatArray table, FloatArray ids, FloatArray y, IntArray at) {
        int i = context.globalIdx;
        if (i < at.get(0)) {
            int row = at.get(4);
            int place = i / row;
            int id = (int) ids.get(at.get(2) + place);
            if (id < 0 || id >= at.get(5)) {
                y.set(0, (float) at.get(6));
            } else {
                y.set(at.get(3) + i, table.get(at.get(1) + id * row + i - place * row));
            }
        }
    }

    /** Writes rows to slots of a table. at: n, rows, ids, y, row, slots, number. */
    static void scatterRows(KernelContext context, FloatArray rows, FloatArray ids, FloatArray y, IntArray at) {
        int i = context.globalIdx;
        if (i < at.get(0)) {
            int row = at.get(4);
            int place = i / row;
            int id = (int) ids.get(at.get(2) + place);
            if (id < 0 || id >= at.get(5)) {
                y.set(0, (float) at.get(6));
            } else {
                y.set(at.get(3) + id * row + i - place * row, rows.get(at.get(1) + i));
            }
        }
    }

    /** A table of zeros with each row added at its id, in order. at: n, rows, ids, y, row, count of rows, slots, number. */
    static void scatterAdd(KernelContext context, FloatArray rows, FloatArray ids, FloatArray y, IntArray at) {
        int i = context.globalIdx;
        if (i < at.get(0)) {
            int row = at.get(4);
            int slot = i / row;
            int column = i - slot * row;
            float sum = 0f;
            for (int k = 0; k < at.get(5); k++) {
                int id = (int) ids.get(at.get(2) + k);
                if (id == slot) {
                    sum += rows.get(at.get(1) + k * row + column);
                }
                if (id < 0 || id >= at.get(6)) {
                    y.set(0, (float) at.get(7));
                }
            }
            y.set(at.get(3) + i, sum);
        }
    }

    /** A product with a sparse matrix by rows: begins [rows + 1], columns and weights. at: n, x, begins, columns, weights, y, width. */
    static void sparseRows(KernelContext context, FloatArray x, FloatArray matrix, FloatArray y, IntArray at) {
        int i = context.globalIdx;
        if (i < at.get(0)) {
            int width = at.get(6);
            int row = i / width;
            int column = i - row * width;
            int end = (int) matrix.get(at.get(2) + row + 1);
            float sum = 0f;
            for (int k = (int) matrix.get(at.get(2) + row); k < end; k++) {
                int from = (int) matrix.get(at.get(3) + k);
                sum += matrix.get(at.get(4) + k) * x.get(at.get(1) + from * width + column);
            }
            y.set(at.get(5) + i, sum);
        }
    }

    /**
     * The numbers of {@code Primitive.RandomUniform}, bit for bit. The counter is seed and step, each as its low 16 bits and
     * what is above them, since a float has no room for 32. at: n, counter, y, salt.
     */
    static void drawUniform(KernelContext context, FloatArray counter, FloatArray y, IntArray at) {
        int i = context.globalIdx;
        if (i < at.get(0)) {
            int from = at.get(1);
            int seed = ((int) counter.get(from + 1)) * 65536 + (int) counter.get(from);
            int step = ((int) counter.get(from + 3)) * 65536 + (int) counter.get(from + 2);
            long key = ScalarMath.mix(seed * 0x9E3779B97F4A7C15L + step);
            key = ScalarMath.mix(key + at.get(3) * 0xD1B54A32D192ED03L);
            long drawn = ScalarMath.mix(key + (i + 1L) * 0x9E3779B97F4A7C15L);
            int top = (int) (drawn >> 40 & 0xFFFFFFL);
            y.set(at.get(2) + i, top * 0x1p-24f);
        }
    }
}
