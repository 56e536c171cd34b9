package org.telltale.app.demo;

/** What scenes are made of, painted on a canvas. Heights count upwards from the line on which a thing stands. */
final class Things {
    private static final int GLASS = 0x3C4A58;

    private final Canvas canvas;
    private final Dice dice;

    Things(Canvas canvas, Dice dice) {
        this.canvas = canvas;
        this.dice = dice;
    }

    void clouds(int color, int count) {
        for (int i = 0; i < count; i++) {
            double x = dice.between(0, 128);
            double y = dice.between(4, 36);
            for (int k = 0; k < 4; k++) {
                canvas.glow(
                        x + dice.between(-12, 12),
                        y + dice.between(-3, 3),
                        dice.between(9, 18),
                        dice.between(4, 8),
                        color,
                        0.7);
            }
        }
    }

    /** A wavy line of hills; all below it is filled. */
    void hills(double y, double height, int color) {
        double a = dice.between(0, 6);
        double b = dice.between(0, 6);
        double wave = dice.between(0.03, 0.06);
        double[] at = new double[2 * 35];
        for (int i = 0; i < 33; i++) {
            double x = 4.0 * i;
            at[2 * i] = x;
            at[2 * i + 1] =
                    y - height * (0.5 + 0.3 * StrictMath.sin(a + wave * x) + 0.2 * StrictMath.sin(b + 2.3 * wave * x));
        }
        at[66] = 128;
        at[67] = 128;
        at[68] = 0;
        at[69] = 128;
        canvas.polygon(color, at);
    }

    void grass(double y, int color) {
        canvas.rows(y, 128, color, Canvas.darker(color, 0.25));
        for (int i = 0; i < 60; i++) {
            double gx = dice.between(0, 128);
            double gy = dice.between(y + 1, 128);
            canvas.line(
                    gx, gy, gx + dice.between(-1, 1), gy - 2.5, 0.9, Canvas.darker(color, dice.between(0.1, 0.4)), 0.7);
        }
    }

    void road(double y) {
        canvas.rows(y, 128, 0x6E7073, 0x56585B);
        for (double x = dice.between(-10, 6); x < 128; x += 22) {
            canvas.polygon(0xE6E2D3, x, y + 25, x + 11, y + 25, x + 10, y + 28, x - 1, y + 28);
        }
        canvas.rectangle(0, y, 128, y + 3, 0xA9A59B);
    }

    /** Water down to the lower edge, with ripples. */
    void water(double y, int color, double ripple) {
        canvas.rows(y, 128, Canvas.lighter(color, 0.18), Canvas.darker(color, 0.12));
        for (int i = 0; i < 70; i++) {
            double ry = dice.between(y + 1, 127);
            double far = (ry - y) / (128 - y);
            int shade = dice.chance(0.5) ? Canvas.lighter(color, ripple) : Canvas.darker(color, ripple * 0.7);
            canvas.ellipse(dice.between(0, 128), ry, 3 + 8 * far * dice.next(), 0.6 + 0.7 * far, shade, 0.75);
        }
    }

    /**
     * A house.
     *
     * @param lean how far its top is moved to the right
     * @param roof whether it has one
     */
    void house(double x, double y, double w, double h, int wall, int roofColor, double lean, boolean roof) {
        double left = x - w / 2;
        double right = x + w / 2;
        canvas.polygon(wall, left, y, right, y, right + lean, y - h, left + lean, y - h);
        canvas.polygon(
                Canvas.darker(wall, 0.22),
                right - w * 0.22,
                y,
                right,
                y,
                right + lean,
                y - h,
                right - w * 0.22 + lean,
                y - h);
        if (roof) {
            canvas.polygon(
                    roofColor,
                    left - 3 + lean,
                    y - h,
                    right + 3 + lean,
                    y - h,
                    x + w * 0.16 + lean * 1.3,
                    y - h * 1.55,
                    x - w * 0.16 + lean * 1.3,
                    y - h * 1.55);
        } else {
            canvas.polygon(
                    Canvas.darker(wall, 0.65),
                    left + lean + 1,
                    y - h,
                    right + lean - 1,
                    y - h,
                    right + lean - 3,
                    y - h + 4,
                    left + lean + 3,
                    y - h + 4);
            for (int i = 0; i < 5; i++) {
                double bx = left + lean + w * (i + 0.4) / 5;
                canvas.line(bx, y - h + 2, bx + dice.between(-4, 6), y - h - dice.between(3, 11), 1.4, 0x6B4A2E);
            }
        }
        double pane = w * 0.17;
        for (int i = 0; i < 3; i++) {
            double t = 0.62;
            double wx = left + w * (0.14 + 0.27 * i) + lean * t;
            boolean door = i == 1;
            double top = y - h * 0.78;
            canvas.rectangle(
                    wx - 0.8, top - 0.8, wx + pane + 0.8, door ? y : top + h * 0.36, Canvas.lighter(wall, 0.5));
            canvas.rectangle(wx, top, wx + pane, door ? y : top + h * 0.3, door ? 0x5B3A24 : GLASS);
        }
    }

