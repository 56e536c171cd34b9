package org.telltale.kernels.tornado;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** Weights on one device: programs whose weights are equal, such as those of one model for different rows, share one copy. */
final class SharedWeights<T> {
    private final List<Copy<T>> copies = new ArrayList<>();

    /** A copy, on the host and in the device's form. */
    static final class Copy<T> {
        final FloatArray values;
        final T onDevice;
        private int users;

        private Copy(FloatArray values, T onDevice) {
            this.values = values;
            this.onDevice = onDevice;
        }
    }

    /** The copy of weights, made if there is none; to be paired with {@link #release}. */
    synchronized Copy<T> acquire(WeightArea weights, Function<FloatArray, T> make) {
        Copy<T> copy = copies.stream()
                .filter(c -> weights.in(c.values.getSegment()))
                .findFirst()
                .orElse(null);
        if (copy == null) {
            FloatArray values = new FloatArray(weights.size());
            weights.fill(values.getSegment());
            copy = new Copy<>(values, make.apply(values));
            copies.add(copy);
        }
        copy.users++;
        return copy;
    }

    /** Whether that was the last use of a copy, which is to be freed. */
    synchronized boolean release(Copy<T> copy) {
        copy.users--;
        return copy.users == 0 && copies.remove(copy);
    }
}
