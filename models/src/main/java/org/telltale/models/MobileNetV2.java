package org.telltale.models;

import java.util.ArrayList;
import java.util.List;
import org.telltale.engine.Activation;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.nn.ConvBatchNorm;
import org.telltale.engine.nn.Linear;
import org.telltale.engine.nn.Params;

/** MobileNetV2 (SPEC §6): {@code MobileNetV2ForImageClassification} of Hugging Face. */
public final class MobileNetV2 {
    private static final int[] WIDTHS = {16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320};
    private static final int[] STRIDES = {2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1};

    private final Config config;
    private final Params params;

    /** A layer of a head of several: {@code classifier.i}. */
    public record Dense(int units, Activation activation, boolean bias) {}

    /** The constants of {@code config.json}; an empty head is the usual single layer. */
    public record Config(
            int imageSize,
            double multiplier,
            int divisor,
            int minimum,
            double expansion,
            boolean expandsFirst,
            boolean fineOutput,
            boolean samePadding,
            Activation activation,
            float epsilon,
            List<Dense> head,
            List<String> labels) {
        public static Config of(ConfigFile file) {
            file.requireType("mobilenet_v2");
            if (file.count("output_stride", 32) != 32) {
                throw new ConfigException(file.where() + ": output_stride " + file.count("output_stride")
                        + " is not supported, only 32 (no dilation)");
            }
            return new Config(
                    file.side("image_size"),
                    file.number("depth_multiplier"),
                    file.count("depth_divisible_by"),
                    file.count("min_depth"),
                    file.number("expand_ratio"),
                    file.flag("first_layer_is_expansion", true),
                    file.flag("finegrained_output", true),
                    file.flag("tf_padding", true),
                    file.activation("hidden_act"),
                    (float) file.number("layer_norm_eps"),
                    head(file),
                    file.labels());
        }

        /** Our own key {@code head}: more than one dense layer, as Teachable Machine builds. */
        private static List<Dense> head(ConfigFile file) {
            List<Dense> head = new ArrayList<>();
            for (ConfigFile layer : file.has("head") ? file.objects("head") : List.<ConfigFile>of()) {
                String type = layer.text("type");
                if (!type.equals("dense")) {
                    throw new ConfigException(layer.where() + ": type is '" + type + "', expected 'dense'");
                }
                boolean linear = layer.text("activation").equals("linear");
                head.add(new Dense(
                        layer.count("units"),
                        linear ? Activation.NONE : layer.activation("activation"),
                        layer.flag("bias", true)));
            }
            return head;
        }

        private int width(double channels) {
            int value = (int) Math.rint(channels);
            int rounded = Math.max(minimum, (int) (value + divisor / 2.0) / divisor * divisor);
            return rounded < 0.9 * value ? rounded + divisor : rounded;
        }
    }

    /** The stem's and each block's output [N, H, W, C], the pooled features [N, C], and logits [N, labels]. */
    public record Forward(Tensor stem, List<Tensor> blocks, Tensor last, Tensor pooled, Tensor logits) {}

    public MobileNetV2(Config config, Params params) {
        this.config = config;
        this.params = params;
    }

    /** Classifies pictures [N, H, W, 3] of any size, values as the preprocessor gives them. */
    public Forward forward(Tensor pictures) {
        Params p = params.at("mobilenet_v2");
        Tensor stem = stem(p.at("conv_stem"), pictures);
        Tensor x = stem;
        List<Tensor> blocks = new ArrayList<>();
        for (int i = 0; i < STRIDES.length; i++) {
            x = block(p.at("layer").at(i), x, config.width(WIDTHS[i + 1] * config.multiplier), STRIDES[i]);
            blocks.add(x);
        }
        int out = config.fineOutput && config.multiplier < 1 ? 1280 : config.width(1280 * config.multiplier);
        Tensor last = conv(p.at("conv_1x1"), x, out, 1, 1, 1, config.activation);
        Tensor pooled = last.mean(1, 2);
        return new Forward(stem, blocks, last, pooled, classify(pooled));
    }

    private Tensor classify(Tensor pooled) {
        Params p = params.at("classifier");
        if (config.head.isEmpty()) {
            return Linear.of(p, pooled, config.labels.size());
        }
        Tensor x = pooled;
        for (int i = 0; i < config.head.size(); i++) {
            Dense d = config.head.get(i);
            x = d.bias
                    ? Linear.of(p.at(i), x, d.units, d.activation)
                    : Linear.withoutBias(p.at(i), x, d.units, d.activation);
        }
        return x;
    }

    private Tensor stem(Params p, Tensor x) {
        int wide = config.width(32 * config.multiplier);
        Tensor y = conv(p.at("first_conv"), x, wide, 3, 2, 1, config.activation);
        if (!config.expandsFirst) {
            y = conv(p.at("expand_1x1"), y, wide, 1, 1, 1, config.activation);
        }
        y = conv(p.at("conv_3x3"), y, wide, 3, 1, wide, config.activation);
        return conv(p.at("reduce_1x1"), y, config.width(WIDTHS[0] * config.multiplier), 1, 1, 1, Activation.NONE);
    }

    private Tensor block(Params p, Tensor x, int out, int stride) {
        int wide = config.width(x.dim(3) * config.expansion);
        Tensor y = conv(p.at("expand_1x1"), x, wide, 1, 1, 1, config.activation);
        y = conv(p.at("conv_3x3"), y, wide, 3, stride, wide, config.activation);
        y = conv(p.at("reduce_1x1"), y, out, 1, 1, 1, Activation.NONE);
        return stride == 1 && x.dim(3) == out ? x.add(y) : y;
    }

    private Tensor conv(Params p, Tensor x, int out, int kernel, int stride, int groups, Activation activation) {
        Window window = Window.same(kernel, stride, x.dim(1), x.dim(2));
        if (!config.samePadding) {
            int pad = kernel / 2;
            window = new Window(kernel, kernel, stride, stride, pad, pad, pad, pad);
        }
        return ConvBatchNorm.of(
                p.at("convolution"), p.at("normalization"), x, out, window, groups, config.epsilon, activation);
    }
}
