package org.telltale.engine.testing;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.spi.NaiveBackend;

/** Values of expressions on the naive backend. */
public final class Eval {
    private Eval() {}

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
