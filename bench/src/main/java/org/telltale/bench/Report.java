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
    private static final String LIMIT = family(LimitBenchmark.class.getName());

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

    /** Markdown tables: all cases, the geometric means by family, and what of the machine's limits a decoder step takes. */
    String table() {
        List<Row> cases = rows.stream().filter(r -> !r.family.equals(LIMIT)).toList();
        List<Pair> pairs = new ArrayList<>(List.of(
                new Pair(Workload.TELLTALE, Workload.ONNX_RUNTIME), new Pair(Workload.TELLTALE, Workload.LIBTORCH)));
        if (cases.stream().anyMatch(r -> r.times.containsKey(Workload.TELLTALE_BF16))) {
            pairs.add(new Pair(Workload.TELLTALE_BF16, Workload.LIBTORCH_BF16));
        }
        StringBuilder out = new StringBuilder(
                "Times in ms, of the best iteration; a ratio above 1 means that Telltale is faster.\n\n");
        List<String> header = new ArrayList<>(List.of("case", "threads"));
        String ours = "";
        for (Pair p : pairs) {
            if (!p.ours.equals(ours)) {
                header.add(p.ours);
                ours = p.ours;
            }
            header.addAll(List.of(p.peer, "ratio"));
        }
        header(out, header);
        for (Row r : cases) {
            List<String> cells = new ArrayList<>(List.of(r.family + " " + r.shape, Integer.toString(r.threads)));
            ours = "";
            for (Pair p : pairs) {
                if (!p.ours.equals(ours)) {
                    cells.add(time(r, p.ours));
                    ours = p.ours;
                }
                cells.addAll(List.of(time(r, p.peer), ratio(p.ratio(r))));
            }
            line(out, cells);
        }
        out.append("\nGeometric means of the ratios.\n\n");
        header = new ArrayList<>(List.of("family", "threads", "cases"));
        pairs.stream().map(Pair::peer).forEach(header::add);
        header(out, header);
        for (String family : cases.stream().map(Row::family).distinct().toList()) {
            for (int threads : cases.stream()
                    .filter(r -> r.family.equals(family))
                    .mapToInt(Row::threads)
                    .distinct()
                    .sorted()
                    .toArray()) {
                List<Row> some = cases.stream()
                        .filter(r -> r.family.equals(family) && r.threads == threads)
                        .toList();
                List<String> cells =
                        new ArrayList<>(List.of(family, Integer.toString(threads), Integer.toString(some.size())));
                pairs.forEach(p -> cells.add(ratio(mean(some, p))));
                line(out, cells);
            }
        }
        limits(out);
        return out.toString();
    }

    /** The steps of a decoder beside what the machine can read and multiply; nothing where either was not measured. */
    private void limits(StringBuilder out) {
        List<Row> steps =
                rows.stream().filter(r -> r.family.equals("DecodeStep")).toList();
        boolean begun = false;
        for (Row r : steps) {
            double read = limit(LimitBenchmark.READ, r.threads);
            double compute = limit(LimitBenchmark.MULTIPLY_ADD, r.threads);
            for (String engine : List.of(Workload.TELLTALE, Workload.TELLTALE_BF16)) {
                double ms = r.times.getOrDefault(engine, Double.NaN);
                if (Double.isNaN(read + compute + ms)) {
                    continue;
                }
                if (!begun) {
                    out.append("\nWhat of the machine's limits, measured in the same run, a decoder step takes.\n\n");
                    header(
                            out,
                            List.of(
                                    "rows x tokens",
                                    "threads",
                                    "engine",
                                    "ms",
                                    "MB to read",
                                    "GB/s",
                                    "limit",
                                    "share",
                                    "GFLOP",
                                    "GFLOP/s",
                                    "limit",
                                    "share"));
                    begun = true;
                }
                DecodeStepBenchmark step = new DecodeStepBenchmark();
                step.shape = r.shape;
                double bytes = step.bytes(engine.equals(Workload.TELLTALE_BF16));
                double gbs = bytes / 1e6 / ms;
                double gflops = step.gflop() * 1e3 / ms;
                line(
                        out,
                        List.of(
                                r.shape,
                                Integer.toString(r.threads),
                                engine,
                                time(r, engine),
                                String.format(Locale.ROOT, "%.0f", bytes / 1e6),
                                String.format(Locale.ROOT, "%.1f", gbs),
                                String.format(Locale.ROOT, "%.1f", read / 1e9),
                                ratio(gbs * 1e9 / read),
                                String.format(Locale.ROOT, "%.2f", step.gflop()),
                                String.format(Locale.ROOT, "%.0f", gflops),
                                String.format(Locale.ROOT, "%.0f", compute / 1e9),
                                ratio(gflops * 1e9 / compute)));
            }
        }
    }

    /** Bytes or operations in a second; not a number where it was not measured. */
    private double limit(String shape, int threads) {
        for (Row r : rows) {
            if (r.family.equals(LIMIT) && r.shape.equals(shape) && r.threads == threads) {
                return LimitBenchmark.amount(shape, threads) / r.times.get(LimitBenchmark.MACHINE) * 1e3;
            }
        }
        return Double.NaN;
    }

    /** An engine of Telltale's and a peer of the same precision. */
    private record Pair(String ours, String peer) {
        /** Not a number where one of both was not measured. */
        double ratio(Row row) {
            return row.times.getOrDefault(peer, Double.NaN) / row.times.getOrDefault(ours, Double.NaN);
        }
    }

    private static double mean(List<Row> rows, Pair pair) {
        return Math.exp(rows.stream()
                .mapToDouble(r -> Math.log(pair.ratio(r)))
                .filter(v -> !Double.isNaN(v))
                .average()
                .orElse(Double.NaN));
    }

    private static String ratio(double value) {
        return Double.isNaN(value) ? "" : String.format(Locale.ROOT, "%.2f", value);
    }

    private static String time(Row row, String engine) {
        Double ms = row.times.get(engine);
        return ms == null ? "" : String.format(Locale.ROOT, ms < 10 ? "%.3f" : "%.1f", ms);
    }

    private static void header(StringBuilder out, List<String> cells) {
        line(out, cells);
        out.append("|---".repeat(cells.size())).append("|\n");
    }

    private static void line(StringBuilder out, List<String> cells) {
        out.append("| ").append(String.join(" | ", cells)).append(" |\n");
    }

    /** Puts the tables of the latest results between the two marks of {@code docs/performance.md}. */
    static void document(Path folder) throws IOException {
        Path target = folder.resolve("target");
        Path file = folder.resolveSibling("docs").resolve("performance.md");
        JsonNode at = JsonMapper.builder().build().readTree(target.resolve("environment.json"));
        String text = String.format(
                Locale.ROOT,
                "%s, %s, %d cores, JDK %s, commit %s, `%s`%s.%n%n%s",
                at.get("date").asString(),
                at.get("cpu").asString(),
                at.get("cores").intValue(),
                at.get("jdk").asString(),
                at.get("commit").asString(),
                at.get("command").asString(),
                at.get("complete").asBoolean() ? "" : ", not all of it",
                read(target.resolve("results.json")).table() + failures(at.get("failures")));
        Files.writeString(file, replaced(Files.readString(file), text));
        System.out.println("wrote " + file);
    }

    /** The engines that gave no result. */
    private static String failures(JsonNode failures) {
        StringBuilder out = new StringBuilder(failures.isEmpty() ? "" : "\n");
        failures.forEach(f -> out.append("* failed: ").append(f.asString()).append('\n'));
        return out.toString();
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