    void cracks(double x, double y, double w, double h, int count) {
        for (int i = 0; i < count; i++) {
            double cx = x + dice.between(-0.4, 0.4) * w;
            double cy = y - h;
            for (int k = 0; k < 4; k++) {
                double nx = cx + dice.between(-4.5, 4.5);
                double ny = cy + h * 0.22;
                canvas.line(cx, cy, nx, ny, 1.5, 0x221A16);
                cx = nx;
                cy = ny;
            }
        }
    }

    void car(double x, double y, double scale, int color) {
        double l = 13 * scale;
        double h = 5.5 * scale;
        canvas.ellipse(x, y, l * 1.02, 1.6 * scale, 0x2A2A2A, 0.5);
        canvas.polygon(
                color,
                x - l,
                y - 1.5 * scale,
                x - l,
                y - h,
                x - l * 0.55,
                y - h * 1.15,
                x - l * 0.35,
                y - h * 2,
                x + l * 0.4,
                y - h * 2,
                x + l * 0.65,
                y - h * 1.15,
                x + l,
                y - h * 0.95,
                x + l,
                y - 1.5 * scale);
        canvas.polygon(
                GLASS,
                x - l * 0.45,
                y - h * 1.15,
                x - l * 0.28,
                y - h * 1.8,
                x + l * 0.32,
                y - h * 1.8,
                x + l * 0.5,
                y - h * 1.15);
        canvas.rectangle(x - 0.8, y - h * 1.85, x + 0.8, y - h * 1.1, color);
        for (int side = -1; side <= 1; side += 2) {
            canvas.ellipse(x + side * l * 0.58, y - 1.6 * scale, 2.8 * scale, 2.8 * scale, 0x1D1D1F);
            canvas.ellipse(x + side * l * 0.58, y - 1.6 * scale, 1.1 * scale, 1.1 * scale, 0xB8B8B8);
        }
    }

    void tree(double x, double y, double h, int leaf) {
        canvas.rectangle(x - h * 0.05, y - h * 0.5, x + h * 0.05, y, 0x5E4630);
        for (int i = 0; i < 7; i++) {
            double tx = x + dice.between(-0.2, 0.2) * h;
            double ty = y - h * dice.between(0.5, 0.88);
            canvas.ellipse(
                    tx,
                    ty,
                    h * 0.19,
                    h * 0.16,
                    Canvas.mix(Canvas.darker(leaf, 0.25), Canvas.lighter(leaf, 0.12), dice.next()));
        }
    }

    /** A fir: a tall triangle, as forests on hills have. */
    void fir(double x, double y, double h, int color) {
        canvas.polygon(color, x - h * 0.24, y, x, y - h, x + h * 0.24, y);
        canvas.polygon(Canvas.lighter(color, 0.1), x - h * 0.1, y - h * 0.3, x, y - h, x + h * 0.02, y - h * 0.3);
    }

    /** @param wind how far the top is bent, as a part of the height */
    void palm(double x, double y, double h, double wind) {
        double px = x;
        double py = y;
        for (int i = 1; i <= 8; i++) {
            double t = i / 8.0;
            double nx = x + h * wind * t * t;
            double ny = y - h * t * (1 - 0.25 * Math.abs(wind) * t);
            canvas.line(px, py, nx, ny, 3.2 - 1.4 * t, i % 2 == 0 ? 0x7A6246 : 0x6A543C);
            px = nx;
            py = ny;
        }
        for (int i = 0; i < 9; i++) {
            double turn = Math.PI * (i + 0.5) / 9;
            double fx = StrictMath.cos(turn) * h * 0.34;
            double fy = -StrictMath.sin(turn) * h * 0.16 + h * 0.1;
            if (Math.abs(wind) > 0.2) {
                fx = Math.abs(fx) * Math.signum(wind) * 1.15 + h * 0.06 * Math.signum(wind);
                fy = fy * 0.8 + dice.between(-2, 3);
            }
            double mx = px + fx * 0.5;
            double my = py + fy * 0.5 - h * 0.07;
            int green = Canvas.mix(0x2F6B2A, 0x4C8F3A, dice.next());
            canvas.line(px, py, mx, my, 2.2, green);
            canvas.line(mx, my, px + fx, py + fy, 1.6, green);
        }
    }

