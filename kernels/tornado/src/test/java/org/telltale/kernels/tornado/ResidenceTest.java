package org.telltale.kernels.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.testing.Values;

/** What travels between host and device: states stay where their newest values are until somebody asks. */
class ResidenceTest {
    private final Transfers device = new Transfers();
    private final TornadoBackend backend = new TornadoBackend(device);

    private Executable compile(Graph graph) {
        return backend.compile(graph, new Values(Map.of()), CompileOptions.DEFAULT);
    }

    /** Writes rows to slots of a cache of 6 rows, and returns each row's sum. */
    private Executable step(int rows) {
        Tensor cache = Tensor.state("cache", 6, 2);
        Tensor next = Tensor.of(
                new Primitive.ScatterRows(),
                cache,
                Tensor.input("rows", DType.F32, rows, 2),
                Tensor.input("slots", DType.I32, rows));
        return compile(Graph.of("step of " + rows, List.of(next.sum(1)), Map.of(cache, next)));
    }

    private static void write(Executable e, float[] rows, int... slots) {
        e.input("rows").set(rows);
        e.input("slots").setInts(slots);
        e.run();
    }

    @Test
    void stepsOfOneExecutableMoveNoCache() {
        try (Executable e = step(1)) {
            write(e, new float[] {1, 2}, 0);
            assertThat(device.taken()).containsExactly("send STATE of step of 1");
            write(e, new float[] {3, 4}, 5);
            write(e, new float[] {5, 6}, 2);
            assertThat(e.output(0).toFloats()).containsExactly(3, 0, 11, 0, 0, 7);
            assertThat(device.taken()).isEmpty();
            assertThat(e.state("cache").toFloats()).containsExactly(1, 2, 0, 0, 5, 6, 0, 0, 0, 0, 3, 4);
            assertThat(device.taken()).containsExactly("fetch STATE of step of 1");
            e.state("cache").set(0, 100);
            assertThat(device.taken()).isEmpty();
            write(e, new float[] {7, 8}, 1);
            assertThat(e.output(0).toFloats()).containsExactly(102, 15, 11, 0, 0, 7);
            assertThat(device.taken()).containsExactly("send STATE of step of 1");
        }
    }

    @Test
    void aCacheInTheMemoryOfTwoExecutablesMovesWhenTheOtherOneRuns() {
        try (Arena arena = Arena.ofShared();
                Executable prompt = step(2);
                Executable next = step(1)) {
            HostTensor cache = HostTensor.allocate(arena, DType.F32, Shape.of(6, 2));
            prompt.bind("cache", cache);
            write(prompt, new float[] {1, 2, 3, 4}, 0, 1);
            next.bind("cache", cache);
            assertThat(device.taken()).containsExactly("send STATE of step of 2");
            write(next, new float[] {5, 6}, 2);
            assertThat(device.taken()).containsExactly("fetch STATE of step of 2", "send STATE of step of 1");
            write(next, new float[] {7, 8}, 3);
            assertThat(next.output(0).toFloats()).containsExactly(3, 7, 11, 15, 0, 0);
            assertThat(device.taken()).isEmpty();
            write(prompt, new float[] {9, 10, 11, 12}, 4, 5);
            assertThat(prompt.output(0).toFloats()).containsExactly(3, 7, 11, 15, 19, 23);
            assertThat(device.taken()).containsExactly("fetch STATE of step of 1", "send STATE of step of 2");
            assertThat(next.state("cache")).isSameAs(cache);
            assertThat(cache.toFloats()).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
        }
    }

    @Test
    void aStateWithoutAnUpdateTravelsOnceForEachChange() {
        Tensor seen = Tensor.input("x", DType.F32, 2).mul(10);
        Tensor kept = Tensor.state("kept", 2);
        try (Executable encoder = compile(Graph.of("encoder", seen));
                Executable decoder = compile(Graph.of("decoder", kept.add(Tensor.input("y", DType.F32, 2))))) {
            decoder.bind("kept", encoder.output(0));
            encoder.input("x").set(new float[] {1, 2});
            encoder.run();
            for (int y = 0; y < 3; y++) {
                decoder.input("y").set(new float[] {y, y});
                decoder.run();
                assertThat(decoder.output(0).toFloats()).containsExactly(10 + y, 20 + y);
            }
            assertThat(device.taken()).containsExactly("send FIXED of decoder");
            encoder.input("x").set(new float[] {3, 4});
            encoder.run();
            decoder.run();
            assertThat(decoder.output(0).toFloats()).containsExactly(32, 42);
            assertThat(device.taken()).containsExactly("send FIXED of decoder");
            decoder.state("kept").set(0, -2);
            decoder.run();
            assertThat(decoder.output(0).toFloats()).containsExactly(0, 42);
            assertThat(device.taken()).containsExactly("send FIXED of decoder");
        }
    }

    @Test
    void statesThatBecomeEachOtherDoNotOverwriteEachOther() {
        Tensor a = Tensor.state("a", 2);
        Tensor b = Tensor.state("b", 2);
        Tensor c = Tensor.state("c", 2);
        Map<Tensor, Tensor> updates = new LinkedHashMap<>();
        updates.put(a, b);
        updates.put(b, a);
        updates.put(c, a.add(b));
        try (Executable e = compile(Graph.of("swap", List.of(c.mul(1)), updates))) {
            e.state("a").set(new float[] {1, 2});
            e.state("b").set(new float[] {10, 20});
            e.run();
            assertThat(e.state("a").toFloats()).containsExactly(10, 20);
            assertThat(e.state("b").toFloats()).containsExactly(1, 2);
            assertThat(e.state("c").toFloats()).containsExactly(11, 22);
        }
    }

    @Test
    void aClosedExecutableLeavesItsStatesInTheMemoryOfTheCallers() {
        try (Arena arena = Arena.ofShared()) {
            HostTensor cache = HostTensor.allocate(arena, DType.F32, Shape.of(6, 2));
            try (Executable e = step(1)) {
                e.bind("cache", cache);
                write(e, new float[] {1, 2}, 4);
            }
            assertThat(cache.get(9)).isEqualTo(2);
        }
    }

    @Test
    void aSlotOutsideItsCacheFailsTheRun() {
        try (Executable e = step(1)) {
            write(e, new float[] {1, 2}, 0);
            assertThatThrownBy(() -> write(e, new float[] {3, 4}, 6))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessageContaining("step of 1");
            write(e, new float[] {3, 4}, 5);
            assertThat(e.output(0).toFloats()).containsExactly(3, 0, 0, 0, 0, 7);
        }
    }
}
