package org.telltale.models.decode;

/**
 * The best continuations of all beams at one step, best first; of equal scores the lower beam and then the lower token
 * comes first.
 *
 * <p>They are kept in a bounded heap with the worst at its root, so that of beams x vocabulary scores nearly all are
 * dropped at one comparison. Reused from step to step.
 */
final class Candidates {
    private final double[] scores;
    private final int[] beams;
    private final int[] tokens;
    private int size;

    Candidates(int capacity) {
        scores = new double[capacity];
        beams = new int[capacity];
        tokens = new int[capacity];
    }

    int size() {
        return size;
    }

    /** The sum of the log-probabilities of the tokens after the prompt, this one included. */
    double score(int rank) {
        return scores[rank];
    }

    int beam(int rank) {
        return beams[rank];
    }

    int token(int rank) {
        return tokens[rank];
    }

    /**
     * Collects the best continuations.
     *
     * @param logits one row for each beam, or a single one that all share
     * @param beamScores each beam's log-probability so far
     * @param forbidden a token that no beam may continue with, or {@link Limits#NONE}
     */
    void collect(Logits logits, double[] beamScores, int forbidden) {
        clear();
        float[] row = new float[logits.vocabulary()];
        double logSum = 0;
        float max = 0;
        for (int beam = 0; beam < beamScores.length; beam++) {
            if (beam < logits.rows()) {
                logSum = logits.read(beam, row);
                max = Logits.max(row);
            }
            double base = beamScores[beam] - logSum;
            if (size == scores.length && base + max <= scores[0]) {
                continue;
            }
            for (int token = 0; token < row.length; token++) {
                double score = base + row[token];
                // Equal scores lose: what is in the heap already has the lower beam or token.
                if (size == scores.length && score <= scores[0]) {
                    continue;
                }
                offer(token == forbidden ? Double.NEGATIVE_INFINITY : score, beam, token);
            }
        }
        sort();
    }

    void clear() {
        size = 0;
    }

    /** Adds a candidate that comes after all earlier ones in beam and token. */
    void offer(double score, int beam, int token) {
        if (size < scores.length) {
            int hole = size++;
            while (hole > 0 && isWorse(score, beam, token, (hole - 1) / 2)) {
                move((hole - 1) / 2, hole);
                hole = (hole - 1) / 2;
            }
            set(hole, score, beam, token);
        } else if (score > scores[0]) {
            sink(score, beam, token, size);
        }
    }

    /** Heap sort: the worst goes to the end again and again. */
    void sort() {
        for (int end = size - 1; end > 0; end--) {
            double score = scores[end];
            int beam = beams[end];
            int token = tokens[end];
            move(0, end);
            sink(score, beam, token, end);
        }
    }

    /** Puts a candidate in the place of the root of a heap of {@code length}. */
    private void sink(double score, int beam, int token, int length) {
        int hole = 0;
        while (true) {
            int child = 2 * hole + 1;
            if (child >= length) {
                break;
            }
            if (child + 1 < length && isWorse(scores[child + 1], beams[child + 1], tokens[child + 1], child)) {
                child++;
            }
            if (isWorse(score, beam, token, child)) {
                break;
            }
            move(child, hole);
            hole = child;
        }
        set(hole, score, beam, token);
    }

    private boolean isWorse(double score, int beam, int token, int than) {
        if (score != scores[than]) {
            return score < scores[than];
        }
        return beam != beams[than] ? beam > beams[than] : token > tokens[than];
    }

    private void move(int from, int to) {
        set(to, scores[from], beams[from], tokens[from]);
    }

    private void set(int at, double score, int beam, int token) {
        scores[at] = score;
        beams[at] = beam;
        tokens[at] = token;
    }
}
