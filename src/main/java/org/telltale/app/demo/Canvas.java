package org.telltale.app.demo;

import java.awt.image.BufferedImage;

/**
 * A square picture that shapes are painted on. Every shape is filled here, with 9 samples a pixel and no help of
 * Java2D's renderer, so that the levels are the same on every JDK. Lengths are in pixels, from the top left corner;
 * colours are 0xRRGGBB.
 */
final class Canvas {
    /** Pixels of a side. */
    static final int SIDE = 128;

    private static final int SAMPLES = 3;

    private final float[] levels = new float[SIDE * SIDE * 3];
    private final Dice dice;

    /** Nothing is painted from this row on. */
    private double bottom = SIDE;

    /** A part of the plane. */
    interface Area {
        boolean has(double x, double y);
    }

    /** @param dice for what has a texture */
    Canvas(Dice dice) {
        this.dice = dice;
    }

    static int mix(int from, int to, double share) {
        int mixed = 0;
        for (int shift = 16; shift >= 0; shift -= 8) {
            int a = (from >> shift) & 0xFF;
            int b = (to >> shift) & 0xFF;
            mixed |= (int) (a + (b - a) * share + 0.5) << shift;
        }
        return mixed;
    }

    static int darker(int color, double share) {
        return mix(color, 0, share);
    }

    static int lighter(int color, double share) {
        return mix(color, 0xFFFFFF, share);
    }

    /** Until it is told otherwise, nothing is painted below this line: what stands in water. */
    void clip(double y) {
        bottom = y;
    }

    void unclip() {
        bottom = SIDE;
    }

    private void blend(int x, int y, int color, double alpha) {
        int at = (y * SIDE + x) * 3;
        for (int c = 0; c < 3; c++) {
            int level = (color >> (16 - 8 * c)) & 0xFF;
            levels[at + c] += (float) ((level - levels[at + c]) * alpha);
        }
    }

    private void paint(Area area, double x0, double y0, double x1, double y1, int color, double alpha) {
        int right = (int) Math.min(SIDE, Math.ceil(x1));
        int below = (int) Math.min(SIDE, Math.ceil(y1));
        for (int y = (int) Math.max(0, Math.floor(y0)); y < below; y++) {
            for (int x = (int) Math.max(0, Math.floor(x0)); x < right; x++) {
                int inside = 0;
                for (int row = 0; row < SAMPLES; row++) {
                    double sy = y + (row + 0.5) / SAMPLES;
                    for (int column = 0; column < SAMPLES && sy < bottom; column++) {
                        inside += area.has(x + (column + 0.5) / SAMPLES, sy) ? 1 : 0;
                    }
                }
                if (inside > 0) {
                    blend(x, y, color, alpha * inside / (SAMPLES * SAMPLES));
                }
            }
        }
    }

    void rectangle(double x0, double y0, double x1, double y1, int color) {
        paint((x, y) -> x >= x0 && x < x1 && y >= y0 && y < y1, x0, y0, x1, y1, color, 1);
    }

    void ellipse(double cx, double cy, double rx, double ry, int color) {
        ellipse(cx, cy, rx, ry, color, 1);
    }

    void ellipse(double cx, double cy, double rx, double ry, int color, double alpha) {
        Area area = (x, y) -> {
            double dx = (x - cx) / rx;
            double dy = (y - cy) / ry;
            return dx * dx + dy * dy <= 1;
        };
        paint(area, cx - rx, cy - ry, cx + rx, cy + ry, color, alpha);
    }

    /** An ellipse that fades to its edge: smoke, clouds, light. */
    void glow(double cx, double cy, double rx, double ry, int color, double alpha) {
        for (int y = (int) Math.max(0, cy - ry); y < Math.min(bottom, cy + ry); y++) {
            for (int x = (int) Math.max(0, cx - rx); x < Math.min(SIDE, cx + rx); x++) {
                double dx = (x + 0.5 - cx) / rx;
                double dy = (y + 0.5 - cy) / ry;
                double near = 1 - dx * dx - dy * dy;
                if (near > 0) {
                    blend(x, y, color, alpha * near);
                }
            }
        }
    }

    /** @param at x and y of each corner in turn */
    void polygon(int color, double... at) {
        double x0 = SIDE;
        double y0 = SIDE;
        double x1 = 0;
        double y1 = 0;
        for (int i = 0; i < at.length; i += 2) {
            x0 = Math.min(x0, at[i]);
            x1 = Math.max(x1, at[i]);
            y0 = Math.min(y0, at[i + 1]);
            y1 = Math.max(y1, at[i + 1]);
        }
        paint((x, y) -> within(at, x, y), x0, y0, x1, y1, color, 1);
    }

    private static boolean within(double[] at, double x, double y) {
        boolean in = false;
        for (int i = 0, j = at.length - 2; i < at.length; j = i, i += 2) {
            if (at[i + 1] > y != at[j + 1] > y
                    && x < (at[j] - at[i]) * (y - at[i + 1]) / (at[j + 1] - at[i + 1]) + at[i]) {
                in = !in;
            }
        }
        return in;
    }

    void line(double x0, double y0, double x1, double y1, double width, int color) {
        line(x0, y0, x1, y1, width, color, 1);
    }

    void line(double x0, double y0, double x1, double y1, double width, int color, double alpha) {
        double dx = x1 - x0;
        double dy = y1 - y0;
        double length = dx * dx + dy * dy;
        double half = width / 2;
        Area area = (x, y) -> {
            double t = Math.clamp(((x - x0) * dx + (y - y0) * dy) / length, 0, 1);
            double px = x - x0 - t * dx;
            double py = y - y0 - t * dy;
            return px * px + py * py <= half * half;
        };
        paint(
                area,
                Math.min(x0, x1) - half,
                Math.min(y0, y1) - half,
                Math.max(x0, x1) + half,
                Math.max(y0, y1) + half,
                color,
                alpha);
    }

    /** Whole rows, from one colour to another. */
    void rows(double y0, double y1, int top, int below) {
        for (int y = (int) Math.max(0, y0); y < Math.min(SIDE, y1); y++) {
            int color = mix(top, below, Math.clamp((y - y0) / (y1 - y0), 0, 1));
            for (int x = 0; x < SIDE; x++) {
                blend(x, y, color, 1);
            }
        }
    }

    /** Changes the brightness of all pixels at random, by up to so many levels. */
    void grain(double amount) {
        for (int i = 0; i < levels.length; i += 3) {
            double change = amount * (2 * dice.next() - 1);
            for (int c = 0; c < 3; c++) {
                levels[i + c] += (float) change;
            }
        }
    }

    /** Multiplies the levels of each colour: the light of the hour. */
    void light(double red, double green, double blue) {
        for (int i = 0; i < levels.length; i += 3) {
            levels[i] *= (float) red;
            levels[i + 1] *= (float) green;
            levels[i + 2] *= (float) blue;
        }
    }

    BufferedImage image() {
        BufferedImage image = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < SIDE * SIDE; i++) {
            int rgb = 0;
            for (int c = 0; c < 3; c++) {
                rgb = (rgb << 8) | (int) Math.clamp(levels[3 * i + c] + 0.5f, 0, 255);
            }
            image.setRGB(i % SIDE, i / SIDE, rgb);
        }
        return image;
    }
}
