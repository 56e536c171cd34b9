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
        int n = vocabulary();
        MemorySegment.copy(values.data(), ValueLayout.JAVA_FLOAT, (long) row * n * Float.BYTES, into, 0, n);
        double max = max(into);
        double sum = 0;
        for (float logit : into) {
            sum += Math.exp(logit - max);
        }
        double logSum = max + Math.log(sum);
        if (!Double.isFinite(logSum)) {
            throw new LogitsException("row " + row + " of the logits is no distribution: the log of its sum is "
                    + logSum + ", its maximum " + max);
        }
        return logSum;
    }

    static float max(float[] row) {
        float max = Float.NEGATIVE_INFINITY;
        for (float logit : row) {
            max = Math.max(max, logit);
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
