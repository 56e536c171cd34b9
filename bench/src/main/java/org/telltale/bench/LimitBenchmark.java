package org.telltale.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
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

/**
 * What the machine can do at most with some threads: read memory that is larger than its caches, and multiply and add
 * numbers that are in registers.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class LimitBenchmark {
    static final String READ = "read";
    static final String MULTIPLY_ADD = "multiplyAdd";

    /** The engine: none of Telltale's or its peers', the machine itself. */
    static final String MACHINE = "machine";

    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final long READ_BYTES = 1L << 30;
    private static final long FLOP = 2_000_000_000;
    private static final int SUMS = 10;

    @Param({"1", "2"})
    public int threads = 1;

    @Param({READ, MULTIPLY_ADD})
    public String shape = "";

    @Param(MACHINE)
    public String engine = MACHINE;

    private final Arena arena = Arena.ofShared();
    private final List<Callable<Float>> parts = new ArrayList<>();
    private ExecutorService crew;

    /** Bytes read, or multiplications and additions done, in a run. */
    static double amount(String shape, int threads) {
        return shape.equals(READ) ? READ_BYTES : (double) FLOP * threads;
    }

    @Setup
    public void open() throws InterruptedException, ExecutionException {
        crew = Executors.newFixedThreadPool(threads);
        if (shape.equals(MULTIPLY_ADD)) {
            for (int i = 0; i < threads; i++) {
                parts.add(LimitBenchmark::multiplyAdd);
            }
            return;
        }
        MemorySegment memory = arena.allocate(READ_BYTES, 4096);
        long part = READ_BYTES / threads / 4096 * 4096;
        for (int i = 0; i < threads; i++) {
            MemorySegment mine = memory.asSlice(i * part, i == threads - 1 ? READ_BYTES - i * part : part);
            parts.add(() -> read(mine));
        }
        memory.fill((byte) 0);
    }

    @TearDown
    public void close() {
        crew.shutdown();
        arena.close();
    }

    @Benchmark
    public float run() throws InterruptedException, ExecutionException {
        float sum = 0;
        for (Future<Float> part : crew.invokeAll(parts)) {
            sum += part.get();
        }
        return sum;
    }

    /**
     * From four places at once. On one AMD EPYC with two threads that reached 27 GB/s where one stream reached 23; with huge
     * pages both reached 25.
     */
    private static float read(MemorySegment memory) {
        FloatVector a = FloatVector.zero(SPECIES);
        FloatVector b = a;
        FloatVector c = a;
        FloatVector d = a;
        long step = SPECIES.vectorByteSize();
        long quarter = memory.byteSize() / 4;
        ByteOrder order = ByteOrder.nativeOrder();
        for (long i = 0; i < quarter; i += 2 * step) {
            a = a.add(FloatVector.fromMemorySegment(SPECIES, memory, i, order));
            b = b.add(FloatVector.fromMemorySegment(SPECIES, memory, i + quarter, order));
            c = c.add(FloatVector.fromMemorySegment(SPECIES, memory, i + 2 * quarter, order));
            d = d.add(FloatVector.fromMemorySegment(SPECIES, memory, i + 3 * quarter, order));
            a = a.add(FloatVector.fromMemorySegment(SPECIES, memory, i + step, order));
            b = b.add(FloatVector.fromMemorySegment(SPECIES, memory, i + quarter + step, order));
            c = c.add(FloatVector.fromMemorySegment(SPECIES, memory, i + 2 * quarter + step, order));
            d = d.add(FloatVector.fromMemorySegment(SPECIES, memory, i + 3 * quarter + step, order));
        }
        return a.add(b).add(c.add(d)).lane(0);
    }

    /** Ten sums at once: two units that take four cycles each need eight. */
    private static float multiplyAdd() {
        FloatVector x = FloatVector.broadcast(SPECIES, 0.999f);
        FloatVector y = FloatVector.broadcast(SPECIES, 0.001f);
        FloatVector a = FloatVector.broadcast(SPECIES, 0);
        FloatVector b = FloatVector.broadcast(SPECIES, 1);
        FloatVector c = FloatVector.broadcast(SPECIES, 2);
        FloatVector d = FloatVector.broadcast(SPECIES, 3);
        FloatVector e = FloatVector.broadcast(SPECIES, 4);
        FloatVector f = FloatVector.broadcast(SPECIES, 5);
        FloatVector g = FloatVector.broadcast(SPECIES, 6);
        FloatVector h = FloatVector.broadcast(SPECIES, 7);
        FloatVector i = FloatVector.broadcast(SPECIES, 8);
        FloatVector j = FloatVector.broadcast(SPECIES, 9);
        int rounds = (int) (FLOP / (2L * SUMS * SPECIES.length()));
        for (int round = 0; round < rounds; round++) {
            a = a.fma(x, y);
            b = b.fma(x, y);
            c = c.fma(x, y);
            d = d.fma(x, y);
            e = e.fma(x, y);
            f = f.fma(x, y);
            g = g.fma(x, y);
            h = h.fma(x, y);
            i = i.fma(x, y);
            j = j.fma(x, y);
        }
        return a.add(b).add(c.add(d)).add(e.add(f)).add(g.add(h)).add(i.add(j)).lane(0);
    }
}
