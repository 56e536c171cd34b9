package org.telltale.engine;

import java.util.Arrays;
import java.util.List;

/** The extents of a row-major tensor, outermost first. Rank 0 is a scalar of one element. */
public final class Shape {
    private static final long LIMIT = 1L << 40;

    private final int[] extents;

    private Shape(int[] extents) {
        this.extents = extents;
    }

    public static Shape of(int... extents) {
        long size = 1;
        for (int e : extents) {
            if (e < 0) {
                throw new ShapeException("a shape has the negative extent " + e + ": " + Arrays.toString(extents));
            }
            if (e != 0 && size > LIMIT / e) {
                throw new ShapeException("a shape is too large: " + Arrays.toString(extents));
            }
            size *= e;
        }
        return new Shape(extents.clone());
    }

    public static Shape of(List<Integer> extents) {
        return of(extents.stream().mapToInt(Integer::intValue).toArray());
    }

    public int rank() {
        return extents.length;
    }

    /** The extent of an axis; negative axes count from the end. */
    public int dim(int axis) {
        return extents[axis(axis)];
    }

    /** The axis as a number from 0 to rank - 1; negative axes count from the end. */
    public int axis(int axis) {
        int a = axis < 0 ? axis + extents.length : axis;
        if (a < 0 || a >= extents.length) {
            throw new ShapeException("axis " + axis + " of a tensor of rank " + extents.length + " " + this);
        }
        return a;
    }

    /** Number of elements. */
    public long size() {
        return product(0, extents.length);
    }

    /** Product of the extents of the axes from (inclusive) to (exclusive). */
    public long product(int from, int to) {
        long p = 1;
        for (int i = from; i < to; i++) {
            p *= extents[i];
        }
        return p;
    }

    /** A copy of the extents. */
    public int[] dims() {
        return extents.clone();
    }

    /** This shape with one extent replaced. */
    public Shape with(int axis, int extent) {
        int[] d = extents.clone();
        d[axis(axis)] = extent;
        return of(d);
    }

    /** Steps, in elements, between neighbours along each axis. */
    public long[] strides() {
        long[] s = new long[extents.length];
        long step = 1;
        for (int i = extents.length - 1; i >= 0; i--) {
            s[i] = step;
            step *= extents[i];
        }
        return s;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Shape s && Arrays.equals(extents, s.extents);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(extents);
    }

    @Override
    public String toString() {
        return Arrays.toString(extents);
    }
}
