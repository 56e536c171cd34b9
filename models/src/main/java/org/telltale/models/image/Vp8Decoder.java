package org.telltale.models.image;

import java.util.Arrays;

/**
 * A lossy WebP picture: one VP8 key frame (RFC 6386). Written here because libwebp's result, with its smooth chroma
 * upsampling, is what Pillow shows, and the Java libraries are far from it.
 */
final class Vp8Decoder {
    private static final int DC = 0;
    private static final int TRUE_MOTION = 1;
    private static final int VERTICAL = 2;
    private static final int HORIZONTAL = 3;
    private static final int[] ZIGZAG = {0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15};
    private static final int[] BANDS = {0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 0};
    private static final int[][] LARGE = {
        {173, 148, 140},
        {176, 155, 140, 135},
        {180, 157, 141, 134, 130},
        {254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129}
    };
    private static final int AFTER_DC = 0;
    private static final int SECOND_ORDER = 1;
    private static final int CHROMA = 2;
    private static final int WITH_DC = 3;

    private final byte[] b;
    private final int start;
    private final int end;
    private final int width;
    private final int height;
    private final int columns;
    private final int rows;
    private final Vp8Planes planes;

    private final int[] probabilities = Vp8Tables.COEFFICIENTS.clone();
    private final int[] segmentProbabilities = {255, 255, 255};
    private final int[] segmentQuantizer = new int[4];
    private final int[] segmentStrength = new int[4];
    private boolean segmented;
    private boolean segmentMap;
    private boolean absolute = true;
    private int skipProbability = -1;
    private final int[] deltas = new int[8];
    private boolean useDeltas;
    /** Per segment: luma DC, AC, second-order DC, AC, chroma DC, AC. */
    private final int[][] steps = new int[4][6];

    private final int[] modesAbove;
    private final int[] modesLeft = new int[4];
    private final boolean[][] nonZeroAbove;
    private final boolean[] nonZeroLeft = new boolean[9];
    private final short[] coefficients = new short[25 * 16];

    /** A frame in b[start, end), the payload of a "VP8 " chunk. */
    Vp8Decoder(byte[] b, int start, int end) throws ImageException {
        this.b = b;
        this.start = start;
        this.end = end;
        if (end - start < 10) {
            throw new ImageException("truncated WebP: a VP8 frame of " + (end - start) + " bytes");
        }
        int bits = u24(start);
        if ((bits & 1) != 0 || u24(start + 3) != 0x2a019d || (bits >> 1 & 7) > 3) {
            throw new ImageException("broken WebP: no VP8 key frame where one is expected");
        }
        width = (b[start + 6] & 0xff) | (b[start + 7] & 0x3f) << 8;
        height = (b[start + 8] & 0xff) | (b[start + 9] & 0x3f) << 8;
        ImageReader.checkSize(width, height);
        columns = (width + 15) / 16;
        rows = (height + 15) / 16;
        planes = new Vp8Planes(columns, rows);
        modesAbove = new int[columns * 4];
        nonZeroAbove = new boolean[columns][9];
    }

    Pixels decode() throws ImageException {
        int first = start + 10;
        int firstLength = u24(start) >> 5;
        if (firstLength > end - first) {
            throw new ImageException("truncated WebP: the VP8 frame ends in its first partition");
        }
        Vp8BoolDecoder header = new Vp8BoolDecoder(b, first, first + firstLength);
        header.literal(2);
        readSegments(header);
        boolean simple = header.bit();
        int level = header.literal(6);
        int sharpness = header.literal(3);
        readDeltas(header);
        Vp8BoolDecoder[] tokens = readPartitions(header, first + firstLength);
        readQuantizers(header);
        header.literal(1);
        for (int i = 0; i < probabilities.length; i++) {
            if (header.bit(Vp8Tables.COEFFICIENT_UPDATES[i])) {
                probabilities[i] = header.literal(8);
            }
        }
        if (header.bit()) {
            skipProbability = header.literal(8);
        }
        Vp8LoopFilter filter = new Vp8LoopFilter(planes, simple, sharpness, columns * rows);
        for (int row = 0; row < rows; row++) {
            Arrays.fill(modesLeft, DC);
            Arrays.fill(nonZeroLeft, false);
            Vp8BoolDecoder partition = tokens[row & (tokens.length - 1)];
            for (int column = 0; column < columns; column++) {
                readMacroblock(header, partition, column, row, level, filter);
            }
        }
        if (level > 0) {
            filter.run(columns);
        }
        return new Pixels(width, height, planes.toRgb(width, height));
    }

