package org.telltale.app.data;

import java.util.Set;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;

/** Records on standard output: as lines, or as one JSON object. */
public final class PrintedResults implements Results {
    private final StandardOutput out;
    private final Function<Entry, String> line;
    private final String between;
    private final String end;
    private boolean first = true;

    private PrintedResults(StandardOutput out, String begin, Function<Entry, String> line, String between, String end) {
        this.out = out;
        this.line = line;
        this.between = between;
        this.end = end;
        out.print(begin);
    }

    /** For people. */
    public static PrintedResults text(StandardOutput out, Function<Entry, String> line) {
        return new PrintedResults(out, "", e -> line.apply(e) + "\n", "", "");
    }

    /** A header and a line for each record. */
    public static PrintedResults lines(StandardOutput out, JsonNode header) {
        return new PrintedResults(out, header + "\n", e -> e.json() + "\n", "", "");
    }

    /** One JSON object, {@code {"header": ..., "records": [...]}}. */
    public static PrintedResults json(StandardOutput out, JsonNode header) {
        return new PrintedResults(out, "{\"header\":" + header + ",\"records\":[", e -> "\n" + e.json(), ",", "\n]}\n");
    }

    @Override
    public Set<String> done() {
        return Set.of();
    }

    @Override
    public void add(Entry entry) {
        out.print(first ? line.apply(entry) : between + line.apply(entry));
        first = false;
    }

    @Override
    public void finish() {
        out.print(end);
    }

    @Override
    public void close() {}
}
