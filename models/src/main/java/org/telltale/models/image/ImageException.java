package org.telltale.models.image;

import java.io.IOException;

/** A file that cannot be read as a picture. The message is one line: the file, what was found, what was expected. */
public final class ImageException extends IOException {
    private static final long serialVersionUID = 1L;

    public ImageException(String message) {
        super(message);
    }

    public ImageException(String message, Throwable cause) {
        super(message, cause);
    }
}
