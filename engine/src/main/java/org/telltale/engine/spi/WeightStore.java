package org.telltale.engine.spi;

import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiFunction;
import org.telltale.engine.HostTensor;
import org.telltale.engine.io.Weights;

/**
 * The copies that a backend made of one checkpoint's weights, plain or packed, shared by the executables compiled from
 * it and freed with the last of them.
 */
public final class WeightStore {
    private final Weights weights;
    private final Arena arena = Arena.ofShared();
    private final Map<String, HostTensor> copies = new HashMap<>();
    private int users;

    private WeightStore(Weights weights) {
        this.weights = weights;
    }

    /** A weight in the checkpoint's layout. */
    public synchronized HostTensor plain(String name) {
        return copies.computeIfAbsent(name, n -> weights.read(n, arena));
    }

    /** A weight in a layout of the backend's, made once from the checkpoint's values in the arena given. */
    public synchronized HostTensor packed(String name, String form, BiFunction<HostTensor, Arena, HostTensor> pack) {
        return copies.computeIfAbsent(name + " " + form, key -> {
            try (Arena scratch = Arena.ofShared()) {
                return pack.apply(weights.read(name, scratch), arena);
            }
        });
    }

    /** The stores of one backend. */
    public static final class Pool {
        private final Map<Weights, WeightStore> stores = new java.util.HashMap<>();

        /** The store for a checkpoint; every call must be paired with {@link #release}. */
        public synchronized WeightStore acquire(Weights weights) {
            WeightStore store = stores.computeIfAbsent(weights, WeightStore::new);
            store.users++;
            return store;
        }

        public synchronized void release(WeightStore store) {
            store.users--;
            if (store.users == 0) {
                stores.remove(store.weights);
                store.arena.close();
            }
        }
    }
}
