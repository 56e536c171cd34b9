package org.telltale.api;

/** Neither a model folder nor a model of the local Hugging Face cache; the message says where it was looked for. */
public final class ModelNotFoundException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ModelNotFoundException(String message) {
        super(message);
    }
}
