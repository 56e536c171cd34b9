package org.telltale.models.decode;

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

    /** The logit of a token in a row. */
    public float get(int row, int token) {
        return values.get((long) row * vocabulary() + token);
    }

    /**
     * The logarithm of the sum of a row's exponentials, in double: a log-probability is a logit less this.
     *
     * @throws IllegalStateException if the row holds a NaN or an infinity that leaves no distribution
     */
    double logSum(int row) {
        double max = max(row);
        int n = vocabulary();
        double sum = 0;
        for (int t = 0; t < n; t++) {
            sum += Math.exp(get(row, t) - max);
        }
        double logSum = max + Math.log(sum);
        if (!Double.isFinite(logSum)) {
            throw new IllegalStateException("row " + row + " of the logits is no distribution: the log of its sum is "
                    + logSum + ", its maximum " + max);
        }
        return logSum;
    }

    float max(int row) {
        int n = vocabulary();
        float max = Float.NEGATIVE_INFINITY;
        for (int t = 0; t < n; t++) {
            max = Math.max(max, get(row, t));
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
