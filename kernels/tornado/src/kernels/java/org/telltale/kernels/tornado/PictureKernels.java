package org.telltale.kernels.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Windows over pictures [N, H, W, C]; convolutions of all channels are products, {@link MatrixKernels}. */
final class PictureKernels {
    private PictureKernels() {}

    /**
     * Every channel by itself, one item for each element of the result. at: n, x, w, bias, y, height, width, channels,
     * height, width of the result, kernel height, kernel width, strides down and across, padding above and to the left,
     * function, whether there is a bias.
     */
    static void convolveChannels(
            KernelContext context, FloatArray x, FloatArray w, FloatArray bias, FloatArray y, IntArray at) {
        int i = context.globalIdx;
        if (i < at.get(0)) {
            int height = at.get(5);
            int width = at.get(6);
            int channels = at.get(7);
            int pixel = i / channels;
            int channel = i - pixel * channels;
            int line = pixel / at.get(9);
            int picture = line / at.get(8);
            int top = (line - picture * at.get(8)) * at.get(12) - at.get(14);
            int left = (pixel - line * at.get(9)) * at.get(13) - at.get(15);
            int across = at.get(11);
            float sum = 0f;
            for (int r = 0; r < at.get(10); r++) {
                for (int c = 0; c < across; c++) {
                    int h = top + r;
                    int v = left + c;
                    if (h >= 0 && h < height && v >= 0 && v < width) {
                        sum += x.get(at.get(1) + ((picture * height + h) * width + v) * channels + channel)
                                * w.get(at.get(2) + (channel * at.get(10) + r) * across + c);
                    }
                }
            }
            if (at.get(17) == 1) {
                sum += bias.get(at.get(3) + channel);
            }
            y.set(at.get(4) + i, ScalarMath.apply(at.get(16), sum));
        }
    }

    /**
     * Maximum (kind 0), mean of the real elements (1) or of the window (2). at: n, x, y, kind, height, width, channels,
     * height, width of the result, kernel height, kernel width, strides down and across, padding above and to the left.
     */
    static void poolWindows(KernelContext context, FloatArray x, FloatArray y, IntArray at) {
        int i = context.globalIdx;
        if (i < at.get(0)) {
            int height = at.get(4);
            int width = at.get(5);
            int channels = at.get(6);
            int pixel = i / channels;
            int line = pixel / at.get(8);
            int picture = line / at.get(7);
            int top = (line - picture * at.get(7)) * at.get(11) - at.get(13);
            int left = (pixel - line * at.get(8)) * at.get(12) - at.get(14);
            float sum = 0f;
            float most = -3.4028235e38f;
            int real = 0;
            for (int r = 0; r < at.get(9); r++) {
                for (int c = 0; c < at.get(10); c++) {
                    int h = top + r;
                    int v = left + c;
                    if (h >= 0 && h < height && v >= 0 && v < width) {
                        float value = x.get(
                                at.get(1) + ((picture * height + h) * width + v) * channels + i - pixel * channels);
                        sum += value;
                        most = value > most ? value : most;
                        real++;
                    }
                }
            }
            float result = most;
            if (at.get(3) == 1) {
                result = sum / real;
            } else if (at.get(3) == 2) {
                result = sum / (at.get(9) * at.get(10));
            }
            y.set(at.get(2) + i, result);
        }
    }

    /**
     * The windows of pictures. at: n, x, padding value, y, height, width, channels, height, width of the result, kernel
     * height, kernel width, strides down and across, padding above and to the left.
     */
    static void unfoldWindows(KernelContext context, FloatArray x, FloatArray numbers, FloatArray y, IntArray at) {
        int i = context.globalIdx;
        if (i < at.get(0)) {
            int channels = at.get(6);
            int taps = at.get(9) * at.get(10);
            int place = i / channels;
            int pixel = place / taps;
            int tap = place - pixel * taps;
            int line = pixel / at.get(8);
            int picture = line / at.get(7);
            int h = (line - picture * at.get(7)) * at.get(11) - at.get(13) + tap / at.get(10);
            int v = (pixel - line * at.get(8)) * at.get(12) - at.get(14) + tap % at.get(10);
            float value = numbers.get(at.get(2));
            if (h >= 0 && h < at.get(4) && v >= 0 && v < at.get(5)) {
                value = x.get(
                        at.get(1) + ((picture * at.get(4) + h) * at.get(5) + v) * channels + i - place * channels);
            }
            y.set(at.get(3) + i, value);
        }
    }

    /**
     * Every window's elements added where they came from, one item for each element of the pictures. at: n, x, y, height,
     * width, channels of the pictures, height, width of the windows, kernel height, kernel width, strides down and across,
     * padding above and to the left.
     */
    static void foldWindows(KernelContext context, FloatArray x, FloatArray y, IntArray at) {
        int i = context.globalIdx;
        if (i < at.get(0)) {
            int channels = at.get(5);
            int pixel = i / channels;
            int line = pixel / at.get(4);
            int picture = line / at.get(3);
            int h = line - picture * at.get(3) + at.get(12);
            int v = pixel - line * at.get(4) + at.get(13);
            float sum = 0f;
            for (int r = 0; r < at.get(8); r++) {
                for (int c = 0; c < at.get(9); c++) {
                    int down = (h - r) / at.get(10);
                    int across = (v - c) / at.get(11);
                    if (h >= r
                            && v >= c
                            && down * at.get(10) == h - r
                            && across * at.get(11) == v - c
                            && down < at.get(6)
                            && across < at.get(7)) {
                        int window = (picture * at.get(6) + down) * at.get(7) + across;
                        sum += x.get(at.get(1)
                                + ((window * at.get(8) + r) * at.get(9) + c) * channels
                                + i
                                - pixel * channels);
                    }
                }
            }
            y.set(at.get(2) + i, sum);
        }
    }
}
