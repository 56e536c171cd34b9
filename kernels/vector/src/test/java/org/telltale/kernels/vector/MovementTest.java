package org.telltale.kernels.vector;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.telltale.kernels.vector.Check.f32;
import static org.telltale.kernels.vector.Check.i32;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.telltale.engine.Graph;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;

final class MovementTest {
    private static List<List<Integer>> orders(int rank) {
        if (rank == 0) {
            return List.of(List.of());
        }
        List<List<Integer>> out = new ArrayList<>();
        for (List<Integer> shorter : orders(rank - 1)) {
            for (int at = 0; at < rank; at++) {
                List<Integer> order = new ArrayList<>(shorter);
                order.add(at, rank - 1);
                out.add(order);
            }
        }
        return out;
    }

    @Test
    void everyOrderOfAxesIsThatOfTheReference() {
        for (int[] dims : new int[][] {{2, 3, 4, 5}, {2, 9, 1, 70}, {1, 67, 3, 8}}) {
            for (List<Integer> order : orders(4)) {
                Check.EXACT.likeNaive(f32("x", dims).transpose(order));
            }
        }
        Check.EXACT.likeNaive(
                f32("wide", 131, 257).transpose(List.of(1, 0)),
                f32("heads", 2, 37, 12, 64).transpose(List.of(0, 2, 1, 3)),
                f32("pixels", 2, 31, 33, 3).transpose(List.of(0, 3, 1, 2)));
    }

    @Test
    void broadcastsSlicesPaddingAndJoinsAreThoseOfTheReference() {
        for (int n : Check.SIZES) {
            Tensor x = f32("x", 3, n, 2);
            List<Tensor> out = new ArrayList<>();
            out.add(f32("row", n, 1).broadcast(Shape.of(3, n, 5)));
            out.add(f32("column", 1, n).broadcast(Shape.of(4, n)));
            out.add(f32("scalar").broadcast(Shape.of(2, n)));
            for (int axis = 0; axis < 3; axis++) {
                int extent = x.dim(axis);
                out.add(x.slice(axis, extent / 2, extent));
                out.add(x.slice(axis, 0, 1));
                out.add(x.slice(axis, 1, 1));
                out.add(x.pad(axis, 2, 1, 7));
                out.add(x.pad(axis, 0, 3, -1));
                out.add(Tensor.concat(axis, x, x.pad(axis, 0, 2, 1), x.slice(axis, 0, 1), x));
            }
            Check.EXACT.likeNaive(out.toArray(Tensor[]::new));
        }
        Tensor large = f32("large", 3, 101, 129);
        Check.EXACT.likeNaive(
                large.slice(2, 1, 129), large.slice(1, 50, 101), large.pad(1, 1, 1, 0), Tensor.concat(2, large, large));
    }

    @Test
    void rowsAreLookedUpAndAddedAsInTheReference() {
        for (int w : Check.SIZES) {
            Tensor table = f32("table", 7, w);
            Tensor ids = i32("ids", 3, 5);
            Check.EXACT.ids(7).likeNaive(table.gather(ids), f32("flat", 7).gather(ids));
            Check.within(2e-6, 1e-6)
                    .ids(7)
                    .likeNaive(Tensor.of(new Primitive.ScatterAdd(7), f32("rows", 3, 5, w), ids));
        }
        Check.within(2e-6, 1e-6)
                .ids(50)
                .likeNaive(Tensor.of(new Primitive.ScatterAdd(50), f32("rows", 20, 771), i32("ids", 20)));
    }

    @Test
    void idsOutsideTheTableFailTheRun() {
        Tensor ids = i32("ids", 4);
        for (Tensor y : List.of(
                f32("x", 7, 3).gather(ids),
                Tensor.of(new Primitive.ScatterAdd(7), f32("x", 4, 3), ids),
                Tensor.of(new Primitive.ScatterRows(), f32("x", 7, 3), f32("rows", 4, 3), ids))) {
            try (VectorBackend backend = new VectorBackend(2);
                    Executable e = backend.compile(Graph.of("g", y), new NoWeights(), CompileOptions.DEFAULT)) {
                for (int bad : new int[] {9, 7, -1}) {
                    e.input("ids").setInts(new int[] {0, 6, bad, 1});
                    assertThatThrownBy(e::run)
                            .isInstanceOf(IndexOutOfBoundsException.class)
                            .hasMessage("id " + bad + " outside a table of 7 rows");
                }
            }
        }
    }

    @Test
    void rowsAreWrittenIntoACopyOfTheTable() {
        Tensor slots = Tensor.of(new Primitive.ArgMax(1), f32("one-hot", 1, 7));
        Tensor y = Tensor.of(new Primitive.ScatterRows(), f32("x", 7, 67), f32("rows", 1, 67), slots);
        Check.EXACT.likeNaive(y);
    }

    @Test
    void aStateIsWrittenInPlaceAndKeepsItsOtherRows() {
        Tensor cache = Tensor.state("cache", 5, 3);
        Tensor next = Tensor.of(new Primitive.ScatterRows(), cache, f32("rows", 1, 3), i32("slot", 1));
        Graph graph = Graph.of("g", List.of(next), Map.of(cache, next));
        try (VectorBackend backend = new VectorBackend(1);
                Executable e = backend.compile(graph, new NoWeights(), CompileOptions.DEFAULT)) {
            for (int slot = 0; slot < 5; slot++) {
                e.input("slot").setInt(0, slot);
                e.input("rows").set(new float[] {slot, slot + 10, slot + 20});
                e.run();
            }
            for (int i = 0; i < 15; i++) {
                org.assertj.core.api.Assertions.assertThat(e.state("cache").get(i))
                        .isEqualTo(i / 3 + i % 3 * 10f);
            }
        }
    }

    @Test
    void windowsUnfoldAndFoldAsInTheReference() {
        for (Window w : PoolingTest.WINDOWS) {
            for (int c : new int[] {1, 3, Memory.LANES + 1}) {
                Tensor x = f32("x", 2, 7, 9, c);
                Tensor windows = Tensor.of(new Primitive.Unfold(w, -2), x);
                Check.EXACT.likeNaive(windows);
                Check.within(2e-6, 1e-6)
                        .likeNaive(Tensor.of(
                                new Primitive.Fold(w, 7, 9),
                                f32("y", windows.shape().dims())));
            }
        }
    }

    @Test
    void gridsAreResampledAsInTheReference() {
        for (int[] g : new int[][] {{3, 3, 5, 5}, {4, 4, 3, 5}, {1, 1, 3, 2}, {2, 2, 2, 2}, {14, 14, 24, 24}}) {
            Check check = Check.within(3e-6, 1e-6);
            check.likeNaive(
                    Tensor.of(new Primitive.ResampleGrid(g[0], g[1], g[2], g[3], false), f32("x", g[0] * g[1], 133)));
            check.likeNaive(
                    Tensor.of(new Primitive.ResampleGrid(g[0], g[1], g[2], g[3], true), f32("x", g[2] * g[3], 133)));
        }
    }
}
