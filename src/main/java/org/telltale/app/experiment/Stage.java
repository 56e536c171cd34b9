package org.telltale.app.experiment;

import java.util.Locale;

/** The parts of an experiment, in their order; fusion and the report follow from them. */
public enum Stage {
    CAPTIONS,
    TEXT,
    IMAGE;

    /** As folders and options write it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
