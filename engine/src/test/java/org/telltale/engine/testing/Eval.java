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
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.spi.NaiveBackend;

/** Values of expressions on the naive backend. */
public final class Eval {
    private Eval() {}

    /** A checkpoint of given values. */
    public record Values(Map<String, HostTensor> tensors) implements Weights {
        @Override
        public Set<String> names() {
            return tensors.keySet();
        }

        @Override
        public Shape shape(String name) {
            return tensors.get(name).shape();
        }

        @Override
        public DType dtype(String name) {
            return tensors.get(name).dtype();
        }

        @Override
        public HostTensor read(String name, Arena arena) {
            HostTensor copy = HostTensor.allocate(arena, dtype(name), shape(name));
            copy.copyFrom(tensors.get(name));
            return copy;
        }

        @Override
        public void close() {}
    }

    /** The outputs of a graph whose inputs and weights have these F32 values by name. */
    public static List<float[]> run(Graph graph, Map<String, float[]> values) {
        try (Arena arena = Arena.ofShared();
                NaiveBackend backend = new NaiveBackend()) {
            Map<String, HostTensor> tensors = new java.util.HashMap<>();
            for (Tensor t : graph.nodes()) {
                if (t.op() instanceof Primitive.Weight w) {
                    tensors.put(w.name(), HostTensor.of(arena, w.extents(), values.get(w.name())));
                }
            }
            try (Executable e = backend.compile(graph, new Values(tensors), CompileOptions.DEFAULT)) {
                for (Tensor t : graph.nodes()) {
                    if (t.op() instanceof Primitive.Input in) {
                        e.input(in.name()).set(values.get(in.name()));
                    }
                }
                e.run();
                List<float[]> out = new ArrayList<>();
                for (int i = 0; i < graph.outputs().size(); i++) {
                    out.add(e.output(i).toFloats());
                }
                return out;
            }
        }
    }

    /** The value of one expression. */
    public static float[] run(Tensor t, Map<String, float[]> values) {
        return run(Graph.of("test", t), values).getFirst();
    }
}
