package org.telltale.kernels.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.telltale.engine.Activation;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.DeviceLimitException;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.testing.Values;

/** What a program on the device keeps, copies and refuses. */
class GpuProgramTest {
    private final Backend backend = Devices.first();

    private Executable compile(Graph graph, Map<String, HostTensor> weights) {
        return backend.compile(graph, new Values(weights), CompileOptions.DEFAULT);
    }

    @Test
    void aStateTakesItsNewValueAfterARunAndCanLiveInMemoryOfTheCallers() {
        Tensor state = Tensor.state("sum", 3);
        Tensor x = Tensor.input("x", DType.F32, 3);
        Graph graph = Graph.of("running sum", List.of(state.mul(2)), Map.of(state, state.add(x)));
        try (Arena arena = Arena.ofShared();
                Executable e = compile(graph, Map.of())) {
            e.input("x").set(new float[] {1, 2, 3});
            e.run();
            assertThat(e.output(0).toFloats()).containsExactly(0, 0, 0);
            e.run();
            assertThat(e.output(0).toFloats()).containsExactly(2, 4, 6);
            assertThat(e.state("sum").toFloats()).containsExactly(2, 4, 6);
            HostTensor mine = HostTensor.of(arena, Shape.of(3), 10, 20, 30);
            e.bind("sum", mine);
            e.run();
            assertThat(e.output(0).toFloats()).containsExactly(20, 40, 60);
            assertThat(e.state("sum")).isSameAs(mine);
            assertThat(mine.toFloats()).containsExactly(11, 22, 33);
        }
    }

    @Test
    void rowsAreWrittenToTheirSlotsOfAState() {
        Tensor table = Tensor.state("table", 4, 2);
        Tensor rows = Tensor.input("rows", DType.F32, 2, 2);
        Tensor slots = Tensor.input("slots", DType.I32, 2);
        Tensor next = Tensor.of(new Primitive.ScatterRows(), table, rows, slots);
        try (Executable e = compile(Graph.of("cache", List.of(next.sum(1)), Map.of(table, next)), Map.of())) {
            e.input("rows").set(new float[] {1, 2, 3, 4});
            e.input("slots").setInts(new int[] {3, 1});
            e.run();
            e.input("slots").setInts(new int[] {0, 3});
            e.run();
            assertThat(e.state("table").toFloats()).containsExactly(1, 2, 3, 4, 0, 0, 3, 4);
            assertThat(e.output(0).toFloats()).containsExactly(3, 7, 0, 7);
        }
    }

    @Test
    void anIdOutsideItsTableFailsTheRunAndTheNextRunIsWhole() {
        Tensor table = Tensor.of(new Primitive.Weight("table", Shape.of(3, 2)));
        Tensor ids = Tensor.input("ids", DType.I32, 2);
        try (Arena arena = Arena.ofShared();
                Executable e = compile(
                        Graph.of("rows", table.gather(ids)),
                        Map.of("table", HostTensor.of(arena, Shape.of(3, 2), 1, 2, 3, 4, 5, 6)))) {
            for (int wrong : new int[] {3, -1}) {
                e.input("ids").setInts(new int[] {1, wrong});
                assertThatThrownBy(e::run)
                        .isInstanceOf(IndexOutOfBoundsException.class)
                        .hasMessageContaining("rows")
                        .hasMessageContaining("in gather F32 [2, 2]");
            }
            e.input("ids").setInts(new int[] {2, 0});
            e.run();
            assertThat(e.output(0).toFloats()).containsExactly(5, 6, 1, 2);
            e.input("ids").setInts(new int[] {1 << 25, 0});
            assertThatThrownBy(e::run)
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessageContaining("'ids' holds 33554432");
        }
    }

    @Test
    void whatDependsOnWeightsAloneIsComputedBeforeTheFirstRun() {
        Tensor w = Tensor.of(new Primitive.Weight("w", Shape.of(2)));
        Tensor x = Tensor.input("x", DType.F32, 2);
        Graph graph = Graph.of("scaled", List.of(x.mul(w.square().add(1)), w), Map.of());
        try (Arena arena = Arena.ofShared();
                Executable e = compile(graph, Map.of("w", HostTensor.of(arena, Shape.of(2), 2, 3)))) {
            e.input("x").set(new float[] {1, 10});
            e.run();
            assertThat(e.output(0).toFloats()).containsExactly(5, 100);
            assertThat(e.output(1).toFloats()).containsExactly(2, 3);
        }
    }

    @Test
    void randomNumbersAreThoseOfTheOpBitForBit() {
        Tensor counter = Tensor.input("counter", DType.I32, 2);
        int salt = -1_234_567_890;
        Graph graph = Graph.of("numbers", Tensor.of(new Primitive.RandomUniform(salt, Shape.of(3, 1001)), counter));
        try (Executable e = compile(graph, Map.of())) {
            int[] ints = {0, 1, -1, 0xFFFF, 0x10000, 33_554_433, Integer.MAX_VALUE, Integer.MIN_VALUE};
            for (int seed : ints) {
                for (int step : new int[] {0, 7, 1 << 25 | 1, -65_535}) {
                    e.input("counter").setInts(new int[] {seed, step});
                    e.run();
                    float[] drawn = e.output(0).toFloats();
                    for (int i = 0; i < drawn.length; i++) {
                        assertThat(drawn[i])
                                .as("number %d of seed %d, step %d", i, seed, step)
                                .isEqualTo(Primitive.RandomUniform.at(seed, step, salt, i));
                    }
                }
            }
        }
    }

