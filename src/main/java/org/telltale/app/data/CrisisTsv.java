package org.telltale.app.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * The tables of the CrisisNLP image data set, SPEC §2.2: UTF-8, tab separated, without quoting, one header line.
 *
 * <p>What the format leaves open: columns are found by their names, in any order, and those not needed may be missing or
 * have other names; empty lines are skipped; labels are matched exactly; a file without rows, a row that occurs twice and
 * a path with a backslash are refused.
 */
public final class CrisisTsv {
    /** The column of the labels. MEDIC's tables, which are else the same, have a column for each of their tasks instead. */
    public static final String LABEL = "class_label";

    private CrisisTsv() {}

    /**
     * A picture and its label.
     *
     * @param path from the folder {@code data} on
     * @param line of the file, counted from 1, the header's
     * @param cut whether the file has more before that folder, as those of CrisisMMD do
     */
    public record Row(String id, String path, String label, int line, boolean cut) {}

    /**
     * The rows of a file.
     *
     * @param classes the labels of the task; any other is an error
     */
    public static List<Row> read(Path file, Set<String> classes) {
        return rows(Table.read(file), classes);
    }

    /**
     * The rows of a file, whatever their labels.
     *
     * @param column of the labels: {@link #LABEL}, or in MEDIC's tables {@code damage_severity}, {@code informative},
     *     {@code humanitarian} or {@code disaster_types}
     */
    public static List<Row> read(Path file, String column) {
        return rows(Table.read(file), column, (table, row) -> table.value(row, column));
    }

    static List<Row> rows(Table table, Set<String> classes) {
        return rows(table, LABEL, (t, row) -> t.label(row, LABEL, classes));
    }

    private static List<Row> rows(Table table, String column, BiFunction<Table, Table.Row, String> label) {
        table.requireColumns("image_id, image_path and " + column, List.of("image_id", "image_path", column));
        List<Row> rows = new ArrayList<>();
        Map<String, Integer> ids = new HashMap<>();
        for (Table.Row r : table.rows()) {
            String path = path(table, r);
            boolean cut = !path.equals(table.value(r, "image_path"));
            Row row = new Row(table.value(r, "image_id"), path, label.apply(table, r), r.line(), cut);
            Integer before = ids.putIfAbsent(row.id, r.line());
            if (before != null) {
                throw new DataException(
                        table.where(r) + ": the image_id \"" + row.id + "\" stands on line " + before + " already");
            }
            rows.add(row);
        }
        return rows;
    }

    /** Drops what is before the folder {@code data}, as some of the files have absolute paths. */
    private static String path(Table table, Table.Row row) {
        String path = table.value(row, "image_path");
        List<String> segments = Arrays.asList(path.split("/", -1));
        int data = segments.indexOf("data");
        List<String> kept = segments.subList(Math.max(data, 0), segments.size());
        if (kept.contains("..") || kept.getFirst().isEmpty() || path.contains("\\")) {
            throw new DataException(table.where(row) + ": the image_path \"" + path
                    + "\" is not a path below the folder data, without .. and \\");
        }
        return String.join("/", kept);
    }
}
