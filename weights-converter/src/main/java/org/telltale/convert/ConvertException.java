package org.telltale.convert;

import org.jspecify.annotations.Nullable;

/** A checkpoint that cannot be converted; one line that names the file, what was found and what was expected. */
public final class ConvertException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ConvertException(String message) {
        super(message);
    }

    public ConvertException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
