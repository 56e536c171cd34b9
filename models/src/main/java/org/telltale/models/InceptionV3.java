package org.telltale.models;

import java.util.LinkedHashMap;
import java.util.Map;
import org.telltale.engine.Activation;
import org.telltale.engine.Fused.Pool;
import org.telltale.engine.Fused.PoolKind;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.nn.ConvBatchNorm;
import org.telltale.engine.nn.Params;

/**
 * InceptionV3 without its classifier (SPEC §9.2): timm's {@code inception_v3} under its own names. The last map is what
 * Keras calls {@code mixed10}: 8 x 8 x 2048 for pictures of 299 pixels.
 */
public final class InceptionV3 {
    private static final String ARCHITECTURE = "inception_v3";
    private static final String PADDING = "average_pool_padding";
    private static final float EPSILON = 1e-3f;

    private final Config config;
    private final Params params;

    /**
     * The constants of {@code config.json}.
     *
     * @param divisor what every channel count is divided by: 1, or our own key {@code width_divisor} of a small network
     * @param average how the branch pools treat padding: as the library in which the weights were trained
     */
    public record Config(int imageSize, int divisor, PoolKind average) {
        /** Pools that leave out the padding are TensorFlow's, pools that count it PyTorch's (SPEC §9.2). */
        public static Config of(ConfigFile file) {
            String name = file.text("architecture");
            if (!name.equals(ARCHITECTURE)) {
                throw new ConfigException(
                        file.where() + ": architecture is '" + name + "', expected '" + ARCHITECTURE + "'");
            }
            int size =
                    file.at("pretrained_cfg").json().path("input_size").path(2).asInt(0);
            if (size < 75 || size > ConfigFile.MOST_PIXELS) {
                throw new ConfigException(file.where() + ": pretrained_cfg.input_size ends with " + size
                        + ", expected a side from 75 to " + ConfigFile.MOST_PIXELS);
            }
            int divisor = file.count("width_divisor", 1);
            if (16 % divisor != 0) {
                throw new ConfigException(
                        file.where() + ": width_divisor is " + divisor + ", expected 1, 2, 4, 8 or 16");
            }
            return new Config(size, divisor, average(file));
        }

        private static PoolKind average(ConfigFile file) {
            String tag = file.at("pretrained_cfg").json().path("tag").stringValue("");
            String rule = file.has(PADDING)
                    ? file.text(PADDING)
                    : tag.startsWith("tf_") ? "excluded" : tag.matches("(tv|gluon)_.*") ? "included" : "";
            return switch (rule) {
                case "excluded" -> PoolKind.MEAN_OF_REAL;
                case "included" -> PoolKind.MEAN_OF_WINDOW;
                default ->
                    throw new ConfigException(file.where() + ": the weights are of unknown provenance: " + PADDING
                            + " is '" + rule + "' and pretrained_cfg.tag is '" + tag
                            + "'; expected excluded (Keras, TensorFlow) or included (PyTorch), or a tag tf_..., tv_..."
                            + " or gluon_...");
            };
        }
    }

    /**
     * What the network makes of pictures.
     *
     * @param stages the output of every stage [N, H, W, C], by its name
     * @param last the last of them: Keras' {@code mixed10}
     */
    public record Forward(Map<String, Tensor> stages, Tensor last) {}

    public InceptionV3(Config config, Params params) {
        this.config = config;
        this.params = params;
    }

    /** Pictures [N, H, W, 3] of values from -1 to 1, with sides of at least 75. */
    public Forward forward(Tensor pictures) {
        params.ignore("AuxLogits");
        params.ignore("fc");
        Map<String, Tensor> all = new LinkedHashMap<>();
        Tensor x = keep(all, "Conv2d_1a_3x3", valid(params.at("Conv2d_1a_3x3"), pictures, 32, 3, 2));
        x = keep(all, "Conv2d_2a_3x3", valid(params.at("Conv2d_2a_3x3"), x, 32, 3, 1));
        x = keep(all, "Conv2d_2b_3x3", same(params.at("Conv2d_2b_3x3"), x, 64, 3, 3));
        x = keep(all, "Pool1", maximum(x));
        x = keep(all, "Conv2d_3b_1x1", valid(params.at("Conv2d_3b_1x1"), x, 80, 1, 1));
        x = keep(all, "Conv2d_4a_3x3", valid(params.at("Conv2d_4a_3x3"), x, 192, 3, 1));
        x = keep(all, "Pool2", maximum(x));
        x = keep(all, "Mixed_5b", mixed5(params.at("Mixed_5b"), x, 32));
        x = keep(all, "Mixed_5c", mixed5(params.at("Mixed_5c"), x, 64));
        x = keep(all, "Mixed_5d", mixed5(params.at("Mixed_5d"), x, 64));
        x = keep(all, "Mixed_6a", mixed6a(params.at("Mixed_6a"), x));
        x = keep(all, "Mixed_6b", mixed6(params.at("Mixed_6b"), x, 128));
        x = keep(all, "Mixed_6c", mixed6(params.at("Mixed_6c"), x, 160));
        x = keep(all, "Mixed_6d", mixed6(params.at("Mixed_6d"), x, 160));
        x = keep(all, "Mixed_6e", mixed6(params.at("Mixed_6e"), x, 192));
        x = keep(all, "Mixed_7a", mixed7a(params.at("Mixed_7a"), x));
        x = keep(all, "Mixed_7b", mixed7(params.at("Mixed_7b"), x));
        x = keep(all, "Mixed_7c", mixed7(params.at("Mixed_7c"), x));
        return new Forward(all, x);
    }

