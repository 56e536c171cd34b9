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
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;

/** Attention of the models: batch x queries x keys x heads x width of a head; 0 queries: cached, batch x 0 x keys. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
public class AttentionBenchmark {
    /** 0 stands for all processors. */
    @Param("0")
    public int threads;

    @Param({"1x577x577x16x64", "1x128x128x12x64", "1x50x50x12x64", "3x0x40x12x64", "3x0x577x12x64"})
    public String shape = "";

    private Workload workload;
    private double gflop;

    @Setup
    public void open() {
        int[] s = Workload.extents(shape);
        int width = s[3] * s[4];
        boolean cached = s[1] == 0;
        gflop = 4e-9 * s[0] * (cached ? 1 : s[1]) * s[2] * width;
        float scale = (float) (1 / Math.sqrt(s[4]));
        if (!cached) {
            Tensor y = Tensor.of(
                    new Fused.Attention(s[3], scale, false, 0, Fused.Masking.NONE),
                    Workload.input("q", s[0], s[1], width),
                    Workload.input("k", s[0], s[2], width),
                    Workload.input("v", s[0], s[2], width));
            workload = new Workload(threads, y);
            return;
        }
        Tensor y = Tensor.of(
                new Fused.CachedAttention(s[3], scale),
                Workload.input("q", s[0], width),
                Workload.input("k", s[0] * s[2], width),
                Workload.input("v", s[0] * s[2], width),
                Tensor.input("table", DType.I32, s[0], s[2]),
                Tensor.input("lengths", DType.I32, s[0]));
        workload = new Workload(threads, y);
        workload.setInts("table", i -> i);
        workload.setInts("lengths", i -> s[2]);
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
