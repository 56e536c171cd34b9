package org.telltale.kernels.tornado;

import java.util.HashMap;
import java.util.Map;
import org.telltale.engine.HostTensor;

/** The memory in which leaves of a backend's programs live: programs with the same memory share its values. */
final class Residence {
    private final Map<Memory, Shared> places = new HashMap<>();

    private record Memory(long address, long bytes) {
        static Memory of(HostTensor values) {
            return new Memory(values.data().address(), values.data().byteSize());
        }
    }

    /** Where a leaf lives from now on; to be paired with {@link #leave}. */
    synchronized Shared join(HostTensor values) {
        Shared place = places.computeIfAbsent(Memory.of(values), m -> new Shared(values));
        place.users++;
        return place;
    }

    synchronized void leave(Shared place) {
        place.users--;
        if (place.users == 0) {
            places.remove(Memory.of(place.values));
        }
    }

    /** A program has written its output to the host's memory, where states of others may live. */
    synchronized void written(HostTensor values) {
        Shared place = places.get(Memory.of(values));
        if (place != null) {
            place.changed();
        }
    }
}
