package org.telltale.kernels.vector;

import java.lang.foreign.Arena;
import java.util.Set;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.io.Weights;

/** A checkpoint without tensors. */
final class NoWeights implements Weights {
    @Override
    public Set<String> names() {
        return Set.of();
    }

    @Override
    public Shape shape(String name) {
        throw new IllegalArgumentException(name);
    }

    @Override
    public DType dtype(String name) {
        throw new IllegalArgumentException(name);
    }

    @Override
    public HostTensor read(String name, Arena arena) {
        throw new IllegalArgumentException(name);
    }

    @Override
    public void close() {}
}
