package org.telltale.bench;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.JniUtils;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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

/** Libtorch with some threads: TorchScript functions, and arrays of what their operands hold. */
final class Libtorch implements AutoCloseable {
    /** Arrays made of native memory borrow it. */
    private final Arena arena = Arena.ofShared();

    private final PtNDManager manager;
    private final List<Model> models = new ArrayList<>();

    Libtorch(int threads) {
        System.setProperty("ai.djl.offline", "true");
        manager = (PtNDManager) NDManager.newBaseManager(Device.cpu(), "PyTorch");
        JniUtils.setNumThreads(threads);
    }

    /** Owns the arrays that functions return. */
    PtNDManager manager() {
        return manager;
    }

    /** The function of an archive that {@link TorchScript} wrote. */
    PtSymbolBlock load(byte[] archive) {
        try {
            Path folder = Files.createTempDirectory("telltale-bench");
            Path file = Files.write(folder.resolve("function.pt"), archive);
            Model model = Model.newInstance("function", Device.cpu(), "PyTorch");
            models.add(model);
            model.load(folder, "function");
            Files.delete(file);
            Files.delete(folder);
            return (PtSymbolBlock) model.getBlock();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        } catch (MalformedModelException e) {
            throw new IllegalStateException("libtorch: " + e.getMessage(), e);
        }
    }

    /** The operands of a function, in their order. */
    PtNDArray[] arrays(TorchExport.Function function, Weights source, Workload.Fill fill) {
        Map<Tensor, HostTensor> values = values(function.operands, source, fill);
        return function.operands.stream()
                .map(t -> array(values.get(t), function.kernels.contains(t)))
                .toArray(PtNDArray[]::new);
    }

    /** What the operands hold; what is computed of weights, Telltale computes. */
    private Map<Tensor, HostTensor> values(List<Tensor> operands, Weights source, Workload.Fill fill) {
        Map<Tensor, HostTensor> values = new HashMap<>();
        List<Tensor> computed = new ArrayList<>();
        for (Tensor t : operands) {
            switch (t.op()) {
                case Primitive.Weight w -> values.put(t, source.read(w.name(), arena));
                case Primitive.Input i -> values.put(t, filled(t, i.name(), fill));
                case Primitive.State s -> values.put(t, filled(t, s.name(), fill));
                default -> computed.add(t);
            }
        }
        if (!computed.isEmpty()) {
            try (VectorBackend backend = new VectorBackend(1);
                    Executable e = backend.compile(
                            Graph.of("constants", computed, Map.of()), source, CompileOptions.DEFAULT)) {
                e.run();
                for (int i = 0; i < computed.size(); i++) {
                    HostTensor copy = HostTensor.allocate(
                            arena, DType.F32, computed.get(i).shape());
                    copy.copyFrom(e.output(i));
                    values.put(computed.get(i), copy);
                }
            }
        }
        return values;
    }

    private HostTensor filled(Tensor t, String name, Workload.Fill fill) {
        HostTensor values = HostTensor.allocate(arena, t.dtype(), t.shape());
        fill.fill(name, values);
        return values;
    }

    /** The values as an array; a kernel [O, C, h, w] is a view of its channels-last form [O, h, w, C]. */
    private PtNDArray array(HostTensor t, boolean kernel) {
        if (!kernel) {
            return plain(t, Arrays.stream(t.shape().dims()).asLongStream().toArray());
        }
        Shape s = t.shape();
        long places = s.product(2, 4);
        HostTensor last = HostTensor.allocate(arena, DType.F32, s);
        for (long i = 0; i < t.size(); i++) {
            long place = i % places;
            long channel = i / places % s.dim(1);
            long out = i / (places * s.dim(1));
            last.set((out * places + place) * s.dim(1) + channel, t.get(i));
        }
        NDArray rows = plain(last, s.dim(0), s.dim(2), s.dim(3), s.dim(1));
        return (PtNDArray) rows.transpose(0, 3, 1, 2);
    }

    private PtNDArray plain(HostTensor t, long... dims) {
        return manager.create(
                t.data().asByteBuffer().order(ByteOrder.nativeOrder()),
                new ai.djl.ndarray.types.Shape(dims),
                t.dtype() == DType.I32 ? DataType.INT32 : DataType.FLOAT32);
    }

    @Override
    public void close() {
        models.forEach(Model::close);
        manager.close();
        arena.close();
    }
}
