package org.telltale.engine.nn;

import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;

/** A convolution without bias, batch normalisation by stored statistics, and an activation, over NHWC pictures.
 * While training, the statistics are those of the batch, and the stored ones move. */
public final class ConvBatchNorm {
    private ConvBatchNorm() {}

    /**
     * x [N, H, W, C] to [N, H', W', out].
     *
     * @param conv where {@code weight} [out, C/groups, kh, kw] is
     * @param norm where {@code weight}, {@code bias}, {@code running_mean} and {@code running_var} [out] are
     */
    public static Tensor of(
            Params conv, Params norm, Tensor x, int out, Window window, int groups, float epsilon, Activation act) {
        Tensor w = conv.f32("weight", out, x.dim(3) / groups, window.kernelHeight(), window.kernelWidth());
        Fused.Conv2d op = new Fused.Conv2d(window, groups, Activation.NONE);
        norm.ignore("num_batches_tracked");
        Tensor scale = norm.f32("weight", out);
        Tensor shift = norm.f32("bias", out);
        Tensor mean = norm.f32("running_mean", out);
        Tensor variance = norm.f32("running_var", out);
        if (norm.movingStatistics().isEmpty()) {
            // By stored statistics a norm is part of the weight and the bias. So are its gradients: no pass over
            // pictures.
            Tensor factor = variance.add(epsilon).rsqrt().mul(scale);
            return Tensor.of(op, x, w.mul(factor.reshape(out, 1, 1, 1)), shift.sub(mean.mul(factor)))
                    .activate(act);
        }
        Params.MovingStatistics how = norm.movingStatistics().orElseThrow();
        BatchNorm.Trained trained =
                BatchNorm.train(Tensor.of(op, x, w), scale, shift, mean, variance, how.momentum(), epsilon, how.rule());
        norm.update("running_mean", trained.mean());
        norm.update("running_var", trained.variance());
        return trained.output().activate(act);
    }
}
