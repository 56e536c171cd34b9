package org.telltale.app.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/**
 * A small table with named columns: tab separated and without quoting when the first line holds a tab, CSV (RFC 4180)
 * otherwise. Every row has as many fields as the header; no field that is asked for is empty.
 */
final class Table {
    private static final long MAX_BYTES = 256L << 20;
    private static final int MAX_COLUMNS = 1000;

    private final Path file;
    private final List<String> columns;
    private final List<Row> rows;

    /** @param line counted from 1, the header's */
    record Row(int line, List<String> fields) {}

    private Table(Path file, List<String> columns, List<Row> rows) {
        this.file = file;
        this.columns = columns;
        this.rows = rows;
    }

    static Table read(Path file) {
        if (!Files.exists(file)) {
            throw new InputNotFoundException(file + ": no such file");
        }
        try {
            long size = Files.size(file);
            if (size > MAX_BYTES) {
                throw new DataException(file + ": " + size + " bytes, expected at most " + MAX_BYTES);
            }
            return parse(file, text(file, Files.readAllBytes(file)));
        } catch (IOException e) {
            throw new DataException(file + ": cannot be read: " + Reasons.of(e), e);
        }
    }

    private static Table parse(Path file, String text) throws IOException {
        String first = text.lines().findFirst().orElse("");
        CSVFormat.Builder format = first.indexOf('\t') >= 0
                ? CSVFormat.RFC4180.builder().setDelimiter('\t').setQuote(null)
                : CSVFormat.RFC4180.builder();
        List<String> columns = List.of();
        List<Row> rows = new ArrayList<>();
        try (CSVParser parser = CSVParser.parse(
                text, format.setIgnoreEmptyLines(true).setRecordSeparator('\n').get())) {
            for (CSVRecord record : parser) {
                Row row = new Row(Math.toIntExact(parser.getCurrentLineNumber()), record.toList());
                if (columns.isEmpty()) {
                    columns = row.fields;
                    if (columns.size() > MAX_COLUMNS || Set.copyOf(columns).size() < columns.size()) {
                        throw new DataException(file + ":1: the header names a column twice, or more than "
                                + MAX_COLUMNS + ": " + shortened(columns));
                    }
                } else if (row.fields.size() != columns.size()) {
                    throw new DataException(file + ":" + row.line + ": " + row.fields.size()
                            + " fields, but the header has " + columns.size());
                } else {
                    rows.add(row);
                }
            }
        } catch (UncheckedIOException e) {
            throw new DataException(file + ": not CSV: " + e.getMessage(), e);
        }
        if (columns.isEmpty()) {
            throw new DataException(file + ": empty, expected a header line");
        }
        if (rows.isEmpty()) {
            throw new DataException(file + ": a header and no rows");
        }
        return new Table(file, columns, rows);
    }

    /** UTF-8 without byte order mark, and with a line break at the end, which makes the parser count lines right. */
    private static String text(Path file, byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CharBuffer out = CharBuffer.allocate(bytes.length + 1);
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
        CoderResult result = decoder.decode(in, out, true);
        String text = out.flip().toString();
        if (result.isError()) {
            throw new DataException(file + ":" + lineOf(text, text.length()) + ": not UTF-8");
        }
        int zero = text.indexOf('\0');
        if (zero >= 0) {
            throw new DataException(file + ":" + lineOf(text, zero) + ": a NUL character");
        }
        String unmarked = text.startsWith("\uFEFF") ? text.substring(1) : text;
        return unmarked.isEmpty() || unmarked.endsWith("\n") ? unmarked : unmarked + "\n";
    }

    private static long lineOf(String text, int index) {
        return 1 + text.substring(0, index).chars().filter(c -> c == '\n').count();
    }

    private static String shortened(List<String> columns) {
        String all = columns.toString();
        return all.length() <= 200 ? all : all.substring(0, 200) + "...";
    }

    boolean has(String column) {
        return columns.contains(column);
    }

    void requireColumns(String... names) {
        requireColumns("image_id, image_path and class_label, or id and label", List.of(names));
    }

    /**
     * That the header names all of these columns.
     *
     * @param expected what an error message says was expected
     */
    void requireColumns(String expected, List<String> names) {
        for (String name : names) {
            if (!has(name)) {
                throw new DataException(
                        file + ":1: no column " + name + "; found " + shortened(columns) + ", expected " + expected);
            }
        }
    }

    List<Row> rows() {
        return rows;
    }

    String where(Row row) {
        return file + ":" + row.line;
    }

    String value(Row row, String column) {
        String value = row.fields.get(columns.indexOf(column));
        if (value.isBlank()) {
            throw new DataException(where(row) + ": an empty " + column);
        }
        return value;
    }

    /** A value that must be one of the classes. */
    String label(Row row, String column, Set<String> classes) {
        String label = value(row, column);
        if (!classes.contains(label)) {
            throw new DataException(where(row) + ": the label \"" + label + "\" is none of " + classes);
        }
        return label;
    }
}
