package org.telltale.app.data;

/** A file of records or labels that cannot be read or written; one line that names the file and, where known, the line. */
public final class DataException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public DataException(String message) {
        super(message);
    }

    public DataException(String message, Throwable cause) {
        super(message, cause);
    }
}