    /** Tongues of flame from a line upwards, brighter inside. */
    void flames(double x, double y, double w, double h) {
        canvas.glow(x, y - h * 0.4, w * 1.1, h * 1.1, 0xFF9A2E, 0.5);
        int[] colors = {0xD8361A, 0xF4731C, 0xFFC12E, 0xFFF0A0};
        int tongues = Math.max(2, (int) (w / 5));
        double[] tall = new double[tongues];
        double[] sway = new double[tongues];
        for (int i = 0; i < tongues; i++) {
            tall[i] = dice.between(0.55, 1);
            sway[i] = dice.between(-0.25, 0.25);
        }
        for (int layer = 0; layer < colors.length; layer++) {
            double inner = 1 - 0.22 * layer;
            for (int i = 0; i < tongues; i++) {
                double fx = x - w / 2 + w * (i + 0.5) / tongues;
                double half = w / tongues * 0.85 * inner;
                double top = y - h * tall[i] * inner * inner;
                double tip = fx + sway[i] * h;
                canvas.polygon(
                        colors[layer],
                        fx - half,
                        y,
                        fx - half * 0.9,
                        y - (y - top) * 0.35,
                        fx + (tip - fx) * 0.4 - half * 0.3,
                        y - (y - top) * 0.65,
                        tip,
                        top,
                        fx + (tip - fx) * 0.4 + half * 0.5,
                        y - (y - top) * 0.6,
                        fx + half * 0.9,
                        y - (y - top) * 0.3,
                        fx + half,
                        y);
            }
        }
    }

    void smoke(double x, double y, double size, double rise, double drift, int color, double alpha) {
        int puffs = 14;
        for (int i = 0; i < puffs; i++) {
            double t = i / (double) puffs;
            double r = size * (0.45 + 1.1 * t);
            canvas.glow(
                    x + drift * t + dice.between(-0.3, 0.3) * size,
                    y - rise * t,
                    r,
                    r * 0.8,
                    Canvas.mix(color, Canvas.lighter(color, 0.25), dice.next()),
                    alpha);
        }
    }

    /** A heap of broken slabs, bricks and beams, highest in the middle. */
    void rubble(double x, double y, double w, double h, int pieces) {
        int[] colors = {0x8E8A84, 0xA8A196, 0x77736F, 0xB9AFA0, 0x9A6650, 0x6A6461, 0xC4BCAF};
        canvas.polygon(
                0x716C67,
                x - w / 2,
                y,
                x - w * 0.3,
                y - h * 0.55,
                x - w * 0.08,
                y - h * 0.8,
                x + w * 0.2,
                y - h * 0.66,
                x + w / 2,
                y);
        for (int i = 0; i < pieces; i++) {
            double u = dice.between(-0.5, 0.5);
            double top = h * (1 - 4 * u * u);
            double px = x + u * w;
            double py = y - top * dice.between(0, 0.95);
            double size = dice.between(2, 6.5);
            double turn = dice.between(0, Math.PI);
            double ca = StrictMath.cos(turn) * size;
            double sa = StrictMath.sin(turn) * size;
            double flat = dice.between(0.25, 0.7);
            canvas.polygon(
                    Canvas.darker(colors[dice.below(colors.length)], dice.between(0, 0.3)),
                    px - ca - sa * flat,
                    py - sa + ca * flat,
                    px + ca - sa * flat,
                    py + sa + ca * flat,
                    px + ca + sa * flat,
                    py + sa - ca * flat,
                    px - ca + sa * flat,
                    py - sa - ca * flat);
        }
        for (int i = 0; i < pieces / 12; i++) {
            double px = x + dice.between(-0.35, 0.35) * w;
            double py = y - h * dice.between(0.3, 0.9);
            canvas.line(px, py, px + dice.between(-12, 12), py - dice.between(4, 14), 1.3, 0x4B3A2E);
        }
    }

    /** A wall of a building with rows of windows; with a jagged top where it is broken. */
    void block(double x, double y, double w, double h, int wall, boolean broken) {
        if (broken) {
            canvas.polygon(
                    wall,
                    x - w / 2,
                    y,
                    x - w / 2,
                    y - h,
                    x - w * 0.3,
                    y - h * 0.82,
                    x - w * 0.12,
                    y - h * 0.95,
                    x + w * 0.08,
                    y - h * 0.6,
                    x + w * 0.22,
                    y - h * 0.66,
                    x + w * 0.36,
                    y - h * 0.35,
                    x + w / 2,
                    y - h * 0.28,
                    x + w / 2,
                    y);
        } else {
            canvas.rectangle(x - w / 2, y - h, x + w / 2, y, wall);
        }
        for (int row = 0; row * 10 + 8 < h; row++) {
            for (int column = 0; column * 8 + 6 < w; column++) {
                double wx = x - w / 2 + 3 + column * 8;
                double wy = y - h + 4 + row * 10;
                double limit = broken ? y - h * (0.9 - 0.62 * (wx + 4 - x + w / 2) / w) : 0;
                if (wy > limit) {
                    canvas.rectangle(wx, wy, wx + 4, wy + 5, Canvas.mix(GLASS, wall, dice.between(0, 0.3)));
                }
            }
        }
    }

