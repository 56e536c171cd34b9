package org.telltale.kernels.vector;

/**
 * The innermost tile of every matrix product: C += A x B for a few rows and one panel of columns. All loops over blocks are
 * {@link Gemm}'s, so that another way to compute a tile (machine code for one CPU, say) is this interface and nothing more.
 *
 * <p>Every implementation adds the products of an element in the order of k, each by a fused multiply-add.
 */
interface MicroKernel {
    /** The most rows of a tile. */
    int rows();

    /** Columns of a panel. */
    int columns();

    /**
     * Adds to a tile of C.
     *
     * @param rows 1 to {@link #rows()}
     * @param a address of the first row of A
     * @param aStride bytes between rows of A, whose elements are contiguous
     * @param b address of the panel of B, [k][columns]
     * @param c address of the tile
     * @param cStride bytes between rows of C
     * @param k inner extent
     */
    void add(int rows, long a, long aStride, long b, long c, long cStride, int k);
}
