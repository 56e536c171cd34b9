package org.telltale.engine.spi;

/**
 * How to compile.
 *
 * @param precision of products
 * @param recompute whether a training step computes values of its forward pass again for the backward pass instead of
 *     keeping all, which takes less memory and more time, with the same bits. The graph's first output must be the loss,
 *     since what it depends on is taken for the forward pass. A graph that updates no state stays as it is.
 */
public record CompileOptions(Precision precision, boolean recompute) {
    public static final CompileOptions DEFAULT = new CompileOptions(Precision.F32);

    /** Without recomputation. */
    public CompileOptions(Precision precision) {
        this(precision, false);
    }

    /** The arithmetic of products; sums are always F32. */
    public enum Precision {
        F32,
        /**
         * Weights of products are kept as bfloat16, rounded to nearest even, which halves the memory that they take and
         * that a product of few rows must read. A backend may round the operands that they are multiplied with too, where
         * the hardware has products of bfloat16. One that has no such products computes in F32.
         */
        BF16
    }
}