    private void readSegments(Vp8BoolDecoder in) throws ImageException {
        segmented = in.bit();
        if (!segmented) {
            return;
        }
        segmentMap = in.bit();
        if (in.bit()) {
            absolute = in.bit();
            for (int s = 0; s < 4; s++) {
                segmentQuantizer[s] = in.bit() ? in.signed(7) : 0;
            }
            for (int s = 0; s < 4; s++) {
                segmentStrength[s] = in.bit() ? in.signed(6) : 0;
            }
        }
        if (segmentMap) {
            for (int i = 0; i < 3; i++) {
                segmentProbabilities[i] = in.bit() ? in.literal(8) : 255;
            }
        }
    }

    private void readDeltas(Vp8BoolDecoder in) throws ImageException {
        useDeltas = in.bit();
        if (useDeltas && in.bit()) {
            for (int i = 0; i < 8; i++) {
                if (in.bit()) {
                    deltas[i] = in.signed(6);
                }
            }
        }
    }

    private Vp8BoolDecoder[] readPartitions(Vp8BoolDecoder in, int from) throws ImageException {
        int count = 1 << in.literal(2);
        int at = from + 3 * (count - 1);
        if (at > end) {
            throw new ImageException("truncated WebP: the VP8 frame ends in its partition sizes");
        }
        Vp8BoolDecoder[] out = new Vp8BoolDecoder[count];
        for (int i = 0; i < count; i++) {
            int length = i < count - 1 ? Math.min(u24(from + 3 * i), end - at) : end - at;
            out[i] = new Vp8BoolDecoder(b, at, at + length);
            at += length;
        }
        return out;
    }

    private void readQuantizers(Vp8BoolDecoder in) throws ImageException {
        int base = in.literal(7);
        int[] delta = new int[5];
        for (int i = 0; i < 5; i++) {
            delta[i] = in.bit() ? in.signed(4) : 0;
        }
        for (int s = 0; s < 4; s++) {
            int q = !segmented ? base : absolute ? segmentQuantizer[s] : segmentQuantizer[s] + base;
            steps[s][0] = Vp8Tables.DC_STEPS[Math.clamp(q + delta[0], 0, 127)];
            steps[s][1] = Vp8Tables.AC_STEPS[Math.clamp(q, 0, 127)];
            steps[s][2] = Vp8Tables.DC_STEPS[Math.clamp(q + delta[1], 0, 127)] * 2;
            steps[s][3] = Math.max(Vp8Tables.AC_STEPS[Math.clamp(q + delta[2], 0, 127)] * 155 / 100, 8);
            steps[s][4] = Vp8Tables.DC_STEPS[Math.clamp(q + delta[3], 0, 117)];
            steps[s][5] = Vp8Tables.AC_STEPS[Math.clamp(q + delta[4], 0, 127)];
        }
    }

    private void readMacroblock(
            Vp8BoolDecoder header, Vp8BoolDecoder tokens, int column, int row, int level, Vp8LoopFilter filter)
            throws ImageException {
        int segment = 0;
        if (segmentMap) {
            segment = header.bit(segmentProbabilities[0])
                    ? (header.bit(segmentProbabilities[2]) ? 3 : 2)
                    : (header.bit(segmentProbabilities[1]) ? 1 : 0);
        }
        boolean skip = skipProbability >= 0 && header.bit(skipProbability);
        boolean split = !header.bit(145);
        int mode = DC;
        int[] blockModes = new int[16];
        if (split) {
            for (int i = 0; i < 16; i++) {
                int above = column * 4 + i % 4;
                int read = readBlockMode(header, (modesAbove[above] * 10 + modesLeft[i / 4]) * 9);
                blockModes[i] = read;
                modesAbove[above] = read;
                modesLeft[i / 4] = read;
            }
        } else {
            mode = header.bit(156) ? (header.bit(128) ? TRUE_MOTION : HORIZONTAL) : (header.bit(163) ? VERTICAL : DC);
            Arrays.fill(modesAbove, column * 4, column * 4 + 4, mode);
            Arrays.fill(modesLeft, mode);
        }
        int chromaMode =
                !header.bit(142) ? DC : !header.bit(114) ? VERTICAL : header.bit(183) ? TRUE_MOTION : HORIZONTAL;

        boolean anyNonZero = false;
        Arrays.fill(coefficients, (short) 0);
        if (skip) {
            clear(nonZeroAbove[column], !split);
            clear(nonZeroLeft, !split);
        } else {
            anyNonZero = readResiduals(tokens, nonZeroAbove[column], split, steps[segment]);
        }
        if (split) {
            planes.predictBlocks(column, row, columns, blockModes, coefficients);
        } else {
            planes.predictLuma(column, row, mode, coefficients);
        }
        planes.predictChroma(column, row, chromaMode, coefficients);

        int strength = !segmented ? level : absolute ? segmentStrength[segment] : segmentStrength[segment] + level;
        if (useDeltas) {
            strength += deltas[0] + (split ? deltas[4] : 0);
        }
        filter.set(row * columns + column, Math.clamp(strength, 0, 63), split || anyNonZero);
    }

