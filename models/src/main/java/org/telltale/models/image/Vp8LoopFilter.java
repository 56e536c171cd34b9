package org.telltale.models.image;

/** VP8's deblocking filter, RFC 6386 section 15, over a whole frame after its last macroblock is reconstructed. */
final class Vp8LoopFilter {
    private final Vp8Planes planes;
    private final boolean simple;
    private final int sharpness;
    private final int[] levels;
    private final boolean[] inner;

    Vp8LoopFilter(Vp8Planes planes, boolean simple, int sharpness, int macroblocks) {
        this.planes = planes;
        this.simple = simple;
        this.sharpness = sharpness;
        levels = new int[macroblocks];
        inner = new boolean[macroblocks];
    }

    /** The strength for a macroblock, 0 to 63, and whether its inner edges are filtered too. */
    void set(int macroblock, int level, boolean innerEdges) {
        levels[macroblock] = level;
        inner[macroblock] = innerEdges;
    }

    void run(int columns) {
        for (int i = 0; i < levels.length; i++) {
            if (levels[i] > 0) {
                filter(i % columns, i / columns, levels[i], inner[i]);
            }
        }
    }

    private void filter(int column, int row, int level, boolean innerEdges) {
        int interior = level;
        if (sharpness > 0) {
            interior = Math.min(interior >> (sharpness > 4 ? 2 : 1), 9 - sharpness);
        }
        interior = Math.max(interior, 1);
        int limit = 2 * (2 * level + interior) + 1;
        int highVariance = level >= 40 ? 2 : level >= 15 ? 1 : 0;
        if (column > 0) {
            edges(column, row, true, 0, limit + 8, interior, highVariance);
        }
        if (innerEdges) {
            for (int at = 4; at < 16; at += 4) {
                edges(column, row, true, at, limit, interior, highVariance);
            }
        }
        if (row > 0) {
            edges(column, row, false, 0, limit + 8, interior, highVariance);
        }
        if (innerEdges) {
            for (int at = 4; at < 16; at += 4) {
                edges(column, row, false, at, limit, interior, highVariance);
            }
        }
    }

    /** Filters across one edge of a macroblock in every plane: a vertical edge at column, or a horizontal one at row. */
    private void edges(int column, int row, boolean vertical, int at, int limit, int interior, int highVariance) {
        edge(planes.y, planes.yStride, column * 16, row * 16, 16, vertical, at, limit, interior, highVariance);
        if (!simple && at <= 4) {
            edge(planes.u, planes.uvStride, column * 8, row * 8, 8, vertical, at, limit, interior, highVariance);
            edge(planes.v, planes.uvStride, column * 8, row * 8, 8, vertical, at, limit, interior, highVariance);
        }
    }

    private void edge(
            byte[] p,
            int stride,
            int x,
            int y,
            int length,
            boolean vertical,
            int at,
            int limit,
            int interior,
            int highVariance) {
        int step = vertical ? 1 : stride;
        int along = vertical ? stride : 1;
        int q = Vp8Planes.origin(stride) + y * stride + x + at * step;
        for (int i = 0; i < length; i++, q += along) {
            int p1 = p[q - 2 * step] & 0xff;
            int p0 = p[q - step] & 0xff;
            int q0 = p[q] & 0xff;
            int q1 = p[q + step] & 0xff;
            if (4 * Math.abs(p0 - q0) + Math.abs(p1 - q1) > limit) {
                continue;
            }
            if (simple) {
                two(p, q, step, p1, p0, q0, q1);
            } else if (smooth(p, q, step, interior)) {
                if (Math.abs(p1 - p0) > highVariance || Math.abs(q1 - q0) > highVariance) {
                    two(p, q, step, p1, p0, q0, q1);
                } else if (at == 0) {
                    six(p, q, step, p1, p0, q0, q1);
                } else {
                    four(p, q, step, p1, p0, q0, q1);
                }
            }
        }
    }

    private static boolean smooth(byte[] p, int q, int step, int interior) {
        for (int i = -4; i < 3; i++) {
            if (i != -1 && Math.abs((p[q + i * step] & 0xff) - (p[q + (i + 1) * step] & 0xff)) > interior) {
                return false;
            }
        }
        return true;
    }

    private static void two(byte[] p, int q, int step, int p1, int p0, int q0, int q1) {
        int a = 3 * (q0 - p0) + Math.clamp(p1 - q1, -128, 127);
        p[q - step] = clip(p0 + Math.clamp((a + 3) >> 3, -16, 15));
        p[q] = clip(q0 - Math.clamp((a + 4) >> 3, -16, 15));
    }

    private static void four(byte[] p, int q, int step, int p1, int p0, int q0, int q1) {
        int a = 3 * (q0 - p0);
        int a1 = Math.clamp((a + 4) >> 3, -16, 15);
        int a3 = (a1 + 1) >> 1;
        p[q - 2 * step] = clip(p1 + a3);
        p[q - step] = clip(p0 + Math.clamp((a + 3) >> 3, -16, 15));
        p[q] = clip(q0 - a1);
        p[q + step] = clip(q1 - a3);
    }

    private static void six(byte[] p, int q, int step, int p1, int p0, int q0, int q1) {
        int p2 = p[q - 3 * step] & 0xff;
        int q2 = p[q + 2 * step] & 0xff;
        int a = Math.clamp(3 * (q0 - p0) + Math.clamp(p1 - q1, -128, 127), -128, 127);
        int a1 = (27 * a + 63) >> 7;
        int a2 = (18 * a + 63) >> 7;
        int a3 = (9 * a + 63) >> 7;
        p[q - 3 * step] = clip(p2 + a3);
        p[q - 2 * step] = clip(p1 + a2);
        p[q - step] = clip(p0 + a1);
        p[q] = clip(q0 - a1);
        p[q + step] = clip(q1 - a2);
        p[q + 2 * step] = clip(q2 - a3);
    }

    private static byte clip(int v) {
        return (byte) Math.clamp(v, 0, 255);
    }
}
