package org.telltale.engine.spi;

import java.lang.foreign.Arena;
import org.telltale.engine.Graph;
import org.telltale.engine.Tensor;

/** What a backend on the host adds to {@link Program}: its kernels. */
public interface KernelMaker extends MemoryPlan.InPlace {
    /** The graph as this backend runs it: fused and lowered. */
    Graph prepare(Graph graph);

    /** The kernel that computes a tensor. */
    Kernel kernel(Tensor tensor, Operands operands);

    /** What a kernel may ask for while it is made. */
    interface Operands {
        /** The buffer of the tensor, or of one of its operands. A weight is copied plain into memory by this call. */
        Buffer buffer(Tensor tensor);

        /** Elements from one row of a tensor, its last axis, to the next; as many as that has but for what is {@link #apart}. */
        int pitch(Tensor tensor);

        /** Whether the values are known now, before the first run: weights and what is computed from them alone. */
        boolean constant(Tensor tensor);

        /** The copies of the checkpoint's weights. */
        WeightStore store();

        /** Memory that lives as long as the executable. */
        Arena arena();
    }
}
