package org.telltale.models;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.telltale.engine.Activation;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.nn.ConvBatchNorm;
import org.telltale.engine.nn.Linear;
import org.telltale.engine.nn.Params;
import org.telltale.engine.nn.SqueezeExcite;

/**
 * EfficientNet (SPEC §7): {@code EfficientNetForImageClassification} of Hugging Face, or timm's {@code tf_efficientnet}
 * under its own names.
 *
 * <p>Padding is TensorFlow's SAME at the picture's real size, as Keras and timm do; Hugging Face's fixed
 * {@code depthwise_padding} equals it at the native size only.
 */
public final class EfficientNet {
    private static final List<Integer> KERNELS = List.of(3, 3, 5, 3, 5, 5, 3);
    private static final List<Integer> REPEATS = List.of(1, 2, 2, 3, 3, 4, 1);
    private static final List<Integer> IN = List.of(32, 16, 24, 40, 80, 112, 192);
    private static final List<Integer> OUT = List.of(16, 24, 40, 80, 112, 192, 320);
    private static final List<Integer> EXPANSIONS = List.of(1, 6, 6, 6, 6, 6, 6);
    private static final List<Integer> STRIDES = List.of(1, 2, 2, 2, 1, 2, 1);
    private static final int STEM = 32;
    private static final int HEAD = 1280;

    /** Width and depth multipliers of timm's architectures, which its configuration only names. */
    private static final Map<String, double[]> TIMM = Map.of(
            "tf_efficientnet_b0", new double[] {1.0, 1.0},
            "tf_efficientnet_b1", new double[] {1.0, 1.1},
            "tf_efficientnet_b2", new double[] {1.1, 1.2});

    /** By which the last block's branch is dropped while training; earlier ones in proportion to their place. */
    private static final float DROP_PATH = 0.2f;

    private final Config config;
    private final Params params;

    /** The constants of {@code config.json}. */
    public record Config(
            int imageSize,
            double width,
            double depth,
            int divisor,
            List<Integer> kernels,
            List<Integer> repeats,
            List<Integer> in,
            List<Integer> out,
            List<Integer> expansions,
            List<Integer> strides,
            double squeeze,
            Activation activation,
            float epsilon,
            float dropPath,
            List<String> labels) {
        public Config {
            int stages = kernels.size();
            for (List<Integer> list : List.of(repeats, in, out, expansions, strides)) {
                if (list.size() != stages) {
                    throw new ConfigException(
                            "EfficientNet: kernel_sizes, num_block_repeats, in_channels, out_channels,"
                                    + " expand_ratios and strides must be of one length, not " + stages + " and "
                                    + list.size());
                }
            }
            double blocks =
                    repeats.stream().mapToDouble(r -> Math.ceil(depth * r)).sum();
            if (!(blocks <= ConfigFile.MOST_LAYERS && depth > 0 && width > 0 && width <= 1000)) {
                throw new ConfigException("EfficientNet: width_coefficient " + width + " and depth_coefficient " + depth
                        + " give " + blocks + " blocks, at most " + ConfigFile.MOST_LAYERS + " are expected");
            }
        }

        public static Config of(ConfigFile file) {
            return file.has("architecture") ? timm(file) : huggingFace(file);
        }

        private static Config huggingFace(ConfigFile file) {
            file.requireType("efficientnet");
            return new Config(
                    file.side("image_size"),
                    file.number("width_coefficient"),
                    file.number("depth_coefficient"),
                    file.count("depth_divisor"),
                    file.counts("kernel_sizes"),
                    file.counts("num_block_repeats"),
                    file.counts("in_channels"),
                    file.counts("out_channels"),
                    file.counts("expand_ratios"),
                    file.counts("strides"),
                    file.number("squeeze_expansion_ratio"),
                    file.activation("hidden_act"),
                    (float) file.number("batch_norm_eps"),
                    (float) file.number("drop_connect_rate", DROP_PATH),
                    file.labels());
        }

        private static Config timm(ConfigFile file) {
            String name = file.text("architecture");
            double[] multipliers = TIMM.get(name);
            if (multipliers == null) {
                throw new ConfigException(file.where() + ": architecture '" + name + "' is not one of "
                        + TIMM.keySet().stream().sorted().toList());
            }
            double width = multipliers[0];
            double depth = multipliers[1];
            int divisor = 8;
            if (file.has("model_args")) {
                ConfigFile args = file.at("model_args");
                width = args.number("channel_multiplier", width);
                depth = args.number("depth_multiplier", depth);
                divisor = args.count("channel_divisor", divisor);
            }
            List<String> labels = new ArrayList<>();
            int classes = file.count("num_classes");
            if (classes > ConfigFile.MOST_LABELS) {
                throw new ConfigException(file.where() + ": num_classes is " + classes + ", at most "
                        + ConfigFile.MOST_LABELS + " are expected");
            }
            for (int i = 0; i < classes; i++) {
                labels.add("LABEL_" + i);
            }
            if (file.json().path("label_names").size() == labels.size()) {
                labels.replaceAll(l -> file.json()
                        .path("label_names")
                        .path(Integer.parseInt(l.substring(6)))
                        .asString(l));
            }
            int size =
                    file.at("pretrained_cfg").json().path("input_size").path(2).asInt(224);
            return new Config(
                    size,
                    width,
                    depth,
                    divisor,
                    KERNELS,
                    REPEATS,
                    IN,
                    OUT,
                    EXPANSIONS,
                    STRIDES,
                    0.25,
                    Activation.SILU,
                    1e-3f,
                    DROP_PATH,
                    labels);
        }

        private int filters(int base) {
            double wanted = base * width;
            int rounded = Math.max(divisor, (int) (wanted + divisor / 2.0) / divisor * divisor);
            return rounded < 0.9 * wanted ? rounded + divisor : rounded;
        }
    }

