package org.telltale.models.decode;

import java.util.Arrays;
import java.util.List;

/** Greedy search: the likeliest token at each step, of equal ones the lowest id. */
public record Greedy() implements Strategy {
    private static final int[] ROW_0 = {0};

    /** Chooses a token from row 0 of the logits. */
    @FunctionalInterface
    interface Choice {
        /**
         * The next token.
         *
         * @param ids the sequence so far in its first {@code length} elements
         * @param forbidden a token that may not be chosen, or {@link Limits#NONE}
         */
        int choose(Logits logits, int[] ids, int length, int forbidden);
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
            double logSum = logits.logSum(0);
            int token = choice.choose(logits, ids, length, limits.forbidden(length));
            logProb += logits.get(0, token) - logSum;
            ids[length++] = token;
            if (token == limits.end() || length == limits.maxLength()) {
                return new Generation(new Hypothesis(Arrays.copyOf(ids, length), logProb, logProb), List.of());
            }
            limits.check();
            logits = model.step(ROW_0.clone(), new int[] {token});
        }
    }

    private static int argmax(Logits logits, int forbidden) {
        int best = forbidden == 0 ? 1 : 0;
        for (int t = best + 1; t < logits.vocabulary(); t++) {
            if (t != forbidden && logits.get(0, t) > logits.get(0, best)) {
                best = t;
            }
        }
        return best;
    }
}
