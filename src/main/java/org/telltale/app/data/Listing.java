package org.telltale.app.data;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** Rows of named texts: JSONL (one object a line) where the file is named so, else CSV or TSV as {@link Table} reads it. */
final class Listing {
    private static final long MAX_BYTES = 256L << 20;

    private Listing() {}

    /** @param where file and line */
    record Row(String where, int line, Map<String, String> fields) {
        /** A field that was required. */
        String get(String name) {
            return fields.getOrDefault(name, "");
        }

        Optional<String> find(String name) {
            return Optional.ofNullable(fields.get(name));
        }
    }

    /**
     * The rows of a file.
     *
     * @param required fields that each row has, none of them blank
     * @param optional fields that all rows have or none; others are ignored
     */
    static List<Row> read(Path file, List<String> required, List<String> optional) {
        String name = file.toString().toLowerCase(Locale.ROOT);
        return name.endsWith(".jsonl") ? lines(file, required, optional) : table(file, required, optional);
    }

    private static List<Row> table(Path file, List<String> required, List<String> optional) {
        Table table = Table.read(file);
        table.requireColumns(String.join(", ", required), required);
        List<String> names = new ArrayList<>(required);
        optional.stream().filter(table::has).forEach(names::add);
        List<Row> rows = new ArrayList<>();
        for (Table.Row r : table.rows()) {
            Map<String, String> fields = new HashMap<>();
            names.forEach(n -> fields.put(n, table.value(r, n)));
            rows.add(new Row(table.where(r), r.line(), fields));
        }
        return rows;
    }

    private static List<Row> lines(Path file, List<String> required, List<String> optional) {
        if (!Files.exists(file)) {
            throw new InputNotFoundException(file + ": no such file");
        }
        List<Row> rows = new ArrayList<>();
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
            long size = Files.size(file);
            if (size > MAX_BYTES) {
                throw new DataException(file + ": " + size + " bytes, expected at most " + MAX_BYTES);
            }
            Lines lines = new Lines(in, file.toString(), Records.MAX_LINE);
            int number = 0;
            for (Optional<String> line = lines.next(); line.isPresent(); line = lines.next()) {
                number++;
                if (!line.get().isBlank()) {
                    String where = lines.where();
                    Map<String, String> fields = fields(Records.parse(line.get(), where), where, required, optional);
                    Map<String, String> first = rows.isEmpty() ? fields : rows.getFirst().fields;
                    if (!fields.keySet().equals(first.keySet())) {
                        throw new DataException(
                                where + ": the keys " + fields.keySet() + ", but the first row has " + first.keySet());
                    }
                    rows.add(new Row(where, number, fields));
                }
            }
        } catch (IOException e) {
            throw new DataException(file + ": cannot be read: " + Reasons.of(e), e);
        }
        if (rows.isEmpty()) {
            throw new DataException(file + ": empty, expected a JSON object on each line");
        }
        return rows;
    }

    private static Map<String, String> fields(
            JsonNode node, String where, List<String> required, List<String> optional) {
        Map<String, String> fields = new HashMap<>();
        try {
            for (String name : required) {
                fields.put(name, Fields.text(node, name));
            }
            for (String name : optional) {
                if (node.has(name)) {
                    fields.put(name, Fields.text(node, name));
                }
            }
        } catch (DataException e) {
            throw new DataException(where + ": " + e.getMessage(), e);
        }
        fields.forEach((name, value) -> {
            if (value.isBlank()) {
                throw new DataException(where + ": an empty " + name);
            }
        });
        return fields;
    }

    /** The split that a row names. */
    static Optional<Split> split(Row row) {
        return row.find("split")
                .map(word -> Split.of(word)
                        .orElseThrow(() -> new DataException(
                                row.where + ": the split \"" + word + "\", expected train, dev or test")));
    }
}
