package org.telltale.models;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.io.Weights;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.engine.spi.NaiveBackend;

/** Compiles and runs named expressions once, for tests. */
final class Run {
    private Run() {}

    /**
     * The backends that small models are tested on: the naive reference, and those that an application would find;
     * {@code -Dtelltale.backends=naive,cpu,gpu} leaves some out.
     */
    static List<Backend> backends() {
        List<String> wanted =
                List.of(System.getProperty("telltale.backends", "naive,cpu,gpu").split(","));
        List<Backend> all = new ArrayList<>();
        if (wanted.contains("naive")) {
            all.add(new NaiveBackend());
        }
        for (Backend.Provider p : ServiceLoader.load(Backend.Provider.class)) {
            if (wanted.contains(p.device())) {
                p.unavailable().ifPresent(why -> {
                    throw new IllegalStateException("backend " + p.device() + " cannot be tested: " + why);
                });
                all.add(p.open(2));
            }
        }
        return all;
    }

    static Params params(Weights weights) {
        return Params.of("the checkpoint", weights.names(), weights::shape, weights::dtype);
    }

    /** The values of the outputs by name, in the arena. */
    static Map<String, HostTensor> outputs(
            Backend backend,
            Weights weights,
            Map<String, HostTensor> inputs,
            Map<String, Tensor> outputs,
            Arena arena) {
        Map<String, Tensor> ordered = new LinkedHashMap<>(outputs);
        Graph graph = Graph.of("test", List.copyOf(ordered.values()), Map.of());
        Map<String, HostTensor> values = new HashMap<>();
        try (Executable e = backend.compile(graph, weights, CompileOptions.DEFAULT)) {
            inputs.forEach((name, value) -> e.input(name).copyFrom(value));
            e.run();
            int i = 0;
            for (Map.Entry<String, Tensor> out : ordered.entrySet()) {
                HostTensor copy = HostTensor.allocate(
                        arena, out.getValue().dtype(), out.getValue().shape());
                copy.copyFrom(e.output(i++));
                values.put(out.getKey(), copy);
            }
        }
        return values;
    }

    /** I64 values as the I32 that graphs index with. */
    static HostTensor ints(HostTensor from, Arena arena) {
        HostTensor to = HostTensor.allocate(arena, DType.I32, from.shape());
        for (long i = 0; i < from.size(); i++) {
            to.setInt(i, Math.toIntExact(from.data().getAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, i)));
        }
        return to;
    }

    /** Unsigned bytes, each as scale * value + shift of its last axis. */
    static HostTensor pixels(HostTensor bytes, double[] scale, double[] shift, Arena arena) {
        HostTensor to = HostTensor.allocate(arena, DType.F32, bytes.shape());
        for (long i = 0; i < bytes.size(); i++) {
            int channel = (int) (i % scale.length);
            int value = Byte.toUnsignedInt(bytes.data().get(ValueLayout.JAVA_BYTE, i));
            to.set(i, (float) (value * scale[channel] + shift[channel]));
        }
        return to;
    }

    /** [N, C, H, W] to [N, H, W, C]. */
    static HostTensor nhwc(HostTensor from, Arena arena) {
        Shape s = from.shape();
        Shape shape = Shape.of(s.dim(0), s.dim(2), s.dim(3), s.dim(1));
        HostTensor to = HostTensor.allocate(arena, DType.F32, shape);
        long place = (long) s.dim(2) * s.dim(3);
        for (long i = 0; i < from.size(); i++) {
            long n = i / (place * s.dim(1));
            long c = i / place % s.dim(1);
            to.set((n * place + i % place) * s.dim(1) + c, from.get(i));
        }
        return to;
    }

    /** [N, H, W, C] to [N, C, H, W]; [N, C] stays as it is. */
    static float[] nchw(HostTensor from) {
        Shape s = from.shape();
        if (s.rank() != 4) {
            return from.toFloats();
        }
        float[] to = new float[(int) from.size()];
        int place = s.dim(1) * s.dim(2);
        for (int i = 0; i < to.length; i++) {
            int n = i / (place * s.dim(3));
            int c = i % s.dim(3);
            to[(n * s.dim(3) + c) * place + i / s.dim(3) % place] = from.get(i);
        }
        return to;
    }
}
