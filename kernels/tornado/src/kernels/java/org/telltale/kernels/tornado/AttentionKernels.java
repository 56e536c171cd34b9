package org.telltale.kernels.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Attention without the matrix of scores: the softmax is carried along the keys. TornadoVM 5.2.0 reads local arrays at wrong
 * places in methods that they are passed to, so that all uses of them are here.
 */
final class AttentionKernels {
    /** What stands for the score of a key that is not seen; no score is as large. */
    private static final float UNSEEN = 3.0e38f;

    private AttentionKernels() {}

    /**
     * One group of 64 items for each query of a head: an item scores one key of 64 at a time, and sums up to four columns
     * of the values. at: queries, keys, width, depth, causal, offset, masking, q, k, v, mask, scale, y, and the steps of a
     * bias from batch to batch, head to head, query to query, key to key.
     */
    static void attendHead(
            KernelContext context,
            FloatArray q,
            FloatArray k,
            FloatArray v,
            FloatArray mask,
            FloatArray numbers,
            FloatArray y,
            IntArray at) {
        int item = context.localIdx;
        int query = context.groupIdx;
        int head = context.groupIdy;
        int batch = context.groupIdz;
        int keys = at.get(1);
        int width = at.get(2);
        int depth = at.get(3);
        int masking = at.get(6);
        int row = (batch * at.get(0) + query) * width + head * depth;
        int first = batch * keys * width + head * depth;
        int seen = keys;
        if (at.get(4) == 1) {
            int last = query + at.get(5) + 1;
            seen = last < keys ? last : keys;
        }
        int maskFrom = at.get(10);
        if (masking == 1) {
            maskFrom += batch * keys;
        } else {
            maskFrom += batch * at.get(13) + head * at.get(14) + query * at.get(15);
        }
        float scale = numbers.get(at.get(11));
        float[] scores = context.allocateFloatLocalArray(64);
        float[] weights = context.allocateFloatLocalArray(64);
        float[] tops = context.allocateFloatLocalArray(8);
        float most = -3.4028235e38f;
        float sum = 0f;
        float sum0 = 0f;
        float sum1 = 0f;
        float sum2 = 0f;
        float sum3 = 0f;
        for (int from = 0; from < seen; from += 64) {
            int key = from + item;
            // what a branch decides goes to memory, since TornadoVM 5.2.0 loses some variables that only one branch
            // sets
            scores[item] = UNSEEN;
            if (key < seen) {
                float dot = dot(q, at.get(7) + row, k, at.get(8) + first + key * width, depth);
                scores[item] = dot * scale;
                if (masking == 1) {
                    if (mask.get(maskFrom + key) == 0f) {
                        scores[item] = UNSEEN;
                    }
                }
                if (masking == 2) {
                    scores[item] = dot * scale + mask.get(maskFrom + key * at.get(16));
                }
            }
            context.localBarrier();
            if (item < 8) {
                tops[item] = -3.4028235e38f;
                for (int j = item * 8; j < item * 8 + 8; j++) {
                    float s = scores[j];
                    if (s < UNSEEN) {
                        tops[item] = TornadoMath.max(tops[item], s);
                    }
                }
            }
            context.localBarrier();
            float top = most;
            for (int j = 0; j < 8; j++) {
                top = TornadoMath.max(top, tops[j]);
            }
            weights[item] = 0f;
            if (scores[item] < UNSEEN) {
                weights[item] = TornadoMath.exp(scores[item] - top);
            }
            float shrink = TornadoMath.exp(most - top);
            most = top;
            sum = sum * shrink + weights[item];
            sum0 *= shrink;
            sum1 *= shrink;
            sum2 *= shrink;
            sum3 *= shrink;
            context.localBarrier();
            int end = seen - from < 64 ? seen - from : 64;
            int value = at.get(9) + first + from * width + item;
            int fours = end / 4 * 4;
            for (int j = 0; j < fours; j += 4) {
                float w0 = weights[j];
                float w1 = weights[j + 1];
                float w2 = weights[j + 2];
                float w3 = weights[j + 3];
                int v0 = value + j * width;
                int v1 = v0 + width;
                int v2 = v1 + width;
                int v3 = v2 + width;
                if (item < depth) {
                    sum0 += (w0 * v.get(v0) + w1 * v.get(v1)) + (w2 * v.get(v2) + w3 * v.get(v3));
                }
                if (item + 64 < depth) {
                    sum1 += (w0 * v.get(v0 + 64) + w1 * v.get(v1 + 64)) + (w2 * v.get(v2 + 64) + w3 * v.get(v3 + 64));
                }
                if (item + 128 < depth) {
                    sum2 += (w0 * v.get(v0 + 128) + w1 * v.get(v1 + 128))
                            + (w2 * v.get(v2 + 128) + w3 * v.get(v3 + 128));
                }
                if (item + 192 < depth) {
                    sum3 += (w0 * v.get(v0 + 192) + w1 * v.get(v1 + 192))
                            + (w2 * v.get(v2 + 192) + w3 * v.get(v3 + 192));
                }
            }
            for (int j = fours; j < end; j++) {
                if (item < depth) {
                    sum0 += weights[j] * v.get(value + j * width);
                }
                if (item + 64 < depth) {
                    sum1 += weights[j] * v.get(value + j * width + 64);
                }
                if (item + 128 < depth) {
                    sum2 += weights[j] * v.get(value + j * width + 128);
                }
                if (item + 192 < depth) {
                    sum3 += weights[j] * v.get(value + j * width + 192);
                }
            }
        }
        scores[item] = sum;
        context.localBarrier();
        float whole = 0f;
        for (int j = 0; j < 64; j++) {
            whole += scores[j];
        }
        whole = whole == 0f ? 1f : whole;
        int to = at.get(12) + row + item;
        if (item < depth) {
            y.set(to, sum0 / whole);
        }
        if (item + 64 < depth) {
            y.set(to + 64, sum1 / whole);
        }
        if (item + 128 < depth) {
            y.set(to + 128, sum2 / whole);
        }
        if (item + 192 < depth) {
            y.set(to + 192, sum3 / whole);
        }
    }

    /** A product of two rows, as four sums that do not wait for each other. */
    private static float dot(FloatArray a, int from, FloatArray b, int other, int count) {
        float s0 = 0f;
        float s1 = 0f;
        float s2 = 0f;
        float s3 = 0f;
        int fours = count / 4 * 4;
        for (int i = 0; i < fours; i += 4) {
            s0 += a.get(from + i) * b.get(other + i);
            s1 += a.get(from + i + 1) * b.get(other + i + 1);
            s2 += a.get(from + i + 2) * b.get(other + i + 2);
            s3 += a.get(from + i + 3) * b.get(other + i + 3);
        }
        for (int i = fours; i < count; i++) {
            s0 += a.get(from + i) * b.get(other + i);
        }
        return (s0 + s1) + (s2 + s3);
    }
}