    void crane(double x, double y, double h, int side) {
        int yellow = 0xE8B21E;
        canvas.rectangle(x - 1.6, y - h, x + 1.6, y, yellow);
        for (double k = 0; k < h; k += 5) {
            canvas.line(x - 1.6, y - k, x + 1.6, y - k - 5, 0.8, 0x8A6A10);
        }
        canvas.rectangle(
                Math.min(x - side * 12, x + side * 46),
                y - h,
                Math.max(x - side * 12, x + side * 46),
                y - h + 2.4,
                yellow);
        canvas.rectangle(x - side * 12 - 3, y - h, x - side * 12 + 3, y - h + 6, 0x5A5A5A);
        canvas.line(x, y - h - 8, x + side * 44, y - h, 0.9, 0x6A5A20);
        canvas.line(x, y - h - 8, x - side * 12, y - h, 0.9, 0x6A5A20);
        canvas.line(x, y - h - 8, x, y - h, 1.6, yellow);
        double hook = x + side * dice.between(20, 42);
        canvas.line(hook, y - h + 2, hook, y - h + 18, 0.8, 0x333333);
        canvas.rectangle(hook - 3, y - h + 18, hook + 3, y - h + 21, 0xA0522D);
    }

    /** Floors and pillars of concrete, open to all sides. */
    void skeleton(double x, double y, double w, int floors) {
        for (int f = 0; f < floors; f++) {
            double fy = y - f * 13;
            canvas.rectangle(x - w / 2, fy - 13, x + w / 2, fy, 0x57534E);
            for (int i = 0; i <= 4; i++) {
                double px = x - w / 2 + (w - 3) * i / 4;
                canvas.rectangle(px, fy - 13, px + 3, fy, 0xA7A29A);
            }
            canvas.rectangle(x - w / 2 - 2, fy - 14.5, x + w / 2 + 2, fy - 11.5, 0xBDB7AD);
        }
    }

    void boat(double x, double y, double scale, int sail) {
        canvas.polygon(
                0x7A4A28,
                x - 11 * scale,
                y - 3 * scale,
                x + 11 * scale,
                y - 3 * scale,
                x + 7 * scale,
                y + 2 * scale,
                x - 7 * scale,
                y + 2 * scale);
        canvas.line(x, y - 3 * scale, x, y - 22 * scale, 1.2, 0x4A3420);
        canvas.polygon(sail, x + 1, y - 5 * scale, x + 1, y - 21 * scale, x + 10 * scale, y - 5 * scale);
        canvas.polygon(
                Canvas.darker(sail, 0.1), x - 1, y - 5 * scale, x - 1, y - 17 * scale, x - 7 * scale, y - 5 * scale);
    }

    void tent(double x, double y, int color) {
        canvas.polygon(color, x - 17, y, x, y - 22, x + 17, y);
        canvas.polygon(Canvas.darker(color, 0.3), x, y - 22, x + 17, y, x + 24, y - 3, x + 6, y - 22);
        canvas.polygon(Canvas.darker(color, 0.6), x - 5, y, x, y - 14, x + 5, y);
    }

    void person(double x, double y, int coat) {
        canvas.rectangle(x - 1.7, y - 5, x - 0.3, y, 0x2B2B38);
        canvas.rectangle(x + 0.3, y - 5, x + 1.7, y, 0x2B2B38);
        canvas.ellipse(x, y - 8, 2.6, 4, coat);
        canvas.ellipse(x, y - 13, 1.7, 1.9, 0xD9A884);
    }

    void rain(int drops, double slant) {
        for (int i = 0; i < drops; i++) {
            double x = dice.between(-10, 138);
            double y = dice.between(0, 128);
            canvas.line(x, y, x + slant, y + 7, 0.7, 0xD4DEE6, 0.5);
        }
    }

    /** Planks, branches and sheets on the ground. */
    void debris(double y, int pieces) {
        for (int i = 0; i < pieces; i++) {
            double x = dice.between(0, 128);
            double py = dice.between(y, 126);
            int color = dice.one(0x6B4A2E, 0x8A6A48, 0xB8B0A4, 0x4E5B3A, 0x9AA4AC);
            canvas.line(x, py, x + dice.between(-9, 9), py + dice.between(-4, 3), dice.between(1, 2.6), color);
        }
    }

    void sun(double x, double y, double r, int color) {
        canvas.glow(x, y, r * 4, r * 4, color, 0.55);
        canvas.ellipse(x, y, r, r, Canvas.lighter(color, 0.6));
    }
}
