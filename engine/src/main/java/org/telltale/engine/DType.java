package org.telltale.engine;

/**
 * Element types. Graphs compute in {@link #F32} and index with {@link #I32}; the others occur in checkpoint files only.
 */
public enum DType {
    F64(8),
    F32(4),
    F16(2),
    BF16(2),
    I64(8),
    I32(4),
    I16(2),
    I8(1),
    U8(1),
    BOOL(1);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** Whether it holds floating-point numbers. */
    public boolean isFloat() {
        return switch (this) {
            case F64, F32, F16, BF16 -> true;
            case I64, I32, I16, I8, U8, BOOL -> false;
        };
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }
}
