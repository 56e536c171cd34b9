package org.telltale.models.decode;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/**
 * The rule of transformers 4.15 to 4.26, SPEC §10.7: a sequence's length counts the prompt and not the end token, and an
 * end token counts as an end only among the best candidates, one for each beam.
 */
final class LegacyRule implements BeamRule {
    private final RunningBeams running;
    private final Limits limits;
    private final double lengthPenalty;
    private final List<Hypothesis> heap = new ArrayList<>();
    private double worst = Double.POSITIVE_INFINITY;
    private boolean done;

    LegacyRule(RunningBeams running, Limits limits, double lengthPenalty) {
        this.running = running;
        this.limits = limits;
        this.lengthPenalty = lengthPenalty;
    }

    @Override
    public RunningBeams running() {
        return running;
    }

    @Override
    public boolean advance(Candidates candidates) {
        int beams = running.beams();
        int slot = 0;
        for (int rank = 0; slot < beams; rank++) {
            if (candidates.token(rank) != limits.end()) {
                running.take(slot++, candidates, rank, candidates.score(rank));
            } else if (rank < beams) {
                add(running.ids(candidates.beam(rank)), candidates.score(rank));
            }
        }
        // The original compares with the length before this step's token, and with candidates that have ended too.
        done = heap.size() == beams && worst >= normalised(candidates.score(0));
        running.advance();
        return done || running.length() == limits.maxLength();
    }

    private double normalised(double logProb) {
        return logProb / Math.pow(running.length(), lengthPenalty);
    }

    private void add(int[] ids, double logProb) {
        double score = normalised(logProb);
        boolean full = heap.size() == running.beams();
        if (full && score <= worst) {
            return;
        }
        heap.add(new Hypothesis(ids, logProb, score));
        if (full) {
            // The first of equal ones, as min returns.
            heap.remove(Collections.min(heap, Comparator.comparingDouble(Hypothesis::score)));
            worst = heap.stream().mapToDouble(Hypothesis::score).min().orElseThrow();
        } else {
            worst = Math.min(worst, score);
        }
    }

    /** Of equal scores the one added last comes first. */
    @Override
    public List<Hypothesis> finish() {
        if (!done) {
            for (int beam = 0; beam < running.beams(); beam++) {
                add(running.ids(beam), running.score(beam));
            }
        }
        List<Hypothesis> sorted = new ArrayList<>(heap);
        sorted.sort(Comparator.comparingDouble(Hypothesis::score));
        return sorted.reversed();
    }

    int heapSize() {
        return heap.size();
    }

    /** The lowest score of the heap; infinite while it is empty. */
    double worst() {
        return worst;
    }
}
