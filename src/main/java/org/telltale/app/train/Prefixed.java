package org.telltale.app.train;

import java.lang.foreign.Arena;
import java.util.Set;
import java.util.stream.Collectors;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.io.Weights;

/** The checkpoint of a base without a head, whose names lack the prefix that they have in a classifier. */
record Prefixed(Weights bare, String prefix) implements Weights {
    /** The checkpoint under the names of a classifier, whichever it has. */
    static Weights ifBare(Weights weights, String prefix) {
        return weights.names().stream().anyMatch(n -> n.startsWith(prefix)) ? weights : new Prefixed(weights, prefix);
    }

    @Override
    public Set<String> names() {
        return bare.names().stream().map(n -> prefix + n).collect(Collectors.toUnmodifiableSet());
    }

    private String own(String name) {
        return name.substring(prefix.length());
    }

    @Override
    public Shape shape(String name) {
        return bare.shape(own(name));
    }

    @Override
    public DType dtype(String name) {
        return bare.dtype(own(name));
    }

    @Override
    public HostTensor read(String name, Arena arena) {
        return bare.read(own(name), arena);
    }

    @Override
    public void close() {
        bare.close();
    }
}
