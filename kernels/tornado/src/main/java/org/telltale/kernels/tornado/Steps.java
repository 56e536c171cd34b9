package org.telltale.kernels.tornado;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Extents of a loop over elements, outermost first, and the steps of each operand along them: neighbours that are one run
 * for all operands are joined.
 */
final class Steps {
    private final List<Integer> extents = new ArrayList<>();
    private final List<List<Integer>> steps = new ArrayList<>();

    /** Of these extents, with as many steps for each operand. */
    Steps(int[] extents, long[]... operands) {
        for (int k = 0; k < operands.length; k++) {
            steps.add(new ArrayList<>());
        }
        for (int axis = 0; axis < extents.length; axis++) {
            if (extents[axis] != 1) {
                add(extents[axis], axis, operands);
            }
        }
    }

    private void add(int extent, int axis, long[][] operands) {
        boolean joins = !extents.isEmpty();
        for (int k = 0; joins && k < operands.length; k++) {
            joins = steps.get(k).getLast() == operands[k][axis] * extent;
        }
        if (joins) {
            extents.set(extents.size() - 1, extents.getLast() * extent);
        } else {
            extents.add(extent);
        }
        for (int k = 0; k < operands.length; k++) {
            int step = Math.toIntExact(operands[k][axis]);
            if (joins) {
                steps.get(k).set(steps.get(k).size() - 1, step);
            } else {
                steps.get(k).add(step);
            }
        }
    }

    int rank() {
        return extents.size();
    }

    int count() {
        return extents.stream().reduce(1, Math::multiplyExact);
    }

    /** The extents, filled up with 1 from the front. */
    List<Integer> extents(int rank) {
        return filled(extents, rank, 1);
    }

    /** The steps of an operand, filled up with 0 from the front. */
    List<Integer> steps(int operand, int rank) {
        return filled(steps.get(operand), rank, 0);
    }

    private static List<Integer> filled(List<Integer> values, int rank, int value) {
        List<Integer> out = new ArrayList<>();
        for (int k = values.size(); k < rank; k++) {
            out.add(value);
        }
        out.addAll(values);
        return out;
    }

    /** The steps of an operand of some extents broadcast to others: 0 where it repeats. */
    static long[] broadcast(int[] from, int[] to) {
        long[] out = new long[to.length];
        long step = 1;
        for (int k = 1; k <= from.length; k++) {
            out[to.length - k] = from[from.length - k] == 1 ? 0 : step;
            step *= from[from.length - k];
        }
        return out;
    }

    @Override
    public String toString() {
        return Arrays.toString(extents.toArray()) + " by " + steps;
    }
}
