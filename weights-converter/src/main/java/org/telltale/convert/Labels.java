package org.telltale.convert;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/** The names of the classes, in the order of the outputs. */
record Labels(List<String> names) {
    private static final long MAX_BYTES = 10_000_000;

    /** The lines of a file, one label each, with or without their number in front as in {@code 0 earthquake}. */
    static List<String> read(Path file) {
        List<String> lines;
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw new ConvertException(file + ": larger than " + MAX_BYTES + " bytes");
            }
            lines = Files.readAllLines(file).stream()
                    .map(String::strip)
                    .filter(l -> !l.isEmpty())
                    .toList();
        } catch (IOException e) {
            throw new ConvertException(file + ": not a readable text file in UTF-8: " + e, e);
        }
        List<String> stripped = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            String number = i + " ";
            if (!lines.get(i).startsWith(number)) {
                return lines;
            }
            stripped.add(lines.get(i).substring(number.length()).strip());
        }
        return stripped;
    }

    /** The labels given, which must be as many as there are outputs, or {@code LABEL_0}, {@code LABEL_1}, ... */
    static Labels of(Path source, Optional<List<String>> labels, int classes) {
        List<String> names = new ArrayList<>(labels.orElse(List.of()));
        if (labels.isEmpty()) {
            for (int i = 0; i < classes; i++) {
                names.add("LABEL_" + i);
            }
        }
        if (names.size() != classes) {
            throw new ConvertException(source + ": " + classes + " outputs, but " + names.size() + " labels");
        }
        return new Labels(List.copyOf(names));
    }

    void addTo(ObjectNode config) {
        ObjectNode id2label = config.putObject("id2label");
        ObjectNode label2id = config.putObject("label2id");
        for (int i = 0; i < names.size(); i++) {
            id2label.put(Integer.toString(i), names.get(i));
            label2id.put(names.get(i), i);
        }
    }
}
