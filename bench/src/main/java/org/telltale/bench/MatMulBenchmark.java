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
import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;

/** Linear layers of the models: rows x depth x columns. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
public class MatMulBenchmark {
    /** 0 stands for all processors. */
    @Param("0")
    public int threads;

    @Param({
        "128x768x768",
        "128x768x3072",
        "128x3072x768",
        "577x1024x1024",
        "577x1024x4096",
        "577x4096x1024",
        "64x768x768",
        "3x768x3072",
        "1x768x30524"
    })
    public String shape = "";

    @Param({"NONE"})
    public Activation activation = Activation.NONE;

    private Workload workload;
    private double gflop;

    @Setup
    public void open() {
        int[] s = Workload.extents(shape);
        gflop = 2e-9 * s[0] * s[1] * s[2];
        Tensor x = Workload.input("x", s[0], s[1]);
        Tensor y = Tensor.of(
                new Fused.Linear(activation), x, Workload.weight("w", s[2], s[1]), Workload.weight("b", s[2]));
        workload = new Workload(threads, y);
    }

    @TearDown
    public void close() {
        workload.close();
    }

    @Benchmark
    public float run(Work work) {
        work.gflop += gflop;
        return workload.run();
    }
}
