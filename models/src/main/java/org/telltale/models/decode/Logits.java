package org.telltale.models.decode;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.ShapeException;

/**
 * The unnormalised log-probabilities of the next token.
 *
 * @param values F32 [rows, vocabulary] in native memory
 */
public record Logits(HostTensor values) {
    /** How many logits are looked at together. */
    static final int BLOCK = 256;

    public Logits {
        if (values.dtype() != DType.F32 || values.shape().rank() != 2) {
            throw new ShapeException("logits are F32 [rows, vocabulary], not " + values);
        }
    }

    public int rows() {
        return values.shape().dim(0);
    }

    public int vocabulary() {
        return values.shape().dim(1);
    }

    /**
     * Copies a row and returns the logarithm of the sum of its exponentials, summed in double: a log-probability is a
     * logit less this.
     *
     * @throws LogitsException if the row holds a NaN or an infinity that leaves no distribution
     */
    double read(int row, float[] into) {
        copy(row, into);
        return logSum(row, into, max(into), Double.POSITIVE_INFINITY);
    }

    /** Copies a row. */
    void copy(int row, float[] into) {
        int n = vocabulary();
        MemorySegment.copy(values.data(), ValueLayout.JAVA_FLOAT, (long) row * n * Float.BYTES, into, 0, n);
    }

    /**
     * The logarithm of the sum of a row's exponentials, summed in double from the first to the last.
     *
     * @param row its number, for the message
     * @param max the row's maximum
     * @param enough where the sum of exponentials of logit less {@code max} may stop
     * @return infinity if the sum has come to {@code enough} before its end
     * @throws LogitsException if the row holds a NaN or an infinity that leaves no distribution
     */
    static double logSum(int row, float[] logits, float max, double enough) {
        if (!Float.isFinite(max)) {
            throw new LogitsException("row " + row + " of the logits is no distribution: its maximum is " + max);
        }
        double sum = 0;
        for (int begin = 0; begin < logits.length; begin += BLOCK) {
            if (sum >= enough) {
                return Double.POSITIVE_INFINITY;
            }
            int end = Math.min(begin + BLOCK, logits.length);
            for (int i = begin; i < end; i++) {
                sum += Math.exp(logits[i] - (double) max);
            }
        }
        return max + Math.log(sum);
    }

    static float max(float[] row) {
        return max(row, 0, row.length);
    }

    /** The maximum from {@code begin} (inclusive) to {@code end} (exclusive); NaN if there is one. */
    static float max(float[] row, int begin, int end) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = begin; i < end; i++) {
            max = Math.max(max, row[i]);
        }
        return max;
    }

    /** These logits, checked to be of as many rows as were asked for and to know the end token. */
    Logits require(int rows, int end) {
        if (rows() != rows || end >= vocabulary()) {
            throw new ShapeException("the model returned logits " + values.shape() + ", wanted " + rows
                    + " rows and a vocabulary that has the end token " + end);
        }
        return this;
    }
}
