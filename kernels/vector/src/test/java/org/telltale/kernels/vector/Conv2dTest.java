package org.telltale.kernels.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.telltale.kernels.vector.Trial.input;
import static org.telltale.kernels.vector.Trial.weight;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;

class Conv2dTest {
    private static final int W = Memory.LANES;
    private static final int[] CHANNELS = {1, 3, W - 1, W, W + 1, 2 * W, 4 * W + 3};

    private static final Window[] WINDOWS = {
        Window.valid(1, 1),
        Window.valid(1, 2),
        Window.valid(3, 1),
        Window.same(3, 1, 9, 11),
        Window.same(3, 2, 9, 11),
        Window.same(5, 1, 9, 11),
        Window.same(5, 2, 9, 11),
        new Window(1, 7, 1, 1, 0, 0, 3, 3),
        new Window(2, 3, 2, 1, 4, 0, 0, 5)
    };

    private static Tensor convolution(Window w, int groups, Activation a, Tensor... in) {
        return Tensor.of(new Fused.Conv2d(w, groups, a), in);
    }

    @Tag("widths")
    @Test
    void everyWindowIsRightForAllCountsOfChannels() {
        for (Window w : WINDOWS) {
            for (int c : CHANNELS) {
                int o = CHANNELS[(c + 3) % CHANNELS.length];
                Tensor weight = weight("w", o, c, w.kernelHeight(), w.kernelWidth());
                Tensor y = convolution(w, 1, Activation.RELU6, input("x", 2, 9, 11, c), weight, weight("b", o));
                new Trial(y).agrees(3e-5);
            }
        }
    }

