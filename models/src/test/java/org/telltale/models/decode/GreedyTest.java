package org.telltale.models.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class GreedyTest {
    private static final int END = 3;
    private static final int[] PROMPT = {7, 1, 4};

    @Test
    void eachTokenIsTheLikeliestAndOfEqualOnesTheLowest() {
        for (int coarseness : new int[] {0, 3}) {
            try (HashedModel model = new HashedModel(20, END, -30, 5, coarseness)) {
                Generation g = GenerationOptions.greedy().maxLength(12).generate(model, PROMPT, END);
                int[] ids = g.ids();
                assertThat(ids).hasSize(12).startsWith(PROMPT);
                double logProb = 0;
                for (int n = PROMPT.length; n < ids.length; n++) {
                    float[] logits = model.logits(Arrays.copyOf(ids, n));
                    int best = 0;
                    double sum = 0;
                    for (int t = 0; t < logits.length; t++) {
                        best = logits[t] > logits[best] ? t : best;
                        sum += Math.exp(logits[t]);
                    }
                    assertThat(ids[n]).isEqualTo(best);
                    logProb += logits[best] - Math.log(sum);
                }
                assertThat(g.best().logProb()).isCloseTo(logProb, within(1e-9));
                assertThat(g.best().score()).isEqualTo(g.best().logProb());
                assertThat(g.hypotheses()).isEmpty();
            }
        }
    }

    @Test
    void theEndTokenComesOnlyOnceTheMinimumIsReachedAndThenStays() {
        try (HashedModel model = new HashedModel(20, END, 30, 5, 0)) {
            GenerationOptions options = GenerationOptions.greedy().maxLength(12);
            assertThat(options.minLength(0).generate(model, PROMPT, END).ids()).containsExactly(7, 1, 4, END);
            assertThat(options.minLength(6).generate(model, PROMPT, END).ids())
                    .hasSize(7)
                    .endsWith(END);
            assertThat(options.minLength(99).generate(model, PROMPT, END).ids())
                    .hasSize(12)
                    .doesNotContain(END);
        }
    }

    @Test
    void tokenZeroMayBeTheEndToken() {
        try (HashedModel model = new HashedModel(20, 0, 30, 5, 0)) {
            assertThat(GenerationOptions.greedy()
                            .minLength(5)
                            .generate(model, PROMPT, 0)
                            .ids())
                    .hasSize(6)
                    .endsWith(0);
        }
    }
}
