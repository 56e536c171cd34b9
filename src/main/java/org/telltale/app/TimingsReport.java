package org.telltale.app;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.telltale.api.Timings;
import org.telltale.api.Timings.Stage;
import org.telltale.api.Timings.Sum;
import org.telltale.app.pipeline.Terminal;

/** What {@code --timings} shows: where the wall time of a command went since the JVM started, and the peaks of memory. */
final class TimingsReport {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final double NANOS_PER_MS = 1e6;
    private static final Sum NONE = new Sum(0, 0);

    /** Milliseconds since the epoch when the command began. */
    private final long mainMillis = System.currentTimeMillis();

    private final Timings timings = new Timings();
    private final Stage outer = timings.enter(Stage.ARGUMENTS);

    /** The command's clock. */
    Timings timings() {
        return timings;
    }

    /** The command line has been read: the work begins. */
    void begin() {
        timings.leave(outer);
    }

    /** Writes the table. */
    void print(Terminal terminal) {
        Map<Stage, Sum> stages = timings.stages();
        // After the sums, since asking for the start takes a while.
        double start = mainMillis - ManagementFactory.getRuntimeMXBean().getStartTime();
        StringBuilder table = new StringBuilder();
        table.append(String.format(Locale.ROOT, "%-46s %6s %10s %10s%n", "wall time", "count", "total ms", "mean ms"));
        row(table, "JVM start to main", 1, start);
        double total = start;
        for (Map.Entry<Stage, Sum> stage : stages.entrySet()) {
            total += stage.getValue().nanos() / NANOS_PER_MS;
            row(table, stage.getKey().title(), stage.getValue());
        }
        row(table, "total since the JVM started", 1, total);
        timings.asides().forEach((kind, sum) -> row(table, "on other threads: " + kind.title(), sum));
        decoding(table, stages);
        table.append("peak resident memory: ").append(peak()).append(System.lineSeparator());
        if (timings.deviceMemory() > 0) {
            table.append(String.format(
                    Locale.ROOT, "peak memory on the device: %.3f GiB%n", timings.deviceMemory() / (double) (1 << 30)));
        }
        terminal.err().print(table);
        terminal.err().flush();
    }

    private static void row(StringBuilder table, String name, Sum sum) {
        row(table, name, Math.max(1, sum.count()), sum.nanos() / NANOS_PER_MS);
    }

    private static void row(StringBuilder table, String name, int count, double ms) {
        table.append(String.format(Locale.ROOT, "%-46s %6d %10.1f %10.1f%n", name, count, ms, ms / count));
    }

    /** A token is chosen after the prompt and after each step. */
    private static void decoding(StringBuilder table, Map<Stage, Sum> stages) {
        Sum prompt = stages.getOrDefault(Stage.PROMPT, NONE);
        Sum steps = stages.getOrDefault(Stage.STEP, NONE);
        Sum choice = stages.getOrDefault(Stage.CHOICE, NONE);
        int tokens = prompt.count() + steps.count();
        if (tokens > 0) {
            double ms = (prompt.nanos() + steps.nanos() + choice.nanos()) / NANOS_PER_MS;
            table.append(String.format(
                    Locale.ROOT,
                    "decoding: %d tokens, %.1f ms each, %.1f tokens/s; of each %.2f ms to choose it%n",
                    tokens,
                    ms / tokens,
                    1000 * tokens / ms,
                    choice.nanos() / NANOS_PER_MS / tokens));
        }
    }

    private static String peak() {
        try (Stream<String> lines = Files.lines(STATUS)) {
            return lines.filter(l -> l.startsWith("VmHWM:"))
                    .map(l -> String.format(
                            Locale.ROOT, "%.2f GiB", Long.parseLong(l.replaceAll("\\D", "")) / (double) (1 << 20)))
                    .findFirst()
                    .orElse("not told by " + STATUS);
        } catch (IOException e) {
            return "not known, there is no " + STATUS;
        }
    }
}
