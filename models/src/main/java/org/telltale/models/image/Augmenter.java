package org.telltale.models.image;

import java.util.Arrays;
import java.util.List;
import org.telltale.models.CounterRandom;

/**
 * Applies an {@link Augmentation} to pictures of one size: [height, width, 3] floats from 0 to 255. Its buffers are
 * reused, so each thread has one of its own. The functions with given parameters are proven against TensorFlow by
 * {@code AugmentationGoldenTest}.
 *
 * <p>What is drawn is a pure function of seed, epoch, sample (or batch) and the transform's place in the chain.
 */
public final class Augmenter {
    private static final int CHANNELS = 3;

    /** Draws of one transform; a power of two that none exceeds. */
    private static final int DRAWS = 4;

    private final List<Augmentation.Transform> transforms;
    private final int height;
    private final int width;
    private final float[] spare;
    private final double[] sums;
    private final double[] columns;
    private final double[] folded;
    private final int[] left;
    private final int[] top;
    private final float[] right;
    private final float[] bottom;

    public Augmenter(Augmentation augmentation, int height, int width) {
        this.transforms = augmentation.transforms();
        this.height = height;
        this.width = width;
        spare = new float[Math.multiplyExact(Math.multiplyExact(height, width), CHANNELS)];
        sums = new double[width * CHANNELS];
        columns = new double[width];
        for (int x = 0; x < width; x++) {
            columns[x] = x;
        }
        folded = new double[width];
        left = new int[width];
        top = new int[width];
        right = new float[width];
        bottom = new float[width];
    }

    /**
     * Changes a picture.
     *
     * @param picture [height, width, 3], changed in place
     * @param sample what a factor per picture belongs to, the same in each epoch
     * @param batch of the epoch, what a factor per batch belongs to
     */
    public void apply(float[] picture, long seed, long epoch, long sample, long batch) {
        for (int i = 0; i < transforms.size(); i++) {
            Draw draw = new Draw(seed, epoch, (long) i * DRAWS);
            switch (transforms.get(i)) {
                case Augmentation.Flip f ->
                    flip(
                            picture,
                            f.horizontal() && draw.between(0, 1, sample, 0) < 0.5,
                            f.vertical() && draw.between(0, 1, sample, 1) < 0.5);
                case Augmentation.Rotation r -> rotate(picture, draw.between(-r.factor(), r.factor(), sample, 0));
                case Augmentation.Translation t ->
                    translate(
                            picture,
                            draw.between(-t.height(), t.height(), sample, 0),
                            draw.between(-t.width(), t.width(), sample, 1));
                case Augmentation.Contrast c -> {
                    long of = c.sharing() == Augmentation.Sharing.PER_BATCH ? batch : sample;
                    contrast(picture, draw.between(1 - c.factor(), 1 + c.factor(), of, 0));
                }
            }
        }
    }

    private record Draw(long seed, long epoch, long first) {
        double between(double low, double high, long of, int draw) {
            return low + (high - low) * CounterRandom.uniform(seed, epoch, of, first + draw);
        }
    }

    /**
     * Mirrors a picture in place.
     *
     * @param horizontal left and right change places
     * @param vertical top and bottom change places
     */
    void flip(float[] picture, boolean horizontal, boolean vertical) {
        int row = width * CHANNELS;
        if (horizontal) {
            for (int y = 0; y < height; y++) {
                for (int a = y * row, b = a + row - CHANNELS; a < b; a += CHANNELS, b -= CHANNELS) {
                    for (int c = 0; c < CHANNELS; c++) {
                        float value = picture[a + c];
                        picture[a + c] = picture[b + c];
                        picture[b + c] = value;
                    }
                }
            }
        }
        if (vertical) {
            for (int a = 0, b = (height - 1) * row; a < b; a += row, b -= row) {
                System.arraycopy(picture, a, spare, 0, row);
                System.arraycopy(picture, b, picture, a, row);
                System.arraycopy(spare, 0, picture, b, row);
            }
        }
    }

    /**
     * Turns a picture about its centre, in place.
     *
     * @param turns a part of a full turn
     */
    void rotate(float[] picture, double turns) {
        warp(picture, rotation(turns, height, width));
    }

