package org.telltale.kernels.vector;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import org.telltale.engine.Shape;

/**
 * Nested loops, outermost first, with a step in elements per operand and axis. Axes of extent 1 vanish, and neighbours
 * are joined where every operand walks them in one stride.
 */
final class Loops {
    private final long[] extents;
    private final long[][] steps;
    private final long count;

    private Loops(long[] extents, long[][] steps) {
        this.extents = extents;
        this.steps = steps;
        long n = 1;
        for (long e : extents) {
            n *= e;
        }
        this.count = n;
    }

    /** Loops over extents; each operand gives its step along every axis. There is at least one axis. */
    static Loops of(int[] dims, long[]... operands) {
        List<long[]> axes = new ArrayList<>();
        for (int a = 0; a < dims.length; a++) {
            if (dims[a] == 1) {
                continue;
            }
            long[] axis = new long[operands.length + 1];
            axis[operands.length] = dims[a];
            for (int o = 0; o < operands.length; o++) {
                axis[o] = operands[o][a];
            }
            if (!axes.isEmpty() && joins(axes.getLast(), axis)) {
                axis[operands.length] *= axes.removeLast()[operands.length];
            }
            axes.add(axis);
        }
        if (axes.isEmpty()) {
            long[] one = new long[operands.length + 1];
            java.util.Arrays.fill(one, 1);
            axes.add(one);
        }
        return of(axes, operands.length);
    }

    private static boolean joins(long[] outer, long[] inner) {
        int operands = outer.length - 1;
        for (int o = 0; o < operands; o++) {
            if (outer[o] != inner[o] * inner[operands]) {
                return false;
            }
        }
        return true;
    }

    private static Loops of(List<long[]> axes, int operands) {
        long[] extents = new long[axes.size()];
        long[][] steps = new long[operands][axes.size()];
        for (int a = 0; a < extents.length; a++) {
            extents[a] = axes.get(a)[operands];
            for (int o = 0; o < operands; o++) {
                steps[o][a] = axes.get(a)[o];
            }
        }
        return new Loops(extents, steps);
    }

    /** The steps of an operand that is broadcast to a shape. */
    static long[] broadcast(Shape operand, Shape to) {
        long[] own = operand.strides();
        long[] steps = new long[to.rank()];
        int lead = to.rank() - operand.rank();
        for (int a = lead; a < steps.length; a++) {
            steps[a] = operand.dim(a - lead) == 1 ? 0 : own[a - lead];
        }
        return steps;
    }

    /** The loops over some of the axes, perhaps none. */
    Loops only(IntPredicate axis) {
        List<long[]> axes = new ArrayList<>();
        for (int a = 0; a < extents.length; a++) {
            if (axis.test(a)) {
                long[] row = new long[steps.length + 1];
                row[steps.length] = extents[a];
                for (int o = 0; o < steps.length; o++) {
                    row[o] = steps[o][a];
                }
                axes.add(row);
            }
        }
        return of(axes, steps.length);
    }

    int rank() {
        return extents.length;
    }

    long extent(int axis) {
        return extents[axis];
    }

    long step(int operand, int axis) {
        return steps[operand][axis];
    }

    /** Number of iterations. */
    long count() {
        return count;
    }

    /** Where an operand is in the iteration with this number, in elements. */
    long offset(int operand, long iteration) {
        long[] step = steps[operand];
        long rest = iteration;
        long at = 0;
        for (int a = extents.length - 1; a > 0; a--) {
            long next = rest / extents[a];
            at += (rest - next * extents[a]) * step[a];
            rest = next;
        }
        return extents.length == 0 ? 0 : at + rest * step[0];
    }
}
