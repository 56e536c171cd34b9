package org.telltale.kernels.tornado;

/** The arrays that an executable has on the device; kernels address elements of them by offsets. */
enum Area {
    /** Intermediate tensors; its first element is the number of a launch that met an id outside its table, or 0. */
    MEMORY,
    /** Weights, constants and numbers, copied once. */
    WEIGHTS,
    /** Inputs, copied before each run. */
    INPUT,
    /**
     * States with an update, which stay on the device: copied there when the host or another program has newer values, and
     * back when one of those asks. Its first element is as that of {@link #MEMORY}.
     */
    STATE,
    /** States without an update, copied when the host or another program has changed them. */
    FIXED,
    /** Outputs, copied after each run. */
    OUTPUT
}
