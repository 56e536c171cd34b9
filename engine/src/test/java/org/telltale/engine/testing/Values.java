package org.telltale.engine.testing;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.Weights;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;

/** Values for the leaves of a graph by name, whether inputs or weights. */
public record Values(Map<String, HostTensor> byName) implements Weights {
    @Override
    public Set<String> names() {
        return byName.keySet();
    }

    @Override
    public Shape shape(String name) {
        return byName.get(name).shape();
    }

    @Override
    public DType dtype(String name) {
        return byName.get(name).dtype();
    }

    @Override
    public HostTensor read(String name, Arena arena) {
        HostTensor from = byName.get(name);
        HostTensor copy = HostTensor.allocate(arena, from.dtype(), from.shape());
        copy.copyFrom(from);
        return copy;
    }

    /** An executable of the graph whose inputs hold these values. */
    public Executable load(Backend backend, Graph graph) {
        Executable e = backend.compile(graph, this, CompileOptions.DEFAULT);
        for (Tensor t : graph.nodes()) {
            if (t.op() instanceof Primitive.Input in) {
                e.input(in.name()).copyFrom(byName.get(in.name()));
            }
        }
        return e;
    }

    /** Copies of the outputs in memory of the arena. */
    public List<HostTensor> run(Backend backend, Graph graph, Arena arena) {
        try (Executable e = load(backend, graph)) {
            e.run();
            List<HostTensor> out = new ArrayList<>();
            for (int i = 0; i < graph.outputs().size(); i++) {
                HostTensor from = e.output(i);
                HostTensor copy = HostTensor.allocate(arena, from.dtype(), from.shape());
                copy.copyFrom(from);
                out.add(copy);
            }
            return out;
        }
    }

    @Override
    public void close() {}
}
