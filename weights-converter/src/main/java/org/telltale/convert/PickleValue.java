package org.telltale.convert;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a pickle of PyTorch may hold. Containers are compared by identity: they may contain themselves, or each other so
 * often that they must never be walked as a tree.
 */
sealed interface PickleValue {
    /** {@code None}. */
    enum None implements PickleValue {
        NONE
    }

    record Truth(boolean value) implements PickleValue {}

    record Whole(long value) implements PickleValue {}

    /** A whole number of more than 64 bits. */
    record Large(BigInteger value) implements PickleValue {}

    record Real(double value) implements PickleValue {}

    record Text(String value) implements PickleValue {}

    /** A value of no interest, such as bytes, a set or a device. */
    final class Opaque implements PickleValue {}

    /** A class or function that is known here; none is ever called. */
    record Known(PickleGlobal global, @Nullable TorchType type) implements PickleValue {}

    /** A list or a tuple. */
    final class Sequence implements PickleValue {
        final boolean tuple;
        final List<PickleValue> items;

        Sequence(boolean tuple, List<PickleValue> items) {
            this.tuple = tuple;
            this.items = items;
        }
    }

    /** A dictionary, in the order of its keys. */
    final class Dictionary implements PickleValue {
        final Map<PickleValue, PickleValue> items = new LinkedHashMap<>(4);
    }

    /** Memory that tensors are views of. */
    final class Storage implements PickleValue {
        final String key;

        /** The type of its elements; {@code null} for one of bytes, whose views say what they are. */
        final @Nullable TorchType type;

        final long elements;

        /** Where a view into another storage begins there, in bytes. */
        final long skipped;

        final Storage base;

        Storage(String key, @Nullable TorchType type, long elements) {
            this.key = key;
            this.type = type;
            this.elements = elements;
            skipped = 0;
            base = this;
        }

        Storage(Storage base, long skipped, long elements) {
            key = base.key;
            type = base.type;
            this.elements = elements;
            this.skipped = skipped;
            this.base = base;
        }

        long bytes() {
            return elements * (type == null ? 1 : type.bytes());
        }
    }

    /**
     * A tensor: a view of a storage that has been checked to lie within it.
     *
     * @param offset of the first element, in elements
     */
    record View(Storage storage, TorchType type, long offset, List<Integer> sizes, List<Long> strides)
            implements PickleValue {}

    static Sequence list() {
        return new Sequence(false, new ArrayList<>(2));
    }
}
