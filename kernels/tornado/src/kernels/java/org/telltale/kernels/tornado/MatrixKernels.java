package org.telltale.kernels.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Products by tiles of 64 rows and 64 columns: a group of 8 by 16 items reads both operands into local memory, 16 deep,
 * and each item keeps the sums of 4 rows, 16 apart, and 8 neighbouring columns. What 16 steps give is summed by itself, so that
 * a sum has few roundings one after another. Lines of local memory are a little longer than 64, so that neither what is
 * written nor what is read at a time lies in one bank.
 */
final class MatrixKernels {
    private MatrixKernels() {}

    /**
     * activation(a b + bias), by batches. at: rows, columns, depth, a, b, bias, y, the steps of a from batch to batch, row
     * to row and along the depth, those of b from batch to batch, along the depth and from column to column, function,
     * whether there is a bias, whether a is read along its depth, whether b is, and whether a is gathered from pictures: then
     * what {@link #windowElement} reads.
     */
    static void matrixProduct(
            KernelContext context, FloatArray a, FloatArray b, FloatArray bias, FloatArray y, IntArray at) {
        int tx = context.localIdx;
        int ty = context.localIdy;
        int item = ty * 8 + tx;
        int row = context.groupIdy * 64;
        int column = context.groupIdx * 64;
        int batch = context.groupIdz;
        int rows = at.get(0);
        int columns = at.get(1);
        int depth = at.get(2);
        int left = at.get(3) + batch * at.get(7);
        int right = at.get(4) + batch * at.get(10);
        int leftRow = at.get(8);
        int leftDepth = at.get(9);
        int rightDepth = at.get(11);
        int rightColumn = at.get(12);
        // the eight elements that an item reads of each operand: neighbouring items read neighbours
        int leftAlong = at.get(15);
        int leftFirst = leftAlong == 1 ? item / 16 : item % 64;
        int leftPlace = leftAlong == 1 ? item % 16 : item / 64;
        int leftDown = leftAlong == 1 ? 8 : 0;
        int leftOn = leftAlong == 1 ? 0 : 2;
        int rightAlong = at.get(16);
        int rightFirst = rightAlong == 1 ? item / 16 : item % 64;
        int rightPlace = rightAlong == 1 ? item % 16 : item / 64;
        int rightDown = rightAlong == 1 ? 8 : 0;
        int rightOn = rightAlong == 1 ? 0 : 2;
        int windows = at.get(17);
        float[] lefts = context.allocateFloatLocalArray(1040);
        float[] rights = context.allocateFloatLocalArray(1056);
        int mine = tx * 8 + tx / 4;
        float s00 = 0f;
        float s01 = 0f;
        float s02 = 0f;
        float s03 = 0f;
        float s04 = 0f;
        float s05 = 0f;
        float s06 = 0f;
        float s07 = 0f;
        float s10 = 0f;
        float s11 = 0f;
        float s12 = 0f;
        float s13 = 0f;
        float s14 = 0f;
        float s15 = 0f;
        float s16 = 0f;
        float s17 = 0f;
        float s20 = 0f;
        float s21 = 0f;
        float s22 = 0f;
        float s23 = 0f;
        float s24 = 0f;
        float s25 = 0f;
        float s26 = 0f;
        float s27 = 0f;
        float s30 = 0f;
        float s31 = 0f;
        float s32 = 0f;
        float s33 = 0f;
        float s34 = 0f;
        float s35 = 0f;
        float s36 = 0f;
        float s37 = 0f;
        for (int from = 0; from < depth; from += 16) {
            int i = leftFirst;
            int k = leftPlace;
            if (windows == 1) {
                for (int e = item; e < 1024; e += 128) {
                    float value = 0f;
                    if (row + i < rows && from + k < depth) {
                        value = windowElement(a, at, row + i, from + k);
                    }
                    lefts[k * 65 + i] = value;
                    i += leftDown;
                    k += leftOn;
                }
            } else {
                for (int e = item; e < 1024; e += 128) {
                    float value = 0f;
                    if (row + i < rows && from + k < depth) {
                        value = a.get(left + (row + i) * leftRow + (from + k) * leftDepth);
                    }
                    lefts[k * 65 + i] = value;
                    i += leftDown;
                    k += leftOn;
                }
            }
            i = rightFirst;
            k = rightPlace;
            for (int e = item; e < 1024; e += 128) {
                float value = 0f;
                if (column + i < columns && from + k < depth) {
                    value = b.get(right + (column + i) * rightColumn + (from + k) * rightDepth);
                }
                rights[k * 66 + i + i / 32] = value;
                i += rightDown;
                k += rightOn;
            }
            context.localBarrier();
            float t00 = 0f;
            float t01 = 0f;
            float t02 = 0f;
            float t03 = 0f;
            float t04 = 0f;
            float t05 = 0f;
            float t06 = 0f;
            float t07 = 0f;
            float t10 = 0f;
            float t11 = 0f;
            float t12 = 0f;
            float t13 = 0f;
            float t14 = 0f;
            float t15 = 0f;
            float t16 = 0f;
            float t17 = 0f;
            float t20 = 0f;
            float t21 = 0f;
            float t22 = 0f;
            float t23 = 0f;
            float t24 = 0f;
            float t25 = 0f;
            float t26 = 0f;
            float t27 = 0f;
            float t30 = 0f;
            float t31 = 0f;
            float t32 = 0f;
            float t33 = 0f;
            float t34 = 0f;
            float t35 = 0f;
            float t36 = 0f;
            float t37 = 0f;
            for (int d = 0; d < 16; d++) {
                float l0 = lefts[d * 65 + ty];
                float l1 = lefts[d * 65 + ty + 16];
                float l2 = lefts[d * 65 + ty + 32];
                float l3 = lefts[d * 65 + ty + 48];
                float r0 = rights[d * 66 + mine];
                float r1 = rights[d * 66 + mine + 1];
                float r2 = rights[d * 66 + mine + 2];
                float r3 = rights[d * 66 + mine + 3];
                float r4 = rights[d * 66 + mine + 4];
                float r5 = rights[d * 66 + mine + 5];
                float r6 = rights[d * 66 + mine + 6];
                float r7 = rights[d * 66 + mine + 7];
                t00 += l0 * r0;
                t01 += l0 * r1;
                t02 += l0 * r2;
                t03 += l0 * r3;
                t04 += l0 * r4;
                t05 += l0 * r5;
                t06 += l0 * r6;
                t07 += l0 * r7;
                t10 += l1 * r0;
                t11 += l1 * r1;
                t12 += l1 * r2;
                t13 += l1 * r3;
                t14 += l1 * r4;
                t15 += l1 * r5;
                t16 += l1 * r6;
                t17 += l1 * r7;
                t20 += l2 * r0;
                t21 += l2 * r1;
                t22 += l2 * r2;
                t23 += l2 * r3;
                t24 += l2 * r4;
                t25 += l2 * r5;
                t26 += l2 * r6;
                t27 += l2 * r7;
                t30 += l3 * r0;
                t31 += l3 * r1;
                t32 += l3 * r2;
                t33 += l3 * r3;
                t34 += l3 * r4;
                t35 += l3 * r5;
                t36 += l3 * r6;
                t37 += l3 * r7;
            }
            s00 += t00;
            s01 += t01;
            s02 += t02;
            s03 += t03;
            s04 += t04;
            s05 += t05;
            s06 += t06;
            s07 += t07;
            s10 += t10;
            s11 += t11;
            s12 += t12;
            s13 += t13;
            s14 += t14;
            s15 += t15;
            s16 += t16;
            s17 += t17;
            s20 += t20;
            s21 += t21;
            s22 += t22;
            s23 += t23;
            s24 += t24;
            s25 += t25;
            s26 += t26;
            s27 += t27;
            s30 += t30;
            s31 += t31;
            s32 += t32;
            s33 += t33;
            s34 += t34;
            s35 += t35;
            s36 += t36;
            s37 += t37;
            context.localBarrier();
        }
        float[] sums = new float[32];
        sums[0] = s00;
        sums[1] = s01;
        sums[2] = s02;
        sums[3] = s03;
        sums[4] = s04;
        sums[5] = s05;
        sums[6] = s06;
        sums[7] = s07;
        sums[8] = s10;
        sums[9] = s11;
        sums[10] = s12;
        sums[11] = s13;
        sums[12] = s14;
        sums[13] = s15;
        sums[14] = s16;
        sums[15] = s17;
        sums[16] = s20;
        sums[17] = s21;
        sums[18] = s22;
        sums[19] = s23;
        sums[20] = s24;
        sums[21] = s25;
        sums[22] = s26;
        sums[23] = s27;
        sums[24] = s30;
        sums[25] = s31;
        sums[26] = s32;
        sums[27] = s33;
        sums[28] = s34;
        sums[29] = s35;
        sums[30] = s36;
        sums[31] = s37;
        int to = at.get(6) + batch * rows * columns;
        for (int e = 0; e < 32; e++) {
            int i = row + ty + (e / 8) * 16;
            int j = column + tx * 8 + e % 8;
            if (i < rows && j < columns) {
                float value = sums[e];
                if (at.get(14) == 1) {
                    value += bias.get(at.get(5) + j);
                }
                y.set(to + i * columns + j, ScalarMath.apply(at.get(13), value));
            }
        }
    }

    /**
     * What a window of pictures [N, H, W, C] has at a place of its depth; 0 in the padding. at, from 18 on: height, width,
     * channels, height and width of the result, kernel width, strides down and across, padding above and to the left, how many
     * places follow each other in the depth's inner part, and whether those are the channels of a tap, or the taps of a channel.
     */
    private static float windowElement(FloatArray x, IntArray at, int pixel, int place) {
        int height = at.get(18);
        int width = at.get(19);
        int outer = place / at.get(28);
        int inner = place - outer * at.get(28);
        int tap = at.get(29) == 1 ? outer : inner;
        int channel = at.get(29) == 1 ? inner : outer;
        int line = pixel / at.get(22);
        int picture = line / at.get(21);
        int h = (line - picture * at.get(21)) * at.get(24) - at.get(26) + tap / at.get(23);
        int v = (pixel - line * at.get(22)) * at.get(25) - at.get(27) + tap % at.get(23);
        float value = 0f;
        if (h >= 0 && h < height && v >= 0 && v < width) {
            value = x.get(at.get(3) + ((picture * height + h) * width + v) * at.get(20) + channel);
        }
        return value;
    }
}
