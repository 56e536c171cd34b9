package org.telltale.convert;

import java.util.ArrayList;
import java.util.List;
import org.telltale.engine.Shape;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * timm's {@code tf_efficientnet} to the names of {@code EfficientNetForImageClassification} (SPEC §7.4). timm's own
 * {@code efficientnet} pads symmetrically, which Hugging Face's class cannot.
 */
final class TimmEfficientNet {
    private TimmEfficientNet() {}

    static Converted convert(Source s) {
        Timm timm = Timm.of(s, "tf_efficientnet_b");
        String base = "efficientnet.";
        timm.conv("conv_stem", base + "embeddings.convolution");
        timm.norm("bn1", base + "embeddings.batchnorm");
        int block = 0;
        List<Integer> repeats = new ArrayList<>();
        for (int stage = 0; s.has("blocks." + stage + ".0.conv_dw.weight"); stage++) {
            int count = s.count("blocks." + stage + ".", ".conv_dw.weight");
            for (int i = 0; i < count; i++) {
                block(timm, "blocks." + stage + "." + i + ".", base + "encoder.blocks." + block++ + ".");
            }
            repeats.add(count);
        }
        int top = timm.conv("conv_head", base + "encoder.top_conv");
        timm.norm("bn2", base + "encoder.top_bn");
        Checkpoint.Stored classifier = s.take("classifier.weight", 2);
        timm.tensors().add(new Converted.Taken("classifier.weight", classifier));
        timm.vector("classifier.bias", "classifier.bias");
        if (!s.leftOut().isEmpty()) {
            throw s.error("not an EfficientNet: " + String.join("; ", s.leftOut()));
        }
        KerasEfficientNet.Variant v = variant(timm, repeats, top);
        ObjectNode config =
                KerasEfficientNet.config(v, timm.labels(classifier.shape().dim(0)));
        ObjectNode preprocessor = new JsonMapper().createObjectNode();
        // Hugging Face's processor of EfficientNet knows no shorter side
        timm.preprocess(preprocessor, "TelltaleImageProcessor");
        return new Converted(timm.tensors(), config, preprocessor);
    }

    /** In blocks that do not expand, {@code conv_pw} is the projection; in the others it is the expansion. */
    private static void block(Timm timm, String from, String to) {
        boolean expands = timm.source().has(from + "conv_pwl.weight");
        if (expands) {
            timm.conv(from + "conv_pw", to + "expansion.expand_conv");
            timm.norm(from + "bn1", to + "expansion.expand_bn");
        }
        timm.conv(from + "conv_dw", to + "depthwise_conv.depthwise_conv");
        timm.norm(from + (expands ? "bn2" : "bn1"), to + "depthwise_conv.depthwise_norm");
        for (String part : List.of("reduce", "expand")) {
            timm.conv(from + "se.conv_" + part, to + "squeeze_excite." + part);
            timm.vector(from + "se.conv_" + part + ".bias", to + "squeeze_excite." + part + ".bias");
        }
        timm.conv(from + (expands ? "conv_pwl" : "conv_pw"), to + "projection.project_conv");
        timm.norm(from + (expands ? "bn3" : "bn2"), to + "projection.project_bn");
    }

    private static KerasEfficientNet.Variant variant(Timm timm, List<Integer> repeats, int top) {
        JsonNode args = timm.config().path("model_args");
        String number = timm.architecture().replaceFirst("^tf_efficientnet_b([0-7]).*", "$1");
        if (number.length() != 1) {
            throw timm.source()
                    .error("the architecture in its config.json is '" + timm.architecture()
                            + "', expected tf_efficientnet_b0 to b7");
        }
        KerasEfficientNet.Variant usual = KerasEfficientNet.VARIANTS.get(Integer.parseInt(number));
        KerasEfficientNet.Variant v = new KerasEfficientNet.Variant(
                args.path("channel_multiplier").asDouble(usual.width()),
                args.path("depth_multiplier").asDouble(usual.depth()),
                timm.size(),
                usual.dropout(),
                args.path("channel_divisor").asInt(usual.divisor()));
        Shape stem = timm.source().take("conv_stem.weight", 4).shape();
        List<Integer> wanted = v.allRepeats();
        if (!wanted.equals(repeats) || v.channels(32) != stem.dim(0) || v.channels(1280) != top) {
            throw timm.source()
                    .error("blocks " + repeats + " with " + stem.dim(0) + " and " + top
                            + " channels at the ends, its config.json says " + wanted + ", " + v.channels(32) + " and "
                            + v.channels(1280));
        }
        return v;
    }
}
