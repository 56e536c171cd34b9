package org.telltale.engine.nn;

import java.util.stream.IntStream;
import org.telltale.engine.Tensor;

/** Batch normalisation by the statistics of the batch, as in training; {@link ConvBatchNorm} uses stored ones. */
public final class BatchNorm {
    /** The variance that the moving one is made of; the output always uses the biased one. */
    public enum MovingVariance {
        /** Divided by n: Keras. */
        BIASED,
        /** Divided by n - 1: PyTorch. */
        UNBIASED
    }

    /**
     * What a training step computes.
     *
     * @param output [.., C]
     * @param mean the new moving mean [C], without a gradient
     * @param variance the new moving variance [C], without a gradient
     */
    public record Trained(Tensor output, Tensor mean, Tensor variance) {}

    private BatchNorm() {}

    /**
     * x [.., C] normalised per channel, with scale and shift [C].
     *
     * @param momentum how much of the old moving statistics [C] stays: Keras' meaning, 1 minus PyTorch's
     */
    public static Trained train(
            Tensor x,
            Tensor scale,
            Tensor shift,
            Tensor movingMean,
            Tensor movingVariance,
            double momentum,
            float epsilon,
            MovingVariance rule) {
        int channels = x.dim(-1);
        int[] others = IntStream.range(0, x.shape().rank() - 1).toArray();
        Tensor mean = x.mean(others);
        Tensor centred = x.sub(mean);
        Tensor variance = centred.square().mean(others);
        Tensor output = centred.mul(variance.add(epsilon).rsqrt().mul(scale)).add(shift);
        double n = x.shape().size() / (double) channels;
        Tensor kept = switch (rule) {
            case BIASED -> variance;
            case UNBIASED -> variance.mul((float) (n / (n - 1)));
        };
        return new Trained(output, moved(movingMean, mean, momentum), moved(movingVariance, kept, momentum));
    }

    private static Tensor moved(Tensor old, Tensor batch, double momentum) {
        return old.mul((float) momentum).add(batch.mul((float) (1 - momentum))).detach();
    }
}
