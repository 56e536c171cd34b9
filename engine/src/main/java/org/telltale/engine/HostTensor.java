package org.telltale.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Values in native memory that the host reads and writes: contiguous, row-major, 64-byte aligned when allocated here.
 *
 * <p>It borrows its memory: the arena, executable or file that made it decides how long it lives. Heap segments are
 * rejected, because a call site that has seen both kinds stays several times slower.
 */
public final class HostTensor {
    private final Shape shape;
    private final DType dtype;
    private final MemorySegment data;

    public HostTensor(Shape shape, DType dtype, MemorySegment data) {
        if (!data.isNative()) {
            throw new IllegalArgumentException("a HostTensor needs native memory, this segment is on the heap");
        }
        if (data.byteSize() != shape.size() * dtype.bytes()) {
            throw new ShapeException(
                    dtype + " " + shape + " takes " + shape.size() * dtype.bytes() + " bytes, not " + data.byteSize());
        }
        this.shape = shape;
        this.dtype = dtype;
        this.data = data;
    }

    /** A tensor of zeros in the arena. */
    public static HostTensor allocate(Arena arena, DType dtype, Shape shape) {
        return new HostTensor(shape, dtype, arena.allocate(Math.max(shape.size() * dtype.bytes(), 0), 64));
    }

    /** An F32 copy of the values in the arena. */
    public static HostTensor of(Arena arena, Shape shape, float... values) {
        HostTensor t = allocate(arena, DType.F32, shape);
        t.set(values);
        return t;
    }

    /** An I32 copy of the values in the arena. */
    public static HostTensor ofInts(Arena arena, Shape shape, int... values) {
        HostTensor t = allocate(arena, DType.I32, shape);
        t.setInts(values);
        return t;
    }

    public Shape shape() {
        return shape;
    }

    public DType dtype() {
        return dtype;
    }

    public MemorySegment data() {
        return data;
    }

    public long size() {
        return shape.size();
    }

    /** The element of an F32 tensor at a flat index. */
    public float get(long index) {
        return data.getAtIndex(ValueLayout.JAVA_FLOAT, index);
    }

    /** Sets an element of an F32 tensor. */
    public void set(long index, float value) {
        data.setAtIndex(ValueLayout.JAVA_FLOAT, index, value);
    }

    /** The element of an I32 tensor at a flat index. */
    public int getInt(long index) {
        return data.getAtIndex(ValueLayout.JAVA_INT, index);
    }

    /** Sets an element of an I32 tensor. */
    public void setInt(long index, int value) {
        data.setAtIndex(ValueLayout.JAVA_INT, index, value);
    }

    /** Fills an F32 tensor. */
    public void set(float[] values) {
        require(DType.F32, values.length);
        MemorySegment.copy(values, 0, data, ValueLayout.JAVA_FLOAT, 0, values.length);
    }

    /** Fills an I32 tensor. */
    public void setInts(int[] values) {
        require(DType.I32, values.length);
        MemorySegment.copy(values, 0, data, ValueLayout.JAVA_INT, 0, values.length);
    }

    /** Copies another tensor of the same shape and type. */
    public void copyFrom(HostTensor other) {
        require(other.dtype, other.size());
        data.copyFrom(other.data);
    }

    /** The values of an F32 tensor. */
    public float[] toFloats() {
        require(DType.F32, size());
        return data.toArray(ValueLayout.JAVA_FLOAT);
    }

    /** The values of an I32 tensor. */
    public int[] toInts() {
        require(DType.I32, size());
        return data.toArray(ValueLayout.JAVA_INT);
    }

    private void require(DType wanted, long count) {
        if (dtype != wanted || size() != count) {
            throw new ShapeException(
                    "a tensor of " + dtype + " " + shape + " used as " + count + " values of " + wanted);
        }
    }

    @Override
    public String toString() {
        return dtype + " " + shape;
    }
}
