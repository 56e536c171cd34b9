package org.telltale.models.decode;

import java.util.List;

/**
 * Beam search, SPEC §10.7. Its captions and scores equal those of the original libraries, which differ from each other
 * in how they count length and when they stop.
 *
 * @param beams how many sequences are followed. The legacy library turned to greedy search for one beam; this is the
 *     algorithm itself
 * @param lengthPenalty the power of the length that a log-probability is divided by: 1 is the average per token, not
 *     "no penalty"
 */
public record BeamSearch(int beams, double lengthPenalty, Rule rule) implements Strategy {
    /** Whose beam search. */
    public enum Rule {
        /** transformers 4.15 to 4.26, which the paper's captions were made with. */
        LEGACY,
        /** transformers 5. */
        MODERN
    }

    /** More beams than anyone searches with would only exhaust the memory of the model's caches. */
    private static final int MAX_BEAMS = 1024;

    public BeamSearch {
        if (beams < 1 || beams > MAX_BEAMS || !Double.isFinite(lengthPenalty)) {
            throw new IllegalArgumentException("beam search takes 1 to " + MAX_BEAMS
                    + " beams and a finite length penalty, not " + beams + " and " + lengthPenalty);
        }
    }

    /** By the legacy rule with length penalty 1. */
    public static BeamSearch of(int beams) {
        return new BeamSearch(beams, 1, Rule.LEGACY);
    }

    public BeamSearch lengthPenalty(double power) {
        return new BeamSearch(beams, power, rule);
    }

    public BeamSearch rule(Rule other) {
        return new BeamSearch(beams, lengthPenalty, other);
    }

    Generation generate(StepFunction model, int[] prompt, Limits limits) {
        RunningBeams running = new RunningBeams(beams, prompt, limits.maxLength());
        BeamRule state = switch (rule) {
            case LEGACY -> new LegacyRule(running, limits, lengthPenalty);
            case MODERN -> new ModernRule(running, limits, lengthPenalty);
        };
        Candidates candidates = new Candidates(2 * beams);
        limits.check();
        Logits logits = model.start(prompt.clone()).require(1, limits.end());
        if (logits.vocabulary() < 2) {
            throw new IllegalArgumentException("beam search needs a vocabulary of at least 2 tokens");
        }
        boolean first = true;
        while (true) {
            candidates.collect(logits, running.scores(), limits.forbidden(running.length()));
            if (state.advance(candidates)) {
                break;
            }
            limits.check();
            // The first step's beams all continue the prompt's one row.
            int[] parents = first ? new int[beams] : running.parents().clone();
            first = false;
            logits = model.step(parents, running.tokens().clone()).require(beams, limits.end());
        }
        List<Hypothesis> hypotheses = state.finish();
        Hypothesis best = hypotheses.getFirst();
        boolean open = rule == Rule.LEGACY && best.length() < limits.maxLength();
        return new Generation(open ? best.append(limits.end()) : best, hypotheses);
    }
}
