package org.telltale.app.data;

/** Nothing to read where an input was named. */
public final class InputNotFoundException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public InputNotFoundException(String message) {
        super(message);
    }
}