    private static void clear(boolean[] nonZero, boolean secondOrderToo) {
        Arrays.fill(nonZero, 0, 8, false);
        if (secondOrderToo) {
            nonZero[8] = false;
        }
    }

    private static int readBlockMode(Vp8BoolDecoder in, int at) throws ImageException {
        int[] p = Vp8Tables.BLOCK_MODES;
        if (!in.bit(p[at])) {
            return DC;
        }
        if (!in.bit(p[at + 1])) {
            return TRUE_MOTION;
        }
        if (!in.bit(p[at + 2])) {
            return VERTICAL;
        }
        if (!in.bit(p[at + 3])) {
            return !in.bit(p[at + 4]) ? HORIZONTAL : in.bit(p[at + 5]) ? 5 : 4;
        }
        if (!in.bit(p[at + 6])) {
            return 6;
        }
        return !in.bit(p[at + 7]) ? 7 : in.bit(p[at + 8]) ? 9 : 8;
    }

    /** Reads 16 luma, 4 + 4 chroma blocks into the coefficients and says whether any of them is not zero. */
    private boolean readResiduals(Vp8BoolDecoder in, boolean[] above, boolean split, int[] step) throws ImageException {
        int type = WITH_DC;
        if (!split) {
            int second = 24 * 16;
            int context = (above[8] ? 1 : 0) + (nonZeroLeft[8] ? 1 : 0);
            boolean present = readBlock(in, SECOND_ORDER, context, 0, step[2], step[3], second) > 0;
            above[8] = present;
            nonZeroLeft[8] = present;
            Vp8Planes.spreadSecondOrder(coefficients, second);
            type = AFTER_DC;
        }
        int from = split ? 0 : 1;
        for (int i = 0; i < 16; i++) {
            int x = i % 4;
            int y = i / 4;
            int context = (above[x] ? 1 : 0) + (nonZeroLeft[y] ? 1 : 0);
            boolean present = readBlock(in, type, context, from, step[0], step[1], i * 16) > from;
            above[x] = present;
            nonZeroLeft[y] = present;
        }
        for (int i = 0; i < 8; i++) {
            int x = 4 + i / 4 * 2 + i % 2;
            int y = 4 + i / 4 * 2 + i / 2 % 2;
            int context = (above[x] ? 1 : 0) + (nonZeroLeft[y] ? 1 : 0);
            boolean present = readBlock(in, CHROMA, context, 0, step[4], step[5], (16 + i) * 16) > 0;
            above[x] = present;
            nonZeroLeft[y] = present;
        }
        for (int i = 0; i < 24 * 16; i++) {
            if (coefficients[i] != 0) {
                return true;
            }
        }
        return false;
    }

    /** Reads one block and returns the position after its last coefficient. */
    private int readBlock(Vp8BoolDecoder in, int type, int context, int from, int dcStep, int acStep, int to)
            throws ImageException {
        int p = ((type * 8 + BANDS[from]) * 3 + context) * 11;
        int n = from;
        while (n < 16) {
            if (!in.bit(probabilities[p])) {
                return n;
            }
            while (!in.bit(probabilities[p + 1])) {
                n++;
                if (n == 16) {
                    return 16;
                }
                p = (type * 8 + BANDS[n]) * 33;
            }
            int next = (type * 8 + BANDS[n + 1]) * 33;
            int v = 1;
            if (in.bit(probabilities[p + 2])) {
                v = readLarge(in, p);
                p = next + 22;
            } else {
                p = next + 11;
            }
            int signed = in.bit(128) ? -v : v;
            coefficients[to + ZIGZAG[n]] = (short) (signed * (n == 0 ? dcStep : acStep));
            n++;
        }
        return 16;
    }

    private int readLarge(Vp8BoolDecoder in, int p) throws ImageException {
        if (!in.bit(probabilities[p + 3])) {
            return !in.bit(probabilities[p + 4]) ? 2 : in.bit(probabilities[p + 5]) ? 4 : 3;
        }
        if (!in.bit(probabilities[p + 6])) {
            if (!in.bit(probabilities[p + 7])) {
                return in.bit(159) ? 6 : 5;
            }
            int high = in.bit(165) ? 2 : 0;
            return 7 + high + (in.bit(145) ? 1 : 0);
        }
        int high = in.bit(probabilities[p + 8]) ? 1 : 0;
        int category = 2 * high + (in.bit(probabilities[p + 9 + high]) ? 1 : 0);
        int v = 0;
        for (int probability : LARGE[category]) {
            v = 2 * v + (in.bit(probability) ? 1 : 0);
        }
        return v + 3 + (8 << category);
    }

    private int u24(int at) {
        return (b[at] & 0xff) | (b[at + 1] & 0xff) << 8 | (b[at + 2] & 0xff) << 16;
    }
}
