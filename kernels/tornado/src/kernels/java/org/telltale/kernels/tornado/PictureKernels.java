package org.telltale.kernels.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Windows over pictures [N, H, W, C]. */
final class PictureKernels {
    private PictureKernels() {}

    /**
     * activation(convolution + bias) as a product whose left operand is gathered from the pictures, by the tiles of {@link
     * MatrixKernels}: a row is a pixel of the result, the depth goes over taps and, within, channels. at: pixels, outputs,
     * depth, x, w, bias, y, height, width, channels of the pictures, height, width of the result, kernel width, strides down
     * and across, padding above and to the left, the steps of w from output to output, channel to channel, tap to tap,
     * function, whether there is a bias.
     */
    static void convolveWindows(
            KernelContext context, FloatArray x, FloatArray w, FloatArray bias, FloatArray y, IntArray at) {
        int tx = context.localIdx;
        int ty = context.localIdy;
        int item = ty * 16 + tx;
        int row = context.groupIdy * 64;
        int column = context.groupIdx * 64;
        int rows = at.get(0);
        int columns = at.get(1);
        int depth = at.get(2);
        int height = at.get(7);
        int width = at.get(8);
        int channels = at.get(9);
        int across = at.get(11);
        int kernel = at.get(12);
        float[] lefts = context.allocateFloatLocalArray(1024);
        float[] rights = context.allocateFloatLocalArray(1024);
        float s00 = 0f;
        float s01 = 0f;
        float s02 = 0f;
        float s03 = 0f;
        float s10 = 0f;
        float s11 = 0f;
        float s12 = 0f;
        float s13 = 0f;
        float s20 = 0f;
        float s21 = 0f;
        float s22 = 0f;
        float s23 = 0f;
        float s30 = 0f;
        float s31 = 0f;
        float s32 = 0f;
        float s33 = 0f;
        for (int from = 0; from < depth; from += 16) {
            for (int e = item; e < 1024; e += 256) {
                int i = e / 16;
                int k = e % 16;
                int pixel = row + i;
                int tap = (from + k) / channels;
                int channel = from + k - tap * channels;
                float value = 0f;
                if (pixel < rows && from + k < depth) {
                    int line = pixel / across;
                    int picture = line / at.get(10);
                    int h = (line - picture * at.get(10)) * at.get(13) - at.get(15) + tap / kernel;
                    int v = (pixel - line * across) * at.get(14) - at.get(16) + tap % kernel;
                    if (h >= 0 && h < height && v >= 0 && v < width) {
                        value = x.get(at.get(3) + ((picture * height + h) * width + v) * channels + channel);
                    }
                }
                lefts[k * 64 + i] = value;
                i = e % 64;
                k = e / 64;
                tap = (from + k) / channels;
                channel = from + k - tap * channels;
                value = 0f;
                if (column + i < columns && from + k < depth) {
                    value = w.get(at.get(4) + (column + i) * at.get(17) + channel * at.get(18) + tap * at.get(19));
                }
                rights[k * 64 + i] = value;
            }
            context.localBarrier();
            float t00 = 0f;
            float t01 = 0f;
            float t02 = 0f;
            float t03 = 0f;
            float t10 = 0f;
            float t11 = 0f;
            float t12 = 0f;
            float t13 = 0f;
            float t20 = 0f;
            float t21 = 0f;
            float t22 = 0f;
            float t23 = 0f;
            float t30 = 0f;
            float t31 = 0f;
            float t32 = 0f;
            float t33 = 0f;
            for (int k = 0; k < 16; k++) {
                float l0 = lefts[k * 64 + ty];
                float l1 = lefts[k * 64 + ty + 16];
                float l2 = lefts[k * 64 + ty + 32];
                float l3 = lefts[k * 64 + ty + 48];
                float r0 = rights[k * 64 + tx];
                float r1 = rights[k * 64 + tx + 16];
                float r2 = rights[k * 64 + tx + 32];
                float r3 = rights[k * 64 + tx + 48];
                t00 += l0 * r0;
                t01 += l0 * r1;
                t02 += l0 * r2;
                t03 += l0 * r3;
                t10 += l1 * r0;
                t11 += l1 * r1;
                t12 += l1 * r2;
                t13 += l1 * r3;
                t20 += l2 * r0;
                t21 += l2 * r1;
                t22 += l2 * r2;
                t23 += l2 * r3;
                t30 += l3 * r0;
                t31 += l3 * r1;
                t32 += l3 * r2;
                t33 += l3 * r3;
            }
            s00 += t00;
            s01 += t01;
            s02 += t02;
            s03 += t03;
            s10 += t10;
            s11 += t11;
            s12 += t12;
            s13 += t13;
            s20 += t20;
            s21 += t21;
            s22 += t22;
            s23 += t23;
            s30 += t30;
            s31 += t31;
            s32 += t32;
            s33 += t33;
            context.localBarrier();
        }
        float[] sums = new float[16];
        sums[0] = s00;
        sums[1] = s01;
        sums[2] = s02;
        sums[3] = s03;
        sums[4] = s10;
        sums[5] = s11;
        sums[6] = s12;
        sums[7] = s13;
        sums[8] = s20;
        sums[9] = s21;
        sums[10] = s22;
        sums[11] = s23;
        sums[12] = s30;
        sums[13] = s31;
        sums[14] = s32;
        sums[15] = s33;
        for (int e = 0; e < 16; e++) {
            int i = row + ty + (e / 4) * 16;
            int j = column + tx + (e % 4) * 16;
            if (i < rows && j < columns) {
                float value = sums[e];
                if (at.get(21) == 1) {
                    value += bias.get(at.get(5) + j);
                }
                y.set(at.get(6) + i * columns + j, ScalarMath.apply(at.get(20), value));
            }
        }
    }

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