    @Test
    void aCounterOfRandomNumbersThatIsReadOtherwiseIsRefused() {
        Tensor counter = Tensor.input("counter", DType.I32, 2);
        Tensor uniform = Tensor.of(new Primitive.RandomUniform(3, Shape.of(2)), counter);
        assertThatThrownBy(() -> compile(Graph.of("both", uniform.add(counter.toFloat())), Map.of()))
                .isInstanceOf(DeviceLimitException.class)
                .hasMessageContaining("both: on the gpu a counter of random numbers has no other use, as in");
        Tensor places = Tensor.input("x", DType.F32, 2, 3).argMax(1);
        Tensor computed = Tensor.of(new Primitive.RandomUniform(3, Shape.of(2)), places);
        assertThatThrownBy(() -> compile(Graph.of("computed", computed), Map.of()))
                .isInstanceOf(DeviceLimitException.class)
                .hasMessageContaining("computed: the counter of random numbers is argMax");
    }

    @Test
    void aModelLargerThanTheDeviceIsRefusedWithTheSizes() {
        Tensor x = Tensor.input("x", DType.F32, 1, 2_000_000);
        Graph graph = Graph.of("large", x.activate(Activation.TANH));
        assertThatThrownBy(() -> GpuProgram.compile(
                        graph,
                        new Values(Map.of()),
                        new Small(15_000_000, 15_000_000),
                        new Residence(),
                        CompileOptions.DEFAULT))
                .isInstanceOf(DeviceLimitException.class)
                .hasMessage("large needs 17 MB on the device (1 MB of memory, 1 MB of weights, 8 MB of input,"
                        + " 9 MB of output), which has 15 MB: a small device");
        assertThatThrownBy(() -> GpuProgram.compile(
                        graph,
                        new Values(Map.of()),
                        new Small(100_000_000, 5_000_000),
                        new Residence(),
                        CompileOptions.DEFAULT))
                .isInstanceOf(DeviceLimitException.class)
                .hasMessageContaining("the device's largest is 5 MB: a small device");
    }

    /** A device that must not be asked to load. */
    private record Small(long memory, long largestArray) implements GpuDevice {
        @Override
        public String description() {
            return "a small device";
        }

        @Override
        public Loaded load(
                String name, Map<Area, Integer> sizes, WeightArea weights, List<Launch> first, List<Launch> launches) {
            throw new AssertionError("too large a program was loaded");
        }
    }

    @Test
    void programsAreRefusedAfterTheyAreClosed() {
        Executable e = compile(Graph.of("once", Tensor.input("x", DType.F32, 2).mul(2)), Map.of());
        e.close();
        e.close();
        assertThatThrownBy(e::run).isInstanceOf(IllegalStateException.class).hasMessage("once is closed");
    }

    @Test
    void productsOfBfloat16AreRefusedAndNotRoundedInSilence() {
        Tensor x = Tensor.input("x", DType.F32, 2, 3);
        Graph graph = Graph.of(
                "rounded", Tensor.of(new Fused.Linear(Activation.NONE), x, Tensor.input("w", DType.F32, 4, 3)));
        assertThatThrownBy(() ->
                        backend.compile(graph, new Values(Map.of()), new CompileOptions(CompileOptions.Precision.BF16)))
                .isInstanceOf(DeviceLimitException.class)
                .hasMessageContaining("--device cpu has BF16");
    }

    @Test
    void aThousandProgramsOpenedAndClosedLeaveNothingOnTheDevice() {
        TornadoBackend gpu = (TornadoBackend) backend;
        long before = gpu.heldMemory();
        Graph graph = Graph.of("small", Tensor.input("x", DType.F32, 1000).mul(2));
        int cycles = Devices.host() ? 1000 : 20;
        for (int i = 0; i < cycles; i++) {
            try (Executable e = compile(graph, Map.of())) {
                e.input("x").set(0, i);
                e.run();
                assertThat(e.output(0).get(0)).isEqualTo(2 * i);
                assertThat(gpu.heldMemory()).isGreaterThanOrEqualTo(before + 2 * 4000);
            }
            assertThat(gpu.heldMemory()).isEqualTo(before);
        }
        assertThat(gpu.peakMemory()).isGreaterThanOrEqualTo(before + 2 * 4000);
    }

    @Test
    void aProgramThatFindsNoRoomBesideOthersIsRefusedUntilTheyAreClosed() {
        MeteredDevice device = new MeteredDevice(new Stub(15_000_000));
        TornadoBackend gpu = new TornadoBackend(device);
        Graph graph =
                Graph.of("large", Tensor.input("x", DType.F32, 1, 1_000_000).activate(Activation.TANH));
        Executable first = gpu.compile(graph, new Values(Map.of()), CompileOptions.DEFAULT);
        assertThatThrownBy(() -> gpu.compile(graph, new Values(Map.of()), CompileOptions.DEFAULT))
                .isInstanceOf(DeviceLimitException.class)
                .hasMessage("large needs 9 MB on the device, where other programs hold 9 MB of 15 MB: a stub");
        first.close();
        assertThat(device.held()).isZero();
        gpu.compile(graph, new Values(Map.of()), CompileOptions.DEFAULT).close();
    }

    /** A device that takes every program and does not run it. */
    private record Stub(long memory) implements GpuDevice {
        @Override
        public String description() {
            return "a stub";
        }

        @Override
        public long largestArray() {
            return memory;
        }

        @Override
        public Loaded load(
                String name, Map<Area, Integer> sizes, WeightArea weights, List<Launch> first, List<Launch> launches) {
            MemorySegment copy = Arena.ofAuto().allocate(4);
            return new Loaded() {
                @Override
                public MemorySegment onHost(Area area) {
                    assertThat(area).isEqualTo(Area.WEIGHTS);
                    return copy;
                }

                @Override
                public void send(Area area) {}

                @Override
                public void fetch(Area area) {}

                @Override
                public void restart() {}

                @Override
                public void run() {}

                @Override
                public void close() {}
            };
        }
    }
}
