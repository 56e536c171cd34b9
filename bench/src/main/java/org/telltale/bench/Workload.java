package org.telltale.bench;

import java.util.Arrays;
import java.util.List;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.CompileOptions.Precision;

/** One graph ready to run on one engine: weights packed, inputs filled, memory of the outputs made. */
interface Workload extends AutoCloseable {
    String TELLTALE = "telltale";
    String ONNX_RUNTIME = "onnxruntime";
    String LIBTORCH = "libtorch";

    /** Telltale with weights of products as bfloat16, and libtorch with all real numbers as bfloat16. */
    String TELLTALE_BF16 = "telltale-bf16";

    String LIBTORCH_BF16 = "libtorch-bf16";

    List<String> ENGINES = List.of(TELLTALE, ONNX_RUNTIME, LIBTORCH, TELLTALE_BF16, LIBTORCH_BF16);

    /**
     * How far two engines may differ, as a part of the largest magnitude of the output. Both round to F32 after sums of
     * thousands of products in orders of their own; a wrong operand or a wrong layout differs by about 1.
     */
    double TOLERANCE = 1e-4;

    /** The same beside an engine that rounds to the 8 bits of bfloat16, op after op. */
    double TOLERANCE_BF16 = 0.1;

    void run();

    /** The values of an output of the latest run, in the engine's own layout, NHWC for pictures. */
    float[] output(int index);

    @Override
    void close();

    /** How the values of an input or state get into memory, in the layout of the engine. */
    interface Fill {
        void fill(String name, HostTensor memory);
    }

    static Workload open(String engine, int threads, Graph graph, Operands operands) {
        return switch (engine) {
            case TELLTALE -> new TelltaleWorkload(threads, graph, operands, CompileOptions.DEFAULT);
            case TELLTALE_BF16 -> new TelltaleWorkload(threads, graph, operands, new CompileOptions(Precision.BF16));
            case ONNX_RUNTIME -> new OnnxRuntimeWorkload(threads, graph, operands);
            case LIBTORCH -> new LibtorchWorkload(threads, graph, operands, false);
            case LIBTORCH_BF16 -> new LibtorchWorkload(threads, graph, operands, true);
            default ->
                throw new IllegalArgumentException(
                        "engine '" + engine + "' is not one of " + String.join(", ", ENGINES));
        };
    }

    /** The same, after its outputs have been compared with Telltale's; a difference is an {@link IllegalStateException}. */
    static Workload checked(String engine, int threads, Graph graph, Operands operands) {
        if (engine.equals(TELLTALE)) {
            return open(engine, threads, graph, operands);
        }
        float[][] expected = new float[graph.outputs().size()][];
        try (Workload ours = open(TELLTALE, threads, graph, operands)) {
            ours.run();
            for (int i = 0; i < expected.length; i++) {
                expected[i] = ours.output(i);
            }
        }
        Workload peer = open(engine, threads, graph, operands);
        peer.run();
        double tolerance = engine.equals(TELLTALE_BF16) || engine.equals(LIBTORCH_BF16) ? TOLERANCE_BF16 : TOLERANCE;
        for (int i = 0; i < expected.length; i++) {
            double difference = difference(expected[i], peer.output(i));
            if (!(difference <= tolerance)) {
                peer.close();
                throw new IllegalStateException(graph.name() + ": " + engine + " differs from " + TELLTALE + " by "
                        + difference + " of the largest magnitude, at most " + tolerance + " is expected");
            }
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
