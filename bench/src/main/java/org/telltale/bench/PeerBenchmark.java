package org.telltale.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.telltale.engine.Graph;

/**
 * One graph on Telltale or on a peer, with the same operands and the same number of threads. A peer's output is compared
 * with Telltale's before it is timed.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
public abstract class PeerBenchmark {
    /** 0 stands for all processors. */
    @Param({"1", "2"})
    public int threads;

    @Param({Workload.TELLTALE, Workload.ONNX_RUNTIME, Workload.LIBTORCH})
    public String engine = "";

    private Workload workload;
    private double gflop;

    /**
     * The benchmark of a family such as {@code MatMul}, with one of its shapes.
     *
     * @throws IllegalArgumentException when there is no such family
     */
    static PeerBenchmark of(String family, String shape) {
        PeerBenchmark benchmark = switch (family) {
            case "MatMul" -> new MatMulBenchmark();
            case "Attention" -> new AttentionBenchmark();
            case "Conv" -> new ConvBenchmark();
            case "Pointwise" -> new PointwiseBenchmark();
            case "CachedAttention" -> new CachedAttentionBenchmark();
            case "GruStep" -> new GruStepBenchmark();
            case "DecodeStep" -> new DecodeStepBenchmark();
            case "GreedyCaption" -> new GreedyCaptionBenchmark();
            case "Model" -> new ModelBenchmark();
            default ->
                throw new IllegalArgumentException("benchmark '" + family + "', expected MatMul, Attention, Conv,"
                        + " Pointwise, CachedAttention, GruStep, DecodeStep, GreedyCaption or Model");
        };
        try {
            benchmark.getClass().getField("shape").set(benchmark, shape);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(benchmark.getClass() + " has no parameter 'shape'", e);
        }
        return benchmark;
    }

    /** What is computed, for the parameters that are set. */
    abstract Graph graph();

    Operands operands(Graph graph) {
        return new Operands(graph);
    }

    /** Floating-point operations of a run in 10^9, or 0 where they say little. */
    double gflop() {
        return 0;
    }

    @Setup
    public void open() {
        Graph graph = graph();
        int count = threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
        gflop = gflop();
        workload = Workload.checked(engine, count, graph, operands(graph));
    }

    @TearDown
    public void close() {
        workload.close();
    }

    @Benchmark
    public void run(Work work) {
        work.gflop += gflop;
        workload.run();
    }

    /** One run, outside JMH. */
    void run() {
        workload.run();
    }
}
