package org.telltale.engine.nn;

import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;

/** A convolution without bias, batch normalisation by stored statistics, and an activation, over NHWC pictures. */
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
        Tensor y = Tensor.of(new Fused.Conv2d(window, groups, Activation.NONE), x, w);
        norm.ignore("num_batches_tracked");
        return Tensor.of(
                        new Fused.BatchNorm(epsilon),
                        y,
                        norm.f32("weight", out),
                        norm.f32("bias", out),
                        norm.f32("running_mean", out),
                        norm.f32("running_var", out))
                .activate(act);
    }
}
