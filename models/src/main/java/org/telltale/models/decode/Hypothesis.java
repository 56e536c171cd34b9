package org.telltale.models.decode;

import java.util.Arrays;

/** A token sequence that decoding found, and what the model thinks of it. Immutable. */
public final class Hypothesis {
    private final int[] ids;
    private final double logProb;
    private final double score;

    Hypothesis(int[] ids, double logProb, double score) {
        this.ids = ids.clone();
        this.logProb = logProb;
        this.score = score;
    }

    /** A copy of the token ids, prompt included. */
    public int[] ids() {
        return ids.clone();
    }

    /** The natural log-probability of the tokens after the prompt: the sum over them. */
    public double logProb() {
        return logProb;
    }

    /** What decoding ranks by: a beam search's length-normalised log-probability, otherwise {@link #logProb}. */
    public double score() {
        return score;
    }

    Hypothesis append(int token) {
        int[] longer = Arrays.copyOf(ids, ids.length + 1);
        longer[ids.length] = token;
        return new Hypothesis(longer, logProb, score);
    }

    int length() {
        return ids.length;
    }

    @Override
    public String toString() {
        return Arrays.toString(ids) + " score " + score;
    }
}
