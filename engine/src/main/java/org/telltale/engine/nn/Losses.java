package org.telltale.engine.nn;

import org.telltale.engine.Fused;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;

/**
 * Losses as expressions. Logits are [.., C] and labels I32 of the leading extents; unless a method says otherwise, the
 * loss is a scalar: the mean over rows.
 */
public final class Losses {
    /** What the sum over the rows that count is divided by. */
    public enum Divisor {
        /** All rows, ignored ones too: the captioning recipe (SPEC §9.5). */
        ALL_ROWS,
        /** The rows that count, at least 1: PyTorch's {@code ignore_index}. */
        COUNTED_ROWS
    }

    /** Keras clips probabilities to [1e-7, 1 - 1e-7] before it takes their logarithm. */
    private static final float KERAS_EPSILON = 1e-7f;

    private Losses() {}

    /** Cross-entropy of each row: the leading extents. */
    public static Tensor crossEntropyPerRow(Tensor logits, Tensor labels) {
        int classes = logits.dim(-1);
        return Tensor.of(new Fused.CrossEntropy(), logits.reshape(-1, classes), labels.reshape(-1))
                .reshape(labels.shape());
    }

    public static Tensor crossEntropy(Tensor logits, Tensor labels) {
        return mean(crossEntropyPerRow(logits, labels));
    }

    /** Cross-entropy of the rows whose label is not {@code ignored}. */
    public static Tensor maskedCrossEntropy(Tensor logits, Tensor labels, int ignored, Divisor divisor) {
        Tensor counts = labels.toFloat().equal(Tensor.fill(ignored)).neg().add(1);
        Tensor rows = crossEntropyPerRow(logits, labels).mul(counts);
        return switch (divisor) {
            case ALL_ROWS -> mean(rows);
            case COUNTED_ROWS -> rows.sumAll().div(counts.sumAll().maximum(Tensor.fill(1)));
        };
    }

    /** Cross-entropy with target probabilities [.., C]. */
    public static Tensor softCrossEntropy(Tensor logits, Tensor targets) {
        return mean(logits.logSoftmax(-1).mul(targets).sum(-1).neg());
    }

    /** Cross-entropy with the label's probability lowered to 1 - smoothing + smoothing/C, and the rest shared evenly. */
    public static Tensor smoothedCrossEntropy(Tensor logits, Tensor labels, float smoothing) {
        Tensor even = mean(logits.logSoftmax(-1)).neg();
        return crossEntropy(logits, labels).mul(1 - smoothing).add(even.mul(smoothing));
    }

    /**
     * Keras' categorical cross-entropy of each row from probabilities [.., C] and target probabilities [.., C]: rows are
     * divided by their sum and clipped, with gradient 0 where the clip holds. 1 - 1e-7 is 0.99999988 in F32, so a perfect
     * prediction costs 1.19e-7.
     */
    public static Tensor crossEntropyFromProbabilities(Tensor probabilities, Tensor targets) {
        Tensor p = probabilities.div(probabilities.sumKeeping(-1));
        Tensor low = p.maximum(Tensor.fill(KERAS_EPSILON));
        Tensor clipped = low.neg().maximum(Tensor.fill(KERAS_EPSILON - 1)).neg();
        return clipped.log().mul(targets).sum(-1).neg();
    }

    /** Binary cross-entropy of logits with targets in [0, 1], of equal shape: the softmax against a logit of zero. */
    public static Tensor binaryCrossEntropy(Tensor logits, Tensor targets) {
        int n = (int) logits.shape().size();
        Tensor yes = targets.reshape(n, 1);
        Tensor pairs = Tensor.concat(1, logits.reshape(n, 1), Tensor.zeros(Shape.of(n, 1)));
        return softCrossEntropy(pairs, Tensor.concat(1, yes, yes.neg().add(1)));
    }

    private static Tensor mean(Tensor x) {
        return x.sumAll().mul(1f / x.shape().size());
    }
}
