package org.telltale.models.decode;

import java.util.List;

/**
 * What decoding returns.
 *
 * @param best the sequence found, with the end token when it came to an end and the length allowed one
 * @param hypotheses a beam search's finished sequences, best first, at most one a beam; by the legacy rule without
 *     their end token. Empty otherwise.
 */
public record Generation(Hypothesis best, List<Hypothesis> hypotheses) {
    public Generation {
        hypotheses = List.copyOf(hypotheses);
    }

    /** The ids of the best sequence, prompt included. */
    public int[] ids() {
        return best.ids();
    }
}
