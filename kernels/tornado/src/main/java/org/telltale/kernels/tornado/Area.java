package org.telltale.kernels.tornado;

/** The arrays that an executable has on the device; kernels address elements of them by offsets. */
enum Area {
    /** Intermediate tensors; its first element is the number of a launch that met an id outside its table, or 0. */
    MEMORY,
    /** Weights, constants and numbers, copied once. */
    WEIGHTS,
    /** Inputs and states, copied before each run. */
    INPUT,
    /** Outputs and new values of states, copied after each run. */
    OUTPUT
}