    /** The stem's, each block's and the head's output [N, H, W, C], the pooled features [N, C], logits [N, labels]. */
    public record Forward(Tensor stem, List<Tensor> blocks, Tensor top, Tensor pooled, Tensor logits) {}

    /** A block's extents; the name tells where timm keeps it. */
    private record Block(int stage, int index, int kernel, int stride, int expansion, int out) {}

    public EfficientNet(Config config, Params params) {
        this.config = config;
        this.params = params;
    }

    /** Classifies pictures [N, H, W, 3] of any size, values as the preprocessor gives them. */
    public Forward forward(Tensor pictures) {
        boolean timm = params.has("conv_stem");
        Params p = params.at("efficientnet");
        Params embed = p.at("embeddings");
        Params top = p.at("encoder");
        Tensor stem = conv(
                timm ? params.at("conv_stem") : embed.at("convolution"),
                timm ? params.at("bn1") : embed.at("batchnorm"),
                pictures,
                config.filters(STEM),
                3,
                2,
                1,
                config.activation);
        Tensor x = stem;
        List<Tensor> blocks = new ArrayList<>();
        List<Block> all = blocks();
        for (Block b : all) {
            Params at = timm
                    ? params.at("blocks").at(b.stage).at(b.index)
                    : top.at("blocks").at(blocks.size());
            x = block(
                    b,
                    config.dropPath * blocks.size() / all.size(),
                    timm ? Names.timm(at, b.expansion > 1) : Names.huggingFace(at),
                    x);
            blocks.add(x);
        }
        Tensor last = conv(
                timm ? params.at("conv_head") : top.at("top_conv"),
                timm ? params.at("bn2") : top.at("top_bn"),
                x,
                config.filters(HEAD),
                1,
                1,
                1,
                config.activation);
        Tensor pooled = last.mean(1, 2);
        Tensor logits = Linear.of(params.at("classifier"), pooled, config.labels.size());
        return new Forward(stem, blocks, last, pooled, logits);
    }

    private List<Block> blocks() {
        List<Block> out = new ArrayList<>();
        for (int s = 0; s < config.kernels.size(); s++) {
            int repeats = (int) Math.ceil(config.depth * config.repeats.get(s));
            for (int i = 0; i < repeats; i++) {
                out.add(new Block(
                        s,
                        i,
                        config.kernels.get(s),
                        i == 0 ? config.strides.get(s) : 1,
                        config.expansions.get(s),
                        config.filters(config.out.get(s))));
            }
        }
        return out;
    }

    /** Where a block's parts are: a convolution and its normalisation side by side. */
    private record Names(
            Params expand,
            Params expandNorm,
            Params depthwise,
            Params depthwiseNorm,
            Params reduce,
            Params widen,
            Params project,
            Params projectNorm) {
        static Names huggingFace(Params p) {
            return new Names(
                    p.at("expansion").at("expand_conv"),
                    p.at("expansion").at("expand_bn"),
                    p.at("depthwise_conv").at("depthwise_conv"),
                    p.at("depthwise_conv").at("depthwise_norm"),
                    p.at("squeeze_excite").at("reduce"),
                    p.at("squeeze_excite").at("expand"),
                    p.at("projection").at("project_conv"),
                    p.at("projection").at("project_bn"));
        }

        /** timm calls the projection conv_pw where there is no expansion, and the expansion where there is one. */
        static Names timm(Params p, boolean expands) {
            return new Names(
                    p.at("conv_pw"),
                    p.at("bn1"),
                    p.at("conv_dw"),
                    p.at(expands ? "bn2" : "bn1"),
                    p.at("se").at("conv_reduce"),
                    p.at("se").at("conv_expand"),
                    p.at(expands ? "conv_pwl" : "conv_pw"),
                    p.at(expands ? "bn3" : "bn2"));
        }
    }

    private Tensor block(Block b, float dropPath, Names names, Tensor x) {
        int in = x.dim(3);
        int wide = in * b.expansion;
        Tensor y = x;
        if (b.expansion > 1) {
            y = conv(names.expand, names.expandNorm, y, wide, 1, 1, 1, config.activation);
        }
        y = conv(names.depthwise, names.depthwiseNorm, y, wide, b.kernel, b.stride, wide, config.activation);
        y = squeezeExcite(names, y, Math.max(1, (int) (in * config.squeeze)));
        y = conv(names.project, names.projectNorm, y, b.out, 1, 1, 1, Activation.NONE);
        return b.stride == 1 && in == b.out && b.index > 0
                ? params.dropPath(y, dropPath).add(x)
                : y;
    }

    /** The gate's width follows the block's input, not what it was expanded to. */
    private Tensor squeezeExcite(Names names, Tensor x, int squeezed) {
        int wide = x.dim(3);
        return SqueezeExcite.of(
                x,
                names.reduce.f32("weight", squeezed, wide, 1, 1).reshape(squeezed, wide),
                names.reduce.f32("bias", squeezed),
                names.widen.f32("weight", wide, squeezed, 1, 1).reshape(wide, squeezed),
                names.widen.f32("bias", wide),
                config.activation);
    }

    private Tensor conv(
            Params conv, Params norm, Tensor x, int out, int kernel, int stride, int groups, Activation activation) {
        Window window = Window.same(kernel, stride, x.dim(1), x.dim(2));
        return ConvBatchNorm.of(conv, norm, x, out, window, groups, config.epsilon, activation);
    }
}
