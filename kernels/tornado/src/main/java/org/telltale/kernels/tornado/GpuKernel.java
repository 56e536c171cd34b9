package org.telltale.kernels.tornado;

/** The kernels by the names of their methods. */
enum GpuKernel {
    UNARY_FUNCTION,
    BINARY_FUNCTION,
    MOVE_ELEMENTS,
    GATHER_ROWS,
    SCATTER_ROWS,
    SCATTER_ADD,
    SPARSE_ROWS,
    DRAW_UNIFORM,
    REDUCE_AXES(64, 1),
    FIRST_MAXIMUM,
    SOFTMAX_ROWS(64, 1),
    NORMALISE_ROWS(64, 1),
    ATTEND_HEAD(64, 1),
    MATRIX_PRODUCT(8, 16),
    CONVOLVE_CHANNELS,
    POOL_WINDOWS,
    UNFOLD_WINDOWS,
    FOLD_WINDOWS;

    /** Items of a group across and down. */
    final int across;

    final int down;

    /** Whether the items of a group share local memory, and so wait for each other. */
    final boolean together;

    /** One item for each element. */
    GpuKernel() {
        this(64, 1, false);
    }

    GpuKernel(int across, int down) {
        this(across, down, true);
    }

    /** Whether it reports an id outside its table, in the first element of the area of its result. */
    boolean reports() {
        return this == GATHER_ROWS || this == SCATTER_ROWS || this == SCATTER_ADD;
    }

    GpuKernel(int across, int down, boolean together) {
        this.across = across;
        this.down = down;
        this.together = together;
    }
}
