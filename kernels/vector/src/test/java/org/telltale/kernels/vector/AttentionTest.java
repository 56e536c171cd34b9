package org.telltale.kernels.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.telltale.kernels.vector.Trial.input;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.telltale.engine.Backward;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Fused.Masking;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Tensor;

class AttentionTest {
    private static final int W = Memory.LANES;
    private static final int[] SIZES = {1, W - 1, W, W + 1, 2 * W, 4 * W + 3};
    private static final double TOLERANCE = 3e-6;

    private static Tensor attention(int b, int tq, int tk, int heads, int d, boolean causal, int offset, Tensor... m) {
        return attention(b, tq, tk, heads, d, causal, offset, m.length == 0 ? Masking.NONE : Masking.BIAS, m);
    }

    private static Tensor attention(
            int b, int tq, int tk, int heads, int d, boolean causal, int offset, Masking masking, Tensor... m) {
        Tensor q = input("q", b, tq, heads * d);
        Tensor k = input("k", b, tk, heads * d);
        Tensor v = input("v", b, tk, heads * d);
        Fused.Attention op = new Fused.Attention(heads, (float) (1 / Math.sqrt(d)), causal, offset, masking);
        return m.length == 0 ? Tensor.of(op, q, k, v) : Tensor.of(op, q, k, v, m[0]);
    }

