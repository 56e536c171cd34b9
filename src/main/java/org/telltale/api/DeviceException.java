package org.telltale.api;

/** No such device, or one that cannot be used here; the message says why. */
public final class DeviceException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public DeviceException(String message) {
        super(message);
    }
}
