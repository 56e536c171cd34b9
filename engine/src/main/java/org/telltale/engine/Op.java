package org.telltale.engine;

import java.util.List;

/**
 * What a tensor is computed by. A {@link Primitive} op has its own gradient; a {@link Fused} op is defined by the
 * primitives it decomposes to, which are its meaning, its gradient, its test oracle, and its fallback on a backend
 * without a kernel for it.
 */
public sealed interface Op permits Primitive, Fused {
    /** The result's shape; throws {@link ShapeException} naming every operand when they do not fit. */
    Shape shape(List<Tensor> in);

    /** The result's element type. */
    default DType dtype(List<Tensor> in) {
        return DType.F32;
    }

    /** A word for messages, such as {@code matmul}. */
    default String word() {
        String n = getClass().getSimpleName();
        return Character.toLowerCase(n.charAt(0)) + n.substring(1);
    }

    /** The exception for operands that do not fit. */
    static ShapeException misfit(String word, List<Tensor> in, String why) {
        return new ShapeException(word + ": " + why + "; operands "
                + in.stream().map(Tensor::shape).toList());
    }
}
