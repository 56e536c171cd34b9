package org.telltale.kernels.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Products by tiles of 64 rows and 64 columns: a group of 16 by 16 items reads both operands into local memory, 16 deep,
 * and each item keeps 4 by 4 sums, 16 rows and columns apart. What 16 steps give is summed by itself, so that a
 * sum has few roundings one after another.
 */
final class MatrixKernels {
    private MatrixKernels() {}

    /**
     * activation(a b + bias), by batches. at: rows, columns, depth, a, b, bias, y, the steps of a from batch to batch, row
     * to row and along the depth, those of b from batch to batch, along the depth and from column to column, function,
     * whether there is a bias, whether a is read along its depth, and whether b is.
     */
    static void matrixProduct(
            KernelContext context, FloatArray a, FloatArray b, FloatArray bias, FloatArray y, IntArray at) {
        int tx = context.localIdx;
        int ty = context.localIdy;
        int item = ty * 16 + tx;
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
        int leftAlong = at.get(15);
        int rightAlong = at.get(16);
        float[] lefts = context.allocateFloatLocalArray(1024);
        float[] rights = context.allocateFloatLocalArray(1024);
        float s00 = 0f;
        float s01 = 0f;
        float s02 = 0f;
        float s03 = 0f;
        float s10 = 0f;
        float s11 = 0f;
        float s12 = 0f;
        float s13 = 0f;
        float s20 = 0f;
        float s21 = 0f;
        float s22 = 0f;
        float s23 = 0f;
        float s30 = 0f;
        float s31 = 0f;
        float s32 = 0f;
        float s33 = 0f;
        for (int from = 0; from < depth; from += 16) {
            for (int e = item; e < 1024; e += 256) {
                int i = leftAlong == 1 ? e / 16 : e % 64;
                int k = leftAlong == 1 ? e % 16 : e / 64;
                float value = 0f;
                if (row + i < rows && from + k < depth) {
                    value = a.get(left + (row + i) * leftRow + (from + k) * leftDepth);
                }
                lefts[k * 64 + i] = value;
                i = rightAlong == 1 ? e / 16 : e % 64;
                k = rightAlong == 1 ? e % 16 : e / 64;
                value = 0f;
                if (column + i < columns && from + k < depth) {
                    value = b.get(right + (column + i) * rightColumn + (from + k) * rightDepth);
                }
                rights[k * 64 + i] = value;
            }
            context.localBarrier();
            float t00 = 0f;
            float t01 = 0f;
            float t02 = 0f;
            float t03 = 0f;
            float t10 = 0f;
            float t11 = 0f;
            float t12 = 0f;
            float t13 = 0f;
            float t20 = 0f;
            float t21 = 0f;
            float t22 = 0f;
            float t23 = 0f;
            float t30 = 0f;
            float t31 = 0f;
            float t32 = 0f;
            float t33 = 0f;
            for (int k = 0; k < 16; k++) {
                float l0 = lefts[k * 64 + ty];
                float l1 = lefts[k * 64 + ty + 16];
                float l2 = lefts[k * 64 + ty + 32];
                float l3 = lefts[k * 64 + ty + 48];
                float r0 = rights[k * 64 + tx];
                float r1 = rights[k * 64 + tx + 16];
                float r2 = rights[k * 64 + tx + 32];
                float r3 = rights[k * 64 + tx + 48];
                t00 += l0 * r0;
                t01 += l0 * r1;
                t02 += l0 * r2;
                t03 += l0 * r3;
                t10 += l1 * r0;
                t11 += l1 * r1;
                t12 += l1 * r2;
                t13 += l1 * r3;
                t20 += l2 * r0;
                t21 += l2 * r1;
                t22 += l2 * r2;
                t23 += l2 * r3;
                t30 += l3 * r0;
                t31 += l3 * r1;
                t32 += l3 * r2;
                t33 += l3 * r3;
            }
            s00 += t00;
            s01 += t01;
            s02 += t02;
            s03 += t03;
            s10 += t10;
            s11 += t11;
            s12 += t12;
            s13 += t13;
            s20 += t20;
            s21 += t21;
            s22 += t22;
            s23 += t23;
            s30 += t30;
            s31 += t31;
            s32 += t32;
            s33 += t33;
            context.localBarrier();
        }
        float[] sums = new float[16];
        sums[0] = s00;
        sums[1] = s01;
        sums[2] = s02;
        sums[3] = s03;
        sums[4] = s10;
        sums[5] = s11;
        sums[6] = s12;
        sums[7] = s13;
        sums[8] = s20;
        sums[9] = s21;
        sums[10] = s22;
        sums[11] = s23;
        sums[12] = s30;
        sums[13] = s31;
        sums[14] = s32;
        sums[15] = s33;
        int to = at.get(6) + batch * rows * columns;
        for (int e = 0; e < 16; e++) {
            int i = row + ty + (e / 4) * 16;
            int j = column + tx + (e % 4) * 16;
            if (i < rows && j < columns) {
                float value = sums[e];
                if (at.get(14) == 1) {
                    value += bias.get(at.get(5) + j);
                }
                y.set(to + i * columns + j, ScalarMath.apply(at.get(13), value));
            }
        }
    }
}
