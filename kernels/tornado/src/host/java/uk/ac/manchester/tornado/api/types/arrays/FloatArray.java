package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Stands in for TornadoVM's class of this name where kernels are tested on the host: as much of it as they use. */
public final class FloatArray {
    private final MemorySegment segment;

    public FloatArray(int count) {
        segment = Arena.ofAuto().allocate(Math.max(1L, count) * Float.BYTES, 16);
    }

    public float get(int index) {
        return segment.getAtIndex(ValueLayout.JAVA_FLOAT, index);
    }

    public void set(int index, float value) {
        segment.setAtIndex(ValueLayout.JAVA_FLOAT, index, value);
    }

    public MemorySegment getSegment() {
        return segment;
    }
}
