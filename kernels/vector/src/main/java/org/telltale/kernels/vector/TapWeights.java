package org.telltale.kernels.vector;

import java.lang.foreign.Arena;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.KernelMaker.Operands;

/**
 * The weight [C, 1, kh, kw] of a depthwise convolution as [kh*kw, C], perhaps with the taps in reverse: made while
 * compiling where the weight is known then, or else at the start of each run.
 */
final class TapWeights {
    private final Workspace workspace;
    private final boolean reversed;
    private final int channels;
    private final int taps;

    /** The weight where it is known only at run time. */
    private final @Nullable Buffer weight;

    private long packed;

    TapWeights(Tensor w, boolean reversed, Operands operands, Workspace workspace) {
        this.workspace = workspace;
        this.reversed = reversed;
        channels = w.dim(0);
        taps = w.dim(2) * w.dim(3);
        if (w.op() instanceof Primitive.Weight named) {
            weight = null;
            packed = operands.store()
                    .packed(named, reversed ? "depthwise reversed" : "depthwise", this::pack)
                    .data()
                    .address();
        } else if (operands.constant(w)) {
            weight = null;
            packed = pack(operands.buffer(w).tensor(), operands.arena()).data().address();
        } else {
            weight = operands.buffer(w);
            workspace.reserve(4L * taps * channels, 0);
        }
    }

    private HostTensor pack(HostTensor values, Arena arena) {
        HostTensor out = HostTensor.allocate(arena, DType.F32, Shape.of(taps, channels));
        pack(values.data().address(), out.data().address());
        return out;
    }

    private void pack(long from, long to) {
        for (int c = 0; c < channels; c++) {
            for (int k = 0; k < taps; k++) {
                int tap = reversed ? taps - 1 - k : k;
                Memory.set(to + 4L * ((long) k * channels + c), Memory.get(from + 4L * ((long) c * taps + tap)));
            }
        }
    }

    /** Where [kh*kw, C] is in this run: at the start of the shared workspace, if not fixed. */
    long begin() {
        if (weight != null) {
            packed = workspace.shared();
            pack(weight.address(), packed);
        }
        return packed;
    }
}
