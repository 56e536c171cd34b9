package org.telltale.kernels.vector.jit;

import org.telltale.kernels.vector.jit.X86Assembler.Gpr;
import org.telltale.kernels.vector.jit.X86Assembler.Mem;

/** The fields of the argument of a row of a depthwise convolution, each of 8 bytes. The code advances some of them. */
public enum PixelRow {
    /** Address of the input under the first tap of the first pixel. */
    INPUT(0),
    /** Bytes from one input row to the next. */
    INPUT_ROW(1),
    /** Bytes of the channels of one pixel. */
    PIXEL_BYTES(2),
    /** Address of the first tap's weights, [taps][channels]. */
    WEIGHTS(3),
    /** Bytes from one row of taps to the next. */
    WEIGHTS_ROW(4),
    /** How many rows of taps. */
    TAP_ROWS(5),
    /** Address of the bias. */
    BIAS(6),
    /** Address of the first output pixel. */
    OUTPUT(7),
    /** Output pixels, side by side. */
    PIXELS(8);

    /** Bytes of the argument. */
    public static final long BYTES = 8L * values().length;

    private final int place;

    PixelRow(int place) {
        this.place = place;
    }

    /** Bytes from the start. */
    public long offset() {
        return 8L * place;
    }

    Mem in(Gpr base) {
        return Mem.at(base, 8 * place);
    }
}
