package org.telltale.convert;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The rule of {@code modeling_mobilenet_v2.py} for channel counts: multiplied, rounded, then made divisible.
 *
 * @param divisor what counts are divisible by, and the least count
 */
record MobileNetV2Widths(double multiplier, int divisor) {
    private static final int[] CHANNELS = {24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320};
    private static final double EXPANSION = 6;
    private static final int LAST = 1280;

    /**
     * The rule that gives these counts: stem, first projection, then expanded and projected of each block, and the last
     * convolution. The multipliers of published models come first, then all hundredths up to 2.
     */
    static Optional<MobileNetV2Widths> find(List<Integer> widths) {
        double[] multipliers = DoubleStream.concat(
                        DoubleStream.of(1.0, 0.75, 0.5, 0.35, 1.3, 1.4),
                        DoubleStream.concat(
                                IntStream.rangeClosed(1, 40).mapToDouble(i -> i / 20.0),
                                IntStream.rangeClosed(1, 200).mapToDouble(i -> i / 100.0)))
                .toArray();
        for (int divisor : new int[] {8, 16, 4, 2, 1}) {
            for (double multiplier : multipliers) {
                MobileNetV2Widths rule = new MobileNetV2Widths(multiplier, divisor);
                if (rule.widths().equals(widths)) {
                    return Optional.of(rule);
                }
            }
        }
        return Optional.empty();
    }

    List<Integer> widths() {
        List<Integer> widths = new ArrayList<>(List.of(scaled(32), scaled(16)));
        for (int channels : CHANNELS) {
            widths.add(divisible((int) Math.rint(widths.getLast() * EXPANSION)));
            widths.add(scaled(channels));
        }
        widths.add(multiplier < 1 ? LAST : scaled(LAST));
        return widths;
    }

    /**
     * The configuration of {@code MobileNetV2ForImageClassification}, without labels.
     *
     * @param same whether padding is TensorFlow's SAME rather than symmetric
     */
    ObjectNode config(int imageSize, double epsilon, boolean same, double dropout) {
        ObjectNode config = new JsonMapper().createObjectNode();
        config.putArray("architectures").add("MobileNetV2ForImageClassification");
        return config.put("model_type", "mobilenet_v2")
                .put("dtype", "float32")
                .put("num_channels", 3)
                .put("image_size", imageSize)
                .put("depth_multiplier", multiplier)
                .put("depth_divisible_by", divisor)
                .put("min_depth", divisor)
                .put("expand_ratio", EXPANSION)
                .put("output_stride", 32)
                .put("first_layer_is_expansion", true)
                .put("finegrained_output", true)
                .put("hidden_act", "relu6")
                .put("tf_padding", same)
                .put("classifier_dropout_prob", dropout)
                .put("layer_norm_eps", epsilon)
                .put("initializer_range", 0.02);
    }

    private int scaled(int channels) {
        return divisible((int) Math.rint(channels * multiplier));
    }

    private int divisible(int value) {
        int rounded = Math.max(divisor, (int) (value + divisor / 2.0) / divisor * divisor);
        return rounded < 0.9 * value ? rounded + divisor : rounded;
    }
}
