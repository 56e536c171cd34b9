package org.telltale.app.data;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The true labels of pictures. A picture is found by its path, by the part of its path from a folder {@code data} on, or
 * by its image id.
 */
public final class Truth {
    private final Map<String, String> labels = new HashMap<>();
    private final Set<String> ambiguous = new HashSet<>();

    private Truth() {}

    /**
     * Reads a TSV of the CrisisNLP data set ({@link CrisisTsv}), or a table with the columns {@code id} and
     * {@code label}: CSV, or TSV when its header line holds a tab.
     *
     * @param classes the labels there are; any other is an error
     */
    public static Truth read(Path file, Set<String> classes) {
        Table table = Table.read(file);
        Truth truth = new Truth();
        if (table.has("image_path")) {
            for (CrisisTsv.Row row : CrisisTsv.rows(table, classes)) {
                truth.put(row.path(), row.label());
                truth.put(row.id(), row.label());
            }
            return truth;
        }
        table.requireColumns("id", "label");
        for (Table.Row row : table.rows()) {
            String id = table.value(row, "id");
            if (truth.labels.containsKey(id)) {
                throw new DataException(table.where(row) + ": the id \"" + id + "\" occurs twice");
            }
            truth.put(id, table.label(row, "label", classes));
        }
        return truth;
    }

    /** A key that two pictures with different labels share says nothing. */
    private void put(String key, String label) {
        String before = labels.putIfAbsent(key, label);
        if (before != null && !before.equals(label)) {
            ambiguous.add(key);
        }
    }

    /** The true label of a picture, if it is known. */
    public Optional<String> label(String id) {
        List<String> segments = List.of(id.split("/", -1));
        for (int i = 0; i < segments.size(); i++) {
            if (i == 0 || segments.get(i).equals("data")) {
                String key = String.join("/", segments.subList(i, segments.size()));
                if (labels.containsKey(key) && !ambiguous.contains(key)) {
                    return Optional.ofNullable(labels.get(key));
                }
            }
        }
        return Optional.empty();
    }
}
