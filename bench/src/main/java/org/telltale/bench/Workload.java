package org.telltale.bench;

import java.lang.foreign.Arena;
import java.util.Random;
import java.util.Set;
import java.util.function.LongConsumer;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.Weights;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.kernels.vector.VectorBackend;

/** One expression compiled for the CPU, its operands filled with seeded random numbers. */
final class Workload implements AutoCloseable {
    private final VectorBackend backend;
    private final Executable executable;

    Workload(int threads, Tensor tensor) {
        Graph graph = Graph.of("benchmark", tensor);
        backend = new VectorBackend(threads == 0 ? Runtime.getRuntime().availableProcessors() : threads);
        executable = backend.compile(graph, new Seeded(graph), CompileOptions.DEFAULT);
        Random random = new Random(1);
        for (Tensor t : graph.nodes()) {
            if (t.op() instanceof Primitive.Input in && in.type() == DType.F32) {
                fill(executable.input(in.name()), random);
            }
        }
    }

    static Tensor input(String name, int... dims) {
        return Tensor.input(name, DType.F32, dims);
    }

    static Tensor weight(String name, int... dims) {
        return Tensor.of(new Primitive.Weight(name, Shape.of(dims)));
    }

    /** The extents of a parameter such as {@code 128x768}. */
    static int[] extents(String parameter) {
        return java.util.Arrays.stream(parameter.split("x"))
                .mapToInt(Integer::parseInt)
                .toArray();
    }

    /** Sets an I32 input, element by element. */
    void setInts(String name, java.util.function.IntUnaryOperator value) {
        HostTensor t = executable.input(name);
        LongConsumer set = i -> t.setInt(i, value.applyAsInt((int) i));
        java.util.stream.LongStream.range(0, t.size()).forEach(set);
    }

    float run() {
        executable.run();
        return executable.output(0).get(0);
    }

    @Override
    public void close() {
        executable.close();
        backend.close();
    }

    private static void fill(HostTensor t, Random random) {
        for (long i = 0; i < t.size(); i++) {
            t.set(i, random.nextFloat() * 2 - 1);
        }
    }

    /** A checkpoint of random weights. */
    private record Seeded(Graph graph) implements Weights {
        @Override
        public Set<String> names() {
            return Set.of();
        }

        @Override
        public Shape shape(String name) {
            return graph.nodes().stream()
                    .filter(t ->
                            t.op() instanceof Primitive.Weight w && w.name().equals(name))
                    .findFirst()
                    .orElseThrow()
                    .shape();
        }

        @Override
        public DType dtype(String name) {
            return DType.F32;
        }

        @Override
        public HostTensor read(String name, Arena arena) {
            HostTensor t = HostTensor.allocate(arena, DType.F32, shape(name));
            fill(t, new Random(name.hashCode()));
            return t;
        }

        @Override
        public void close() {}
    }
}