    @Tag("widths")
    @Test
    void everyDepthwiseWindowIsRightForAllCountsOfChannels() {
        for (Window w : WINDOWS) {
            for (int c : CHANNELS) {
                Tensor weight = weight("w", c, 1, w.kernelHeight(), w.kernelWidth());
                Tensor y = convolution(w, c, Activation.SILU, input("x", 2, 9, 11, c), weight, weight("b", c));
                new Trial(y).agrees(2e-6);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"35,16,24,3,2", "14,96,160,1,1", "7,200,320,1,1", "17,3,32,3,2", "8,64,48,3,1"})
    void shapesOfModelsAreRight(int extent, int in, int out, int kernel, int stride) {
        Window w = Window.same(kernel, stride, extent, extent);
        Tensor y = convolution(
                w, 1, Activation.RELU, input("x", 1, extent, extent, in), weight("w", out, in, kernel, kernel));
        new Trial(y).agrees(5e-5);
    }

    /** Lines so long that emitted code reads the picture where it lies, with what is cut left, right, above and below. */
    @ParameterizedTest
    @CsvSource({
        "3, 3, 1, 1, 1, 1, 1, 1", "3, 3, 2, 2, 0, 1, 0, 1", "5, 5, 1, 1, 2, 2, 2, 2", "7, 1, 1, 1, 3, 3, 0, 0",
        "1, 7, 1, 1, 0, 0, 3, 3", "2, 3, 2, 1, 4, 0, 0, 5", "3, 2, 1, 2, 0, 6, 5, 0", "3, 3, 1, 1, 0, 0, 0, 0"
    })
    void longLinesAreRight(int high, int across, int down, int right, int top, int bottom, int left, int end) {
        Window w = new Window(high, across, down, right, top, bottom, left, end);
        for (int c : new int[] {1, 3, 16, 33}) {
            for (int o : new int[] {5, 32, 67}) {
                Tensor x = input("x", 2, 9, 61, c);
                Tensor weight = weight("w", o, c, high, across);
                new Trial(convolution(w, 1, Activation.RELU6, x, weight, weight("b", o))).agrees(3e-5);
            }
        }
    }

    /** Lines shorter than a tile's worth of whole windows, and so many columns that panels take turns. */
    @ParameterizedTest
    @CsvSource({"8, 3, 3", "8, 3, 1", "8, 1, 3", "11, 5, 5", "17, 1, 7", "17, 7, 1", "25, 3, 3", "5, 3, 1"})
    void shortLinesAreRight(int width, int high, int across) {
        Window w = new Window(high, across, 1, 1, high / 2, high / 2, across / 2, across / 2);
        for (int c : new int[] {1, 17, 48}) {
            for (int o : new int[] {5, 64, 131}) {
                Tensor x = input("x", 3, 7, width, c);
                Tensor weight = weight("w", o, c, high, across);
                new Trial(convolution(w, 1, Activation.SILU, x, weight, weight("b", o))).agrees(5e-5);
            }
        }
        Window wide = new Window(high, across, 2, 2, high - 1, 0, 0, across - 1);
        new Trial(convolution(
                        wide, 1, Activation.NONE, input("x", 2, 7, 2 * width, 24), weight("w", 70, 24, high, across)))
                .agrees(5e-5);
    }

    @Test
    void windowsThatLieInThePaddingAreRight() {
        Window w = new Window(3, 3, 1, 1, 1, 1, 13, 0);
        new Trial(convolution(w, 1, Activation.NONE, input("x", 2, 7, 5, 24), weight("w", 70, 24, 3, 3))).agrees(5e-5);
        Window away = new Window(1, 3, 1, 9, 0, 0, 80, 0);
        new Trial(convolution(away, 1, Activation.NONE, input("x", 1, 7, 5, 24), weight("w", 70, 24, 1, 3)))
                .agrees(5e-5);
    }

    /** What only a concatenation reads is computed into it; what others read too, and what cannot, is copied. */
    @Test
    void partsOfAConcatenationAreRight() {
        for (int c : new int[] {3, 16, 33}) {
            Tensor x = input("x", 2, 9, 11, c);
            Tensor one = convolution(Window.valid(1, 1), 1, Activation.RELU, x, weight("a", 5, c, 1, 1));
            Tensor two = convolution(
                    Window.same(3, 1, 9, 11), 1, Activation.NONE, x, weight("b", 40, c, 3, 3), weight("d", 40));
            Tensor both = convolution(Window.valid(1, 1), 1, Activation.NONE, x, weight("e", 7, c, 1, 1));
            Tensor largest = Tensor.of(new Fused.Pool(Fused.PoolKind.MAX, Window.same(3, 1, 9, 11)), x);
            Tensor mean = Tensor.of(new Fused.Pool(Fused.PoolKind.MEAN_OF_REAL, Window.same(3, 1, 9, 11)), one.exp());
            Tensor inner = Tensor.concat(3, two, largest);
            new Trial(Tensor.concat(3, one.square(), inner, both, mean, x)
                            .add(both.sum(3).reshape(2, 9, 11, 1)))
                    .agrees(5e-5);
        }
    }

    @Test
    void weightsMayBeKnownOnlyAtRunTime() {
        Window w = Window.same(3, 1, 6, 6);
        new Trial(convolution(w, 1, Activation.NONE, input("x", 1, 6, 6, 5), input("w", 7, 5, 3, 3))).agrees(2e-5);
        new Trial(convolution(w, 5, Activation.NONE, input("x", 1, 6, 6, 5), input("w", 5, 1, 3, 3))).agrees(2e-6);
        Window line = Window.same(3, 1, 6, 40);
        new Trial(convolution(line, 1, Activation.NONE, input("x", 1, 6, 40, 5), input("w", 7, 5, 3, 3))).agrees(2e-5);
    }

    @Test
    void foldedBatchNormalisationIsRight() {
        Window w = Window.same(3, 1, 6, 6);
        for (int groups : new int[] {1, 20}) {
            Tensor y = convolution(
                    w, groups, Activation.NONE, input("x", 2, 6, 6, 20), weight("w", 20, 20 / groups, 3, 3));
            Tensor variance = weight("v", 20).square();
            Tensor n = Tensor.of(
                    new Fused.BatchNorm(1), y, weight("s", 20), weight("t", 20), weight("m", 20), weight("v", 20));
            new Trial(n.mul(variance).activate(Activation.RELU6)).agrees(5e-5);
        }
    }

    @Test
    void otherGroupsAreLowered() {
        new Trial(convolution(
                        Window.same(3, 2, 8, 8), 2, Activation.RELU, input("x", 1, 8, 8, 6), weight("w", 8, 3, 3, 3)))
                .agrees(2e-5);
    }

    @ParameterizedTest
    @CsvSource({"1,32,1,20", "1,40,3,20", "40,40,3,20", "1,24,3,40"})
    void aRunAllocatesNothing(int groups, int channels, int kernel, int extent) {
        Tensor y = convolution(
                Window.same(kernel, 1, extent, extent),
                groups,
                Activation.RELU6,
                input("x", 1, extent, extent, channels),
                weight("w", channels, channels / groups, kernel, kernel));
        assertThat(new Trial(y).allocated()).isZero();
    }
}
