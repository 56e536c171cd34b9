package org.telltale.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.results.format.ResultFormatFactory;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormat;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Runs cases on Telltale and its peers, the engines of a case one after another so that they meet the same machine, and
 * prints one table. Results go to {@code target/results.json} (JMH's format) and {@code target/environment.json}; what JMH
 * says goes to {@code target/jmh.log}.
 */
final class Suite {
    private static final List<String> ALL = List.of(Workload.TELLTALE, Workload.ONNX_RUNTIME, Workload.LIBTORCH);
    private static final List<String> EXPORTED = List.of(Workload.TELLTALE, Workload.ONNX_RUNTIME);

    /** Cases of one family; the short suite takes some of its shapes, at each number of threads with the first few. */
    private record Family(
            Class<? extends PeerBenchmark> benchmark, List<String> engines, List<String> brief, int singleThreaded) {}

    private static final List<Family> FAMILIES = List.of(
            new Family(
                    MatMulBenchmark.class,
                    ALL,
                    List.of(
                            "577x1024x4096",
                            "128x768x3072",
                            "577x4096x1024",
                            "3x768x3072",
                            "64x768x768",
                            "1x768x30524",
                            "784x192x32",
                            "49x160x960"),
                    2),
            new Family(
                    AttentionBenchmark.class,
                    ALL,
                    List.of("1x577x577x16x64", "1x128x128x12x64", "1x3x577x12x64", "1x64x577x12x64"),
                    2),
            new Family(
                    ConvBenchmark.class,
                    ALL,
                    List.of("224x3x32x3x2", "56x144x0x3x1", "28x240x0x5x1", "35x96x96x3x1"),
                    0),
            new Family(
                    PointwiseBenchmark.class,
                    ALL,
                    List.of("layerNorm:577x1024", "softmax:9232x577", "gelu:577x4096"),
                    0),
            new Family(CachedAttentionBenchmark.class, EXPORTED, List.of("3x20x12x64"), 0),
            new Family(
                    ModelBenchmark.class,
                    EXPORTED,
                    List.of("mobilenetv2:1x224", "efficientnet-b0:1x224", "bert-base:1x128", "blip-large-vision:1x384"),
                    0));

    private Suite() {}

    static void run(boolean full, Path folder) throws IOException, RunnerException {
        Path target = Files.createDirectories(folder.resolve("target"));
        int most = Math.min(2, Runtime.getRuntime().availableProcessors());
        long begin = System.nanoTime();
        List<RunResult> results = new ArrayList<>();
        try (PrintStream log =
                new PrintStream(Files.newOutputStream(target.resolve("jmh.log")), true, StandardCharsets.UTF_8)) {
            OutputFormat format = OutputFormatFactory.createFormatInstance(log, VerboseMode.NORMAL);
            for (Family family : FAMILIES) {
                List<String> shapes = full ? shapes(family.benchmark) : family.brief;
                for (int i = 0; i < shapes.size(); i++) {
                    for (int threads = full || i < family.singleThreaded ? 1 : most; threads <= most; threads++) {
                        results.addAll(new Runner(options(family, shapes.get(i), threads, full), format).run());
                        System.out.printf(
                                "%4d s  %s %s, threads %d%n",
                                (System.nanoTime() - begin) / 1_000_000_000,
                                Report.family(family.benchmark.getName()),
                                shapes.get(i),
                                threads);
                    }
                }
            }
        }
        Path json = target.resolve("results.json");
        try (PrintStream out = new PrintStream(Files.newOutputStream(json), false, StandardCharsets.UTF_8)) {
            ResultFormatFactory.getInstance(ResultFormatType.JSON, out).writeOut(results);
        }
        environment(full, target.resolve("environment.json"));
        System.out.println();
        System.out.print(Report.read(json).table());
    }

    private static Options options(Family family, String shape, int threads, boolean full) {
        boolean model = family.benchmark == ModelBenchmark.class;
        return new OptionsBuilder()
                .include("^" + family.benchmark.getName().replace(".", "\\.") + "\\.run$")
                .param("shape", shape)
                .param("threads", Integer.toString(threads))
                .param("engine", family.engines.toArray(String[]::new))
                // A model's many loops take Telltale seconds to compile.
                .warmupIterations(model ? 10 : full ? 5 : 3)
                .warmupTime(TimeValue.milliseconds(full || model ? 1000 : 400))
                .measurementIterations(full ? 20 : 6)
                .measurementTime(TimeValue.milliseconds(full || model ? 250 : 120))
                .shouldFailOnError(true)
                .build();
    }

    /** All shapes that a benchmark declares. */
    private static List<String> shapes(Class<? extends PeerBenchmark> benchmark) {
        try {
            return List.of(
                    benchmark.getField("shape").getAnnotation(Param.class).value());
        } catch (NoSuchFieldException e) {
            throw new IllegalStateException(benchmark + " has no parameter 'shape'", e);
        }
    }

    /** Where and how the results were measured. */
    private static void environment(boolean full, Path file) throws IOException {
        JsonMapper mapper = JsonMapper.builder().build();
        ObjectNode node = mapper.createObjectNode();
        node.put("cpu", Processor.read().name());
        node.put("cores", Runtime.getRuntime().availableProcessors());
        node.put("jdk", Runtime.version().toString());
        node.put("date", LocalDate.now(java.time.ZoneOffset.UTC).toString());
        node.put("command", "mvn -pl bench -am" + (full ? " -Dbench.full" : ""));
        Files.writeString(file, mapper.writeValueAsString(node));
    }
}
