package org.telltale.engine;

/** Operands that do not fit together; thrown while an expression is built, so the stack trace names the model's line. */
public final class ShapeException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    public ShapeException(String message) {
        super(message);
    }
}
