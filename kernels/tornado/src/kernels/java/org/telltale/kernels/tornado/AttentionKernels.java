package org.telltale.kernels.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Attention without the matrix of scores: the softmax is carried along the keys. */
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
                float dot = 0f;
                for (int from16 = 0; from16 < depth; from16 += 16) {
                    int to16 = depth - from16 < 16 ? depth : from16 + 16;
                    float part = 0f;
                    for (int d = from16; d < to16; d++) {
                        part += q.get(at.get(7) + row + d) * k.get(at.get(8) + first + key * width + d);
                    }
                    dot += part;
                }
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
            float top = most;
            for (int j = 0; j < 64; j++) {
                float s = scores[j];
                if (s < UNSEEN) {
                    top = TornadoMath.max(top, s);
                }
            }
            weights[item] = 0f;
            if (scores[item] < UNSEEN) {
                weights[item] = TornadoMath.exp(scores[item] - top);
            }
            float shrink = TornadoMath.exp(most - top);
            most = top;
            sum *= shrink;
            sum0 *= shrink;
            sum1 *= shrink;
            sum2 *= shrink;
            sum3 *= shrink;
            context.localBarrier();
            int end = seen - from < 64 ? seen - from : 64;
            for (int j = 0; j < end; j++) {
                float p = weights[j];
                int value = at.get(9) + first + (from + j) * width + item;
                sum += p;
                if (item < depth) {
                    sum0 += p * v.get(value);
                }
                if (item + 64 < depth) {
                    sum1 += p * v.get(value + 64);
                }
                if (item + 128 < depth) {
                    sum2 += p * v.get(value + 128);
                }
                if (item + 192 < depth) {
                    sum3 += p * v.get(value + 192);
                }
            }
        }
        float whole = sum > 0f ? sum : 1f;
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
}
