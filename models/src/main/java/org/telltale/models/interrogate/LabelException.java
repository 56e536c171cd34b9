package org.telltale.models.interrogate;

/** A list of labels, or a table of their vectors, that cannot be used; the message begins with the file. */
public final class LabelException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public LabelException(String message) {
        super(message);
    }

    public LabelException(String message, Throwable cause) {
        super(message, cause);
    }
}
