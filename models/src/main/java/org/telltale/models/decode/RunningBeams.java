package org.telltale.models.decode;

import java.util.Arrays;

/** The open sequences of a beam search, all of one length. */
final class RunningBeams {
    /** Marks beams that hold nothing yet: at the first step all are alike, so only one may be continued. */
    private static final double EMPTY = -1e9;

    private final double[] scores;
    private final double[] nextScores;
    private final int[] parents;
    private final int[] tokens;
    private int[][] ids;
    private int[][] nextIds;
    private int length;

    RunningBeams(int beams, int[] prompt, int maxLength) {
        scores = new double[beams];
        Arrays.fill(scores, 1, beams, EMPTY);
        nextScores = new double[beams];
        parents = new int[beams];
        tokens = new int[beams];
        ids = new int[beams][];
        Arrays.setAll(ids, beam -> Arrays.copyOf(prompt, maxLength));
        nextIds = new int[beams][maxLength];
        length = prompt.length;
    }

    int beams() {
        return scores.length;
    }

    int length() {
        return length;
    }

    double score(int beam) {
        return scores[beam];
    }

    double[] scores() {
        return scores;
    }

    /** For each beam the one that it continues, as of the step before. */
    int[] parents() {
        return parents;
    }

    /** The last token of each beam. */
    int[] tokens() {
        return tokens;
    }

    /** A copy of a beam's ids. */
    int[] ids(int beam) {
        return Arrays.copyOf(ids[beam], length);
    }

    /** Makes a candidate, with another score if need be, a beam of the next step. */
    void take(int slot, Candidates candidates, int rank, double score) {
        int parent = candidates.beam(rank);
        parents[slot] = parent;
        tokens[slot] = candidates.token(rank);
        nextScores[slot] = score;
        System.arraycopy(ids[parent], 0, nextIds[slot], 0, length);
        nextIds[slot][length] = tokens[slot];
    }

    /** Goes on to the beams that were taken: every slot must have been. */
    void advance() {
        int[][] old = ids;
        ids = nextIds;
        nextIds = old;
        System.arraycopy(nextScores, 0, scores, 0, scores.length);
        length++;
    }
}
