package org.telltale.engine;

import java.util.List;

/**
 * The geometry of a convolution or pooling over NHWC pictures: kernel extents, strides, and padding on the four sides.
 */
public record Window(
        int kernelHeight,
        int kernelWidth,
        int strideHeight,
        int strideWidth,
        int top,
        int bottom,
        int left,
        int right) {
    /** A square kernel without padding. */
    public static Window valid(int kernel, int stride) {
        return new Window(kernel, kernel, stride, stride, 0, 0, 0, 0);
    }

    /** TensorFlow's SAME padding for the picture's size (SPEC §4): the odd element goes below and to the right. */
    public static Window same(int kernel, int stride, int height, int width) {
        int h = samePadding(kernel, stride, height);
        int w = samePadding(kernel, stride, width);
        return new Window(kernel, kernel, stride, stride, h / 2, h - h / 2, w / 2, w - w / 2);
    }

    private static int samePadding(int kernel, int stride, int extent) {
        int out = (extent + stride - 1) / stride;
        return Math.max((out - 1) * stride + kernel - extent, 0);
    }

    public int outHeight(int height) {
        return Math.floorDiv(height + top + bottom - kernelHeight, strideHeight) + 1;
    }

    public int outWidth(int width) {
        return Math.floorDiv(width + left + right - kernelWidth, strideWidth) + 1;
    }

    /** Whether each output is one input pixel: no window to gather. */
    public boolean pointwise() {
        return kernelHeight == 1
                && kernelWidth == 1
                && strideHeight == 1
                && strideWidth == 1
                && top + bottom + left + right == 0;
    }

    /** The result's height and width for [N, H, W, C]; throws when the operand is not a picture or is too small. */
    int[] output(String word, List<Tensor> in) {
        Shape x = in.getFirst().shape();
        if (x.rank() != 4) {
            throw Op.misfit(word, in, "pictures must be [N, H, W, C]");
        }
        int h = outHeight(x.dim(1));
        int w = outWidth(x.dim(2));
        if (h < 1 || w < 1) {
            throw Op.misfit(
                    word, in, "the picture is smaller than the " + kernelHeight + "x" + kernelWidth + " window");
        }
        return new int[] {h, w};
    }
}
