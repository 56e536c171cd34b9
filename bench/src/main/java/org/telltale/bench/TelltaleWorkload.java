package org.telltale.bench;

import org.telltale.engine.Graph;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.kernels.vector.VectorBackend;

/** A graph compiled by Telltale for the CPU. */
final class TelltaleWorkload implements Workload {
    private final VectorBackend backend;
    private final Executable executable;

    TelltaleWorkload(int threads, Graph graph, Operands operands, CompileOptions options) {
        backend = new VectorBackend(threads);
        executable = backend.compile(graph, operands, options);
        for (Tensor t : graph.nodes()) {
            if (t.op() instanceof Primitive.Input in) {
                operands.fill(in.name(), executable.input(in.name()));
            } else if (t.op() instanceof Primitive.State state) {
                operands.fill(state.name(), executable.state(state.name()));
            }
        }
    }

    @Override
    public void run() {
        executable.run();
    }

    @Override
    public float[] output(int index) {
        return executable.output(index).toFloats();
    }

    @Override
    public void close() {
        executable.close();
        backend.close();
    }
}
