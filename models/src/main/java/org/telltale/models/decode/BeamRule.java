package org.telltale.models.decode;

import java.util.List;

/** What a beam search does with each step's candidates: which go on, which have ended, and when it is over. */
sealed interface BeamRule permits LegacyRule, ModernRule {
    /** Takes the candidates of one step, twice as many as beams; true when the search is over. */
    boolean advance(Candidates candidates);

    RunningBeams running();

    /** The finished sequences, best first, once the search is over. */
    List<Hypothesis> finish();
}
