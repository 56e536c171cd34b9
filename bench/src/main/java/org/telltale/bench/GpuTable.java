package org.telltale.bench;

import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.telltale.api.Device;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Op;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;

/**
 * Graphs on a device beside all processors of the same machine: the best run of each, that of {@link PlainLoops} for single
 * products, the first run with its compilation, and the rate of floating-point operations of products. The first output is
 * compared.
 *
 * <p>System properties: {@code bench.device}, by default gpu; {@code bench.gpu}, a regular expression that is found in the
 * names of the cases to measure.
 */
final class GpuTable {
    private static final double SECONDS = 3;
    private static final int LEAST_RUNS = 3;

    /** Operations of a product whose plain loops take a second or so. */
    private static final double MOST_PLAIN = 5e9;

    private static final List<String> CASES = List.of(
            "MatMul 512x512x512",
            "Attention 1x577x577x16x64",
            "Conv 56x64x64x3x1",
            "Model bert-base:64x128",
            "Model efficientnet-b0:64x224",
            "DecodeStep 64x20",
            "Model clip-vit-l-14-vision:64x224",
            "Model blip-large-vision:16x384",
            "MatMul 4096x4096x4096",
            "Model mobilenetv2:1x224");

    private GpuTable() {}

    static void run() {
        Pattern wanted = Pattern.compile(System.getProperty("bench.gpu", ""));
        String name = System.getProperty("bench.device", "gpu");
        int threads = Runtime.getRuntime().availableProcessors();
        try (Backend cpu = Device.cpu().open(threads);
                Backend device = new Device(name).open(threads)) {
            System.out.println(cpu.description());
            System.out.println(device.description());
            System.out.println();
            System.out.println(
                    "| case | GFLOP | plain loops, ms | cpu, ms | " + name + ", ms | first run, ms | plain loops / "
                            + name + " | cpu / " + name + " | " + name + ", GFLOP/s | differs by |");
            System.out.println("|---".repeat(10) + "|");
            for (String c : CASES) {
                if (wanted.matcher(c).find()) {
                    System.out.println("| " + c + " | " + row(c, cpu, device) + " |");
                }
            }
        }
    }

    private static String row(String name, Backend cpu, Backend device) {
        String[] parts = name.split(" ", 2);
        PeerBenchmark benchmark = PeerBenchmark.of(parts[0], parts[1]);
        Graph graph = benchmark.graph();
        Operands operands = benchmark.operands(graph);
        double operations =
                graph.nodes().stream().mapToDouble(GpuTable::operations).sum();
        Times host = times(graph, operands, cpu);
        double plain = plain(graph, operands, host.output);
        String loops = plain > 0 ? String.format(Locale.ROOT, "%.2f", plain) : "";
        Times there;
        try {
            there = times(graph, operands, device);
        } catch (RuntimeException e) {
            return String.format(
                    Locale.ROOT, "%.2f | %s | %.2f | failed: %s", operations / 1e9, loops, host.best, e.getMessage());
        }
        return String.format(
                Locale.ROOT,
                "%.2f | %s | %.2f | %.2f | %.0f | %s | %.2f | %.0f | %.1e",
                operations / 1e9,
                loops,
                host.best,
                there.best,
                there.first,
                plain > 0 ? String.format(Locale.ROOT, "%.2f", plain / there.best) : "",
                host.best / there.best,
                operations / there.best / 1e6,
                Workload.difference(host.output, there.output));
    }

    /** Milliseconds of the best run of {@link PlainLoops}, whose result is compared; 0 where there are none, or too many. */
    private static double plain(Graph graph, Operands operands, float[] expected) {
        Map<Tensor, float[]> values = new HashMap<>();
        try (Arena arena = Arena.ofConfined()) {
            for (Tensor t : graph.outputs().getFirst().inputs()) {
                if (t.op() instanceof Primitive.Weight w) {
                    values.put(t, operands.read(w.name(), arena).toFloats());
                } else if (t.op() instanceof Primitive.Input in && t.dtype() == DType.F32) {
                    HostTensor x = HostTensor.allocate(arena, DType.F32, t.shape());
                    operands.fill(in.name(), x);
                    values.put(t, x.toFloats());
                }
            }
        }
        float[] y = new float[expected.length];
        Optional<Runnable> loops = PlainLoops.of(graph, values, y);
        double operations =
                graph.nodes().stream().mapToDouble(GpuTable::operations).sum();
        if (loops.isEmpty() || operations > MOST_PLAIN) {
            return 0;
        }
        double best = best(loops.get());
        double difference = Workload.difference(expected, y);
        if (difference > 1e-3) {
            throw new IllegalStateException(graph.name() + ": plain loops differ by " + difference);
        }
        return best;
    }

    /** Milliseconds of the best of some runs. */
    private static double best(Runnable work) {
        double best = Double.POSITIVE_INFINITY;
        long from = System.nanoTime();
        for (int i = 0; i < LEAST_RUNS || System.nanoTime() - from < 1e9 * SECONDS; i++) {
            long start = System.nanoTime();
            work.run();
            best = Math.min(best, (System.nanoTime() - start) / 1e6);
        }
        return best;
    }

    /** Milliseconds of the first run with its compilation, and of the best. */
    private static final class Times {
        final double first;
        final double best;
        final float[] output;

        Times(double first, double best, float[] output) {
            this.first = first;
            this.best = best;
            this.output = output;
        }
    }

    private static Times times(Graph graph, Operands operands, Backend backend) {
        long begin = System.nanoTime();
        try (Executable e = backend.compile(graph, operands, CompileOptions.DEFAULT)) {
            for (Tensor t : graph.nodes()) {
                if (t.op() instanceof Primitive.Input in) {
                    operands.fill(in.name(), e.input(in.name()));
                } else if (t.op() instanceof Primitive.State state) {
                    operands.fill(state.name(), e.state(state.name()));
                }
            }
            e.run();
            double first = (System.nanoTime() - begin) / 1e6;
            float[] output = e.output(0).toFloats();
            return new Times(first, best(e::run), output);
        }
    }

    /** Floating-point operations of what is a product; of all else they say little. */
    private static double operations(Tensor t) {
        return switch (t.op()) {
            case Primitive.MatMul m ->
                2.0 * t.shape().size() * t.inputs().getFirst().dim(m.transposeA() ? -2 : -1);
            case Fused.Linear l ->
                2.0 * t.shape().size() * t.inputs().getFirst().dim(-1);
            case Fused.Conv2d c ->
                2.0 * t.shape().size() * t.inputs().get(1).shape().size() / t.dim(3);
            case Fused.Attention a -> 4.0 * t.shape().size() * t.inputs().get(1).dim(1);
            case Op op -> 0;
        };
    }
}
