package org.telltale.models.image;

/**
 * One component of a JPEG picture: its coefficients, libjpeg's exact integer inverse transform ("islow") and its smooth
 * upsampling. Sums saturate as in the vectorised libjpeg-turbo; the plain C version, which the JDK has, wraps around
 * and turns very white pixels black.
 */
final class JpegComponent {
    private static final int PASS_1_SHIFT = 11;
    private static final int PASS_2_SHIFT = 18;

    final int id;
    final int h;
    final int v;
    final int quantizer;
    /** Size in samples, without padding. */
    final int width;

    final int height;
    /** Size in blocks, padded to whole minimum coded units. */
    final int blockColumns;

    final int blockRows;
    final short[] coefficients;
    /** In natural order; empty until the first scan of this component latches it. */
    int[] steps = new int[0];

    private byte[] samples = new byte[0];

    JpegComponent(int id, int h, int v, int quantizer, int width, int height, int blockColumns, int blockRows) {
        this.id = id;
        this.h = h;
        this.v = v;
        this.quantizer = quantizer;
        this.width = width;
        this.height = height;
        this.blockColumns = blockColumns;
        this.blockRows = blockRows;
        coefficients = new short[Math.multiplyExact(Math.multiplyExact(blockColumns, blockRows), 64)];
    }

    /** Turns all coefficients into samples. */
    void transform() {
        int stride = blockColumns * 8;
        samples = new byte[coefficients.length];
        int[] work = new int[64];
        for (int block = 0; block < blockColumns * blockRows; block++) {
            int at = block / blockColumns * 8 * stride + block % blockColumns * 8;
            for (int i = 0; i < 64; i++) {
                work[i] = (short) (coefficients[block * 64 + i] * (steps.length == 0 ? 0 : steps[i]));
            }
            for (int i = 0; i < 8; i++) {
                inverse(work, i, 8, PASS_1_SHIFT);
            }
            for (int i = 0; i < 8; i++) {
                inverse(work, i * 8, 1, PASS_2_SHIFT);
                for (int x = 0; x < 8; x++) {
                    samples[at + i * stride + x] = (byte) Math.clamp(work[i * 8 + x] + 128L, 0, 255);
                }
            }
        }
    }

    private static void inverse(int[] t, int at, int step, int shift) {
        int d1 = t[at + step];
        int d2 = t[at + 2 * step];
        int d3 = t[at + 3 * step];
        int d5 = t[at + 5 * step];
        int d6 = t[at + 6 * step];
        int d7 = t[at + 7 * step];
        int even = (d2 + d6) * 4433;
        int e2 = even - d6 * 15137;
        int e3 = even + d2 * 6270;
        int e0 = (short) (t[at] + t[at + 4 * step]) << 13;
        int e1 = (short) (t[at] - t[at + 4 * step]) << 13;

        int z3 = (short) (d7 + d3);
        int z4 = (short) (d5 + d1);
        int z5 = (z3 + z4) * 9633;
        int z1 = (d7 + d1) * -7373;
        int z2 = (d5 + d3) * -20995;
        z3 = z3 * -16069 + z5;
        z4 = z4 * -3196 + z5;
        int o0 = d7 * 2446 + z1 + z3;
        int o1 = d5 * 16819 + z2 + z4;
        int o2 = d3 * 25172 + z2 + z3;
        int o3 = d1 * 12299 + z1 + z4;

        put(t, at, e0 + e3 + o3, shift);
        put(t, at + 7 * step, e0 + e3 - o3, shift);
        put(t, at + step, e1 + e2 + o2, shift);
        put(t, at + 6 * step, e1 + e2 - o2, shift);
        put(t, at + 2 * step, e1 - e2 + o1, shift);
        put(t, at + 5 * step, e1 - e2 - o1, shift);
        put(t, at + 3 * step, e0 - e3 + o0, shift);
        put(t, at + 4 * step, e0 - e3 - o0, shift);
    }

    private static void put(int[] t, int at, int sum, int shift) {
        t[at] = Math.clamp((sum + (1 << (shift - 1))) >> shift, Short.MIN_VALUE, Short.MAX_VALUE);
    }

    /**
     * One row of the picture at full resolution.
     *
     * @param maxH the largest horizontal sampling factor of all components, as maxV vertically
     */
    void row(int y, int maxH, int maxV, int[] out) {
        int stride = blockColumns * 8;
        int scaleX = maxH / h;
        int scaleY = maxV / v;
        int near = y / scaleY * stride;
        boolean smoothX = scaleX == 2 && scaleY <= 2 && width > 2;
        if (scaleY == 2 && (smoothX || scaleX == 1)) {
            int other = Math.clamp(y / 2 + (y % 2 == 0 ? -1 : 1), 0, height - 1) * stride;
            if (scaleX == 1) {
                int bias = y % 2 == 0 ? 1 : 2;
                for (int x = 0; x < out.length; x++) {
                    out[x] = (3 * sample(near + x) + sample(other + x) + bias) >> 2;
                }
            } else {
                for (int x = 0; x < out.length; x++) {
                    int at = x / 2;
                    int next = Math.clamp(at + (x % 2 == 0 ? -1 : 1), 0, width - 1);
                    int sum = 3 * sample(near + at) + sample(other + at);
                    int beside = 3 * sample(near + next) + sample(other + next);
                    out[x] = (3 * sum + beside + (x % 2 == 0 ? 8 : 7)) >> 4;
                }
            }
        } else if (smoothX) {
            for (int x = 0; x < out.length; x++) {
                int at = x / 2;
                int next = Math.clamp(at + (x % 2 == 0 ? -1 : 1), 0, width - 1);
                out[x] = (3 * sample(near + at) + sample(near + next) + (x % 2 == 0 ? 1 : 2)) >> 2;
            }
        } else {
            for (int x = 0; x < out.length; x++) {
                out[x] = sample(near + x / scaleX);
            }
        }
    }

    private int sample(int at) {
        return samples[at] & 0xff;
    }
}
