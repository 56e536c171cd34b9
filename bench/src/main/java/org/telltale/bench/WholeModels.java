package org.telltale.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import org.telltale.engine.Graph;

/**
 * Whole models on all engines in one process, for models so large that the suite's process for each engine spends minutes
 * on making their weights. Each engine is opened, compared with Telltale and timed alone; its best run counts.
 *
 * <p>System properties: {@code bench.models}, a regular expression that is found in the names of the cases to measure; {@code
 * bench.threads}, by default all processors. With one thread the time is that for which the thread had a processor, so that
 * it says something on a machine that others use as well.
 */
final class WholeModels {
    /** The first runs compile and choose; then the best of at least two counts. */
    private static final double WARM_UP_SECONDS = 1;

    private static final double SECONDS = 2;
    private static final int LEAST_RUNS = 2;

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private static final List<String> CASES = List.of(
            "Model clip-vit-l-14-vision:1x224",
            "Model clip-vit-l-14-vision:8x224",
            "Model clip-vit-l-14-text:32x77",
            "Model inception-v3:1x299",
            "Model inception-v3:16x299",
            "GreedyCaption 64x20");

    private WholeModels() {}

    static void run() throws IOException {
        Pattern wanted = Pattern.compile(System.getProperty("bench.models", ""));
        int threads = Integer.getInteger("bench.threads", Runtime.getRuntime().availableProcessors());
        Processor cpu = Processor.read();
        System.out.println(cpu.name() + ", " + threads + " threads, JDK " + Runtime.version());
        System.out.println();
        List<String> engines = new ArrayList<>(List.of(Workload.TELLTALE, Workload.ONNX_RUNTIME, Workload.LIBTORCH));
        if (cpu.bf16()) {
            engines.addAll(List.of(Workload.TELLTALE_BF16, Workload.LIBTORCH_BF16));
        }
        System.out.println("| case, ms | " + String.join(" | ", engines) + " |");
        System.out.println("|---".repeat(engines.size() + 1) + "|");
        for (String name : CASES) {
            if (wanted.matcher(name).find()) {
                System.out.print("| " + name + " |");
                times(name, engines, threads);
                System.out.println();
            }
        }
    }

    private static void times(String name, List<String> engines, int threads) {
        String[] parts = name.split(" ", 2);
        PeerBenchmark benchmark = PeerBenchmark.of(parts[0], parts[1]);
        Graph graph = benchmark.graph();
        Operands operands = benchmark.operands(graph);
        float[] expected = {};
        for (String engine : engines) {
            try (Workload workload = Workload.open(engine, threads, graph, operands)) {
                workload.run();
                float[] output = workload.output(0);
                if (engine.equals(Workload.TELLTALE)) {
                    expected = output;
                }
                double difference = Workload.difference(expected, output);
                boolean narrow = engine.equals(Workload.TELLTALE_BF16) || engine.equals(Workload.LIBTORCH_BF16);
                double most = narrow ? Workload.TOLERANCE_BF16 : Workload.TOLERANCE;
                LongSupplier clock = threads == 1 ? THREADS::getCurrentThreadCpuTime : System::nanoTime;
                best(workload, WARM_UP_SECONDS, clock);
                double ms = best(workload, SECONDS, clock);
                String cell = difference <= most
                        ? String.format(Locale.ROOT, ms < 10 ? "%.3f" : "%.1f", ms)
                        : String.format(Locale.ROOT, "differs by %.1e", difference);
                System.out.print(" " + cell + " |");
            }
        }
    }

    /** Milliseconds of the best run of those that begin in a while. */
    private static double best(Workload workload, double seconds, LongSupplier clock) {
        double best = Double.POSITIVE_INFINITY;
        long begin = clock.getAsLong();
        for (int i = 0; i < LEAST_RUNS || clock.getAsLong() - begin < 1e9 * seconds; i++) {
            long from = clock.getAsLong();
            workload.run();
            best = Math.min(best, (clock.getAsLong() - from) / 1e6);
        }
        return best;
    }
}
