package org.telltale.convert;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.telltale.convert.Converted.Tensor;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What the conversions of timm's networks share: its configuration, its names of norms, its preprocessing. */
record Timm(Source source, JsonNode config, List<Tensor> tensors) {
    private static final List<String> NORM = List.of("weight", "bias", "running_mean", "running_var");

    static Timm of(Source source, String architecture) {
        JsonNode config = source.config(Converted.CONFIG)
                .orElseThrow(() -> source.error("no config.json of timm beside the file; --config names one"));
        String found = config.path("architecture").asString("");
        if (!found.startsWith(architecture)) {
            throw source.error("the architecture in its config.json is '" + found + "', expected " + architecture
                    + "...: others pad differently");
        }
        return new Timm(source, config, new ArrayList<>());
    }

    String architecture() {
        return config.path("architecture").asString("");
    }

    /** Adds a convolution's kernel; its output channels. */
    int conv(String from, String to) {
        Checkpoint.Stored s = source.take(from + ".weight", 4);
        tensors.add(new Converted.Taken(to + ".weight", s));
        return s.shape().dim(0);
    }

    void vector(String from, String to) {
        tensors.add(new Converted.Taken(to, source.take(from, 1)));
    }

    void norm(String from, String to) {
        for (String part : NORM) {
            vector(from + "." + part, to + "." + part);
        }
        String steps = from + ".num_batches_tracked";
        tensors.add(
                source.has(steps)
                        ? new Converted.Taken(to + ".num_batches_tracked", source.take(steps, 0))
                        : new Converted.StepCount(to + ".num_batches_tracked"));
    }

    Labels labels(int classes) {
        List<String> names = config.path("label_names")
                .valueStream()
                .map(n -> n.asString(""))
                .toList();
        boolean own = source.options.labels().isEmpty() && names.size() == classes;
        return Labels.of(source.file, own ? Optional.of(names) : source.labels(), classes);
    }

    /** The side of the pictures that the network was evaluated with. */
    int size() {
        int size = config.path("pretrained_cfg").path("input_size").path(2).asInt(0);
        if (size < 1 || size > 4096) {
            throw source.error("pretrained_cfg.input_size in its config.json is "
                    + config.path("pretrained_cfg").path("input_size") + ", expected [3, side, side]");
        }
        return size;
    }

    /** The shorter side a little larger than the network's input, and the centre of that: timm's evaluation. */
    void preprocess(ObjectNode p, String type) {
        JsonNode trained = config.path("pretrained_cfg");
        int size = size();
        double part = trained.path("crop_pct").asDouble(0.875);
        String interpolation = trained.path("interpolation").asString("bicubic");
        p.put("image_processor_type", type)
                .put("do_resize", true)
                .put("do_center_crop", true)
                .put("do_rescale", true)
                .put("rescale_factor", 1 / 255.0)
                .put("do_normalize", true);
        int code = interpolation.equals("bicubic") ? 3 : interpolation.equals("bilinear") ? 2 : -1;
        if (code < 0 || !(part > 0 && part <= 1)) {
            throw source.error("pretrained_cfg in its config.json has the interpolation '" + interpolation
                    + "' and crop_pct " + part + ", expected bicubic or bilinear and a part of 1");
        }
        if (type.startsWith("Telltale")) {
            p.put("resample", interpolation).put("crop_rule", "torchvision");
        } else {
            p.put("resample", code);
        }
        p.putObject("size").put("shortest_edge", (int) Math.floor(size / part));
        p.putObject("crop_size").put("height", size).put("width", size);
        p.set("image_mean", triple(trained, "mean", List.of(0.485, 0.456, 0.406)));
        p.set("image_std", triple(trained, "std", List.of(0.229, 0.224, 0.225)));
    }

    private JsonNode triple(JsonNode trained, String key, List<Double> usual) {
        JsonNode given = trained.path(key);
        if (given.size() == 3) {
            return given;
        }
        return new tools.jackson.databind.json.JsonMapper().valueToTree(usual);
    }
}
