package org.telltale.bench;

import java.util.Arrays;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;

/** One graph ready to run on one engine: weights packed, inputs filled, memory of the outputs made. */
interface Workload extends AutoCloseable {
    String TELLTALE = "telltale";
    String ONNX_RUNTIME = "onnxruntime";
    String LIBTORCH = "libtorch";

    /**
     * How far two engines may differ, as a part of the largest magnitude of the output. Both round to F32 after sums of
     * thousands of products in orders of their own; a wrong operand or a wrong layout differs by about 1.
     */
    double TOLERANCE = 1e-4;

    void run();

    /** The values of the first output of the latest run, in the engine's own layout, NHWC for pictures. */
    float[] output();

    @Override
    void close();

    static Workload open(String engine, int threads, Graph graph, Operands operands) {
        return switch (engine) {
            case TELLTALE -> new TelltaleWorkload(threads, graph, operands);
            case ONNX_RUNTIME -> new OnnxRuntimeWorkload(threads, graph, operands);
            case LIBTORCH -> new LibtorchWorkload(threads, graph, operands);
            default ->
                throw new IllegalArgumentException(
                        "engine '" + engine + "' is not one of " + TELLTALE + ", " + ONNX_RUNTIME + ", " + LIBTORCH);
        };
    }

    /** The same, after its output has been compared with Telltale's; a difference is an {@link IllegalStateException}. */
    static Workload checked(String engine, int threads, Graph graph, Operands operands) {
        if (engine.equals(TELLTALE)) {
            return open(engine, threads, graph, operands);
        }
        float[] expected;
        try (Workload ours = open(TELLTALE, threads, graph, operands)) {
            ours.run();
            expected = ours.output();
        }
        Workload peer = open(engine, threads, graph, operands);
        peer.run();
        double difference = difference(expected, peer.output());
        if (!(difference <= TOLERANCE)) {
            peer.close();
            throw new IllegalStateException(graph.name() + ": " + engine + " differs from " + TELLTALE + " by "
                    + difference + " of the largest magnitude, at most " + TOLERANCE + " is expected");
        }
        return peer;
    }

    /** The largest difference as a part of the largest magnitude; not a number where either has one that is not. */
    static double difference(float[] expected, float[] actual) {
        if (expected.length != actual.length) {
            throw new IllegalStateException("outputs have " + expected.length + " and " + actual.length + " elements");
        }
        double most = 0;
        double magnitude = 0;
        for (int i = 0; i < expected.length; i++) {
            most = Math.max(most, Math.abs(expected[i] - (double) actual[i]));
            magnitude = Math.max(magnitude, Math.abs(expected[i]));
        }
        return magnitude == 0 ? Double.NaN : most / magnitude;
    }

    static Tensor input(String name, int... dims) {
        return Tensor.input(name, DType.F32, dims);
    }

    static Tensor weight(String name, int... dims) {
        return Tensor.of(new Primitive.Weight(name, Shape.of(dims)));
    }

    /** The extents of a parameter such as {@code 128x768}. */
    static int[] extents(String parameter) {
        return Arrays.stream(parameter.split("x")).mapToInt(Integer::parseInt).toArray();
    }
}
