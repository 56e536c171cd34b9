package org.telltale.engine.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.Weights;
import org.telltale.engine.io.WeightsException;
import org.telltale.engine.testing.Values;

class ProgramTest {
    private static final Weights NONE = new Values(Map.of());

    private final NaiveBackend backend = new NaiveBackend();
    private final WeightStore.Pool pool = new WeightStore.Pool();
    private final Arena arena = Arena.ofShared();
    private final Tensor x = Tensor.input("x", DType.F32, 3);

    @AfterEach
    void close() {
        arena.close();
        backend.close();
    }

    private Executable compile(Graph graph) {
        return backend.compile(graph, NONE, CompileOptions.DEFAULT);
    }

    /** Lets a test stand at every kernel that a program makes and runs. */
    private record Watched(NaiveBackend backend, AtomicInteger made, Kernel before) implements KernelMaker {
        @Override
        public Graph prepare(Graph graph) {
            return graph;
        }

        @Override
        public boolean allows(Tensor tensor, int operand) {
            return false;
        }

        @Override
        public Kernel kernel(Tensor tensor, Operands operands) {
            made.incrementAndGet();
            Kernel k = backend.kernel(tensor, operands);
            return () -> {
                before.run();
                k.run();
            };
        }
    }

    @Test
    void outputsFollowTheInputsOfEachRun() {
        try (Executable e = compile(Graph.of("g", x.mul(2), x))) {
            for (float v : new float[] {1, -2, 5}) {
                e.input("x").set(new float[] {v, 0, v});
                e.run();
                assertThat(e.output(0).toFloats()).containsExactly(2 * v, 0, 2 * v);
                assertThat(e.output(1).toFloats()).containsExactly(v, 0, v);
            }
        }
    }

    @Test
    void inputsAndStatesMayLiveInMemoryOfTheCallers() {
        Tensor state = Tensor.state("s", 3);
        Graph g = Graph.of("g", List.of(state.add(x).reshape(1, 3)), Map.of(state, state.add(x)));
        HostTensor first = HostTensor.of(arena, Shape.of(3), 1, 2, 3);
        HostTensor second = HostTensor.of(arena, Shape.of(3), 10, 20, 30);
        HostTensor sum = HostTensor.of(arena, Shape.of(3), 100, 100, 100);
        try (Executable e = compile(g)) {
            e.bind("x", first);
            e.bind("s", sum);
            e.run();
            assertThat(e.output(0).shape()).isEqualTo(Shape.of(1, 3));
            assertThat(e.output(0).toFloats()).containsExactly(101, 102, 103);
            e.bind("x", second);
            e.run();
            assertThat(e.state("s")).isSameAs(sum);
        }
        assertThat(sum.toFloats()).containsExactly(111, 122, 133);
    }

    @Test
    void memoryThatDoesNotFitIsNotBound() {
        try (Executable e = compile(Graph.of("g", x.exp()))) {
            HostTensor four = HostTensor.of(arena, Shape.of(4), 1, 2, 3, 4);
            assertThatThrownBy(() -> e.bind("x", four))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("F32 [4]");
            HostTensor ints = HostTensor.ofInts(arena, Shape.of(3), 1, 2, 3);
            assertThatThrownBy(() -> e.bind("x", ints)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> e.input("y"))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("g has no input or state 'y'; it has [x]");
        }
    }

