package org.telltale.models.text;

/** A tokenizer's file that is missing or cannot be what it should be; the message begins with the file. */
public final class TokenizerException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public TokenizerException(String message) {
        super(message);
    }

    public TokenizerException(String message, Throwable cause) {
        super(message, cause);
    }
}
