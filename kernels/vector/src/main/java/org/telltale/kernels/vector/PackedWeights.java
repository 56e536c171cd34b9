package org.telltale.kernels.vector;

import java.lang.foreign.Arena;
import java.util.Optional;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.KernelMaker.Operands;

/** Right operands that are known while compiling, in panels: made once, before the first run. */
final class PackedWeights {
    private PackedWeights() {}

    /**
     * The address of the packed copy: the checkpoint's, shared by all executables, when the tensor is a weight; one of
     * this executable's own when it is computed from weights; empty when it is known only at run time.
     *
     * @param form a name for the layout, unique among the layouts a weight may be packed in
     */
    static Optional<Long> pack(Tensor t, PackedPanels panels, String form, Operands operands, Parallel parallel) {
        if (t.op() instanceof Primitive.Weight w) {
            return Optional.of(operands.store()
                    .packed(w, form, (values, arena) -> pack(values.data().address(), panels, arena, parallel))
                    .data()
                    .address());
        }
        if (operands.constant(t)) {
            long values = operands.buffer(t).address();
            return Optional.of(
                    pack(values, panels, operands.arena(), parallel).data().address());
        }
        return Optional.empty();
    }

    private static HostTensor pack(long values, PackedPanels panels, Arena arena, Parallel parallel) {
        Shape shape = Shape.of(panels.panels(), panels.paddedDepth(), MicroKernel.BEST.columns());
        HostTensor packed = HostTensor.allocate(arena, panels.bf16() ? DType.BF16 : DType.F32, shape);
        long to = packed.data().address();
        parallel.forRange(panels.panels(), (panel, worker) -> panels.pack(values, to, panel));
        return packed;
    }
}
