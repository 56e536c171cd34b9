package org.telltale.models.image;

import java.util.Arrays;

/**
 * Resizing as Pillow and TensorFlow do it (SPEC 3.2 and 3.3): the two differ so much that a classifier's decision may
 * depend on it. Proven against both libraries by {@code ResizeGoldenTest}.
 */
public final class Resize {
    /** Pillow's filters. Bicubic has a = -0.5; both smooth ones widen (antialias) when the picture shrinks. */
    public enum Filter {
        NEAREST,
        BILINEAR,
        BICUBIC
    }

    private static final int PRECISION = 22;

    private Resize() {}

    /** {@code Image.resize((width, height), filter)} of Pillow, equal in every byte. */
    public static Pixels pillow(Pixels in, int width, int height, Filter filter) {
        return pillow(in, width, height, filter, 0, 0, width, height);
    }

    /**
     * A window of the resized picture, without computing the rest.
     *
     * @param width of the whole resized picture, as is height
     * @param left the first column of the window, which must lie within the resized picture
     */
    static Pixels pillow(
            Pixels in, int width, int height, Filter filter, int left, int top, int windowWidth, int windowHeight) {
        checkSize(width, height);
        if (filter == Filter.NEAREST) {
            return nearest(in, width, height, left, top, windowWidth, windowHeight);
        }
        Taps columns = new Taps(in.width(), width, left, windowWidth, filter);
        Taps rows = new Taps(in.height(), height, top, windowHeight, filter);
        int first = rows.start[0];
        int last = first;
        for (int i = 0; i < windowHeight; i++) {
            last = Math.max(last, rows.start[i] + rows.count[i]);
        }
        byte[] narrow = horizontal(in, columns, first, last - first);
        return new Pixels(windowWidth, windowHeight, vertical(narrow, windowWidth * 3, rows, first));
    }

    private static byte[] horizontal(Pixels in, Taps taps, int firstRow, int rows) {
        byte[] from = in.rgb();
        int width = taps.start.length;
        byte[] out = new byte[Math.multiplyExact(rows, width * 3)];
        int to = 0;
        for (int y = 0; y < rows; y++) {
            int row = (firstRow + y) * in.width() * 3;
            for (int x = 0; x < width; x++) {
                int r = 1 << (PRECISION - 1);
                int g = r;
                int b = r;
                int p = row + taps.start[x] * 3;
                int w = x * taps.stride;
                for (int k = 0; k < taps.count[x]; k++, p += 3) {
                    int weight = taps.weights[w + k];
                    r += (from[p] & 0xff) * weight;
                    g += (from[p + 1] & 0xff) * weight;
                    b += (from[p + 2] & 0xff) * weight;
                }
                out[to++] = clip(r);
                out[to++] = clip(g);
                out[to++] = clip(b);
            }
        }
        return out;
    }

    private static byte[] vertical(byte[] from, int rowBytes, Taps taps, int firstRow) {
        int height = taps.start.length;
        byte[] out = new byte[height * rowBytes];
        int[] sums = new int[rowBytes];
        for (int y = 0; y < height; y++) {
            Arrays.fill(sums, 1 << (PRECISION - 1));
            for (int k = 0; k < taps.count[y]; k++) {
                int weight = taps.weights[y * taps.stride + k];
                int p = (taps.start[y] - firstRow + k) * rowBytes;
                for (int i = 0; i < rowBytes; i++) {
                    sums[i] += (from[p + i] & 0xff) * weight;
                }
            }
            for (int i = 0; i < rowBytes; i++) {
                out[y * rowBytes + i] = clip(sums[i]);
            }
        }
        return out;
    }

    private static byte clip(int sum) {
        return (byte) Math.clamp(sum >> PRECISION, 0, 255);
    }

    /** Where the outputs of one axis read, and with which fixed-point weights. */
    private static final class Taps {
        final int[] start;
        final int[] count;
        final int[] weights;
        final int stride;

