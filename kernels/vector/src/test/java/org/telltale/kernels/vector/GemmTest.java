package org.telltale.kernels.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.telltale.kernels.vector.Trial.input;
import static org.telltale.kernels.vector.Trial.weight;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;

class GemmTest {
    private static final int W = Memory.LANES;
    private static final int[] SIZES = {1, W - 1, W, W + 1, 2 * W, 4 * W + 3};

    /** The error of a sum of this many products of numbers in -1 to 1. */
    private static double tolerance(int depth) {
        return 1e-6 * Math.sqrt(depth) + 1e-6;
    }

    private static Tensor linear(Activation a, Tensor... in) {
        return Tensor.of(new Fused.Linear(a), in);
    }

    @Tag("widths")
    @Test
    void linearIsRightForAllSmallSizes() {
        for (int m : SIZES) {
            for (int n : SIZES) {
                for (int k : SIZES) {
                    Tensor y = linear(Activation.NONE, input("x", m, k), weight("w", n, k), weight("b", n));
                    new Trial(y).agrees(tolerance(k));
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1,768,768", "3,768,1000", "64,385,96", "97,768,50", "193,1000,33", "577,64,40", "5,2,3001"})
    void linearIsRightForShapesOfModels(int m, int k, int n) {
        new Trial(linear(Activation.NONE, input("x", 1, m, k), weight("w", n, k), weight("b", n))).agrees(tolerance(k));
    }

    @ParameterizedTest
    @EnumSource
    void everyActivationFollowsTheBias(Activation activation) {
        Tensor few = linear(activation, input("x", 3, 2, 70), weight("w", 37, 70), weight("b", 37));
        new Trial(few).agrees(tolerance(70));
        Tensor many = linear(activation, input("x", 200, 400), weight("w", 300, 400));
        new Trial(many).agrees(tolerance(400));
    }

    @Tag("widths")
    @Test
    void everyTransposeIsRight() {
        for (boolean ta : new boolean[] {false, true}) {
            for (boolean tb : new boolean[] {false, true}) {
                for (int m : SIZES) {
                    for (int n : SIZES) {
                        int k = m + n - 1;
                        Tensor a = ta ? input("a", k, m) : input("a", m, k);
                        Tensor b = tb ? input("b", n, k) : input("b", k, n);
                        new Trial(a.matmul(b, ta, tb)).agrees(tolerance(k));
                    }
                }
                Tensor a = ta ? input("a", 2, 3, 29, 101) : input("a", 2, 3, 101, 29);
                Tensor b = tb ? input("b", 2, 3, 35, 29) : input("b", 2, 3, 29, 35);
                new Trial(a.matmul(b, ta, tb)).agrees(tolerance(29));
            }
        }
    }

    @Test
    void aTransposedOperandOfSeveralSlabsAndBlocksIsRight() {
        new Trial(input("a", 1100, 310).matmul(input("b", 1100, 77), true, false)).agrees(tolerance(1100));
        new Trial(input("a", 2, 1030, 20).matmul(input("b", 2, 1030, 9), true, false)).agrees(tolerance(1030));
    }

    @Test
    void matricesShareAnOperandOfTwoAxes() {
        new Trial(input("a", 3, 2, 5, 30).matmul(weight("b", 30, 21))).agrees(tolerance(30));
        new Trial(input("a", 3, 2, 5, 30).matmul(weight("b", 21, 30), false, true)).agrees(tolerance(30));
        new Trial(input("a", 3, 2, 5, 30).matmul(input("b", 30, 21))).agrees(tolerance(30));
    }

    @Test
    void aWeightComputedFromWeightsIsPackedOnce() {
        new Trial(linear(Activation.NONE, input("x", 9, 40), weight("w", 50, 40).mul(weight("s", 50, 1))))
                .agrees(tolerance(40));
    }

    @Test
    void emptyProductsAreEmptyAndEmptySumsAreZero() {
        new Trial(input("a", 0, 4).matmul(input("b", 4, 3))).agrees(1e-6);
        new Trial(input("a", 3, 4).matmul(input("b", 4, 0))).agrees(1e-6);
        new Trial(linear(Activation.SIGMOID, input("x", 5, 0), weight("w", 9, 0), weight("b", 9))).agrees(1e-6);
    }

    @ParameterizedTest
    @CsvSource({"7,300,250", "200,500,64"})
    void aRunAllocatesNothing(int m, int k, int n) {
        Tensor y = linear(Activation.GELU_ERF, input("x", m, k), weight("w", n, k), weight("b", n));
        assertThat(new Trial(y).allocated()).isZero();
    }

    @Tag("widths")
    @Test
    void bf16RoundsOperandsOfProductsAndNothingElse() {
        for (int m : new int[] {1, 2, 3, 5, 100}) {
            for (int n : new int[] {1, 2 * W, 9 * W + 1}) {
                Tensor y = linear(Activation.NONE, input("x", m, 401), weight("w", n, 401), weight("b", n));
                new Trial(y).keepsWeightsAsBf16();
            }
        }
        // more than a slab of the depth
        new Trial(linear(Activation.NONE, input("x", 100, 2101), weight("w", 40, 2101))).keepsWeightsAsBf16();
        Tensor picture = input("x", 1, 9, 9, 3);
        Tensor convolution = Tensor.of(
                new Fused.Conv2d(org.telltale.engine.Window.same(3, 1, 9, 9), 1, Activation.NONE),
                picture,
                weight("w", 8, 3, 3, 3));
        new Trial(convolution).keepsWeightsAsBf16();
    }

    @Test
    void bf16IsTheNearestTiesToEven() {
        float[][] pairs = {
            {1f, 1f},
            {1.00390625f, 1f},
            {1.01171875f, 1.015625f},
            {Math.nextUp(1.00390625f), 1.0078125f},
            {-0f, -0f},
            {Float.MAX_VALUE, Float.POSITIVE_INFINITY},
            {Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY}
        };
        for (float[] pair : pairs) {
            short half = Bfloat16.round(Float.floatToRawIntBits(pair[0]));
            assertThat(Float.floatToRawIntBits(Float.intBitsToFloat(half << 16)))
                    .as("%s", pair[0])
                    .isEqualTo(Float.floatToRawIntBits(pair[1]));
        }
        for (int nan : new int[] {0x7FC00000, 0x7F800001, 0xFFFFFFFF}) {
            assertThat(Float.intBitsToFloat(Bfloat16.round(nan) << 16)).isNaN();
        }
    }

    @Tag("widths")
    @Test
    void bf16RoundsOperandsThatAreKnownOnlyAtARun() {
        for (boolean ta : new boolean[] {false, true}) {
            for (boolean tb : new boolean[] {false, true}) {
                for (int m : new int[] {1, 3, W + 1, 101}) {
                    for (int n : new int[] {1, 2 * W, 9 * W + 1}) {
                        for (int k : new int[] {1, 2, 31, 33, 401}) {
                            roundedProduct(m, k, n, ta, tb);
                        }
                    }
                }
                // several slabs of the depth, and blocks of rows
                roundedProduct(301, 2101, 40, ta, tb);
            }
        }
    }

    private static void roundedProduct(int m, int k, int n, boolean ta, boolean tb) {
        Tensor a = ta ? input("a", k, m) : input("a", m, k);
        Tensor b = tb ? input("b", n, k) : input("b", k, n);
        new Trial(a.matmul(b, ta, tb))
                .isTheProductOfRounded((r, t) -> ta ? t * m + r : r * k + t, (t, c) -> tb ? c * k + t : t * n + c, k);
    }

    @Test
    void bf16LeavesProductsOfManyMatricesAlone() {
        Tensor many = input("a", 1, 33, 70).matmul(input("b", 1, 70, 50));
        new Trial(many).isTheSameInBf16();
    }

    @Test
    void bf16KeepsOperandsThatAreNoNumbers() {
        Trial trial = new Trial(input("a", 1, 40).matmul(input("b", 40, 64)));
        float[] odd = {Float.NaN, Float.POSITIVE_INFINITY, Float.MAX_VALUE, Float.intBitsToFloat(0xFFFFFFFF)};
        for (int i = 0; i < odd.length; i++) {
            trial.value("b").set(64L * i + i, odd[i]);
            trial.value("a").set(i, 1);
        }
        float[] y = trial.bf16(2);
        assertThat(y[0]).isNaN();
        assertThat(y[1]).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(y[2]).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(y[3]).isNaN();
        assertThat(y[4]).isFinite();
    }
}
