package org.telltale.models.decode;

import java.util.Arrays;

/**
 * Nucleus sampling, SPEC §10.7: on the raw logits, in this order, the repetition penalty (prompt included), the minimum
 * length, the temperature, top-k and top-p, and then one draw. What is left before the draw equals transformers'
 * ({@code SamplingGoldenTest}); the draw is our own.
 *
 * <p>Draw n takes its number from (seed, n) alone, by SplitMix64: the same seed and the same logits give the same
 * sequence on every machine.
 *
 * @param topK how many tokens may be drawn, and all that equal the last of them; 0 for all
 * @param topP the likeliest tokens are kept until their probabilities reach this; 1 for all
 * @param repetitionPenalty a token that the sequence holds has its logit divided by this when it is positive, multiplied
 *     when it is negative; 1 for none
 * @param temperature logits are divided by this; 1 for none
 */
public record Sampling(long seed, int topK, double topP, double repetitionPenalty, double temperature)
        implements Strategy {
    public Sampling {
        if (topK < 0
                || !(topP > 0 && topP <= 1)
                || !(repetitionPenalty > 0 && repetitionPenalty < Double.POSITIVE_INFINITY)
                || !(temperature > 0 && temperature < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("sampling wants topK >= 0, 0 < topP <= 1, and a repetition penalty and a"
                    + " temperature above 0, not " + topK + ", " + topP + ", " + repetitionPenalty + ", "
                    + temperature);
        }
    }

    /** The original BLIP's: top-k 50 (the library's default), top-p 0.9, repetition penalty 1.1, temperature 1. */
    public static Sampling of(long seed) {
        return new Sampling(seed, 50, 0.9, 1.1, 1);
    }

    public Sampling topK(int tokens) {
        return new Sampling(seed, tokens, topP, repetitionPenalty, temperature);
    }

    public Sampling topP(double probability) {
        return new Sampling(seed, topK, probability, repetitionPenalty, temperature);
    }

    public Sampling repetitionPenalty(double penalty) {
        return new Sampling(seed, topK, topP, penalty, temperature);
    }

    public Sampling temperature(double degrees) {
        return new Sampling(seed, topK, topP, repetitionPenalty, degrees);
    }

    Generation generate(StepFunction model, int[] prompt, Limits limits) {
        return Greedy.oneRow(
                model,
                prompt,
                limits,
                (logits, ids, length, forbidden) ->
                        draw(probabilities(logits, ids, length, forbidden), uniform(length - prompt.length)));
    }

    /** The distribution that the next token is drawn from: 0 where a token was removed. */
    double[] probabilities(float[] logits, int[] ids, int length, int forbidden) {
        float[] scores = logits.clone();
        // From the raw logit, so a token that occurs twice is penalised once.
        for (int i = 0; i < length; i++) {
            float raw = logits[ids[i]];
            float penalty = (float) repetitionPenalty;
            scores[ids[i]] = raw < 0 ? raw * penalty : raw / penalty;
        }
        if (forbidden != Limits.NONE) {
            scores[forbidden] = Float.NEGATIVE_INFINITY;
        }
        if (temperature != 1) {
            for (int t = 0; t < scores.length; t++) {
                scores[t] /= (float) temperature;
            }
        }
        return nucleus(scores, ascending(scores));
    }

    /** Tokens by score, lowest first, of equal scores the lowest id first, as sortable keys with the id below. */
    private static long[] ascending(float[] scores) {
        long[] keys = new long[scores.length];
        for (int t = 0; t < scores.length; t++) {
            // Adding 0 makes a negative zero positive; flipping a negative's bits makes the order that of the floats.
            int bits = Float.floatToIntBits(scores[t] + 0f);
            keys[t] = (long) (bits ^ ((bits >> 31) & Integer.MAX_VALUE)) << 32 | t;
        }
        Arrays.sort(keys);
        return keys;
    }

    private double[] nucleus(float[] scores, long[] order) {
        int n = scores.length;
        int from = 0;
        if (topK > 0 && topK < n) {
            float kth = scores[(int) order[n - topK]];
            for (from = n - topK; from > 0 && scores[(int) order[from - 1]] == kth; from--) {}
        }
        float max = scores[(int) order[n - 1]];
        double[] probabilities = new double[n];
        double sum = 0;
        for (int i = from; i < n; i++) {
            int t = (int) order[i];
            probabilities[t] = Math.exp(scores[t] - max);
            sum += probabilities[t];
        }
        double removed = 0;
        if (topP < 1) {
            double below = 0;
            for (int i = from; i < n - 1; i++) {
                int t = (int) order[i];
                below += probabilities[t] / sum;
                if (below > 1 - topP) {
                    break;
                }
                removed += probabilities[t];
                probabilities[t] = 0;
            }
        }
        for (int t = 0; t < n; t++) {
            probabilities[t] /= sum - removed;
        }
        return probabilities;
    }

    private static int draw(double[] probabilities, double uniform) {
        double left = uniform;
        int last = 0;
        for (int t = 0; t < probabilities.length; t++) {
            if (probabilities[t] > 0) {
                last = t;
                left -= probabilities[t];
                if (left < 0) {
                    break;
                }
            }
        }
        return last;
    }

    /** A number from 0 (inclusive) to 1 (exclusive): output n of SplitMix64. */
    private double uniform(int n) {
        long z = seed + (n + 1) * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return ((z ^ (z >>> 31)) >>> 11) * 0x1p-53;
    }
}
