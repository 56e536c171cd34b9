package org.telltale.models.decode;

import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;

/**
 * When decoding ends; lengths count the prompt.
 *
 * @param end the token that ends a sequence
 * @param minLength the end token is impossible while a sequence is shorter
 * @param maxLength no sequence becomes longer
 */
record Limits(int end, int minLength, int maxLength, BooleanSupplier cancelled) {
    static final int NONE = -1;

    /** The token that may not follow a sequence of this length, or {@link #NONE}. */
    int forbidden(int length) {
        return length < minLength ? end : NONE;
    }

    void check() {
        if (cancelled.getAsBoolean()) {
            throw new CancellationException("decoding was cancelled");
        }
    }
}
