package org.telltale.kernels.vector;

import java.util.Map;
import java.util.WeakHashMap;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Op;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.GraphPasses;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker;

/** Which kernel computes which op. */
final class Kernels implements KernelMaker {
    private final Parallel parallel;
    private final Map<Operands, Workspace> workspaces = new WeakHashMap<>();

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
        Workspace workspace = workspace(operands);
        return switch (t.op()) {
            case Primitive.MatMul m -> Gemm.matMul(m, t, operands, parallel, workspace);
            case Fused.Linear l -> Gemm.linear(l, t, operands, parallel, workspace);
            case Fused.Conv2d c -> Conv2d.of(c, t, operands, parallel, workspace);
            case Fused.Attention a -> new AttentionKernel(a, t, operands, parallel, workspace);
            case Fused.CachedAttention c -> new CachedAttentionKernel(c, t, operands, parallel, workspace);
            case Op op -> throw new IllegalStateException("no kernel for " + t);
        };
    }

    /** The scratch memory that all kernels of an executable share. */
    private synchronized Workspace workspace(Operands operands) {
        return workspaces.computeIfAbsent(operands, o -> new Workspace(o.arena(), parallel.threads()));
    }
}
