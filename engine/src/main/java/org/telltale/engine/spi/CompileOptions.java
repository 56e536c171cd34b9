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
         * Right operands of products, where they have two axes, and kernels of convolutions become bfloat16, rounded to
         * nearest even. Weights are kept so, which halves the memory that they take and that a product of few rows must
         * read; in training, where weights are states in F32 and change, operands are rounded at each run, of the gradients'
         * products too. A backend may round the left operands as well, where the hardware has products of bfloat16. One
         * without any bfloat16 computes in F32. Gradients of a convolution's kernel, attention, and all that is no product
         * stay F32.
         */
        BF16
    }
}
