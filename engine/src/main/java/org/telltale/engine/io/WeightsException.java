package org.telltale.engine.io;

import org.jspecify.annotations.Nullable;

/** A checkpoint that cannot be read or written; one line that names the file, what was found and what was expected. */
public final class WeightsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public WeightsException(String message) {
        super(message);
    }

    public WeightsException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
