package org.telltale.bench;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxTensorLike;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.lang.foreign.Arena;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.io.Weights;

/**
 * A graph exported to ONNX and run by ONNX Runtime: all graph optimisations, as many threads within an op as asked for,
 * inputs and outputs in native memory made once.
 */
final class OnnxRuntimeWorkload implements Workload {
    private final Arena arena = Arena.ofShared();
    private final OrtSession session;
    private final Map<String, OnnxTensor> inputs = new HashMap<>();
    private final Map<String, OnnxTensor> outputs = new HashMap<>();
    private final Map<String, OnnxTensorLike> weights = new HashMap<>();
    private final List<OnnxExport.Port> ports;
    private final List<HostTensor> results = new ArrayList<>();

    OnnxRuntimeWorkload(int threads, Graph graph, Operands operands) {
        this(threads, graph, operands, operands::fill);
    }

    OnnxRuntimeWorkload(int threads, Graph graph, Weights source, Fill fill) {
        OnnxExport.Model model = OnnxExport.of(graph, source, arena);
        ports = model.outputs;
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            OrtEnvironment environment = OrtEnvironment.getEnvironment();
            for (Map.Entry<String, HostTensor> w : model.weights.entrySet()) {
                weights.put(w.getKey(), tensor(environment, w.getValue()));
            }
            options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
            options.setIntraOpNumThreads(threads);
            options.setInterOpNumThreads(1);
            options.addExternalInitializers(weights);
            session = environment.createSession(model.bytes(), options);
            for (OnnxExport.Port in : model.inputs) {
                HostTensor values = HostTensor.allocate(
                        arena, in.tensor().dtype(), in.tensor().shape());
                fill.fill(in.name(), values);
                inputs.put(in.name(), tensor(environment, in.planes() ? toPlanes(values) : values));
            }
            for (OnnxExport.Port out : model.outputs) {
                HostTensor values = HostTensor.allocate(arena, out.tensor().dtype(), out.shape());
                results.add(values);
                outputs.put(out.name(), tensor(environment, values));
            }
        } catch (OrtException e) {
            throw new IllegalStateException(graph.name() + ": ONNX Runtime: " + e.getMessage(), e);
        }
    }

    private static OnnxTensor tensor(OrtEnvironment environment, HostTensor t) throws OrtException {
        long[] dims = Arrays.stream(t.shape().dims()).asLongStream().toArray();
        var bytes = t.data().asByteBuffer().order(ByteOrder.nativeOrder());
        return t.dtype() == DType.I32
                ? OnnxTensor.createTensor(environment, bytes.asIntBuffer(), dims)
                : OnnxTensor.createTensor(environment, bytes.asFloatBuffer(), dims);
    }

    private HostTensor toPlanes(HostTensor x) {
        Shape s = x.shape();
        HostTensor y = HostTensor.allocate(arena, DType.F32, Shape.of(s.dim(0), s.dim(3), s.dim(1), s.dim(2)));
        for (long i = 0; i < x.size(); i++) {
            y.set(plane(s, i), x.get(i));
        }
        return y;
    }

    /** Where the element i of NHWC is in NCHW. */
    private static long plane(Shape s, long i) {
        long places = s.product(1, 3);
        long channel = i % s.dim(3);
        long place = i / s.dim(3) % places;
        return (i / (s.dim(3) * places) * s.dim(3) + channel) * places + place;
    }

    @Override
    public void run() {
        try (OrtSession.Result result = session.run(inputs, outputs)) {
            if (result.size() != outputs.size()) {
                throw new IllegalStateException("ONNX Runtime gave " + result.size() + " outputs");
            }
        } catch (OrtException e) {
            throw new IllegalStateException("ONNX Runtime: " + e.getMessage(), e);
        }
    }

    @Override
    public float[] output(int index) {
        float[] y = results.get(index).toFloats();
        if (!ports.get(index).planes()) {
            return y;
        }
        Shape s = ports.get(index).tensor().shape();
        float[] rows = new float[y.length];
        for (int i = 0; i < y.length; i++) {
            rows[i] = y[(int) plane(s, i)];
        }
        return rows;
    }

    @Override
    public void close() {
        try {
            session.close();
        } catch (OrtException e) {
            throw new IllegalStateException("ONNX Runtime: " + e.getMessage(), e);
        }
        inputs.values().forEach(OnnxTensor::close);
        outputs.values().forEach(OnnxTensor::close);
        weights.values().forEach(OnnxTensorLike::close);
        arena.close();
    }
}
