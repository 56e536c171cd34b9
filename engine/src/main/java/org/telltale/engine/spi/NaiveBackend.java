package org.telltale.engine.spi;

import org.telltale.engine.Graph;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.Weights;

/**
 * The executable specification: plain loops over the definition of each op, sums in double. It is what fast kernels are
 * tested against, and nothing else uses it.
 */
public final class NaiveBackend implements Backend, KernelMaker {
    private final WeightStore.Pool pool = new WeightStore.Pool();

    @Override
    public String description() {
        return "naive reference";
    }

    @Override
    public Executable compile(Graph graph, Weights weights, CompileOptions options) {
        return Program.compile(graph, pool, weights, this, options);
    }

    @Override
    public Graph prepare(Graph graph) {
        return graph;
    }

    @Override
    public boolean allows(Tensor tensor, int operand) {
        return false;
    }

    @Override
    public Kernel kernel(Tensor tensor, Operands operands) {
        return NaiveKernels.of(tensor, operands);
    }

    @Override
    public void close() {}
}
