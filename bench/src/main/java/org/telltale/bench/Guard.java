package org.telltale.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Compares hot cases with a peer and fails when Telltale has become slower relative to it than a floor allows. Both run in
 * one process, in turns, and each is taken at its best turn, so that what else the machine does hits both alike.
 *
 * <p>The floors are by family of CPU ({@link Processor#family}), with a section {@code default} for any other. A key names
 * benchmark, shape, threads and peer: {@code MatMul 577x1024x4096 1 onnxruntime}.
 */
final class Guard {
    private static final int TURNS = 30;
    private static final long TURN = 25_000_000;
    private static final long WARM_UP = 1_200_000_000;

    private Guard() {}

    /** One floor of the file. */
    record Floor(String benchmark, String shape, int threads, String peer, double ratio) {
        static Floor of(String key, JsonNode value) {
            String[] parts = key.split(" ", -1);
            if (parts.length != 4 || !value.isNumber()) {
                throw new IllegalArgumentException(
                        "floor '" + key + "': " + value + ", expected 'BENCHMARK SHAPE THREADS PEER': a number");
            }
            return new Floor(parts[0], parts[1], Integer.parseInt(parts[2]), parts[3], value.doubleValue());
        }

        @Override
        public String toString() {
            return benchmark + " " + shape + ", threads " + threads + ", beside " + peer;
        }

        private PeerBenchmark open(String engine) {
            PeerBenchmark b = PeerBenchmark.of(benchmark, shape);
            b.engine = engine;
            b.threads = threads;
            b.open();
            return b;
        }
    }

    /** The floors for a family of CPU, or those of the section {@code default}. */
    static List<Floor> floors(JsonNode file, String family) {
        List<Floor> floors = new ArrayList<>();
        JsonNode section = file.has(family) ? file.get(family) : file.get("default");
        for (Map.Entry<String, JsonNode> e : section.properties()) {
            floors.add(Floor.of(e.getKey(), e.getValue()));
        }
        return floors;
    }

    /** Whether no case is below its floor. */
    static boolean run(Path file) throws IOException {
        Processor cpu = Processor.read();
        JsonNode all = JsonMapper.builder().build().readTree(file);
        int handicap = Integer.getInteger("guard.handicap", 1);
        System.out.println(
                "guard on " + cpu.name() + ", floors of '" + (all.has(cpu.family()) ? cpu.family() : "default") + "'"
                        + (handicap == 1 ? "" : ", Telltale runs " + handicap + " times (guard.handicap)"));
        List<String> failures = new ArrayList<>();
        for (Floor floor : floors(all, cpu.family())) {
            if (floor.threads > Runtime.getRuntime().availableProcessors()) {
                System.out.println("left out, fewer processors than threads: " + floor);
                continue;
            }
            Times times = times(floor, handicap);
            double ratio = times.peer / times.ours;
            String line = String.format(
                    Locale.ROOT,
                    "%s: ratio %.2f (%.3f ms to our %.3f ms), floor %.2f",
                    floor,
                    ratio,
                    times.peer / 1e6,
                    times.ours / 1e6,
                    floor.ratio);
            System.out.println((ratio < floor.ratio ? "BELOW  " : "ok     ") + line);
            if (ratio < floor.ratio) {
                failures.add(line + ", CPU family " + cpu.family());
            }
        }
        failures.forEach(f -> System.out.println("guard failed: " + f));
        return failures.isEmpty();
    }

    /** Nanoseconds of a run. */
    private record Times(double ours, double peer) {}

    private static Times times(Floor floor, int handicap) {
        PeerBenchmark ours = floor.open(Workload.TELLTALE);
        PeerBenchmark peer = floor.open(floor.peer);
        Runnable run = () -> {
            for (int i = 0; i < handicap; i++) {
                ours.run();
            }
        };
        turn(run, WARM_UP);
        turn(peer::run, WARM_UP / 4);
        double best = Double.POSITIVE_INFINITY;
        double bestPeer = Double.POSITIVE_INFINITY;
        for (int i = 0; i < TURNS; i++) {
            best = Math.min(best, turn(run, TURN));
            bestPeer = Math.min(bestPeer, turn(peer::run, TURN));
        }
        ours.close();
        peer.close();
        return new Times(best, bestPeer);
    }

    /** Nanoseconds of a run, over some time. */
    private static double turn(Runnable run, long time) {
        long begin = System.nanoTime();
        long elapsed;
        int runs = 0;
        do {
            run.run();
            runs++;
            elapsed = System.nanoTime() - begin;
        } while (elapsed < time);
        return (double) elapsed / runs;
    }
}
