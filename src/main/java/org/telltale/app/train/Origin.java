package org.telltale.app.train;

import java.nio.file.Path;
import java.util.Map;
import org.telltale.engine.HostTensor;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import tools.jackson.databind.node.ObjectNode;

/** What a run starts from, and what becomes of it in the end. */
public sealed interface Origin permits Parent, CaptionParent, CaptionedParent {
    /** The model folder or id that it began with. */
    String model();

    /** Hexadecimal SHA-256 of the files that training starts from, by name. */
    Map<String, String> sha256();

    /** What a run says of it. */
    ObjectNode describe();

    /** The parameters and graphs of a run. */
    Learner learner(Backend backend, CompileOptions options, Recipe recipe, long seed);

    /**
     * Writes a model folder.
     *
     * @param card its README.md
     */
    void export(Path to, Map<String, HostTensor> tensors, String card);
}
