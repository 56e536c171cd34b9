package org.telltale.engine.spi;

/** A graph that a device cannot run: too large for its memory, or of an op or a precision that it has no kernels for. */
public final class DeviceLimitException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public DeviceLimitException(String message) {
        super(message);
    }
}
