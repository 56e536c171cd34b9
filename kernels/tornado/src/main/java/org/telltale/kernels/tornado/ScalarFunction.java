package org.telltale.kernels.tornado;

import org.telltale.engine.Activation;
import org.telltale.engine.Primitive;

/** Functions of single numbers; kernels know them by these numbers. */
enum ScalarFunction {
    IDENTITY(0),
    NEG(1),
    ABS(2),
    SQUARE(3),
    SQRT(4),
    RSQRT(5),
    RECIPROCAL(6),
    EXP(7),
    LOG(8),
    ERF(9),
    TANH(10),
    SIGMOID(11),
    RELU(12),
    RELU6(13),
    GELU_ERF(14),
    GELU_TANH(15),
    QUICK_GELU(16),
    SILU(17);

    private final int number;

    ScalarFunction(int number) {
        this.number = number;
    }

    static ScalarFunction of(Primitive.UnaryKind kind) {
        return valueOf(kind.name());
    }

    static ScalarFunction of(Activation activation) {
        return activation == Activation.NONE ? IDENTITY : valueOf(activation.name());
    }

    int number() {
        return number;
    }
}
