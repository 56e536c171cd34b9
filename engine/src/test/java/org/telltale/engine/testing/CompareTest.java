package org.telltale.engine.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class CompareTest {
    private static final float NAN = Float.NaN;
    private static final float INF = Float.POSITIVE_INFINITY;

    @Test
    void theWorstElementIsNamedWithItsCoordinates() {
        float[] expected = {1, 2, 3, 4, 5, 6};
        float[] actual = {1, 2, 3.1f, 4, 5, 6.5f};
        assertThatThrownBy(() -> Compare.assertClose("x", actual, expected, new int[] {2, 3}, 0.01, 0))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("x: 2 of 6 elements of [2, 3] differ; the worst at [1, 2] is 6.5, expected 6.0");
    }

    @Test
    void differencesUpToTheToleranceAreAllowed() {
        assertThatCode(() -> compare(100.5f, 100, 0.25, 0.0025)).doesNotThrowAnyException();
        assertThatThrownBy(() -> compare(100.5f, 100, 0.2, 0.0025)).isInstanceOf(AssertionError.class);
    }

    @Test
    void nanAndInfinityEqualOnlyThemselves() {
        assertThatCode(() -> compare(NAN, NAN, 0, 0)).doesNotThrowAnyException();
        assertThatCode(() -> compare(INF, INF, 0, 0)).doesNotThrowAnyException();
        assertThatThrownBy(() -> compare(NAN, 1, 10, 10)).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> compare(1, NAN, 10, 10)).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> compare(1, INF, 10, 10)).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> compare(INF, -INF, 10, 10)).isInstanceOf(AssertionError.class);
    }

    @Test
    void anotherNumberOfElementsIsAnError() {
        assertThatThrownBy(() -> Compare.assertClose("x", new float[3], new float[4], new int[] {4}, 1, 1))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("3 values");
    }

    @Test
    void theRmsOfTheReferenceScalesTheTolerance() {
        float[] expected = {30, 40};
        assertThat(Compare.rms(expected)).isEqualTo(Math.sqrt(1250));
        float[] actual = {30.03f, 40};
        assertThatCode(() -> Compare.assertCloseToRms("x", actual, expected, new int[] {2}, 1e-3, 0))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> Compare.assertCloseToRms("x", actual, expected, new int[] {2}, 8e-4, 0))
                .isInstanceOf(AssertionError.class);
    }

    @Test
    void aProbeHoldsEvenlySpacedElements() {
        float[] values = {0, 1, 2, 3, 4, 5, 6};
        assertThat(Compare.probe(values, 3)).containsExactly(0, 2, 4);
        assertThat(Compare.probe(values, 7)).containsExactly(values);
        assertThatThrownBy(() -> Compare.assertProbe("x", values, new float[] {0, 2, 5}, 0.5, 0))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("[2]");
    }

    @Test
    void momentsAreThoseOfTheWholeTensor() {
        Golden.Tolerance exact = new Golden.Tolerance(0, 1e-12);
        float[] values = {1, 2, 2};
        assertThatCode(() -> Compare.assertMoments("x", values, 5 / 3.0, exact, 3, exact))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> Compare.assertMoments("x", values, 5 / 3.0, exact, 3.1, exact))
                .hasMessageContaining("L2 norm");
    }

    @Test
    void tolerancesAreLookedUpByTheFirstMatchingPattern() {
        JsonNode table = new JsonMapper().readTree("""
                {"decoder.*.logits": [4e-4, 1e-5], "decoder.*": {"atol": 4e-5, "rtol": 2e-5}, "cache.*key|cache.*value": [3e-5, 0]}""");
        assertThat(Golden.tolerance(table, "decoder.text.logits")).isEqualTo(new Golden.Tolerance(4e-4, 1e-5));
        assertThat(Golden.tolerance(table, "decoder.text.layer.0")).isEqualTo(new Golden.Tolerance(4e-5, 2e-5));
        assertThat(Golden.tolerance(table, "cache.layer.1.cross_value")).isEqualTo(new Golden.Tolerance(3e-5, 0));
        assertThatThrownBy(() -> Golden.tolerance(table, "vision")).hasMessageContaining("vision");
        assertThat(Golden.matches("layer.*", "layerx0")).isFalse();
    }

    private static void compare(float actual, float expected, double atol, double rtol) {
        Compare.assertClose("x", new float[] {actual}, new float[] {expected}, new int[] {1}, atol, rtol);
    }
}
