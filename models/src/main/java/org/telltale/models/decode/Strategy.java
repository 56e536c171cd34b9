package org.telltale.models.decode;

/** How the next token is chosen. */
public sealed interface Strategy permits Greedy, BeamSearch, Sampling {}
