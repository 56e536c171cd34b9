package org.telltale.bench;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.results.format.ResultFormatFactory;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Runs cases on Telltale and its peers, the engines of a case one after another so that they meet the same machine, and
 * prints one table. Each result is written to {@code target/results.json} (JMH's format) as it comes, and
 * {@code target/environment.json} says where and of what; what JMH says goes to {@code target/jmh.log}. A suite that was
 * killed, or that ran out of its time, is continued by the next one of the same commit, command and machine. An engine
 * that fails is named, and costs its own result only.
 */
final class Suite {
    private static final List<String> F32 = List.of(Workload.TELLTALE, Workload.ONNX_RUNTIME, Workload.LIBTORCH);
    private static final List<String> BF16 = List.of(Workload.TELLTALE_BF16, Workload.LIBTORCH_BF16);

    /**
     * Cases of one family.
     *
     * @param products whether bfloat16 is of interest
     * @param rounded how many shapes of the short suite, from the last, are measured in bfloat16 as well
     * @param both whether the full suite measures each number of threads, not the most only
     * @param singleThreaded how many shapes of the short suite are measured with one thread as well
     * @param brief the shapes of the short suite
     */
    private record Family(
            Class<?> benchmark, boolean products, int rounded, boolean both, int singleThreaded, List<String> brief) {}

    /** One engine on one shape. */
    private record Case(Family family, String shape, int threads, String engine) {
        String title() {
            return Report.family(family.benchmark.getName()) + " " + shape + ", threads " + threads;
        }

        boolean model() {
            return family.benchmark == ModelBenchmark.class
                    || family.benchmark == DecodeStepBenchmark.class
                    || family.benchmark == GreedyCaptionBenchmark.class;
        }

        boolean is(JsonNode result) {
            JsonNode params = result.path("params");
            return result.path("benchmark").asString("").equals(family.benchmark.getName() + ".run")
                    && params.path("shape").asString("").equals(shape)
                    && params.path("threads").asString("").equals(Integer.toString(threads))
                    && params.path("engine").asString("").equals(engine);
        }
    }

    /** Whole models first: what runs out of time leaves single ops out. */
    private static final List<Family> FAMILIES = List.of(
            new Family(
                    ModelBenchmark.class,
                    true,
                    2,
                    false,
                    0,
                    List.of(
                            "mobilenetv2:1x224",
                            "efficientnet-b0:1x224",
                            "bert-base:1x128",
                            "blip-large-vision:1x384")),
            new Family(
                    LimitBenchmark.class,
                    false,
                    0,
                    false,
                    0,
                    List.of(LimitBenchmark.READ, LimitBenchmark.MULTIPLY_ADD)),
            new Family(DecodeStepBenchmark.class, true, 1, false, 0, List.of("64x20", "1x20")),
            new Family(GreedyCaptionBenchmark.class, false, 0, false, 0, List.of("64x20")),
            new Family(GruStepBenchmark.class, false, 0, false, 0, List.of("1x256x512", "64x256x512")),
            new Family(
                    AttentionBenchmark.class,
                    false,
                    0,
                    false,
                    1,
                    List.of("1x577x577x16x64", "1x128x128x12x64", "1x3x577x12x64", "1x64x577x12x64")),
            new Family(CachedAttentionBenchmark.class, false, 0, false, 0, List.of("3x20x12x64")),
            new Family(
                    ConvBenchmark.class,
                    true,
                    0,
                    false,
                    0,
                    List.of("224x3x32x3x2", "56x144x0x3x1", "28x240x0x5x1", "35x96x96x3x1")),
            new Family(
                    PointwiseBenchmark.class,
                    false,
                    0,
                    false,
                    0,
                    List.of("layerNorm:577x1024", "softmax:9232x577", "gelu:577x4096")),
            new Family(
                    MatMulBenchmark.class,
                    true,
                    4,
                    true,
                    2,
                    List.of(
                            "128x768x3072",
                            "577x1024x4096",
                            "784x192x32",
                            "49x160x960",
                            "577x4096x1024",
                            "3x768x3072",
                            "64x768x768",
                            "1x768x30524")));

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final boolean full;
    private final String cases;
    private final Path target;
    private final long begin = System.nanoTime();
    private final ObjectNode environment = JSON.createObjectNode();
    private ArrayNode results = JSON.createArrayNode();
    private ArrayNode failures = JSON.createArrayNode();

    private Suite(boolean full, Path folder) throws IOException {
        this.full = full;
        target = Files.createDirectories(folder.resolve("target"));
        environment.put("cpu", Processor.read().name());
        environment.put("cores", Runtime.getRuntime().availableProcessors());
        environment.put("jdk", Runtime.version().toString());
        cases = System.getProperty("bench.cases", "");
        environment.put(
                "command",
                "mvn -pl bench -am" + (full ? " -Dbench.full" : "")
                        + (cases.isEmpty() ? "" : " -Dbench.cases='" + cases + "'"));
        environment.put("commit", commit(folder));
    }

    /**
     * Runs the suite; {@code -Dbench.minutes} says after how many minutes no further case begins, by default 30, and {@code
     * -Dbench.cases} may be a regular expression that is found in the titles of those to run.
     */
    static void run(boolean full, Path folder) throws IOException {
        new Suite(full, folder).run();
    }

    private void run() throws IOException {
        Processor cpu = Processor.read();
        if (!cpu.bf16()) {
            System.out.println("left out: " + String.join(", ", BF16) + " (the CPU has no units for bfloat16)");
        }
        List<Case> left = cases(cpu.bf16());
        resume();
        int all = left.size();
        left.removeIf(c -> results.valueStream().anyMatch(c::is));
        if (left.size() < all) {
            System.out.println("continued: " + (all - left.size()) + " of " + all + " results are there");
        }
        environment.put("date", LocalDate.now(java.time.ZoneOffset.UTC).toString());
        Files.writeString(target.resolve("jmh.log"), "");
        double minutes = Double.parseDouble(System.getProperty("bench.minutes", "30"));
        while (!left.isEmpty() && seconds() < 60 * minutes) {
            Case next = left.removeFirst();
            measure(next);
            write(false);
            if (left.isEmpty() || !left.getFirst().title().equals(next.title())) {
                System.out.printf("%4d s  %s%n", seconds(), next.title());
            }
        }
        write(left.isEmpty());
        System.out.println();
        System.out.print(Report.read(target.resolve("results.json")).table());
        failures.forEach(f -> System.out.println("failed: " + f.asString()));
        if (!left.isEmpty()) {
            System.out.println("after " + minutes + " minutes " + left.size() + " of " + all
                    + " results are left (the same command measures them):");
            left.stream().map(Case::title).distinct().forEach(t -> System.out.println("left: " + t));
        }
    }

    private long seconds() {
        return (System.nanoTime() - begin) / 1_000_000_000;
    }

    private List<Case> cases(boolean bf16) {
        int most = Math.min(2, Runtime.getRuntime().availableProcessors());
        List<Case> cases = new ArrayList<>();
        for (Family family : FAMILIES) {
            List<String> shapes = full ? shapes(family.benchmark) : family.brief;
            for (int i = 0; i < shapes.size(); i++) {
                List<String> engines = new ArrayList<>(F32);
                if (bf16 && family.products && (full || i >= shapes.size() - family.rounded)) {
                    engines.addAll(BF16);
                }
                boolean single = full ? family.both : i < family.singleThreaded;
                for (int threads = single ? 1 : most; threads <= most; threads++) {
                    for (String engine :
                            family.benchmark == LimitBenchmark.class ? List.of(LimitBenchmark.MACHINE) : engines) {
                        cases.add(new Case(family, shapes.get(i), threads, engine));
                    }
                }
            }
        }
        if (!this.cases.isEmpty()) {
            Predicate<String> wanted = Pattern.compile(this.cases).asPredicate();
            cases.removeIf(c -> !wanted.test(c.title()));
        }
        return cases;
    }

    /** Takes the results of a suite that was the same and did not end. */
    private void resume() throws IOException {
        Path file = target.resolve("environment.json");
        if (!Files.exists(file) || environment.get("commit").asString().endsWith("changes")) {
            return;
        }
        JsonNode before = JSON.readTree(file);
        boolean same = !before.path("complete").asBoolean(true);
        for (String key : environment.propertyNames()) {
            same &= environment.get(key).equals(before.get(key));
        }
        if (same) {
            results = (ArrayNode) JSON.readTree(target.resolve("results.json"));
        }
    }

    private void measure(Case c) throws IOException {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        Collection<RunResult> measured = List.of();
        String reason = "";
        try (PrintStream log = new PrintStream(said, true, StandardCharsets.UTF_8)) {
            measured = new Runner(options(c), OutputFormatFactory.createFormatInstance(log, VerboseMode.NORMAL)).run();
        } catch (RunnerException e) {
            reason = String.valueOf(e.getMessage());
        }
        Files.write(target.resolve("jmh.log"), said.toByteArray(), StandardOpenOption.APPEND);
        if (measured.isEmpty()) {
            String failure = c.title() + ", " + c.engine + ": "
                    + (reason.isEmpty() ? reason(said.toString(StandardCharsets.UTF_8)) : reason);
            failures.add(failure);
            System.out.println("failed: " + failure);
            return;
        }
        ByteArrayOutputStream json = new ByteArrayOutputStream();
        try (PrintStream out = new PrintStream(json, false, StandardCharsets.UTF_8)) {
            ResultFormatFactory.getInstance(ResultFormatType.JSON, out).writeOut(measured);
        }
        JSON.readTree(json.toByteArray()).forEach(results::add);
    }

    /** Why there is no result, from what JMH says: what was thrown, or how the process ended. */
    static String reason(String log) {
        List<String> lines = log.lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).startsWith("<forked VM failed")) {
                return lines.get(i);
            }
            if (lines.get(i).endsWith("<failure>")) {
                return lines.subList(i + 1, lines.size()).stream()
                        .filter(line -> !line.isBlank())
                        .findFirst()
                        .orElse("unknown");
            }
        }
        return "see jmh.log";
    }

    /** What is measured so far, each file whole at any time. */
    private void write(boolean complete) throws IOException {
        environment.put("complete", complete);
        environment.set("failures", failures);
        replace("results.json", results);
        replace("environment.json", environment);
        environment.remove("complete");
        environment.remove("failures");
    }

    private void replace(String name, JsonNode content) throws IOException {
        Path next = target.resolve(name + ".next");
        Files.writeString(next, JSON.writeValueAsString(content));
        Files.move(next, target.resolve(name), StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    private Options options(Case c) {
        boolean slow = c.shape.matches("blip.*|bert-base:8.*|clip.*|inception.*:16.*");
        boolean machine = c.engine.equals(LimitBenchmark.MACHINE);
        // A model's many loops take Telltale seconds to compile; peers are compiled, but choose and pack at first. The
        // loops of the limits are interpreted in their first runs, more than a second each.
        int warmUp = slow ? 2 : machine ? 6 : !c.model() ? 3 : c.engine.startsWith(Workload.TELLTALE) ? 8 : 4;
        int iterations = slow ? 4 : full ? 10 : 6;
        return new OptionsBuilder()
                .include("^" + c.family.benchmark.getName().replace(".", "\\.") + "\\.run$")
                .param("shape", c.shape)
                .param("threads", Integer.toString(c.threads))
                .param("engine", c.engine)
                .warmupIterations(warmUp)
                .warmupTime(TimeValue.milliseconds(slow ? 3000 : c.model() ? 1000 : 300))
                .measurementIterations(iterations)
                .measurementTime(TimeValue.milliseconds(c.model() || machine ? 250 : 100))
                .timeout(TimeValue.seconds(120))
                .shouldFailOnError(false)
                .build();
    }

    /** All shapes that a benchmark declares. */
    private static List<String> shapes(Class<?> benchmark) {
        try {
            return List.of(
                    benchmark.getField("shape").getAnnotation(Param.class).value());
        } catch (NoSuchFieldException e) {
            throw new IllegalStateException(benchmark + " has no parameter 'shape'", e);
        }
    }

    /** The commit that is checked out; files that differ from it are told. */
    private static String commit(Path folder) throws IOException {
        String head = git(folder, "rev-parse", "--short=12", "HEAD");
        return head.isEmpty() || !git(folder, "status", "--porcelain").isEmpty()
                ? (head + " with changes").strip()
                : head;
    }

    private static String git(Path folder, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of("git", "-C", folder.toString()));
        command.addAll(List.of(arguments));
        try {
            Process process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor() == 0 ? text.strip() : "";
        } catch (InterruptedException e) {
            throw new IOException("interrupted while waiting for git", e);
        }
    }
}
