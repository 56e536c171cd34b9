package org.telltale.convert;

import java.util.ArrayList;
import java.util.List;
import org.telltale.engine.Shape;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * timm's {@code mobilenetv2} to the names of {@code MobileNetV2ForImageClassification}. Its padding is symmetric and its
 * norms have PyTorch's epsilon, both of which the configuration says.
 */
final class TimmMobileNetV2 {
    private static final List<Integer> STAGES = List.of(1, 2, 3, 4, 3, 3, 1);
    private static final double EPSILON = 1e-5;

    private TimmMobileNetV2() {}

    static Converted convert(Source s) {
        Timm timm = Timm.of(s, "mobilenetv2_");
        String base = "mobilenet_v2.";
        List<Integer> widths = new ArrayList<>();
        widths.add(conv(timm, "conv_stem", "bn1", base + "conv_stem.first_conv"));
        conv(timm, "blocks.0.0.conv_dw", "blocks.0.0.bn1", base + "conv_stem.conv_3x3");
        widths.add(conv(timm, "blocks.0.0.conv_pw", "blocks.0.0.bn2", base + "conv_stem.reduce_1x1"));
        int layer = 0;
        List<Integer> stages = new ArrayList<>(List.of(1));
        for (int stage = 1; s.has("blocks." + stage + ".0.conv_dw.weight"); stage++) {
            int count = s.count("blocks." + stage + ".", ".conv_dw.weight");
            for (int i = 0; i < count; i++) {
                String from = "blocks." + stage + "." + i + ".";
                String to = base + "layer." + layer++ + ".";
                widths.add(conv(timm, from + "conv_pw", from + "bn1", to + "expand_1x1"));
                conv(timm, from + "conv_dw", from + "bn2", to + "conv_3x3");
                widths.add(conv(timm, from + "conv_pwl", from + "bn3", to + "reduce_1x1"));
            }
            stages.add(count);
        }
        widths.add(conv(timm, "conv_head", "bn2", base + "conv_1x1"));
        Shape classifier = s.take("classifier.weight", 2).shape();
        timm.tensors().add(new Converted.Taken("classifier.weight", s.take("classifier.weight", 2)));
        timm.vector("classifier.bias", "classifier.bias");
        MobileNetV2Widths rule = MobileNetV2Widths.find(widths)
                .orElseThrow(() -> s.error("no depth multiplier gives the channels " + widths));
        if (!stages.equals(STAGES) || !s.leftOut().isEmpty()) {
            throw s.error("not a MobileNetV2: blocks " + stages + ", expected " + STAGES + "; "
                    + String.join("; ", s.leftOut()));
        }
        ObjectNode config = rule.config(timm.size(), EPSILON, false, 0.2);
        timm.labels(classifier.dim(0)).addTo(config);
        ObjectNode preprocessor = new JsonMapper().createObjectNode();
        timm.preprocess(preprocessor, "MobileNetV2ImageProcessor");
        return new Converted(timm.tensors(), config, preprocessor);
    }

    private static int conv(Timm timm, String from, String norm, String to) {
        int channels = timm.conv(from, to + ".convolution");
        timm.norm(norm, to + ".normalization");
        return channels;
    }
}
