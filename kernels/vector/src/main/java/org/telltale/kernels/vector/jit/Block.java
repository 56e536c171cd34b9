package org.telltale.kernels.vector.jit;

import org.telltale.kernels.vector.jit.X86Assembler.Gpr;
import org.telltale.kernels.vector.jit.X86Assembler.Mem;

/** The fields of the argument of a block's product, each of 8 bytes. The code advances {@link #BIAS}. */
public enum Block {
    ROWS(0),
    /** Steps of the loop over the depth; see {@link Rung#steps}. */
    DEPTH(1),
    /** Address of the left operand, row-major: floats, or the place of their rounded copy. */
    LEFT(2),
    /** Bytes from one of its rows to the next. */
    LEFT_STRIDE(3),
    /** Address of the first panel. */
    PANEL(4),
    /** Bytes from one panel to the next. */
    PANEL_BYTES(5),
    /** Columns of the result; the last panel may have more. */
    COLUMNS(6),
    /** Address of the first result. */
    RESULT(7),
    RESULT_STRIDE(8),
    /** Whether to add to the results that are there. */
    ACCUMULATE(9),
    /** Whether bias and activation follow: 0 before the last slab of the depth. */
    LAST(10),
    /** Whether there is a bias. */
    BIASED(11),
    /** Address of the bias of the first column. */
    BIAS(12),
    /** Address of the floats that are to be rounded, where the left operand is; 0 for a copy that is there already. */
    SOURCE(13),
    /** Bytes from one of their rows to the next. */
    SOURCE_STRIDE(14),
    /** Floats of a row. */
    SOURCE_DEPTH(15),
    /** Address of a place for the sums of tiles of the matrix unit. */
    SUMS(16),
    /** Set by the code: the next address of the panel after this one to fetch ahead, and where it ends. */
    AHEAD(17),
    AHEAD_END(18);

    private final int place;

    Block(int place) {
        this.place = place;
    }

    /** Bytes of the argument. */
    public static final long BYTES = 8L * values().length;

    /** Bytes from the start. */
    public long offset() {
        return 8L * place;
    }

    Mem in(Gpr base) {
        return Mem.at(base, 8 * place);
    }
}
