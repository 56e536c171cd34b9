package org.telltale.convert;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** Every tensor under its own name; a configuration beside the file is copied. */
final class AsIs {
    private AsIs() {}

    static Converted convert(Source source) {
        List<Converted.Tensor> tensors = new ArrayList<>();
        source.tensors().forEach((name, stored) -> {
            source.take(name, stored.shape().rank());
            tensors.add(new Converted.Taken(name, stored));
        });
        if (tensors.isEmpty()) {
            throw source.error("no tensors in this checkpoint");
        }
        Map<String, JsonNode> files = new LinkedHashMap<>();
        List<String> notes = new ArrayList<>(source.leftOut());
        source.config(Converted.CONFIG)
                .ifPresentOrElse(
                        c -> files.put(Converted.CONFIG, c),
                        () -> notes.add("no config.json beside the file, so none is written"));
        return new Converted(Converted.WEIGHTS, tensors, files, notes);
    }
}
