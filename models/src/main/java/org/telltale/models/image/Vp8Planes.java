package org.telltale.models.image;

import java.util.Arrays;

/**
 * The luma and chroma planes of a VP8 frame: intra prediction and inverse transforms (RFC 6386 sections 12 and 14), and
 * the conversion to RGB with libwebp's smooth chroma upsampling.
 *
 * <p>Each plane has a border that prediction reads: a row of 127 above, a column of 129 to the left.
 */
final class Vp8Planes {
    private static final int LEFT = 4;

    final byte[] y;
    final byte[] u;
    final byte[] v;
    final int yStride;
    final int uvStride;

    Vp8Planes(int columns, int rows) {
        // The four columns to the right hold the pixels above and to the right of the last macroblock.
        yStride = LEFT + columns * 16 + 4;
        uvStride = LEFT + columns * 8 + 4;
        y = plane(yStride, rows * 16);
        u = plane(uvStride, rows * 8);
        v = plane(uvStride, rows * 8);
    }

    private static byte[] plane(int stride, int rows) {
        byte[] p = new byte[stride * (rows + 1)];
        Arrays.fill(p, 0, stride, (byte) 127);
        for (int row = 1; row <= rows; row++) {
            p[row * stride + LEFT - 1] = (byte) 129;
        }
        return p;
    }

    /** The index of a plane's first pixel. */
    static int origin(int stride) {
        return stride + LEFT;
    }

    /** Predicts and adds the residuals of 16 blocks of 4x4 pixels, each from those before it. */
    void predictBlocks(int column, int row, int columns, int[] modes, short[] coefficients) {
        int at = origin(yStride) + row * 16 * yStride + column * 16;
        byte[] right = new byte[4];
        if (row > 0 && column == columns - 1) {
            Arrays.fill(right, y[at - yStride + 15]);
        } else {
            System.arraycopy(y, at - yStride + 16, right, 0, 4);
        }
        int[] edge = new int[13];
        for (int i = 0; i < 16; i++) {
            int block = at + i / 4 * 4 * yStride + i % 4 * 4;
            // edge: the left column from below, the corner, the row above and four pixels to its right.
            for (int k = 0; k < 4; k++) {
                edge[3 - k] = y[block + k * yStride - 1] & 0xff;
            }
            for (int k = 0; k < 9; k++) {
                edge[4 + k] = (i % 4 == 3 && k > 4 ? right[k - 5] : y[block - yStride - 1 + k]) & 0xff;
            }
            predictBlock(block, modes[i], edge);
            addResidual(y, yStride, block, coefficients, i * 16);
        }
    }

    private void predictBlock(int at, int mode, int[] e) {
        for (int r = 0; r < 4; r++) {
            for (int c = 0; c < 4; c++) {
                y[at + r * yStride + c] = (byte) predicted(mode, e, r, c);
            }
        }
    }

    /** One pixel of a 4x4 prediction; e[4] is the corner, e[3..0] go down the left side, e[5..12] along the top. */
    private static int predicted(int mode, int[] e, int r, int c) {
        return switch (mode) {
            case 0 -> (e[0] + e[1] + e[2] + e[3] + e[5] + e[6] + e[7] + e[8] + 4) >> 3;
            case 1 -> Math.clamp(e[3 - r] + e[5 + c] - e[4], 0, 255);
            case 2 -> average(e, 5 + c);
            case 3 -> r == 3 ? (e[1] + 3 * e[0] + 2) >> 2 : average(e, 3 - r);
            case 4 -> average(e, 4 - r + c);
            case 5 -> {
                int k = 2 * c - r;
                yield k < 0 ? average(e, k == -1 ? 4 : 5 - r) : k % 2 == 0 ? pair(e, 4 + k / 2) : average(e, 5 + k / 2);
            }
            case 6 -> r + c == 6 ? (e[11] + 3 * e[12] + 2) >> 2 : average(e, 6 + r + c);
            case 7 -> {
                if (c == 3 && r > 1) {
                    yield average(e, r == 2 ? 10 : 11);
                }
                yield r % 2 == 0 ? pair(e, 5 + c + r / 2) : average(e, 6 + c + r / 2);
            }
            case 8 -> {
                int k = 2 * r - c;
                yield k < 0 ? average(e, k == -1 ? 4 : 3 + c) : k % 2 == 0 ? pair(e, 3 - k / 2) : average(e, 3 - k / 2);
            }
            default -> {
                int k = 2 * r + c;
                if (k > 5) {
                    yield e[0];
                }
                if (k == 5) {
                    yield (e[1] + 3 * e[0] + 2) >> 2;
                }
                yield k % 2 == 0 ? pair(e, 2 - k / 2) : average(e, 2 - k / 2);
            }
        };
    }

