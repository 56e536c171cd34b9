package org.telltale.engine.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.spi.NaiveBackend;
import org.telltale.engine.testing.Values;

class DropoutTest {
    private final Tensor counter = Tensor.input("counter", DType.I32, 2);
    private final Tensor ones = Tensor.fill(1, 100, 50);

    private float[] run(Tensor t, int seed, int step) {
        try (NaiveBackend backend = new NaiveBackend();
                Executable e = backend.compile(Graph.of("dropout", t), new Values(Map.of()), CompileOptions.DEFAULT)) {
            e.input("counter").setInts(new int[] {seed, step});
            e.run();
            return e.output(0).toFloats();
        }
    }

    @Test
    void theRateOfElementsIsZeroAndTheOthersAreScaledUp() {
        float[] y = run(Dropout.of(ones, 0.2f, counter, 3), 1, 7);
        int dropped = 0;
        for (float v : y) {
            assertThat(v == 0 || v == 1.25f).as("%s", v).isTrue();
            dropped += v == 0 ? 1 : 0;
        }
        // five standard deviations of the binomial distribution
        assertThat(dropped / 5000.0).isCloseTo(0.2, within(0.028));
    }

    @Test
    void theMaskIsAFunctionOfSeedStepAndSalt() {
        Tensor y = Dropout.of(ones, 0.5f, counter, 3);
        float[] mask = run(y, 1, 7);
        assertThat(run(y, 1, 7)).isEqualTo(mask);
        assertThat(run(y, 2, 7)).isNotEqualTo(mask);
        assertThat(run(y, 1, 8)).isNotEqualTo(mask);
        assertThat(run(Dropout.of(ones, 0.5f, counter, 4), 1, 7)).isNotEqualTo(mask);
    }

    @Test
    void aPathIsDroppedForWholeRows() {
        float[] y = run(Dropout.path(ones, 0.5f, counter, 0), 5, 0);
        int dropped = 0;
        for (int row = 0; row < 100; row++) {
            for (int i = 0; i < 50; i++) {
                assertThat(y[row * 50 + i]).isEqualTo(y[row * 50]);
            }
            dropped += y[row * 50] == 0 ? 1 : 0;
        }
        assertThat(dropped).isBetween(25, 75);
    }

    @Test
    void withoutARateNothingIsDrawn() {
        assertThat(Dropout.of(ones, 0, counter, 0)).isSameAs(ones);
        assertThat(Dropout.path(ones, 0, counter, 0)).isSameAs(ones);
    }

    @Test
    void attentionWithoutDropoutIsTheOpOfInference() {
        Tensor x = Tensor.input("x", DType.F32, 1, 3, 8);
        Tensor mask = Tensor.input("mask", DType.I32, 1, 3);
        Tensor plain = Attention.masked(x, x, x, mask, 2);
        assertThat(Attention.masked(x, x, x, mask, 2, 0, counter, 4).op()).isEqualTo(plain.op());
        assertThat(Attention.masked(x, x, x, mask, 2, 0.1f, counter, 4).inputs())
                .endsWith(mask, counter);
    }
}
