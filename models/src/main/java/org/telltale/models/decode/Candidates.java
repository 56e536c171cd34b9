package org.telltale.models.decode;

/**
 * The best continuations of all beams at one step, best first; of equal scores the lower beam and then the lower token
 * comes first.
 *
 * <p>They are kept in a bounded heap with the worst at its root. A block of tokens none of which is better is dropped at
 * one comparison, and so is a beam, as soon as the sum of its exponentials says that all of it is worse. What is kept does
 * not depend on that. Reused from step to step.
 */
final class Candidates {
    private static final double ROUNDING = 1e-12;

    private final double[] scores;
    private final int[] beams;
    private final int[] tokens;
    private int size;

    /** One beam's logits, and the greatest of each block of them. */
    private float[] row = new float[0];

    private float[] peaks = new float[0];

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
        if (row.length != logits.vocabulary()) {
            row = new float[logits.vocabulary()];
            peaks = new float[(row.length + Logits.BLOCK - 1) / Logits.BLOCK];
        }
        float max = 0;
        double logSum = 0;
        for (int beam = 0; beam < beamScores.length; beam++) {
            if (beam < logits.rows()) {
                logits.copy(beam, row);
                for (int i = 0; i < peaks.length; i++) {
                    peaks[i] = Logits.max(row, i * Logits.BLOCK, Math.min((i + 1) * Logits.BLOCK, row.length));
                }
                max = Logits.max(peaks);
                logSum = Logits.logSum(beam, row, max, hopeless(beamScores[beam], max));
            }
            double base = beamScores[beam] - logSum;
            for (int i = 0; i < peaks.length; i++) {
                if (size < scores.length || base + peaks[i] > scores[0]) {
                    offer(base, beam, i * Logits.BLOCK, forbidden);
                }
            }
        }
        sort();
    }

    /**
     * The sum of exponentials of logit less maximum that makes even a row's likeliest token worse than all candidates so
     * far, whose score is the beam's less the sum's logarithm. With room for the rounding of all that is computed.
     */
    private double hopeless(double beamScore, float max) {
        return size < scores.length
                ? Double.POSITIVE_INFINITY
                : Math.exp(beamScore - scores[0] + ROUNDING * (1 + Math.abs(beamScore) + Math.abs(max)));
    }

    /** Offers the tokens of a block of the row. */
    private void offer(double base, int beam, int begin, int forbidden) {
        int end = Math.min(begin + Logits.BLOCK, row.length);
        for (int token = begin; token < end; token++) {
            double score = base + row[token];
            // Equal scores lose: what is in the heap already has the lower beam or token.
            if (size < scores.length || score > scores[0]) {
                offer(token == forbidden ? Double.NEGATIVE_INFINITY : score, beam, token);
            }
        }
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
