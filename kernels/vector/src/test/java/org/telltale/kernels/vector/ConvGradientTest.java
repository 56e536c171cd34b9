package org.telltale.kernels.vector;

import static org.telltale.kernels.vector.Trial.input;
import static org.telltale.kernels.vector.Trial.weight;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.telltale.engine.Backward;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;

/** Gradients of convolutions at extents with several parts, blocks and groups of panels, for any number of threads. */
class ConvGradientTest {
    private static final int W = Memory.LANES;

    private static Tensor gradient(String name, int n, int extent, Window w, int channels) {
        return input(name, n, w.outHeight(extent), w.outWidth(extent), channels);
    }

    @ParameterizedTest
    @CsvSource({
        "3,23,40,24,1,1",
        "3,23,24,40,1,1",
        "1,9,40,24,1,1",
        "1,9,24,70,1,1",
        "3,23,3,33,3,1",
        "2,41,3,8,3,2",
        "1,10,24,7,3,1",
        "4,23,5,64,1,2",
        "0,9,8,8,1,1",
        "0,9,8,8,3,1"
    })
    void weightsAreRight(int n, int extent, int in, int out, int kernel, int stride) {
        Window w = Window.same(kernel, stride, extent, extent);
        Tensor x = input("x", n, extent, extent, in);
        new Trial(Tensor.of(new Backward.ConvWeight(w, 1), x, gradient("dy", n, extent, w, out))).agrees(1e-4);
    }

    @ParameterizedTest
    @CsvSource({"3,23,40,24,1,1", "1,9,24,70,1,1", "2,9,5,8,3,2", "0,9,8,8,1,1"})
    void picturesAreRight(int n, int extent, int in, int out, int kernel, int stride) {
        Window w = Window.same(kernel, stride, extent, extent);
        Tensor dy = gradient("dy", n, extent, w, out);
        Backward op = new Backward.ConvInput(w, 1, extent, extent);
        new Trial(Tensor.of(op, input("w", out, in, kernel, kernel), dy)).agrees(5e-5);
        new Trial(Tensor.of(op, weight("w", out, in, kernel, kernel), dy)).agrees(5e-5);
    }

    @Tag("widths")
    @Test
    void everyDepthwiseWindowIsRightForAllCountsOfChannels() {
        Window[] windows = {
            Window.valid(1, 1),
            Window.valid(3, 1),
            Window.same(3, 1, 19, 19),
            Window.same(3, 2, 19, 19),
            Window.same(3, 2, 20, 20),
            Window.same(5, 1, 19, 19),
            Window.same(5, 2, 19, 19),
            new Window(1, 7, 1, 1, 0, 0, 3, 3),
            new Window(2, 3, 2, 1, 4, 0, 0, 5)
        };
        for (Window w : windows) {
            for (int c : new int[] {1, W - 1, W, W + 1, 2 * W, 4 * W + 3}) {
                for (int extent : new int[] {5, 19}) {
                    Tensor x = input("x", 2, extent, extent, c);
                    Tensor dy = gradient("dy", 2, extent, w, c);
                    int kh = w.kernelHeight();
                    int kw = w.kernelWidth();
                    Backward pictures = new Backward.ConvInput(w, c, extent, extent);
                    new Trial(Tensor.of(new Backward.ConvWeight(w, c), x, dy)).agrees(5e-5);
                    new Trial(Tensor.of(pictures, input("w", c, 1, kh, kw), dy)).agrees(5e-6);
                    new Trial(Tensor.of(pictures, weight("w", c, 1, kh, kw), dy)).agrees(5e-6);
                }
            }
        }
    }

    @Test
    void noPicturesGiveNoGradient() {
        Window w = Window.same(3, 1, 9, 9);
        Tensor dy = gradient("dy", 0, 9, w, 8);
        new Trial(Tensor.of(new Backward.ConvWeight(w, 8), input("x", 0, 9, 9, 8), dy)).agrees(1e-6);
    }
}
