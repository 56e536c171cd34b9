package org.telltale.models.decode;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The rule of transformers 5, SPEC §10.7: a sequence's length counts the generated tokens with the end token and without
 * the prompt, and a sequence that reaches the maximum length has ended like any other.
 */
final class ModernRule implements BeamRule {
    /** Keeps ended sequences from being continued while others are left. */
    private static final double ENDED = -1e9;

    private final RunningBeams running;
    private final Limits limits;
    private final double lengthPenalty;
    private final int promptLength;
    private final List<Hypothesis> finished = new ArrayList<>();

    ModernRule(RunningBeams running, Limits limits, double lengthPenalty) {
        this.running = running;
        this.limits = limits;
        this.lengthPenalty = lengthPenalty;
        this.promptLength = running.length();
    }

    @Override
    public RunningBeams running() {
        return running;
    }

    @Override
    public boolean advance(Candidates candidates) {
        int beams = running.beams();
        int n = candidates.size();
        boolean longest = running.length() + 1 == limits.maxLength();
        double[] keys = new double[n];
        boolean allEnded = true;
        for (int rank = 0; rank < n; rank++) {
            boolean ended = longest || candidates.token(rank) == limits.end();
            allEnded &= ended;
            keys[rank] = candidates.score(rank) + (ended ? ENDED : 0);
            if (ended && rank < beams) {
                double normalised = normalised(candidates.score(rank), running.length() + 1);
                finished.add(new Hypothesis(running.ids(candidates.beam(rank)), candidates.score(rank), normalised)
                        .append(candidates.token(rank)));
            }
        }
        finished.sort(Comparator.comparingDouble(Hypothesis::score).reversed());
        if (finished.size() > beams) {
            finished.subList(beams, finished.size()).clear();
        }
        continueWithBest(candidates, keys);
        boolean improvable = finished.size() < beams
                || normalised(running.score(0), running.length())
                        > finished.getLast().score();
        return allEnded || !improvable;
    }

    private double normalised(double logProb, int length) {
        return logProb / Math.pow(length - promptLength, lengthPenalty);
    }

    private void continueWithBest(Candidates candidates, double[] keys) {
        boolean[] taken = new boolean[keys.length];
        for (int slot = 0; slot < running.beams(); slot++) {
            int best = -1;
            for (int rank = 0; rank < keys.length; rank++) {
                if (!taken[rank] && (best < 0 || keys[rank] > keys[best])) {
                    best = rank;
                }
            }
            taken[best] = true;
            running.take(slot, candidates, best, keys[best]);
        }
        running.advance();
    }

    @Override
    public List<Hypothesis> finish() {
        return finished;
    }
}
