package org.telltale.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Training steps on Telltale and libtorch with all processors, and on Telltale with products of bfloat16 where the CPU has
 * units for them: time of the best step, and the most memory that the process held. Each engine runs in a process of its
 * own. The others' first loss and norm of the gradients are compared with Telltale's in F32 before their steps are timed.
 */
final class Training {
    private static final List<String> SHAPES = List.of(
            "bert-base:32x128",
            "bert-base-recompute:32x128",
            "mobilenetv2-late:32x160",
            "efficientnet-b0-head:16x224",
            "efficientnet-b0-late:16x224",
            "captioner:64x20");

    /**
     * How far the norm of the gradients may differ, as a part of Telltale's. libtorch's norm of a million numbers in F32 is
     * up to 5e-4 too small (of the same gradients in double it is Telltale's to 1e-6), so this says little about them; the
     * losses of later steps, within {@link Workload#TOLERANCE}, do.
     */
    static final double NORM_TOLERANCE = 1e-3;

    /** How far loss and norm may differ where operands of products are rounded to bfloat16. */
    private static final double BF16_TOLERANCE = 0.02;

    /** Steps to warm up, at least one, go on for this long; measured ones, at least two, likewise. */
    private static final double SECONDS = 8;

    private Training() {}

    /** What a process found: loss and norm of the first step, ms of the best step, MiB at most. */
    record Result(double loss, double norm, double milliseconds, double peak) {
        private static final String MARK = "result ";

        private String line() {
            return MARK + loss + " " + norm + " " + milliseconds + " " + peak;
        }

        private static Result of(String line) {
            String[] f = line.substring(MARK.length()).split(" ", -1);
            return new Result(
                    Double.parseDouble(f[0]),
                    Double.parseDouble(f[1]),
                    Double.parseDouble(f[2]),
                    Double.parseDouble(f[3]));
        }
    }

    /** {@code ENGINE SHAPE THREADS [LOSS NORM]}: the process of one engine. */
    static final class Steps {
        private Steps() {}

        public static void main(String[] args) throws IOException {
            try (Workload step = TrainStep.of(args[1]).open(args[0], Integer.parseInt(args[2]))) {
                step.run();
                double loss = step.output(0)[0];
                double norm = step.output(1)[0];
                if (args.length > 3) {
                    boolean rounded = args[0].equals(Workload.TELLTALE_BF16);
                    compare("loss", Double.parseDouble(args[3]), loss, rounded ? BF16_TOLERANCE : Workload.TOLERANCE);
                    compare(
                            "norm of the gradients",
                            Double.parseDouble(args[4]),
                            norm,
                            rounded ? BF16_TOLERANCE : NORM_TOLERANCE);
                }
                best(step, 0);
                double seconds = best(step, 2);
                System.out.println(new Result(loss, norm, 1e3 * seconds, peak()).line());
            }
        }

        private static void compare(String what, double expected, double actual, double tolerance) {
            if (!(Math.abs(actual - expected) <= tolerance * Math.abs(expected))) {
                throw new IllegalStateException("the " + what + " is " + actual + ", Telltale's is " + expected
                        + ", expected within " + tolerance + " of it");
            }
        }

        /** Seconds of the best step of those that begin in a while. */
        private static double best(Workload step, int least) {
            double best = Double.POSITIVE_INFINITY;
            long begin = System.nanoTime();
            for (int i = 0; i < least || System.nanoTime() - begin < 1e9 * SECONDS; i++) {
                long from = System.nanoTime();
                step.run();
                best = Math.min(best, (System.nanoTime() - from) / 1e9);
            }
            return best;
        }

        /** The most memory that was resident so far, MiB. */
        private static double peak() throws IOException {
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("VmHWM:")) {
                    return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0;
                }
            }
            throw new IOException("/proc/self/status has no line VmHWM");
        }
    }

    /** Prints a table; {@code -Dbench.train} may name one case. */
    static void run() throws IOException {
        String wanted = System.getProperty("bench.train", "");
        int threads = Runtime.getRuntime().availableProcessors();
        Processor cpu = Processor.read();
        System.out.println(cpu.name() + ", " + threads + " threads, JDK " + Runtime.version());
        if (!cpu.bf16()) {
            System.out.println("left out: " + Workload.TELLTALE_BF16 + " (the CPU has no units for bfloat16)");
        }
        System.out.println();
        System.out.println("| step | telltale, ms | libtorch, ms | ratio | telltale, MiB | libtorch, MiB |"
                + (cpu.bf16() ? " telltale-bf16, ms | to libtorch | to telltale | telltale-bf16, MiB |" : ""));
        System.out.println("|---|---|---|---|---|---|" + (cpu.bf16() ? "---|---|---|---|" : ""));
        for (String shape : wanted.isEmpty() || wanted.equals("true") ? SHAPES : List.of(wanted)) {
            Result ours = measure(Workload.TELLTALE, shape, threads, List.of());
            List<String> expected = List.of(Double.toString(ours.loss), Double.toString(ours.norm));
            Result peer = measure(Workload.LIBTORCH, shape, threads, expected);
            StringBuilder row = new StringBuilder(String.format(
                    Locale.ROOT,
                    "| %s | %.0f | %.0f | %.2f | %.0f | %.0f |",
                    shape,
                    ours.milliseconds,
                    peer.milliseconds,
                    peer.milliseconds / ours.milliseconds,
                    ours.peak,
                    peer.peak));
            if (cpu.bf16()) {
                Result rounded = measure(Workload.TELLTALE_BF16, shape, threads, expected);
                row.append(String.format(
                        Locale.ROOT,
                        " %.0f | %.2f | %.2f | %.0f |",
                        rounded.milliseconds,
                        peer.milliseconds / rounded.milliseconds,
                        ours.milliseconds / rounded.milliseconds,
                        rounded.peak));
            }
            System.out.println(row);
        }
    }

    private static Result measure(String engine, String shape, int threads, List<String> expected) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElse("java"));
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-Xmx1g", "-cp", System.getProperty("java.class.path"), Steps.class.getName()));
        command.addAll(List.of(engine, shape, Integer.toString(threads)));
        command.addAll(expected);
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return said.lines()
                .filter(l -> l.startsWith(Result.MARK))
                .map(Result::of)
                .findFirst()
                .orElseThrow(() -> new IOException(shape + " on " + engine + " ended without a result: " + said));
    }
}
