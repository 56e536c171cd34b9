package org.telltale.app.experiment;

import org.telltale.api.ModelOptions;
import org.telltale.app.pipeline.Terminal;

/**
 * With what an experiment is run.
 *
 * @param options of all models; EXIF orientations are as they say
 * @param verbose whether to tell of progress where there is no terminal
 */
public record Setup(Terminal terminal, ModelOptions options, String version, String commit, boolean verbose) {}