    @Test
    void twoLeavesOfOneNameAreRefused() {
        Tensor other = Tensor.input("x", DType.F32, 3);
        assertThatThrownBy(() -> compile(Graph.of("g", x.add(other))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("two leaves are named 'x'");
    }

    @Test
    void statesStartAtZeroAndAccumulate() {
        Tensor state = Tensor.state("s", 3);
        Graph g = Graph.of("g", List.of(state.mul(2)), Map.of(state, state.add(x)));
        try (Executable e = compile(g)) {
            assertThat(e.state("s").toFloats()).containsExactly(0, 0, 0);
            e.input("x").set(new float[] {1, 2, 3});
            for (int run = 0; run < 3; run++) {
                e.run();
                assertThat(e.output(0).toFloats()).containsExactly(2 * run, 4 * run, 6 * run);
            }
            assertThat(e.state("s").toFloats()).containsExactly(3, 6, 9);
        }
    }

    @Test
    void everyUpdateSeesTheStatesAsTheyWereBefore() {
        Tensor a = Tensor.state("a", 3);
        Tensor b = Tensor.state("b", 3);
        Tensor c = Tensor.state("c", 3);
        Map<Tensor, Tensor> updates = new LinkedHashMap<>();
        updates.put(a, b);
        updates.put(b, a.detach());
        updates.put(c, a.add(b));
        try (Executable e = compile(Graph.of("swap", List.of(), updates))) {
            e.state("a").set(new float[] {1, 2, 3});
            e.state("b").set(new float[] {10, 20, 30});
            e.run();
            assertThat(e.state("a").toFloats()).containsExactly(10, 20, 30);
            assertThat(e.state("b").toFloats()).containsExactly(1, 2, 3);
            assertThat(e.state("c").toFloats()).containsExactly(11, 22, 33);
        }
    }

    private static Graph cache() {
        Tensor table = Tensor.state("table", 4, 2);
        Tensor rows = Tensor.input("rows", DType.F32, 1, 2);
        Tensor slots = Tensor.input("slots", DType.I32, 1);
        Tensor next = Tensor.of(new Primitive.ScatterRows(), table, rows, slots);
        return Graph.of("cache", List.of(next.sum(0)), Map.of(table, next));
    }

    @Test
    void rowsAreScatteredIntoTheStatesOwnMemory() {
        try (Executable e = compile(cache())) {
            for (int step = 0; step < 3; step++) {
                e.input("rows").set(new float[] {step + 1, 10});
                e.input("slots").setInts(new int[] {step});
                e.run();
            }
            assertThat(e.output(0).toFloats()).containsExactly(6, 30);
            assertThat(e.state("table").toFloats()).containsExactly(1, 10, 2, 10, 3, 10, 0, 0);
            HostTensor mine = HostTensor.of(arena, Shape.of(4, 2), 1, 1, 1, 1, 1, 1, 1, 1);
            e.bind("table", mine);
            e.run();
            assertThat(mine.toFloats()).containsExactly(1, 1, 1, 1, 3, 10, 1, 1);
        }
    }

    @Test
    void aStateWhoseOldRowsAreReadIsNotWrittenInPlace() {
        Tensor table = Tensor.state("table", 2, 1);
        Tensor old = Tensor.state("old", 2, 1);
        Tensor rows = Tensor.input("rows", DType.F32, 1, 1);
        Tensor slots = Tensor.input("slots", DType.I32, 1);
        Tensor next = Tensor.of(new Primitive.ScatterRows(), table, rows, slots);
        Map<Tensor, Tensor> updates = new LinkedHashMap<>();
        updates.put(table, next);
        updates.put(old, table);
        for (Graph g : List.of(
                Graph.of("computed", List.of(next.sumAll(), table.mul(1)), Map.of(table, next)),
                Graph.of("update", List.of(next.sumAll()), updates))) {
            try (Executable e = compile(g)) {
                e.state("table").set(new float[] {5, 6});
                e.input("rows").set(new float[] {7});
                e.input("slots").setInts(new int[] {1});
                e.run();
                assertThat(e.output(0).toFloats()).containsExactly(12);
                assertThat(e.state("table").toFloats()).containsExactly(5, 7);
                HostTensor before = g.name().equals("update") ? e.state("old") : e.output(1);
                assertThat(before.toFloats()).as(g.name()).containsExactly(5, 6);
            }
        }
    }

    @Test
    void aSlotOutsideTheTableFailsTheRunAndNotTheNext() {
        try (Executable e = compile(cache())) {
            e.input("slots").setInts(new int[] {4});
            assertThatThrownBy(e::run)
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessage("id 4 outside a table of 4 rows");
            e.input("slots").setInts(new int[] {3});
            e.run();
        }
    }

    @Test
    void whatDependsOnWeightsAloneIsComputedOnce() {
        Tensor w = Tensor.of(new Primitive.Weight("w", Shape.of(3)));
        Tensor constant = w.exp().mul(Tensor.iota(0, Shape.of(3)));
        Graph g = Graph.of("g", x.add(constant), constant.neg());
        HostTensor values = HostTensor.of(arena, Shape.of(3), 0, 0, 0);
        AtomicInteger ran = new AtomicInteger();
        AtomicInteger made = new AtomicInteger();
        Watched maker = new Watched(backend, made, ran::incrementAndGet);
        try (Program p = Program.compile(g, pool, new Values(Map.of("w", values)), maker, CompileOptions.DEFAULT)) {
            assertThat(made).as("exp, mul, neg, and add").hasValue(4);
            assertThat(ran).as("exp, mul, neg").hasValue(3);
            for (int i = 0; i < 5; i++) {
                p.input("x").set(new float[] {i, i, i});
                p.run();
                assertThat(p.output(0).toFloats()).containsExactly(i, i + 1, i + 2);
                assertThat(p.output(1).toFloats()).containsExactly(-0f, -1, -2);
            }
            assertThat(ran).as("the add of each run").hasValue(3 + 5);
        }
    }

    @Test
    void executablesOfOneCheckpointShareItsWeightsUntilTheLastIsClosed() {
        AtomicInteger reads = new AtomicInteger();
        HostTensor values = HostTensor.of(arena, Shape.of(3), 1, 2, 3);
        Weights weights = new Weights() {
            @Override
            public java.util.Set<String> names() {
                return java.util.Set.of("w");
            }

            @Override
            public Shape shape(String name) {
                return values.shape();
            }

            @Override
            public DType dtype(String name) {
                return values.dtype();
            }

            @Override
            public HostTensor read(String name, Arena into) {
                reads.incrementAndGet();
                return HostTensor.of(into, values.shape(), values.toFloats());
            }

            @Override
            public void close() {}
        };
        Graph g = Graph.of("g", x.mul(Tensor.of(new Primitive.Weight("w", Shape.of(3)))));
        Executable first = backend.compile(g, weights, CompileOptions.DEFAULT);
        Executable second = backend.compile(g, weights, CompileOptions.DEFAULT);
        assertThat(reads).hasValue(1);
        first.close();
        second.input("x").set(new float[] {1, 1, 1});
        second.run();
        assertThat(second.output(0).toFloats()).containsExactly(1, 2, 3);
        second.close();
        backend.compile(g, weights, CompileOptions.DEFAULT).close();
        assertThat(reads).hasValue(2);
    }

    @Test
    void aSecondThreadIsRefusedWhileOneRuns() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        Watched maker = new Watched(backend, new AtomicInteger(), () -> {
            inside.countDown();
            awaitUninterrupted(leave);
        });
        Program p = Program.compile(Graph.of("g", x.exp()), pool, NONE, maker, CompileOptions.DEFAULT);
        p.input("x").set(new float[] {0, 0, 0});
        CompletableFuture<Void> other = CompletableFuture.runAsync(p::run);
        try {
            inside.await();
            assertThatThrownBy(p::run)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("g is used by two threads at once");
            assertThatThrownBy(p::close)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("g is closed while it runs");
        } finally {
            leave.countDown();
        }
        other.get();
        p.run();
        assertThat(p.output(0).toFloats()).containsExactly(1, 1, 1);
        p.close();
    }

    @Test
    void aWeightOfAnotherShapeThanTheGraphsIsRefusedBeforeAKernelReadsIt() {
        try (Arena arena = Arena.ofConfined();
                NaiveBackend backend = new NaiveBackend()) {
            Weights stored = new Values(Map.of("w", HostTensor.of(arena, Shape.of(2), 1, 2)));
            Tensor w = Tensor.of(new Primitive.Weight("w", Shape.of(1000)));
            Graph graph = Graph.of("test", Tensor.input("x", DType.F32, 1000).add(w));
            assertThatThrownBy(() -> backend.compile(graph, stored, CompileOptions.DEFAULT))
                    .isInstanceOf(WeightsException.class)
                    .hasMessage("tensor \"w\" is F32 [2], the graph expects F32 [1000]");
        }
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aClosedExecutableIsRefused() {
        Executable e = compile(Graph.of("g", x.exp()));
        HostTensor output = e.output(0);
        e.close();
        e.close();
        assertThatThrownBy(e::run).isInstanceOf(IllegalStateException.class).hasMessage("g is closed");
        assertThatThrownBy(() -> output.get(0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void whatFailsToCompileLeavesNothingBehind() {
        Tensor w = Tensor.of(new Primitive.Weight("w", Shape.of(3)));
        Weights empty = new Values(Map.of());
        for (Graph g : List.of(Graph.of("plain", x.add(w)), Graph.of("constant", x.add(w.exp())))) {
            assertThatThrownBy(() -> Program.compile(g, pool, empty, backend, CompileOptions.DEFAULT))
                    .isInstanceOf(NullPointerException.class);
        }
        try (Program p = Program.compile(Graph.of("g", x.neg()), pool, empty, backend, CompileOptions.DEFAULT)) {
            p.run();
        }
    }

    @Test
    void compilingAndClosingAThousandTimesKeepsNativeMemoryFlat() throws IOException {
        Tensor large = Tensor.input("large", DType.F32, 1 << 18);
        Graph g = Graph.of("g", large.neg().sumAll(), x.add(Tensor.fill(2)).reshape(3, 1));
        for (int i = 0; i < 20; i++) {
            compile(g).close();
        }
        long before = resident();
        for (int i = 0; i < 1000; i++) {
            compile(g).close();
        }
        assertThat(resident() - before).as("growth in KiB; a leak were 1 GiB").isLessThan(200_000);
    }

    /** Resident memory of this process in KiB, where the system tells. */
    private static long resident() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return 0;
        }
        return Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElse(0);
    }
}