    @Tag("widths")
    @Test
    void allSmallSizesAreRight() {
        for (int tq : SIZES) {
            for (int tk : SIZES) {
                for (int d : SIZES) {
                    new Trial(attention(1, tq, tk, 2, d, false, 0)).agrees(TOLERANCE);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0,40,40", "5,40,45", "-3,20,20", "100,7,30", "-50,5,9"})
    void causalAttentionSeesUpToTheOffset(int offset, int tq, int tk) {
        new Trial(attention(2, tq, tk, 2, 20, true, offset)).agrees(TOLERANCE);
        Tensor bias = input("m", 2, 1, tq, tk);
        new Trial(attention(2, tq, tk, 2, 20, true, offset, bias)).agrees(TOLERANCE);
        Tensor keys = Tensor.input("m", DType.I32, 2, tk);
        new Trial(attention(2, tq, tk, 2, 20, true, offset, Masking.KEYS, keys)).agrees(TOLERANCE);
    }

    @Test
    void biasesRepeatAlongEveryAxisOfOne() {
        for (int axes = 0; axes < 16; axes++) {
            Tensor bias = input(
                    "m",
                    (axes & 1) == 0 ? 1 : 2,
                    (axes & 2) == 0 ? 1 : 3,
                    (axes & 4) == 0 ? 1 : 37,
                    (axes & 8) == 0 ? 1 : 19);
            new Trial(attention(2, 37, 19, 3, 8, false, 0, bias)).agrees(TOLERANCE);
        }
    }

    @Test
    void aQueryWithoutKeysGivesZero() {
        Trial trial =
                new Trial(attention(2, 9, 21, 2, 16, false, 0, Masking.KEYS, Tensor.input("m", DType.I32, 2, 21)));
        HostTensor mask = trial.value("m");
        for (int j = 0; j < 21; j++) {
            mask.setInt(j, 0);
        }
        trial.agrees(TOLERANCE);
        try (VectorBackend backend = new VectorBackend(1)) {
            assertThat(Arrays.copyOf(trial.run(backend), 9 * 32)).containsOnly(0);
        }
    }

    @Test
    void largeScoresDoNotOverflow() {
        Trial trial = new Trial(attention(1, 5, 40, 1, 8, false, 0));
        HostTensor q = trial.value("q");
        for (long i = 0; i < q.size(); i++) {
            q.set(i, q.get(i) * 1000);
        }
        trial.agrees(2e-3);
    }

    @ParameterizedTest
    @CsvSource({"1,128,128,3,64", "1,145,145,2,64", "2,3,577,2,64", "1,577,33,1,64"})
    void shapesOfModelsAreRight(int b, int tq, int tk, int heads, int d) {
        new Trial(attention(b, tq, tk, heads, d, false, 0)).agrees(TOLERANCE);
    }

    /** The gradient op for any y and dy. */
    private static Trial gradient(
            int b, int tq, int tk, int heads, int d, boolean causal, Masking masking, float dropout) {
        Fused.Attention op = new Fused.Attention(heads, (float) (1 / Math.sqrt(d)), causal, 2, masking, dropout, 5);
        List<Tensor> in = new ArrayList<>(
                List.of(input("q", b, tq, heads * d), input("k", b, tk, heads * d), input("v", b, tk, heads * d)));
        switch (masking) {
            case NONE -> {}
            case KEYS -> in.add(Tensor.input("m", DType.I32, b, tk));
            case BIAS -> in.add(input("m", b, 1, 1, tk));
        }
        if (dropout > 0) {
            in.add(Tensor.input("counter", DType.I32, 2));
        }
        Tensor y = Tensor.of(op, in);
        in.add(input("y", y.shape().dims()));
        in.add(input("dy", y.shape().dims()));
        return new Trial(Tensor.of(new Backward.Attention(op), in));
    }

    @Tag("widths")
    @Test
    void gradientsOfAllSmallSizesAreRight() {
        for (int tq : SIZES) {
            for (int tk : SIZES) {
                for (int d : SIZES) {
                    gradient(1, tq, tk, 2, d, false, Masking.NONE, 0).agrees(TOLERANCE);
                }
            }
        }
    }

    @Tag("widths")
    @ParameterizedTest
    @CsvSource({"2,128,128,3,64", "1,300,70,2,20", "1,37,577,2,64", "3,19,33,1,9"})
    void gradientsOfShapesOfModelsAreRight(int b, int tq, int tk, int heads, int d) {
        for (Masking masking : Masking.values()) {
            gradient(b, tq, tk, heads, d, false, masking, 0).agrees(5 * TOLERANCE);
            gradient(b, tq, tk, heads, d, false, masking, 0.1f).agrees(5 * TOLERANCE);
        }
        gradient(b, tq, tk, heads, d, true, Masking.KEYS, 0.1f).agrees(5 * TOLERANCE);
    }

    @ParameterizedTest
    @CsvSource({"1,128,128,3,64", "2,3,577,2,64", "1,61,33,1,9"})
    void dropoutDropsTheSameProbabilitiesAsTheReference(int b, int tq, int tk, int heads, int d) {
        Fused.Attention op = new Fused.Attention(heads, 0.2f, false, 0, Masking.NONE, 0.1f, 5);
        Tensor q = input("q", b, tq, heads * d);
        Tensor k = input("k", b, tk, heads * d);
        Tensor v = input("v", b, tk, heads * d);
        new Trial(Tensor.of(op, q, k, v, Tensor.input("counter", DType.I32, 2))).agrees(TOLERANCE);
    }

    private static Trial cached(int rows, int heads, int d, int slots, int columns) {
        Trial trial = new Trial(Tensor.of(
                new Fused.CachedAttention(heads, 0.3f),
                input("q", rows, heads * d),
                input("k", slots, heads * d),
                input("v", slots, heads * d),
                Tensor.input("table", DType.I32, rows, columns),
                Tensor.input("lengths", DType.I32, rows)));
        for (int r = 0; r < rows; r++) {
            trial.value("lengths").setInt(r, 1 + r * 5 % columns);
            for (int j = 0; j < columns; j++) {
                trial.value("table").setInt((long) r * columns + j, (r * 7 + j * 3) % slots);
            }
        }
        return trial;
    }

    @Tag("widths")
    @Test
    void cachedAttentionIsRightForAllSizes() {
        for (int d : SIZES) {
            for (int columns : SIZES) {
                cached(5, 3, d, 50, columns).agrees(TOLERANCE);
            }
        }
        cached(3, 12, 64, 600, 577).agrees(TOLERANCE);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 50, Integer.MAX_VALUE})
    void slotsOutsideTheCacheAreRefused(int slot) {
        Trial trial = cached(4, 2, 8, 50, 6);
        trial.value("table").setInt(6, slot);
        try (VectorBackend backend = new VectorBackend(2)) {
            assertThatThrownBy(() -> trial.run(backend))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessage("cachedAttention: the table names slot " + slot + " at [1, 0], outside 0 to 49");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 7, -1})
    void lengthsOutsideTheTableAreRefused(int length) {
        Trial trial = cached(4, 2, 8, 50, 6);
        trial.value("lengths").setInt(2, length);
        try (VectorBackend backend = new VectorBackend(2)) {
            assertThatThrownBy(() -> trial.run(backend))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessage("cachedAttention: the length of row 2 is " + length + ", outside 1 to 6");
        }
    }

    @Test
    void aRunAllocatesNothing() {
        Tensor mask = Tensor.input("m", DType.I32, 2, 60);
        assertThat(new Trial(attention(2, 50, 60, 2, 32, false, 0, Masking.KEYS, mask)).allocated())
                .isZero();
        assertThat(cached(3, 4, 32, 60, 40).allocated()).isZero();
        assertThat(gradient(2, 50, 60, 2, 32, false, Masking.KEYS, 0).allocated())
                .isZero();
        assertThat(gradient(2, 50, 60, 2, 32, false, Masking.BIAS, 0.1f).allocated())
                .isZero();
    }
}
