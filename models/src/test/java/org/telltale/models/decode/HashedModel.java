package org.telltale.models.decode;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;

/**
 * A made-up language model: the logits after a sequence are a function of the sequence. It keeps its rows as a model
 * with a cache would, and spoils what it returned before, which is valid until the next call only.
 */
final class HashedModel implements StepFunction, AutoCloseable {
    private final Arena arena = Arena.ofConfined();
    private final int vocabulary;
    private final int end;
    private final double endBias;
    private final long seed;
    private final int coarseness;
    private int[][] rows = {};
    private HostTensor returned = HostTensor.of(arena, Shape.of(1), 0);

    /**
     * @param endBias added to the end token's logit
     * @param coarseness how many different logits there are, so that equal scores occur; 0 for any
     */
    HashedModel(int vocabulary, int end, double endBias, long seed, int coarseness) {
        this.vocabulary = vocabulary;
        this.end = end;
        this.endBias = endBias;
        this.seed = seed;
        this.coarseness = coarseness;
    }

    float[] logits(int[] ids) {
        Random random = new Random(seed * 31 + Arrays.hashCode(ids));
        float[] logits = new float[vocabulary];
        for (int t = 0; t < vocabulary; t++) {
            float logit = coarseness == 0 ? (float) random.nextGaussian() * 2 : random.nextInt(coarseness);
            logits[t] = logit + (t == end ? (float) endBias : 0);
        }
        return logits;
    }

    @Override
    public Logits start(int[] prompt) {
        rows = new int[][] {prompt.clone()};
        return logits();
    }

    @Override
    public Logits step(int[] parents, int[] tokens) {
        int[][] next = new int[tokens.length][];
        for (int i = 0; i < tokens.length; i++) {
            int[] parent = rows[parents[i]];
            next[i] = Arrays.copyOf(parent, parent.length + 1);
            next[i][parent.length] = tokens[i];
        }
        rows = next;
        return logits();
    }

    private Logits logits() {
        returned.data().fill((byte) -1);
        float[] values = new float[rows.length * vocabulary];
        for (int i = 0; i < rows.length; i++) {
            System.arraycopy(logits(rows[i]), 0, values, i * vocabulary, vocabulary);
        }
        returned = HostTensor.of(arena, Shape.of(rows.length, vocabulary), values);
        return new Logits(returned);
    }

    @Override
    public void close() {
        arena.close();
    }
}
