package org.telltale.models.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;

class SamplingTest {
    private static final int END = 3;
    private static final int[] PROMPT = {7, 1, 4};
    private static final Sampling PLAIN = new Sampling(1, 0, 1, 1, 1);

    @Test
    void theSameSeedGivesTheSameSequence() {
        Set<List<Integer>> sequences = new HashSet<>();
        for (int seed = 0; seed < 20; seed++) {
            try (HashedModel model = new HashedModel(20, END, -30, 5, 0)) {
                GenerationOptions options = GenerationOptions.sampling(seed).maxLength(10);
                int[] ids = options.generate(model, PROMPT, END).ids();
                assertThat(options.generate(model, PROMPT, END).ids()).isEqualTo(ids);
                sequences.add(Arrays.stream(ids).boxed().toList());
            }
        }
        assertThat(sequences).hasSizeGreaterThan(15);
    }

    /** The chi-square statistic of 5 degrees of freedom is above 20.5 once in a thousand. */
    @Test
    void tokensAreDrawnAsOftenAsTheyAreLikely() {
        float[] logits = {0, 1, 2, -1, 0.5f, -2};
        double[] expected = probabilities(PLAIN, logits, Limits.NONE);
        int[] counts = new int[logits.length];
        int draws = 60_000;
        try (Arena arena = Arena.ofConfined()) {
            Logits row = new Logits(HostTensor.of(arena, Shape.of(1, logits.length), logits));
            StepFunction model = new StepFunction() {
                @Override
                public Logits start(int[] prompt) {
                    return row;
                }

                @Override
                public Logits step(int[] parents, int[] tokens) {
                    return row;
                }
            };
            for (int seed = 0; seed < draws; seed++) {
                Generation one = GenerationOptions.of(new Sampling(seed, 0, 1, 1, 1))
                        .minLength(0)
                        .maxNewTokens(1)
                        .generate(model, new int[] {0}, 5);
                counts[one.ids()[1]]++;
            }
        }
        double chiSquare = 0;
        for (int t = 0; t < counts.length; t++) {
            double e = expected[t] * draws;
            chiSquare += (counts[t] - e) * (counts[t] - e) / e;
        }
        assertThat(chiSquare).isLessThan(20.5);
    }

    @Test
    void theRepetitionPenaltyDividesPositiveLogitsAndMultipliesNegativeOnesOnce() {
        float[] logits = {2, -2, 1, 0};
        double[] p = probabilities(PLAIN.repetitionPenalty(2), logits, Limits.NONE, 0, 1, 0);
        double[] expected = softmax(1, -4, 1, 0);
        for (int t = 0; t < 4; t++) {
            assertThat(p[t]).isCloseTo(expected[t], within(1e-9));
        }
    }

    @Test
    void theTemperatureDividesLogits() {
        double[] p = probabilities(PLAIN.temperature(2), new float[] {2, -2, 1, 0}, Limits.NONE);
        double[] expected = softmax(1, -1, 0.5, 0);
        for (int t = 0; t < 4; t++) {
            assertThat(p[t]).isCloseTo(expected[t], within(1e-9));
        }
    }

    @Test
    void tokensEqualToTheLastOfTheTopSurvive() {
        assertThat(probabilities(PLAIN.topK(2), new float[] {1, 3, 1, 0, 1}, Limits.NONE))
                .satisfies(p -> assertThat(p[3]).isZero())
                .satisfies(p -> assertThat(p[0]).isPositive().isEqualTo(p[2]).isEqualTo(p[4]));
    }

    @Test
    void negativeZeroEqualsZero() {
        assertThat(probabilities(PLAIN.topK(1), new float[] {-0f, 0f, -1}, Limits.NONE))
                .containsExactly(0.5, 0.5, 0);
    }

    @Test
    void theLikeliestTokenIsAlwaysKept() {
        assertThat(probabilities(PLAIN.topP(1e-9), new float[] {1, 3, 2}, Limits.NONE))
                .containsExactly(0, 1, 0);
    }

    @Test
    void aForbiddenEndIsNeverDrawn() {
        assertThat(probabilities(PLAIN, new float[] {1, 30, 1}, 1)).containsExactly(0.5, 0, 0.5);
    }

    @Test
    void settingsThatMeanNothingAreRefused() {
        assertThatThrownBy(() -> PLAIN.topP(0)).hasMessageContaining("topP");
        assertThatThrownBy(() -> PLAIN.topP(Double.NaN)).hasMessageContaining("topP");
        assertThatThrownBy(() -> PLAIN.topK(-1)).hasMessageContaining("topK");
        assertThatThrownBy(() -> PLAIN.temperature(0)).hasMessageContaining("temperature");
        assertThatThrownBy(() -> PLAIN.repetitionPenalty(Double.POSITIVE_INFINITY))
                .hasMessageContaining("penalty");
    }

    private static double[] probabilities(Sampling sampling, float[] logits, int forbidden, int... ids) {
        return sampling.probabilities(logits, ids, ids.length, forbidden);
    }

    private static double[] softmax(double... logits) {
        double sum = 0;
        double[] p = new double[logits.length];
        for (int t = 0; t < p.length; t++) {
            p[t] = Math.exp(logits[t]);
            sum += p[t];
        }
        for (int t = 0; t < p.length; t++) {
            p[t] /= sum;
        }
        return p;
    }
}
