package org.telltale.kernels.vector;

import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.GraphPasses;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker;

/** Which kernel computes which op. */
final class Kernels implements KernelMaker {
    private final Parallel parallel;

    Kernels(Parallel parallel) {
        this.parallel = parallel;
    }

    @Override
    public Graph prepare(Graph graph) {
        return GraphPasses.foldBatchNorm(graph).lower(this::supports);
    }

    /** Fused ops without a kernel run as what they decompose to. */
    private boolean supports(Tensor t) {
        return switch (t.op()) {
            case Fused.GruCell g -> false;
            case Fused.Conv2d c -> c.groups() == 1 || c.depthwise(t.inputs());
            case Fused f -> true;
            case Primitive p -> true;
        };
    }

    @Override
    public boolean allows(Tensor tensor, int operand) {
        return false;
    }

    @Override
    public Kernel kernel(Tensor t, Operands operands) {
        throw new IllegalStateException("no kernel for " + t + " on " + parallel.threads());
    }
}
