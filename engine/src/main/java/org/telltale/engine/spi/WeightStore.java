package org.telltale.engine.spi;

import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiFunction;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.io.Weights;
import org.telltale.engine.io.WeightsException;

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
    public synchronized HostTensor plain(Primitive.Weight weight) {
        return copies.computeIfAbsent(weight.name(), name -> read(weight, arena));
    }

    /** A weight in a layout of the backend's, made once from the checkpoint's values in the arena given. */
    public synchronized HostTensor packed(
            Primitive.Weight weight, String form, BiFunction<HostTensor, Arena, HostTensor> pack) {
        return copies.computeIfAbsent(weight.name() + " " + form, key -> {
            try (Arena scratch = Arena.ofShared()) {
                return pack.apply(read(weight, scratch), arena);
            }
        });
    }

    /** Kernels trust a graph's shapes, so a weight that is not of its shape must not reach them. */
    private HostTensor read(Primitive.Weight weight, Arena into) {
        HostTensor values = weights.read(weight.name(), into);
        if (!values.shape().equals(weight.extents()) || values.dtype() != DType.F32) {
            throw new WeightsException(
                    "tensor \"" + weight.name() + "\" is " + values + ", the graph expects F32 " + weight.extents());
        }
        return values;
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
