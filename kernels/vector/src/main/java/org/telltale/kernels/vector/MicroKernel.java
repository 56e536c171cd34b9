package org.telltale.kernels.vector;

/**
 * The innermost tile of every matrix product: a few rows of a packed left operand times one packed panel of the right
 * one. Chosen once per process.
 *
 * <p>Each element is the sum over k, in rising order, of fused multiply-adds onto one F32 accumulator that starts at 0
 * (or at what is there, when the tile accumulates): so a product has the same bits however it is cut into tiles.
 */
interface MicroKernel {
    /** The kernel of this process. */
    MicroKernel BEST = new VectorMicroKernel();

    /** A word for run headers. */
    String name();

    /** The most rows of a tile. */
    int rows();

    /** The columns of a tile and of a packed panel. */
    int columns();

    /**
     * Computes {@code c[r][j] (+)= sum over k of a[k][r] b[k][j]} for all of a panel's columns.
     *
     * @param rows 1 to {@link #rows}
     * @param depth the extent of k; 0 gives zeros
     * @param a packed [depth][rows], no gaps
     * @param b packed [depth][columns], 64-byte aligned
     * @param c where the first row goes
     * @param stride bytes from one row of c to the next
     * @param accumulate whether to add to what is in c
     */
    void tile(int rows, int depth, long a, long b, long c, long stride, boolean accumulate);
}
