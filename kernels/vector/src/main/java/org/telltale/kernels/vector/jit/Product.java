package org.telltale.kernels.vector.jit;

/** How the left operand is multiplied with panels. */
enum Product {
    /** Floats with floats. */
    FLOATS(1),
    /** Floats with pairs of bfloat16, which become floats as they are loaded. */
    WIDENED(1),
    /** Pairs of bfloat16 with pairs, by VDPBF16PS. */
    PAIRS(2),
    /** Tiles of pairs of bfloat16 with tiles, by TDPBF16PS. */
    TILES(32);

    private final int depth;

    Product(int depth) {
        this.depth = depth;
    }

    /** How often the loop over such a depth is gone through: a step takes 1, 2 or 32 of it. */
    int steps(int depth) {
        return Math.ceilDiv(depth, this.depth);
    }

    /** Whether the left operand is rounded to bfloat16 beforehand. */
    boolean rounds() {
        return depth > 1;
    }
}