    private static int pair(int[] e, int i) {
        return (e[i] + e[i + 1] + 1) >> 1;
    }

    private static int average(int[] e, int i) {
        return (e[i - 1] + 2 * e[i] + e[i + 1] + 2) >> 2;
    }

    /** Predicts a luma macroblock as a whole and adds its residuals. */
    void predictLuma(int column, int row, int mode, short[] coefficients) {
        int at = origin(yStride) + row * 16 * yStride + column * 16;
        predict(y, yStride, at, 16, mode, column > 0, row > 0);
        for (int i = 0; i < 16; i++) {
            addResidual(y, yStride, at + i / 4 * 4 * yStride + i % 4 * 4, coefficients, i * 16);
        }
    }

    /** Predicts both chroma planes of a macroblock and adds their residuals. */
    void predictChroma(int column, int row, int mode, short[] coefficients) {
        int at = origin(uvStride) + row * 8 * uvStride + column * 8;
        predict(u, uvStride, at, 8, mode, column > 0, row > 0);
        predict(v, uvStride, at, 8, mode, column > 0, row > 0);
        for (int i = 0; i < 8; i++) {
            int block = at + i / 2 % 2 * 4 * uvStride + i % 2 * 4;
            addResidual(i < 4 ? u : v, uvStride, block, coefficients, (16 + i) * 16);
        }
    }

    private static void predict(byte[] p, int stride, int at, int size, int mode, boolean left, boolean above) {
        int dc = mode == 0 ? mean(p, stride, at, size, left, above) : 0;
        int corner = p[at - stride - 1] & 0xff;
        for (int r = 0; r < size; r++) {
            int side = p[at + r * stride - 1] & 0xff;
            for (int c = 0; c < size; c++) {
                int top = p[at - stride + c] & 0xff;
                p[at + r * stride + c] = (byte)
                        switch (mode) {
                            case 0 -> dc;
                            case 1 -> Math.clamp(side + top - corner, 0, 255);
                            case 2 -> top;
                            default -> side;
                        };
            }
        }
    }

    private static int mean(byte[] p, int stride, int at, int size, boolean left, boolean above) {
        int sum = 0;
        for (int i = 0; i < size; i++) {
            sum += above ? p[at - stride + i] & 0xff : 0;
            sum += left ? p[at + i * stride - 1] & 0xff : 0;
        }
        int count = (above ? size : 0) + (left ? size : 0);
        return count == 0 ? 128 : (sum + count / 2) / count;
    }

    /** The inverse Walsh-Hadamard transform: gives the 16 luma blocks their DC coefficients. */
    static void spreadSecondOrder(short[] c, int from) {
        int[] t = new int[16];
        for (int i = 0; i < 4; i++) {
            int a0 = c[from + i] + c[from + 12 + i];
            int a1 = c[from + 4 + i] + c[from + 8 + i];
            int a2 = c[from + 4 + i] - c[from + 8 + i];
            int a3 = c[from + i] - c[from + 12 + i];
            t[i] = a0 + a1;
            t[8 + i] = a0 - a1;
            t[4 + i] = a3 + a2;
            t[12 + i] = a3 - a2;
        }
        for (int i = 0; i < 4; i++) {
            int dc = t[4 * i] + 3;
            int a0 = dc + t[4 * i + 3];
            int a1 = t[4 * i + 1] + t[4 * i + 2];
            int a2 = t[4 * i + 1] - t[4 * i + 2];
            int a3 = dc - t[4 * i + 3];
            c[i * 64] = (short) ((a0 + a1) >> 3);
            c[i * 64 + 16] = (short) ((a3 + a2) >> 3);
            c[i * 64 + 32] = (short) ((a0 - a1) >> 3);
            c[i * 64 + 48] = (short) ((a3 - a2) >> 3);
        }
    }

