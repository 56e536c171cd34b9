package org.telltale.app.fusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.telltale.app.data.DataException;

class SignificanceTest {
    /** From printed tables. */
    @ParameterizedTest
    @CsvSource({
        "1, 12.7062",
        "2, 4.3027",
        "3, 3.1824",
        "4, 2.7764",
        "5, 2.5706",
        "9, 2.2622",
        "10, 2.2281",
        "30, 2.0423",
        "120, 1.9799"
    })
    void quantilesOfStudentsDistributionAreThoseOfTheTables(int freedom, double t) {
        assertThat(Trials.quantile(freedom, 0.95)).isCloseTo(t, within(5e-5));
    }

    @Test
    void theIntervalOfFiveTrialsIsTheOneWorkedOutByHand() {
        Trials t = new Trials(List.of(0.70, 0.72, 0.71, 0.73, 0.69));
        assertThat(t.mean().orElseThrow()).isCloseTo(0.71, within(1e-12));
        assertThat(t.deviation().orElseThrow()).isCloseTo(Math.sqrt(0.001 / 4), within(1e-12));
        assertThat(t.margin().orElseThrow()).isCloseTo(2.776445 * Math.sqrt(0.001 / 4) / Math.sqrt(5), within(1e-7));
    }

    @Test
    void whatOneTrialOrNoneCannotTellIsAbsent() {
        assertThat(new Trials(List.of()).mean()).isEmpty();
        assertThat(new Trials(List.of(0.5)).mean()).hasValue(0.5);
        assertThat(new Trials(List.of(0.5)).deviation()).isEmpty();
        assertThat(new Trials(List.of(0.5)).margin()).isEmpty();
    }

    @Test
    void mcNemarIsTheExactBinomialTest() {
        assertThat(new McNemar(0, 0).p()).isEqualTo(1);
        assertThat(new McNemar(7, 7).p()).isEqualTo(1);
        assertThat(new McNemar(0, 5).p()).isCloseTo(2.0 / 32, within(1e-12));
        assertThat(new McNemar(10, 2).p()).isCloseTo(2.0 * (1 + 12 + 66) / 4096, within(1e-12));
        assertThat(new McNemar(2, 10).p()).isCloseTo(new McNemar(10, 2).p(), within(1e-15));
        assertThat(new McNemar(2000, 1000).p()).isBetween(0.0, 1e-70);
    }

    @Test
    void mcNemarCountsWhatOnlyOneHasRight() {
        BitSet first = BitSet.valueOf(new long[] {0b1110_0001});
        BitSet second = BitSet.valueOf(new long[] {0b1000_0111});
        assertThat(McNemar.of(first, second)).isEqualTo(new McNemar(2, 2));
        assertThat(McNemar.of(first, new BitSet())).isEqualTo(new McNemar(4, 0));
    }

    @Test
    void withOneTrialThePermutationTestIsMcNemars() {
        Random random = new Random(5);
        for (int i = 0; i < 50; i++) {
            int first = random.nextInt(60);
            int second = random.nextInt(60);
            List<Integer> differences = new ArrayList<>(List.of(0, 0, 0));
            for (int k = 0; k < first + second; k++) {
                differences.add(k < first ? 1 : -1);
            }
            assertThat(PermutationTest.p(differences)).isCloseTo(new McNemar(first, second).p(), within(1e-12));
        }
    }

    @Test
    void thePermutationTestCountsEveryChangeOfSigns() {
        Random random = new Random(6);
        for (int i = 0; i < 40; i++) {
            List<Integer> differences = random.ints(11, -3, 6).boxed().toList();
            assertThat(PermutationTest.p(differences)).isCloseTo(counted(differences), within(1e-12));
        }
    }

    private static double counted(List<Integer> differences) {
        int observed = Math.abs(differences.stream().mapToInt(d -> d).sum());
        int atLeast = 0;
        for (int signs = 0; signs < 1 << differences.size(); signs++) {
            int sum = 0;
            for (int k = 0; k < differences.size(); k++) {
                sum += (signs >> k & 1) == 0 ? differences.get(k) : -differences.get(k);
            }
            atLeast += Math.abs(sum) >= observed ? 1 : 0;
        }
        return (double) atLeast / (1 << differences.size());
    }

    /** Five trials that say the same are one trial, not five. */
    @Test
    void repeatedTrialsAddNoSignificance() {
        List<Integer> once = List.of(1, 1, 1, 1, 1, 1, -1, 0, 1);
        List<Integer> five = once.stream().map(d -> 5 * d).toList();
        assertThat(PermutationTest.p(five)).isCloseTo(PermutationTest.p(once), within(1e-12));
    }

    @Test
    void holmsCorrectionIsStepwiseAndNeverAboveOne() {
        List<Double> corrected = PermutationTest.holm(List.of(0.01, 0.04, 0.03, 0.9));
        assertThat(corrected.get(0)).isCloseTo(0.04, within(1e-12));
        assertThat(corrected.get(1)).isCloseTo(0.09, within(1e-12));
        assertThat(corrected.get(2)).isCloseTo(0.09, within(1e-12));
        assertThat(corrected.get(3)).isCloseTo(0.9, within(1e-12));
        assertThat(PermutationTest.holm(List.of(0.6, 0.7))).containsExactly(1.0, 1.0);
        assertThat(PermutationTest.holm(List.of())).isEmpty();
    }

    @Test
    void labelsThatThereAreNotAreRefused() {
        assertThatThrownBy(() -> Confusion.of(List.of("a", "b"), List.of("a"), List.of("c")))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("\"c\"");
        assertThatThrownBy(() -> Confusion.of(List.of("a"), List.of(), List.of()))
                .isInstanceOf(DataException.class);
    }
}