        Taps(int in, int out, int first, int length, Filter filter) {
            start = new int[length];
            count = new int[length];
            if (in == out) {
                // Pillow skips the pass; one tap of weight one gives the same bytes.
                stride = 1;
                weights = new int[length];
                for (int i = 0; i < length; i++) {
                    start[i] = first + i;
                    count[i] = 1;
                    weights[i] = 1 << PRECISION;
                }
                return;
            }
            double scale = (double) in / out;
            double filterScale = Math.max(scale, 1.0);
            double support = (filter == Filter.BICUBIC ? 2.0 : 1.0) * filterScale;
            double inverse = 1.0 / filterScale;
            stride = (int) Math.ceil(support) * 2 + 1;
            weights = new int[Math.multiplyExact(length, stride)];
            double[] exact = new double[stride];
            for (int i = 0; i < length; i++) {
                double center = (first + i + 0.5) * scale;
                int from = Math.max((int) (center - support + 0.5), 0);
                int taps = Math.min((int) (center + support + 0.5), in) - from;
                double sum = 0;
                for (int k = 0; k < taps; k++) {
                    exact[k] = weight((k + from - center + 0.5) * inverse, filter);
                    sum += exact[k];
                }
                for (int k = 0; k < taps; k++) {
                    double w = (sum != 0 ? exact[k] / sum : exact[k]) * (1 << PRECISION);
                    weights[i * stride + k] = (int) (w < 0 ? w - 0.5 : w + 0.5);
                }
                start[i] = from;
                count[i] = taps;
            }
        }

        private static double weight(double x, Filter filter) {
            double d = Math.abs(x);
            if (filter == Filter.BILINEAR) {
                return d < 1 ? 1 - d : 0;
            }
            double a = -0.5;
            if (d < 1) {
                return ((a + 2) * d - (a + 3)) * d * d + 1;
            }
            return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
        }
    }

    private static Pixels nearest(
            Pixels in, int width, int height, int left, int top, int windowWidth, int windowHeight) {
        int[] columns = nearestIndices(in.width(), width, left, windowWidth);
        int[] rows = nearestIndices(in.height(), height, top, windowHeight);
        byte[] from = in.rgb();
        byte[] out = new byte[windowWidth * windowHeight * 3];
        int to = 0;
        for (int row : rows) {
            for (int column : columns) {
                int p = (row * in.width() + column) * 3;
                out[to++] = from[p];
                out[to++] = from[p + 1];
                out[to++] = from[p + 2];
            }
        }
        return new Pixels(windowWidth, windowHeight, out);
    }

    /** Pillow adds the scale up instead of multiplying, so the indices differ from the closed form at exact ties. */
    static int[] nearestIndices(int in, int out, int first, int length) {
        double scale = (double) in / out;
        double x = scale * 0.5;
        int[] indices = new int[length];
        for (int i = 0; i < first; i++) {
            x += scale;
        }
        for (int i = 0; i < length; i++) {
            indices[i] = Math.min((int) x, in - 1);
            x += scale;
        }
        return indices;
    }

    /**
     * {@code tf.image.resize(picture, (height, width))}: bilinear between pixel centres, without antialiasing.
     *
     * @return [height, width, 3], 0 to 255, not rounded
     */
    public static float[] tensorflow(Pixels in, int width, int height) {
        checkSize(width, height);
        float[] out = new float[Math.multiplyExact(Math.multiplyExact(width, height), 3)];
        tensorflow(in, width, height, out);
        return out;
    }

    /** As the other {@code tensorflow}, into an array of [height, width, 3]. */
    static void tensorflow(Pixels in, int width, int height, float[] out) {
        byte[] from = in.rgb();
        float scaleX = (float) in.width() / width;
        float scaleY = (float) in.height() / height;
        int[] left = new int[width];
        int[] right = new int[width];
        float[] dx = new float[width];
        for (int x = 0; x < width; x++) {
            float sourceX = (x + 0.5f) * scaleX - 0.5f;
            left[x] = Math.max((int) Math.floor(sourceX), 0) * 3;
            right[x] = Math.min((int) Math.ceil(sourceX), in.width() - 1) * 3;
            dx[x] = sourceX - (float) Math.floor(sourceX);
        }
        int to = 0;
        for (int y = 0; y < height; y++) {
            float sourceY = (y + 0.5f) * scaleY - 0.5f;
            int upper = Math.max((int) Math.floor(sourceY), 0) * in.width() * 3;
            int lower = Math.min((int) Math.ceil(sourceY), in.height() - 1) * in.width() * 3;
            float dy = sourceY - (float) Math.floor(sourceY);
            for (int x = 0; x < width; x++) {
                for (int c = 0; c < 3; c++) {
                    float a = mix(from[upper + left[x] + c] & 0xff, from[upper + right[x] + c] & 0xff, dx[x]);
                    float b = mix(from[lower + left[x] + c] & 0xff, from[lower + right[x] + c] & 0xff, dx[x]);
                    out[to++] = mix(a, b, dy);
                }
            }
        }
    }

    private static void checkSize(int width, int height) {
        if (width < 1 || height < 1) {
            throw new IllegalArgumentException("cannot resize to " + width + "x" + height + ", expected at least 1x1");
        }
    }

    private static float mix(float a, float b, float t) {
        return a + (b - a) * t;
    }
}
