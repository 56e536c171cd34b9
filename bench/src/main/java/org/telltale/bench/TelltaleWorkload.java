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

    TelltaleWorkload(int threads, Graph graph, Operands operands) {
        backend = new VectorBackend(threads);
        executable = backend.compile(graph, operands, CompileOptions.DEFAULT);
        for (Tensor t : graph.nodes()) {
            if (t.op() instanceof Primitive.Input in) {
                operands.fill(in, executable.input(in.name()));
            }
        }
    }

    @Override
    public void run() {
        executable.run();
    }

    @Override
    public float[] output() {
        return executable.output(0).toFloats();
    }

    @Override
    public void close() {
        executable.close();
        backend.close();
    }
}
