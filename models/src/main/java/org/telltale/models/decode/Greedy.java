package org.telltale.models.decode;

import java.util.Arrays;
import java.util.List;

/** Greedy search: the likeliest token at each step, of equal ones the lowest id. */
public record Greedy() implements Strategy {
    private static final int[] ROW_0 = {0};

    /** Chooses a token by its logits. */
    @FunctionalInterface
    interface Choice {
        /**
         * The next token.
         *
         * @param ids the sequence so far in its first {@code length} elements
         * @param forbidden a token that may not be chosen, or {@link Limits#NONE}
         */
        int choose(float[] logits, int[] ids, int length, int forbidden);
    }

    Generation generate(StepFunction model, int[] prompt, Limits limits) {
        return oneRow(model, prompt, limits, (logits, ids, length, forbidden) -> argmax(logits, forbidden));
    }

    /** The loop of every strategy that follows one sequence. */
    static Generation oneRow(StepFunction model, int[] prompt, Limits limits, Choice choice) {
        int[] ids = Arrays.copyOf(prompt, limits.maxLength());
        int length = prompt.length;
        double logProb = 0;
        limits.check();
        Logits logits = model.start(prompt.clone());
        while (true) {
            logits.require(1, limits.end());
            float[] row = new float[logits.vocabulary()];
            double logSum = logits.read(0, row);
            int token = choice.choose(row, ids, length, limits.forbidden(length));
            logProb += row[token] - logSum;
            ids[length++] = token;
            if (token == limits.end() || length == limits.maxLength()) {
                return new Generation(new Hypothesis(Arrays.copyOf(ids, length), logProb, logProb), List.of());
            }
            limits.check();
            logits = model.step(ROW_0.clone(), new int[] {token});
        }
    }

    private static int argmax(float[] logits, int forbidden) {
        int best = forbidden == 0 ? 1 : 0;
        for (int t = best + 1; t < logits.length; t++) {
            if (t != forbidden && logits[t] > logits[best]) {
                best = t;
            }
        }
        return best;
    }
}