    /**
     * Where the output of a rotation reads: output (x, y) is the input at (m0 x + m1 y + m2, m3 x + m4 y + m5).
     *
     * @param turns a part of a full turn
     */
    static double[] rotation(double turns, int height, int width) {
        double cos = Math.cos(turns * 2 * Math.PI);
        double sin = Math.sin(turns * 2 * Math.PI);
        double right = width - 1;
        double bottom = height - 1;
        return new double[] {
            cos, -sin, (right - (cos * right - sin * bottom)) / 2, sin, cos, (bottom - (sin * right + cos * bottom)) / 2
        };
    }

    /**
     * Shifts a picture in place, by parts of pixels too.
     *
     * @param down a part of the height; negative: up
     * @param right a part of the width; negative: left
     */
    void translate(float[] picture, double down, double right) {
        warp(picture, translation(down, right, height, width));
    }

    /** Where the output of a translation reads, as {@link #rotation}. */
    static double[] translation(double down, double right, int height, int width) {
        return new double[] {1, 0, -right * width, 0, 1, -down * height};
    }

    /**
     * Bilinear between pixel centres; what lies outside is reflected: first the coordinate is folded (d c b a | a b c d |
     * d c b a), then clamped to the picture. TensorFlow's {@code ImageProjectiveTransformV3}.
     */
    private void warp(float[] picture, double[] m) {
        System.arraycopy(picture, 0, spare, 0, spare.length);
        int to = 0;
        for (int y = 0; y < height; y++) {
            taps(m[0], m[1] * y + m[2], width, left, right);
            taps(m[3], m[4] * y + m[5], height, top, bottom);
            for (int x = 0; x < width; x++, to += CHANNELS) {
                int a = (top[x] * width + left[x]) * CHANNELS;
                int across = left[x] + 1 < width ? CHANNELS : 0;
                int b = a + across;
                int c = top[x] + 1 < height ? a + width * CHANNELS : a;
                int d = c + across;
                float dx = right[x];
                float dy = bottom[x];
                picture[to] = mix(mix(spare[a], spare[b], dx), mix(spare[c], spare[d], dx), dy);
                picture[to + 1] = mix(mix(spare[a + 1], spare[b + 1], dx), mix(spare[c + 1], spare[d + 1], dx), dy);
                picture[to + 2] = mix(mix(spare[a + 2], spare[b + 2], dx), mix(spare[c + 2], spare[d + 2], dx), dy);
            }
        }
    }

    private static float mix(float a, float b, float t) {
        return a + (b - a) * t;
    }

    /** The first of two taps of each column's coordinate, slope x + offset, and the weight of the second. */
    private void taps(double slope, double offset, int extent, int[] first, float[] second) {
        double period = 2.0 * extent;
        double last = extent - 1;
        double mirror = period - 1;
        double frequency = 1 / period;
        // Three loops that the compiler turns into vector code: no branch, and the column as a double from an array,
        // since
        // it does not vectorise the conversion of a loop's counter.
        double[] xs = columns;
        double[] to = folded;
        for (int x = 0; x < xs.length; x++) {
            double at = slope * xs[x] + offset;
            double within = at - period * Math.floor(at * frequency);
            to[x] = Math.max(0, Math.min(last, Math.min(within, mirror - within)));
        }
        for (int x = 0; x < width; x++) {
            first[x] = (int) folded[x];
        }
        for (int x = 0; x < width; x++) {
            second[x] = (float) (folded[x] - first[x]);
        }
    }

    /** Multiplies the distance to each channel's mean, in place, and clips to 0..255. */
    void contrast(float[] picture, double factor) {
        int row = width * CHANNELS;
        Arrays.fill(sums, 0);
        for (int y = 0; y < height; y++) {
            for (int i = 0; i < row; i++) {
                sums[i] += picture[y * row + i];
            }
        }
        for (int i = CHANNELS; i < row; i++) {
            sums[i % CHANNELS] += sums[i];
        }
        for (int c = 0; c < CHANNELS; c++) {
            sums[c] /= (double) height * width;
        }
        for (int i = CHANNELS; i < row; i++) {
            sums[i] = sums[i % CHANNELS];
        }
        // Means as doubles: the compiler knows that no store to floats changes them, and makes vector code of the loop.
        float f = (float) factor;
        for (int y = 0; y < height; y++) {
            for (int i = 0; i < row; i++) {
                float mean = (float) sums[i];
                float value = (picture[y * row + i] - mean) * f + mean;
                picture[y * row + i] = Math.max(0, Math.min(255, value));
            }
        }
    }
}
