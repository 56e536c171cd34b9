package org.telltale.models.decode;

/** Logits that are no distribution: the model's weights are damaged or not numbers. */
public final class LogitsException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    LogitsException(String message) {
        super(message);
    }
}