    private static Tensor keep(Map<String, Tensor> stages, String name, Tensor x) {
        stages.put(name, x);
        return x;
    }

    private Tensor mixed5(Params p, Tensor x, int pooled) {
        Tensor five = one(p.at("branch5x5_1"), x, 48);
        Tensor three = one(p.at("branch3x3dbl_1"), x, 64);
        three = same(p.at("branch3x3dbl_2"), three, 96, 3, 3);
        return Tensor.concat(
                3,
                one(p.at("branch1x1"), x, 64),
                same(p.at("branch5x5_2"), five, 64, 5, 5),
                same(p.at("branch3x3dbl_3"), three, 96, 3, 3),
                one(p.at("branch_pool"), average(x), pooled));
    }

    private Tensor mixed6a(Params p, Tensor x) {
        Tensor three = one(p.at("branch3x3dbl_1"), x, 64);
        three = same(p.at("branch3x3dbl_2"), three, 96, 3, 3);
        return Tensor.concat(
                3, valid(p.at("branch3x3"), x, 384, 3, 2), valid(p.at("branch3x3dbl_3"), three, 96, 3, 2), maximum(x));
    }

    private Tensor mixed6(Params p, Tensor x, int wide) {
        Tensor seven = one(p.at("branch7x7_1"), x, wide);
        seven = same(p.at("branch7x7_2"), seven, wide, 1, 7);
        seven = same(p.at("branch7x7_3"), seven, 192, 7, 1);
        Tensor twice = one(p.at("branch7x7dbl_1"), x, wide);
        twice = same(p.at("branch7x7dbl_2"), twice, wide, 7, 1);
        twice = same(p.at("branch7x7dbl_3"), twice, wide, 1, 7);
        twice = same(p.at("branch7x7dbl_4"), twice, wide, 7, 1);
        twice = same(p.at("branch7x7dbl_5"), twice, 192, 1, 7);
        return Tensor.concat(
                3, one(p.at("branch1x1"), x, 192), seven, twice, one(p.at("branch_pool"), average(x), 192));
    }

    private Tensor mixed7a(Params p, Tensor x) {
        Tensor three = one(p.at("branch3x3_1"), x, 192);
        Tensor seven = one(p.at("branch7x7x3_1"), x, 192);
        seven = same(p.at("branch7x7x3_2"), seven, 192, 1, 7);
        seven = same(p.at("branch7x7x3_3"), seven, 192, 7, 1);
        return Tensor.concat(
                3,
                valid(p.at("branch3x3_2"), three, 320, 3, 2),
                valid(p.at("branch7x7x3_4"), seven, 192, 3, 2),
                maximum(x));
    }

    private Tensor mixed7(Params p, Tensor x) {
        Tensor three = one(p.at("branch3x3_1"), x, 384);
        Tensor twice = one(p.at("branch3x3dbl_1"), x, 448);
        twice = same(p.at("branch3x3dbl_2"), twice, 384, 3, 3);
        return Tensor.concat(
                3,
                one(p.at("branch1x1"), x, 320),
                same(p.at("branch3x3_2a"), three, 384, 1, 3),
                same(p.at("branch3x3_2b"), three, 384, 3, 1),
                same(p.at("branch3x3dbl_3a"), twice, 384, 1, 3),
                same(p.at("branch3x3dbl_3b"), twice, 384, 3, 1),
                one(p.at("branch_pool"), average(x), 192));
    }

    private Tensor one(Params p, Tensor x, int out) {
        return valid(p, x, out, 1, 1);
    }

    private Tensor valid(Params p, Tensor x, int out, int kernel, int stride) {
        return conv(p, x, out, Window.valid(kernel, stride));
    }

    private Tensor same(Params p, Tensor x, int out, int height, int width) {
        int v = height / 2;
        int h = width / 2;
        return conv(p, x, out, new Window(height, width, 1, 1, v, v, h, h));
    }

    private Tensor conv(Params p, Tensor x, int out, Window window) {
        return ConvBatchNorm.of(p.at("conv"), p.at("bn"), x, out / config.divisor, window, 1, EPSILON, Activation.RELU);
    }

    private static Tensor maximum(Tensor x) {
        return Tensor.of(new Pool(PoolKind.MAX, Window.valid(3, 2)), x);
    }

    private Tensor average(Tensor x) {
        return Tensor.of(new Pool(config.average, new Window(3, 3, 1, 1, 1, 1, 1, 1)), x);
    }
}
