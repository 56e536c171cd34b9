package org.telltale.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a run takes while other processes hold all processors: one photo by MobileNetV2 and one step of BLIP-large's
 * decoder, with one thread and with as many as there are processors. Quiet times are the better of one before and one
 * after.
 */
final class Crowded {
    /** A whole model of a family of benchmarks, and the runs to warm up and to take the mean of. */
    private record Job(String family, String shape, int warmUp, int runs) {}

    private static final List<Job> JOBS =
            List.of(new Job("Model", "mobilenetv2:1x224", 300, 200), new Job("DecodeStep", "1x20", 30, 27));

    private Crowded() {}

    /** A busy process: it spins until its standard input ends, so that it never outlives what started it. */
    static final class Busy {
        private static volatile int spins;

        private Busy() {}

        public static void main(String[] args) throws IOException {
            Thread spinner = new Thread(() -> {
                while (true) {
                    spins = spins * 31 + 7;
                }
            });
            spinner.setDaemon(true);
            spinner.start();
            while (System.in.read() >= 0) {
                // Whatever is read, the end is waited for.
            }
        }
    }

    static void run() throws IOException {
        int cores = Runtime.getRuntime().availableProcessors();
        System.out.println(Processor.read().name() + ", " + cores + " cores, JDK " + Runtime.version() + "; " + cores
                + " busy processes; mean time of a run in ms");
        System.out.println();
        System.out.println("| | threads | quiet | crowded | ratio |");
        System.out.println("|---|---|---|---|---|");
        for (Job job : JOBS) {
            for (int threads = 1; threads <= cores; threads += Math.max(1, cores - 1)) {
                PeerBenchmark benchmark = PeerBenchmark.of(job.family, job.shape);
                benchmark.engine = Workload.TELLTALE;
                benchmark.threads = threads;
                benchmark.open();
                mean(benchmark, job.warmUp);
                double quiet = mean(benchmark, job.runs);
                List<Process> busy = new ArrayList<>();
                double crowded;
                try {
                    for (int i = 0; i < cores; i++) {
                        busy.add(spin());
                    }
                    mean(benchmark, 3);
                    crowded = mean(benchmark, job.runs);
                } finally {
                    busy.forEach(Process::destroyForcibly);
                }
                for (Process p : busy) {
                    p.onExit().join();
                }
                quiet = Math.min(quiet, mean(benchmark, job.runs));
                benchmark.close();
                System.out.printf(
                        Locale.ROOT,
                        "| %s %s | %d | %.1f | %.1f | %.1f |%n",
                        job.family,
                        job.shape,
                        threads,
                        quiet,
                        crowded,
                        crowded / quiet);
            }
        }
    }

    private static Process spin() throws IOException {
        Process process = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElse("java"),
                        "-Xmx32m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Busy.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try {
            // Its JVM starts.
            Thread.sleep(1000);
        } catch (InterruptedException e) {
            throw new IOException("interrupted while a process starts", e);
        }
        if (!process.isAlive()) {
            throw new IOException("a busy process ended with exit code " + process.exitValue());
        }
        return process;
    }

    /** Milliseconds of a run. */
    private static double mean(PeerBenchmark benchmark, int runs) {
        long begin = System.nanoTime();
        for (int i = 0; i < runs; i++) {
            benchmark.run();
        }
        return (System.nanoTime() - begin) / 1e6 / runs;
    }
}
