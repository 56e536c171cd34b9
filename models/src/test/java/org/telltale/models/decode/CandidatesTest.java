package org.telltale.models.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;

/** The best candidates against a sort of all of them, with vocabularies of several blocks. */
class CandidatesTest {
    private static final int BEAMS = 8;
    private static final int VOCABULARY = 3 * Logits.BLOCK + 17;
    private static final int FORBIDDEN = Logits.BLOCK;

    private record Candidate(double score, int beam, int token) {}

    @Test
    void theyEqualTheFirstOfAllInOrderToTheLastBit() {
        Random random = new Random(1);
        for (double spread : new double[] {0, 1, 6, 60, 1e9}) {
            for (boolean ties : new boolean[] {false, true}) {
                for (int round = 0; round < 20; round++) {
                    double[] scores = new double[BEAMS];
                    for (int beam = 0; beam < BEAMS; beam++) {
                        scores[beam] = -5 - spread * (ties ? beam / 2 : beam + random.nextDouble()) / BEAMS;
                    }
                    compare(logits(random, ties), scores);
                }
            }
        }
    }

    /** Some tokens far above the others, as a language model's. */
    private static float[] logits(Random random, boolean ties) {
        float[] values = new float[BEAMS * VOCABULARY];
        for (int i = 0; i < values.length; i++) {
            float value = (float) (2 * random.nextGaussian()) + (random.nextInt(200) == 0 ? 9 : 0);
            values[i] = ties ? Math.round(value) : value;
        }
        return values;
    }

    private static void compare(float[] values, double[] scores) {
        List<Candidate> all = new ArrayList<>();
        for (int beam = 0; beam < BEAMS; beam++) {
            double max = Double.NEGATIVE_INFINITY;
            for (int token = 0; token < VOCABULARY; token++) {
                max = Math.max(max, values[beam * VOCABULARY + token]);
            }
            double sum = 0;
            for (int token = 0; token < VOCABULARY; token++) {
                sum += Math.exp(values[beam * VOCABULARY + token] - max);
            }
            double base = scores[beam] - (max + Math.log(sum));
            for (int token = 0; token < VOCABULARY; token++) {
                double score = token == FORBIDDEN ? Double.NEGATIVE_INFINITY : base + values[beam * VOCABULARY + token];
                all.add(new Candidate(score, beam, token));
            }
        }
        all.sort(Comparator.comparingDouble(Candidate::score)
                .reversed()
                .thenComparingInt(Candidate::beam)
                .thenComparingInt(Candidate::token));
        try (Arena arena = Arena.ofConfined()) {
            Candidates candidates = new Candidates(2 * BEAMS);
            Logits logits = new Logits(HostTensor.of(arena, Shape.of(BEAMS, VOCABULARY), values));
            candidates.collect(logits, scores, FORBIDDEN);
            List<Candidate> best = new ArrayList<>();
            for (int rank = 0; rank < candidates.size(); rank++) {
                best.add(new Candidate(candidates.score(rank), candidates.beam(rank), candidates.token(rank)));
            }
            assertThat(best).isEqualTo(all.subList(0, 2 * BEAMS));
        }
    }

    @Test
    void aSumStopsOnceItIsEnoughAndOnlyThen() {
        float[] flat = new float[VOCABULARY];
        assertThat(Logits.logSum(0, flat, 0, VOCABULARY + 1)).isEqualTo(Math.log(VOCABULARY));
        assertThat(Logits.logSum(0, flat, 0, Logits.BLOCK)).isInfinite();
    }

    @Test
    void aBeamWithoutHopeMustStillBeADistribution() {
        float[] values = logits(new Random(1), false);
        values[values.length - 1] = Float.NaN;
        double[] scores = new double[BEAMS];
        scores[BEAMS - 1] = -1e9;
        try (Arena arena = Arena.ofConfined()) {
            Logits logits = new Logits(HostTensor.of(arena, Shape.of(BEAMS, VOCABULARY), values));
            assertThatThrownBy(() -> new Candidates(2 * BEAMS).collect(logits, scores, FORBIDDEN))
                    .isInstanceOf(LogitsException.class)
                    .hasMessageContaining("row " + (BEAMS - 1));
        }
    }
}
