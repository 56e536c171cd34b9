package org.telltale.models;

/** A configuration file that is missing, malformed, or of another architecture. */
public final class ConfigException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    public ConfigException(String message) {
        super(message);
    }
}
