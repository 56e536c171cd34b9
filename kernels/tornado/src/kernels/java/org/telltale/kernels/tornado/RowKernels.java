package org.telltale.kernels.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * One group of 64 items for each sum: an item takes every 64th element, and all then read the 64 partial results, in one
 * order, so that results do not depend on the device's timing. Sums carry what rounding lost (Kahan).
 */
final class RowKernels {
    private RowKernels() {}

    /** Sums (kind 0) or maxima over axes. at: count, x, y, kind, outer extents 3, their steps 3, inner extents 3, their steps 3. */
    @SuppressWarnings("IdentityBinaryExpression") // TornadoVM has no Float.isNaN
    static void reduceAxes(KernelContext context, FloatArray x, FloatArray y, IntArray at) {
        int item = context.localIdx;
        int out = context.groupIdx;
        int rest = out / at.get(6);
        int from = at.get(1) + (out - rest * at.get(6)) * at.get(9);
        int outermost = rest / at.get(5);
        from += (rest - outermost * at.get(5)) * at.get(8) + outermost * at.get(7);
        int kind = at.get(3);
        int middle = at.get(11);
        int inner = at.get(12);
        float sum = 0f;
        float lost = 0f;
        float most = -3.4028235e38f;
        for (int k = item; k < at.get(0); k += 64) {
            int row = k / inner;
            int plane = row / middle;
            float v = x.get(
                    from + plane * at.get(13) + (row - plane * middle) * at.get(14) + (k - row * inner) * at.get(15));
            float addend = v - lost;
            float next = sum + addend;
            lost = (next - sum) - addend;
            sum = next;
            most = v > most ? v : most;
            if (v != v) {
                most = v;
            }
        }
        float[] partial = context.allocateFloatLocalArray(64);
        partial[item] = kind == 0 ? sum : most;
        context.localBarrier();
        if (item == 0) {
            // by sixteens, as products sum: what ought to cancel a product then does
            float total = 0f;
            float result = partial[0];
            for (int from16 = 0; from16 < 64; from16 += 16) {
                float part = 0f;
                for (int k = from16; k < from16 + 16; k++) {
                    float v = partial[k];
                    part += v;
                    result = v > result ? v : result;
                    if (v != v) {
                        result = v;
                    }
                }
                total += part;
            }
            if (kind == 0) {
                result = total;
            }
            y.set(at.get(2) + out, result);
        }
    }

    /** The lowest index of the maximum, one item for each result. at: n, x, y, count, inner. */
    static void firstMaximum(KernelContext context, FloatArray x, FloatArray y, IntArray at) {
        int i = context.globalIdx;
        if (i < at.get(0)) {
            int count = at.get(3);
            int inner = at.get(4);
            int outer = i / inner;
            int from = at.get(1) + outer * count * inner + i - outer * inner;
            int best = 0;
            float most = x.get(from);
            for (int k = 1; k < count; k++) {
                float v = x.get(from + k * inner);
                if (v > most) {
                    most = v;
                    best = k;
                }
            }
            y.set(at.get(2) + i, (float) best);
        }
    }

    /** Softmax of rows, or its logarithm. at: count, x, y, inner, logarithm. */
    static void softmaxRows(KernelContext context, FloatArray x, FloatArray y, IntArray at) {
        int item = context.localIdx;
        int row = context.groupIdx;
        int count = at.get(0);
        int inner = at.get(3);
        int outer = row / inner;
        int start = outer * count * inner + row - outer * inner;
        int from = at.get(1) + start;
        int to = at.get(2) + start;
        float[] partial = context.allocateFloatLocalArray(64);
        float[] sums = context.allocateFloatLocalArray(64);
        float most = -3.4028235e38f;
        for (int k = item; k < count; k += 64) {
            most = TornadoMath.max(most, x.get(from + k * inner));
        }
        partial[item] = most;
        context.localBarrier();
        for (int k = 0; k < 64; k++) {
            most = TornadoMath.max(most, partial[k]);
        }
        float sum = 0f;
        float lost = 0f;
        for (int k = item; k < count; k += 64) {
            float addend = TornadoMath.exp(x.get(from + k * inner) - most) - lost;
            float next = sum + addend;
            lost = (next - sum) - addend;
            sum = next;
        }
        sums[item] = sum;
        context.localBarrier();
        float total = 0f;
        for (int k = 0; k < 64; k++) {
            total += sums[k];
        }
        float logarithm = TornadoMath.log(total);
        for (int k = item; k < count; k += 64) {
            float shifted = x.get(from + k * inner) - most;
            y.set(to + k * inner, at.get(4) == 1 ? shifted - logarithm : TornadoMath.exp(shifted) / total);
        }
    }

    /** Layer normalisation of rows. at: width, x, scale, shift, epsilon, y. */
    static void normaliseRows(
            KernelContext context,
            FloatArray x,
            FloatArray scale,
            FloatArray shift,
            FloatArray numbers,
            FloatArray y,
            IntArray at) {
        int item = context.localIdx;
        int width = at.get(0);
        int start = context.groupIdx * width;
        int from = at.get(1) + start;
        float[] sums = context.allocateFloatLocalArray(64);
        float[] squares = context.allocateFloatLocalArray(64);
        float sum = 0f;
        float lost = 0f;
        for (int k = item; k < width; k += 64) {
            float addend = x.get(from + k) - lost;
            float next = sum + addend;
            lost = (next - sum) - addend;
            sum = next;
        }
        sums[item] = sum;
        context.localBarrier();
        float mean = 0f;
        for (int k = 0; k < 64; k++) {
            mean += sums[k];
        }
        mean = mean / width;
        float square = 0f;
        for (int k = item; k < width; k += 64) {
            float centred = x.get(from + k) - mean;
            square += centred * centred;
        }
        squares[item] = square;
        context.localBarrier();
        float variance = 0f;
        for (int k = 0; k < 64; k++) {
            variance += squares[k];
        }
        float deviation = 1f / TornadoMath.sqrt(variance / width + numbers.get(at.get(4)));
        for (int k = item; k < width; k += 64) {
            float centred = x.get(from + k) - mean;
            y.set(at.get(5) + start + k, centred * deviation * scale.get(at.get(2) + k) + shift.get(at.get(3) + k));
        }
    }
}
