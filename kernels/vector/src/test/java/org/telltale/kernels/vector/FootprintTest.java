package org.telltale.kernels.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.telltale.kernels.vector.Check.f32;
import static org.telltale.kernels.vector.Check.i32;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.telltale.engine.Activation;
import org.telltale.engine.Backward;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;

/** What runs leave behind on the heap, and executables in native memory: nothing. */
final class FootprintTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    static List<Tensor> kernels() {
        Tensor x = f32("x", 5, 6, 7, 19);
        Tensor c = f32("c", 19);
        Window w = Window.same(3, 2, 6, 7);
        java.util.ArrayList<Tensor> out = new java.util.ArrayList<>(List.of(
                x.add(c),
                x.mul(f32("se", 5, 1, 1, 19)),
                x.sub(f32("row", 5, 6, 7, 1)),
                x.maximum(x.greater(c)),
                x.div(c).equal(c),
                x.sum(1, 2),
                x.sum(3),
                x.sumAll(),
                x.max(3),
                x.max(1),
                x.argMax(3),
                x.softmax(3),
                x.logSoftmax(3),
                x.softmax(1),
                Tensor.of(new Fused.LayerNorm(1e-6f), x, c, c),
                Tensor.of(new Fused.BatchNorm(1e-3f), x, c, c, c, c),
                Tensor.of(new Fused.CrossEntropy(), f32("logits", 9, 33), i32("ids", 9)),
                Tensor.of(new Backward.LayerNorm(1e-6f), x, c, x),
                Tensor.of(new Backward.LayerNormScale(1e-6f), x, x),
                f32("rows", 700, 19).sum(0),
                f32("left", 70, 40).matmul(f32("right", 70, 19), true, false),
                x.transpose(List.of(0, 2, 1, 3)),
                x.transpose(List.of(0, 3, 1, 2)),
                c.broadcast(Shape.of(7, 19)),
                x.slice(3, 2, 9),
                x.slice(0, 2, 4).exp(),
                x.pad(2, 1, 2, 0),
                Tensor.concat(3, x, x),
                f32("table", 11, 19).gather(i32("ids", 9)),
                Tensor.of(new Primitive.ScatterAdd(11), f32("rows", 9, 19), i32("ids", 9)),
                Tensor.of(new Primitive.Unfold(w, 0), x),
                Tensor.of(new Primitive.Fold(w, 6, 7), Tensor.of(new Primitive.Unfold(w, 0), x)),
                Tensor.of(new Primitive.RandomUniform(1, Shape.of(99)), i32("counter", 2)),
                i32("ids", 99).toFloat()));
        Tensor small = f32("small", 5, 3, 4, 19);
        Tensor wide = f32("wide", 5, 6, 7, 24);
        Window slow = Window.same(3, 1, 6, 7);
        out.addAll(List.of(
                Tensor.of(new Backward.ConvWeight(w, 19), x, small),
                Tensor.of(new Backward.ConvWeight(w, 1), x, small),
                Tensor.of(new Backward.ConvWeight(Window.valid(1, 1), 1), x, wide),
                Tensor.of(new Backward.ConvInput(w, 19, 6, 7), f32("w", 19, 1, 3, 3), small),
                Tensor.of(new Backward.ConvInput(slow, 24, 6, 7), f32("w", 24, 1, 3, 3), wide),
                Tensor.of(new Backward.ConvInput(Window.valid(1, 1), 1, 6, 7), f32("w", 24, 19, 1, 1), wide)));
        for (Primitive.UnaryKind kind : Primitive.UnaryKind.values()) {
            out.add(x.unary(kind));
        }
        for (Activation a : Activation.values()) {
            out.add(Tensor.of(new Fused.Activate(a), x));
        }
        for (Fused.PoolKind kind : Fused.PoolKind.values()) {
            out.add(Tensor.of(new Fused.Pool(kind, w), x));
        }
        return out;
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void aWarmRunAllocatesNothing(Tensor t) {
        Assumptions.assumeTrue(
                Memory.SPECIES.vectorBitSize() <= jdk.incubator.vector.FloatVector.SPECIES_PREFERRED.vectorBitSize(),
                "vectors wider than the CPU's are emulated on the heap");
        try (VectorBackend backend = new VectorBackend(1);
                Executable e = backend.compile(Graph.of("footprint", t), new NoWeights(), CompileOptions.DEFAULT)) {
            Check.EXACT.ids(9).fill(Graph.of("footprint", t), e);
            long least = Long.MAX_VALUE;
            // Kernels are compiled in the background, so run until a batch allocates nothing, but not for ever.
            long end = System.nanoTime() + 20_000_000_000L;
            while (least > 0 && System.nanoTime() < end) {
                long before = THREADS.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < 20; i++) {
                    e.run();
                }
                least = Math.min(least, THREADS.getCurrentThreadAllocatedBytes() - before);
            }
            assertThat(least).as("bytes allocated by twenty runs of %s", t).isZero();
        }
    }

    @Test
    void aThousandExecutablesLeaveNativeMemoryFlat() throws IOException {
        Path status = Path.of("/proc/self/status");
        Assumptions.assumeTrue(Files.exists(status), "no /proc/self/status here");
        Tensor x = f32("x", 64, 1024);
        Graph graph = Graph.of("footprint", x.exp().transpose(List.of(1, 0)).softmax(1), x.softmax(0));
        try (VectorBackend backend = new VectorBackend(2)) {
            cycles(backend, graph, 300);
            System.gc();
            long before = resident(status);
            cycles(backend, graph, 1000);
            System.gc();
            // One executable holds about 1.5 MiB: a leak of one in ten would be ten times this.
            assertThat(resident(status) - before).as("growth in KiB").isLessThan(16 * 1024);
        }
    }

    private static void cycles(VectorBackend backend, Graph graph, int count) {
        for (int i = 0; i < count; i++) {
            try (Executable e = backend.compile(graph, new NoWeights(), CompileOptions.DEFAULT)) {
                e.run();
            }
        }
    }

    private static long resident(Path status) throws IOException {
        return Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .map(line -> line.replaceAll("[^0-9]", ""))
                .mapToLong(Long::parseLong)
                .findFirst()
                .orElseThrow();
    }
}
