package org.telltale.kernels.tornado;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Tensor;

/** What {@link Area#WEIGHTS} holds: constants by tensor, and numbers by value. */
final class WeightArea {
    /** Constants begin at multiples of this many elements. */
    static final int ALIGNMENT = 32;

    private record Piece(int offset, HostTensor values) {}

    private final List<Piece> pieces = new ArrayList<>();
    private final Map<Float, Integer> numbers = new HashMap<>();
    private final Map<Tensor, HostTensor> constants = new HashMap<>();
    private final Map<Tensor, Integer> offsets = new HashMap<>();
    private long size;

    /** Makes a constant known; it takes memory when it is first asked for. */
    void constant(Tensor t, HostTensor values) {
        constants.put(t, values);
    }

    boolean holds(Tensor t) {
        return constants.containsKey(t);
    }

    HostTensor values(Tensor t) {
        HostTensor values = constants.get(t);
        if (values == null) {
            throw new IllegalStateException("not a constant: " + t);
        }
        return values;
    }

    /** The offset of a constant, in elements. */
    int offset(Tensor t) {
        Integer known = offsets.get(t);
        if (known == null) {
            known = add(values(t));
            offsets.put(t, known);
        }
        return known;
    }

    /** Adds values, and returns their offset in elements. */
    int add(HostTensor values) {
        int offset = take(values.size());
        pieces.add(new Piece(offset, values));
        return offset;
    }

    /** The offset of one number. */
    int number(float value) {
        return numbers.computeIfAbsent(value, v -> take(1));
    }

    private int take(long count) {
        long offset = size;
        size = Math.ceilDiv(size + count, ALIGNMENT) * ALIGNMENT;
        if (size > Integer.MAX_VALUE - ALIGNMENT) {
            throw new IllegalArgumentException("the weights take more than " + Integer.MAX_VALUE
                    + " numbers, which one array of a GPU cannot hold");
        }
        return (int) offset;
    }

    int size() {
        return Math.max((int) size, ALIGNMENT);
    }

    /** Whether an array holds just this. */
    boolean in(MemorySegment area) {
        return area.byteSize() == 4L * size()
                && pieces.stream()
                        .allMatch(p -> p.values()
                                        .data()
                                        .mismatch(area.asSlice(
                                                4L * p.offset(),
                                                p.values().data().byteSize()))
                                < 0)
                && numbers.entrySet().stream()
                        .allMatch(n -> Float.floatToRawIntBits(n.getKey())
                                == area.getAtIndex(ValueLayout.JAVA_INT, n.getValue()));
    }

    /** Writes everything. */
    void fill(MemorySegment area) {
        for (Piece p : pieces) {
            MemorySegment.copy(
                    p.values().data(),
                    0,
                    area,
                    4L * p.offset(),
                    p.values().data().byteSize());
        }
        numbers.forEach((value, offset) -> area.setAtIndex(ValueLayout.JAVA_FLOAT, offset, value));
    }
}
