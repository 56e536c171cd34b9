package org.telltale.engine.nn;

import org.telltale.engine.Tensor;

/** Rows of unit length. */
public final class L2Normalise {
    private L2Normalise() {}

    /** x [.., width] divided by the Euclidean norm of each row; a row of zeros becomes NaN. */
    public static Tensor of(Tensor x) {
        return x.div(x.square().sumKeeping(-1).sqrt());
    }
}
