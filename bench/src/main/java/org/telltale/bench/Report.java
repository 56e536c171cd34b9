package org.telltale.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Tables of measured cases: milliseconds per run, and how many times as long a peer takes as Telltale. */
final class Report {
    private static final String BEGIN = "<!-- The tables below are made by: mvn -pl bench -am -Dbench.tables -->";
    private static final String END = "<!-- End of the tables that are made. -->";
    private static final List<String> PEERS = List.of(Workload.ONNX_RUNTIME, Workload.LIBTORCH);

    /** One case in the order of measurement, and the milliseconds of each engine. */
    private record Row(String family, String shape, int threads, Map<String, Double> times) {}

    private final List<Row> rows = new ArrayList<>();

    private Report() {}

    /** The table of JMH's results; throws {@link IllegalArgumentException} naming an entry that lacks a parameter. */
    static Report of(JsonNode results) {
        Report report = new Report();
        for (JsonNode entry : results) {
            JsonNode params = entry.path("params");
            if (!params.has("engine") || !params.has("shape") || !params.has("threads")) {
                throw new IllegalArgumentException(
                        "a result lacks one of the parameters engine, shape, threads: " + params);
            }
            String family = family(entry.get("benchmark").asString());
            String shape = params.get("shape").asString();
            int threads = Integer.parseInt(params.get("threads").asString());
            double perSecond = best(entry.get("primaryMetric").get("rawData"));
            report.row(family, shape, threads).times.put(params.get("engine").asString(), 1e3 / perSecond);
        }
        return report;
    }

    /** The best iteration of all forks: what else the machine does can only slow an iteration down. */
    private static double best(JsonNode forks) {
        double best = 0;
        for (JsonNode fork : forks) {
            for (JsonNode perSecond : fork) {
                best = Math.max(best, perSecond.doubleValue());
            }
        }
        return best;
    }

    static Report read(Path json) {
        return of(JsonMapper.builder().build().readTree(json));
    }

    /** {@code MatMul} of {@code org.telltale.bench.MatMulBenchmark} or of its method. */
    static String family(String benchmark) {
        String name = benchmark.endsWith(".run") ? benchmark.substring(0, benchmark.length() - 4) : benchmark;
        return name.substring(name.lastIndexOf('.') + 1).replace("Benchmark", "");
    }

    private Row row(String family, String shape, int threads) {
        for (Row r : rows) {
            if (r.family.equals(family) && r.shape.equals(shape) && r.threads == threads) {
                return r;
            }
        }
        Row row = new Row(family, shape, threads, new TreeMap<>());
        rows.add(row);
        return row;
    }

    /** A Markdown table of all cases, and one of the geometric means by family. */
    String table() {
        StringBuilder out = new StringBuilder(
                "Times in ms, of the best iteration; a ratio above 1 means that Telltale is faster.\n\n");
        line(out, "case", "threads", "telltale", "onnxruntime", "ratio", "libtorch", "ratio");
        out.append("|---|---|---|---|---|---|---|\n");
        for (Row r : rows) {
            line(
                    out,
                    r.family + " " + r.shape,
                    Integer.toString(r.threads),
                    time(r, Workload.TELLTALE),
                    time(r, Workload.ONNX_RUNTIME),
                    ratio(ratio(r, Workload.ONNX_RUNTIME)),
                    time(r, Workload.LIBTORCH),
                    ratio(ratio(r, Workload.LIBTORCH)));
        }
        out.append("\nGeometric means of the ratios.\n\n");
        line(out, "family", "threads", "cases", "onnxruntime", "libtorch");
        out.append("|---|---|---|---|---|\n");
        for (String family : rows.stream().map(Row::family).distinct().toList()) {
            for (int threads : rows.stream()
                    .filter(r -> r.family.equals(family))
                    .mapToInt(Row::threads)
                    .distinct()
                    .sorted()
                    .toArray()) {
                List<Row> some = rows.stream()
                        .filter(r -> r.family.equals(family) && r.threads == threads)
                        .toList();
                line(
                        out,
                        family,
                        Integer.toString(threads),
                        Integer.toString(some.size()),
                        ratio(mean(some, PEERS.get(0))),
                        ratio(mean(some, PEERS.get(1))));
            }
        }
        return out.toString();
    }

    private static double mean(List<Row> rows, String peer) {
        return Math.exp(rows.stream()
                .mapToDouble(r -> Math.log(ratio(r, peer)))
                .filter(v -> !Double.isNaN(v))
                .average()
                .orElse(Double.NaN));
    }

    /** Not a number where one of both was not measured. */
    private static double ratio(Row row, String peer) {
        return row.times.getOrDefault(peer, Double.NaN) / row.times.getOrDefault(Workload.TELLTALE, Double.NaN);
    }

    private static String ratio(double value) {
        return Double.isNaN(value) ? "" : String.format(Locale.ROOT, "%.2f", value);
    }

    private static String time(Row row, String engine) {
        Double ms = row.times.get(engine);
        return ms == null ? "" : String.format(Locale.ROOT, ms < 10 ? "%.3f" : "%.1f", ms);
    }

    private static void line(StringBuilder out, String... cells) {
        out.append("| ").append(String.join(" | ", cells)).append(" |\n");
    }

    /** Puts the tables of the latest results between the two marks of {@code docs/performance.md}. */
    static void document(Path folder) throws IOException {
        Path target = folder.resolve("target");
        Path file = folder.resolveSibling("docs").resolve("performance.md");
        JsonNode at = JsonMapper.builder().build().readTree(target.resolve("environment.json"));
        String text = String.format(
                Locale.ROOT,
                "%s, %s, %d cores, JDK %s, `%s`.%n%n%s",
                at.get("date").asString(),
                at.get("cpu").asString(),
                at.get("cores").intValue(),
                at.get("jdk").asString(),
                at.get("command").asString(),
                read(target.resolve("results.json")).table());
        Files.writeString(file, replaced(Files.readString(file), text));
        System.out.println("wrote " + file);
    }

    static String replaced(String document, String tables) {
        int begin = document.indexOf(BEGIN);
        int end = document.indexOf(END);
        if (begin < 0 || end < begin) {
            throw new IllegalArgumentException("the document lacks the marks '" + BEGIN + "' and '" + END + "'");
        }
        return document.substring(0, begin + BEGIN.length()) + "\n\n" + tables + "\n" + document.substring(end);
    }
}
