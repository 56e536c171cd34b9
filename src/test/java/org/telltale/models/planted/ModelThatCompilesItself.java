package org.telltale.models.planted;

import org.telltale.engine.spi.Backend;

/** A broken rule for ArchitectureTest to find. */
final class ModelThatCompilesItself {
    private ModelThatCompilesItself() {}

    static String name(Backend backend) {
        return backend.description();
    }
}
