package org.telltale.kernels.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.spi.NaiveBackend;
import org.telltale.engine.testing.Compare;

/** Compares a tensor on this backend with the naive reference, and the backend with itself for other thread counts. */
record Check(double atol, double rtol, int ids, double scale, double offset) {
    static final List<Integer> THREADS = List.of(1, 2, 3, 8);

    /** The sizes at which vector code goes wrong. */
    static final int[] SIZES = {
        1, Memory.LANES - 1, Memory.LANES, Memory.LANES + 1, 2 * Memory.LANES, 4 * Memory.LANES + 3
    };

    static final Check EXACT = new Check(0, 0, 1, 3, 0);

    static Check within(double atol, double rtol) {
        return new Check(atol, rtol, 1, 3, 0);
    }

    /** I32 inputs hold numbers from 0 to count - 1. */
    Check ids(int count) {
        return new Check(atol, rtol, count, scale, offset);
    }

    /** F32 inputs are uniform in offset - scale to offset + scale. */
    Check values(double newScale, double newOffset) {
        return new Check(atol, rtol, ids, newScale, newOffset);
    }

    static Tensor f32(String name, int... dims) {
        return Tensor.input(name, DType.F32, dims);
    }

    static Tensor i32(String name, int... dims) {
        return Tensor.input(name, DType.I32, dims);
    }

    void likeNaive(Tensor... outputs) {
        Graph graph = Graph.of("check", outputs);
        try (Backend naive = new NaiveBackend();
                Executable reference = naive.compile(graph, new NoWeights(), CompileOptions.DEFAULT)) {
            fill(graph, reference);
            reference.run();
            Map<Integer, float[]> first = new HashMap<>();
            for (int threads : THREADS) {
                try (Backend vector = new VectorBackend(threads);
                        Executable e = vector.compile(graph, new NoWeights(), CompileOptions.DEFAULT)) {
                    fill(graph, e);
                    e.run();
                    e.run();
                    for (int i = 0; i < outputs.length; i++) {
                        compare(outputs[i], e.output(i), reference.output(i), first, i);
                    }
                }
            }
        }
    }

    private void compare(Tensor t, HostTensor actual, HostTensor expected, Map<Integer, float[]> first, int i) {
        if (t.dtype() == DType.I32) {
            assertThat(actual.toInts()).as("%s", t).isEqualTo(expected.toInts());
            return;
        }
        float[] one = first.computeIfAbsent(i, k -> actual.toFloats());
        Compare.assertClose(t + " of " + t.inputs(), actual, expected, atol, rtol);
        assertThat(actual.toFloats())
                .as("the same bits for any thread count: %s", t)
                .isEqualTo(one);
    }

    void fill(Graph graph, Executable e) {
        SplittableRandom random = new SplittableRandom(42);
        for (Tensor t : graph.nodes()) {
            if (t.op() instanceof Primitive.Input input) {
                HostTensor x = e.input(input.name());
                for (long k = 0; k < x.size(); k++) {
                    if (x.dtype() == DType.I32) {
                        x.setInt(k, random.nextInt(ids));
                    } else {
                        x.set(k, (float) (offset + scale * random.nextDouble(-1, 1)));
                    }
                }
            }
        }
    }
}