    private static void addResidual(byte[] p, int stride, int at, short[] in, int from) {
        int[] t = new int[16];
        for (int i = 0; i < 4; i++) {
            int x = in[from + 4 + i];
            int z = in[from + 12 + i];
            int a = in[from + i] + in[from + 8 + i];
            int b = in[from + i] - in[from + 8 + i];
            int c = low(x) - high(z);
            int d = high(x) + low(z);
            t[4 * i] = a + d;
            t[4 * i + 1] = b + c;
            t[4 * i + 2] = b - c;
            t[4 * i + 3] = a - d;
        }
        for (int i = 0; i < 4; i++) {
            int dc = t[i] + 4;
            int a = dc + t[8 + i];
            int b = dc - t[8 + i];
            int c = low(t[4 + i]) - high(t[12 + i]);
            int d = high(t[4 + i]) + low(t[12 + i]);
            int row = at + i * stride;
            add(p, row, a + d);
            add(p, row + 1, b + c);
            add(p, row + 2, b - c);
            add(p, row + 3, a - d);
        }
    }

    /** Times sqrt(2) * cos(pi / 8). */
    private static int high(int v) {
        return ((v * 20091) >> 16) + v;
    }

    /** Times sqrt(2) * sin(pi / 8). */
    private static int low(int v) {
        return (v * 35468) >> 16;
    }

    private static void add(byte[] p, int at, int v) {
        p[at] = (byte) Math.clamp((p[at] & 0xff) + (v >> 3), 0, 255);
    }

    /** The visible part as RGB, [height, width, 3]. */
    byte[] toRgb(int width, int height) {
        byte[] rgb = new byte[width * height * 3];
        int lastColumn = (width - 1) / 2;
        int lastRow = (height - 1) / 2;
        int to = 0;
        for (int row = 0; row < height; row++) {
            int near = row / 2;
            int far = Math.clamp(near + (row % 2 == 0 ? -1 : 1), 0, lastRow);
            int nearAt = origin(uvStride) + near * uvStride;
            int farAt = origin(uvStride) + far * uvStride;
            int lumaAt = origin(yStride) + row * yStride;
            for (int x = 0; x < width; x++) {
                int column = x / 2;
                int other = Math.clamp(column + (x % 2 == 0 ? -1 : 1), 0, lastColumn);
                int cb = upsampled(u, nearAt, farAt, column, other);
                int cr = upsampled(v, nearAt, farAt, column, other);
                int luma = ((y[lumaAt + x] & 0xff) * 19077) >> 8;
                rgb[to++] = clip6(luma + ((cr * 26149) >> 8) - 14234);
                rgb[to++] = clip6(luma - ((cb * 6419) >> 8) - ((cr * 13320) >> 8) + 8708);
                rgb[to++] = clip6(luma + ((cb * 33050) >> 8) - 17685);
            }
        }
        return rgb;
    }

    /** 9/16 of the nearest sample, 3/16 of the next ones, 1/16 of the diagonal one, in libwebp's two roundings. */
    private static int upsampled(byte[] p, int near, int far, int column, int other) {
        int a = p[near + column] & 0xff;
        int sum = a + 3 * ((p[near + other] & 0xff) + (p[far + column] & 0xff)) + (p[far + other] & 0xff);
        return (((sum + 8) >> 3) + a) >> 1;
    }

    private static byte clip6(int v) {
        return (byte) Math.clamp(v >> 6, 0, 255);
    }
}
