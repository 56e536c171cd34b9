package org.telltale.kernels.vector;

import org.telltale.engine.Activation;

/**
 * The inner loops of every matrix product: a block of rows of the left operand times packed panels of the right one,
 * tile by tile. Chosen once per process, see {@link Ladder}.
 *
 * <p>Each element is the sum over k, in rising order, of fused multiply-adds onto one F32 accumulator that starts at 0
 * (or at what is there, when the block accumulates): so a product has the same bits however it is cut into blocks.
 *
 * <p>Over panels of bfloat16 that holds too for kernels that widen them. Kernels that {@link #rounds} multiply bfloat16
 * with bfloat16 by instructions of the CPU: they round the left operand, the activations, as well, sum in F32 in an order
 * of their own and take numbers below the least normal one for 0. So with {@code --precision bf16} results may differ from
 * one kernel to another. They never differ by the number of threads, nor by the cut into blocks, as long as slabs of
 * the depth are multiples of 32.
 */
interface MicroKernel {
    /** The kernel of this process. */
    MicroKernel BEST = Ladder.INSTANCE.kernel();

    /** The word that {@code --kernel} takes. */
    String name();

    /** The most rows of a tile. */
    int rows();

    /** The columns of a tile and of a packed panel. */
    int columns();

    /** Whether the left operand must be packed, tile by tile as [depth][rows of the tile]; rows in place otherwise. */
    boolean interleaved();

    /**
     * The depth to pass at a time, so that a panel stays in a cache while the rows of a block go over it. A multiple of 32:
     * panels of bfloat16 are pairs, and matrix units take them 16 at a time.
     */
    int slab();

    /** Bytes of an operand that stay in the second-level cache while the other one passes. */
    long cached();

    /** Readies what blocks of such a kind need, so that no run waits for it or fails. */
    void prepare(Activation activation, boolean bf16);

    /** Whether the left operand is rounded to bfloat16 where panels are. */
    boolean rounds();

    /** Bytes from one row of a rounded left operand of such a depth to the next. */
    long roundedStride(int depth);

    /**
     * Rounds rows of a left operand beforehand, for a kernel that {@link #rounds}.
     *
     * @param to where rows of {@link #roundedStride} go
     * @param scratch memory of {@link #scratchBytes}
     */
    void round(int rows, int depth, long from, long fromStride, long to, long scratch);

    /** Bytes of scratch that a call needs for so many rows and panels of such a depth. */
    long scratchBytes(int rows, int depth, boolean bf16);

    /**
     * Computes {@code c[r][j] (+)= sum over k of a[r][k] b[k][j]}, and the activation of that plus a bias when this is
     * the last slab of the depth.
     *
     * @param rows at least 1
     * @param depth the extent of k; 0 gives zeros
     * @param a address of the left operand; see {@link #interleaved}
     * @param aStride bytes from one of its rows to the next, unless interleaved
     * @param rounded whether the left operand was rounded beforehand; then as many rows as whole tiles have can be read
     * @param b address of the first panel, 64-byte aligned; see {@link PackedPanels}
     * @param panelBytes from one panel to the next
     * @param bf16 whether panels hold bfloat16 numbers
     * @param columns of c, at least 1; panels are as many as they need
     * @param c address of the first result
     * @param cStride bytes from one row of c to the next
     * @param accumulate whether to add to what is in c
     * @param last whether bias and activation follow
     * @param bias address of the first column's, or 0 for none
     * @param scratch memory of {@link #scratchBytes}, 64-byte aligned
     */
    void block(
            int rows,
            int depth,
            long a,
            long aStride,
            boolean rounded,
            long b,
            long panelBytes,
            boolean bf16,
            int columns,
            long c,
            long cStride,
            boolean accumulate,
            boolean last,
            long bias,
            Activation activation,
            long scratch);

    /**
     * A product of floats without bias or activation, by {@link #BEST}: for attention. Its left operand is read as rows,
     * for a kernel that needs it tile by tile from a packed copy. Static, since a default method would have every kernel's
     * class choose the best one before it is there itself.
     *
     * @param copy memory for rows * depth floats, used when {@link #interleaved}
     * @param scratch memory of {@link #scratchBytes}, 64-byte aligned
     */
    static void product(
            int rows,
            int depth,
            long a,
            long aStride,
            long copy,
            long b,
            long panelBytes,
            int columns,
            long c,
            long cStride,
            boolean accumulate,
            long scratch) {
        if (columns == 0 || rows == 0) {
            return;
        }
        long left = a;
        if (BEST.interleaved()) {
            left = copy;
            for (int r = 0; r < rows; r += BEST.rows()) {
                int n = Math.min(BEST.rows(), rows - r);
                LeftRows.interleave(a + r * aStride, aStride, n, depth, copy + 4L * r * depth);
            }
        }
        BEST.block(
                rows,
                depth,
                left,
                aStride,
                false,
                b,
                panelBytes,
                false,
                columns,
                c,
                cStride,
                accumulate,
                false,
                0,
                Activation.NONE,
                scratch);
    }
}
