package org.telltale.convert;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * InceptionV3 of timm or torchvision, which name their tensors alike, without its classifiers. The configuration says how
 * the branch pools treat padding, which no tensor does: as TensorFlow for weights whose tag begins with {@code tf_}, which
 * were trained there, otherwise as PyTorch (SPEC §9.2).
 */
final class InceptionV3Names {
    private static final String PADDING = "average_pool_padding";
    private static final int STEM = 32;

    private InceptionV3Names() {}

    static Converted convert(Source s) {
        List<Converted.Tensor> tensors = new ArrayList<>();
        for (String name : KerasInceptionV3.NAMES) {
            tensors.add(new Converted.Taken(name + ".conv.weight", s.take(name + ".conv.weight", 4)));
            for (String part : List.of("weight", "bias", "running_mean", "running_var")) {
                String norm = name + ".bn." + part;
                tensors.add(new Converted.Taken(norm, s.take(norm, 1)));
            }
            String steps = name + ".bn.num_batches_tracked";
            Checkpoint.Stored counted = s.tensors().get(steps);
            if (counted != null) {
                tensors.add(
                        new Converted.Taken(steps, s.take(steps, counted.shape().rank())));
            }
        }
        int stem = s.extent(KerasInceptionV3.NAMES.getFirst() + ".conv.weight", 4, 0);
        if (STEM % stem != 0) {
            throw s.error("the first convolution has " + stem + " outputs, expected " + STEM);
        }
        ObjectNode config = KerasInceptionV3.config(STEM / stem);
        Optional<JsonNode> given = s.config(Converted.CONFIG)
                .filter(c -> c.path("architecture").asString("").equals("inception_v3"));
        JsonNode trained = given.map(c -> c.path("pretrained_cfg")).orElse(config.path("pretrained_cfg"));
        boolean tensorFlow = trained.path("tag").asString("").startsWith("tf_");
        String padding = given.map(c -> c.path(PADDING).asString(""))
                .filter(p -> !p.isEmpty())
                .orElse(tensorFlow ? "excluded" : "included");
        config.put(PADDING, padding);
        config.set("pretrained_cfg", trained);
        List<String> notes = new ArrayList<>(s.leftOut());
        notes.add("average pools " + (padding.equals("excluded") ? "leave out" : "count") + " the padding");
        Map<String, JsonNode> files = new LinkedHashMap<>();
        files.put(Converted.CONFIG, config);
        files.put(Converted.PREPROCESSOR, KerasInceptionV3.preprocessor());
        return new Converted(Converted.WEIGHTS, tensors, files, notes);
    }
}
