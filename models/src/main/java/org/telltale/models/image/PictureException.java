package org.telltale.models.image;

/** A picture that was read, but that this model's preprocessing cannot take, such as one of an extreme shape. */
public final class PictureException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    public PictureException(String message) {
        super(message);
    }
}
