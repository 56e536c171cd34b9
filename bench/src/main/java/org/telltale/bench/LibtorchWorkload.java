package org.telltale.bench;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.ParameterStore;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.telltale.engine.Activation;
import org.telltale.engine.Backward;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;

/**
 * A graph of one op run by libtorch, as a TorchScript function that calls the op of the same meaning: {@code linear},
 * {@code conv2d}, {@code scaled_dot_product_attention}, {@code layer_norm}, {@code softmax}. Pictures and kernels are
 * views of NHWC memory, which is libtorch's channels-last layout.
 */
final class LibtorchWorkload implements Workload {
    /** Arrays made of native memory borrow it. */
    private final Arena arena = Arena.ofShared();

    private final NDManager manager;
    private final Model model;
    private final NDList operands;
    private final ParameterStore parameters;
    private NDList result = new NDList();

    LibtorchWorkload(int threads, Graph graph, Operands source) {
        Tensor y = graph.outputs().getFirst();
        if (graph.outputs().size() != 1
                || !(y.op() instanceof Fused op)
                || y.inputs().stream().anyMatch(t -> !(t.op() instanceof Primitive.Leaf))) {
            throw new IllegalArgumentException(graph.name() + ": libtorch runs graphs of one op over leaves, not " + y);
        }
        System.setProperty("ai.djl.offline", "true");
        manager = NDManager.newBaseManager(Device.cpu(), "PyTorch");
        JniUtils.setNumThreads(threads);
        JniUtils.setGradMode(false);
        parameters = new ParameterStore(manager, false);
        operands = new NDList();
        for (Tensor t : y.inputs()) {
            operands.add(array(read(t, source, arena), kernel(op, t, y)));
        }
        model = load(TorchScript.archive(y.inputs().size(), expression(op, y)));
    }

    private static Model load(byte[] archive) {
        try {
            Path folder = Files.createTempDirectory("telltale-bench");
            Path file = Files.write(folder.resolve("function.pt"), archive);
            Model model = Model.newInstance("function", Device.cpu(), "PyTorch");
            model.load(folder, "function");
            Files.delete(file);
            Files.delete(folder);
            return model;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        } catch (MalformedModelException e) {
            throw new IllegalStateException("libtorch: " + e.getMessage(), e);
        }
    }

    private static HostTensor read(Tensor t, Operands source, Arena arena) {
        if (t.op() instanceof Primitive.Weight w) {
            return source.read(w.name(), arena);
        }
        HostTensor values = HostTensor.allocate(arena, t.dtype(), t.shape());
        source.fill((Primitive.Input) t.op(), values);
        return values;
    }

    private static boolean kernel(Fused op, Tensor t, Tensor y) {
        return op instanceof Fused.Conv2d && t == y.inputs().get(1);
    }

    /** The values as an array of libtorch's; of a kernel [O, C, h, w], its channels-last form [O, h, w, C]. */
    private NDArray array(HostTensor t, boolean kernel) {
        if (t.dtype() != DType.F32) {
            throw new IllegalArgumentException("libtorch: an operand is " + t.dtype() + ", expected F32");
        }
        long[] dims = Arrays.stream(t.shape().dims()).asLongStream().toArray();
        NDArray plain = manager.create(
                t.data().asByteBuffer().order(ByteOrder.nativeOrder()),
                new ai.djl.ndarray.types.Shape(dims),
                DataType.FLOAT32);
        return kernel ? plain.transpose(0, 2, 3, 1).reshape(dims[0], dims[2], dims[3], dims[1]) : plain;
    }

    private static String expression(Fused op, Tensor y) {
        List<Tensor> in = y.inputs();
        return switch (op) {
            case Fused.Activate a -> activation(a.activation(), "x0");
            case Fused.Linear l ->
                activation(l.activation(), "torch.linear(x0, x1, " + (in.size() > 2 ? "x2" : "None") + ")");
            case Fused.LayerNorm n ->
                "torch.layer_norm(x0, [" + y.dim(-1) + "], x1, x2, " + real(n.epsilon()) + ", False)";
            case Fused.Softmax s -> "torch.softmax(x0, " + y.shape().axis(s.axis()) + ")";
            case Fused.Attention a -> attention(a, y);
            case Fused.Conv2d c -> convolution(c, in);
            case Fused.LogSoftmax s -> throw unsupported(op);
            case Fused.CachedAttention s -> throw unsupported(op);
            case Fused.Pool p -> throw unsupported(op);
            case Fused.BatchNorm b -> throw unsupported(op);
            case Fused.GruCell g -> throw unsupported(op);
            case Fused.CrossEntropy c -> throw unsupported(op);
            case Fused.Pointwise p -> throw unsupported(op);
            case Backward b -> throw unsupported(op);
        };
    }

    private static IllegalArgumentException unsupported(Fused op) {
        return new IllegalArgumentException("libtorch: no form for the op " + op.word());
    }

    private static String attention(Fused.Attention a, Tensor y) {
        if (a.masking() != Fused.Masking.NONE || a.offset() != 0) {
            throw unsupported(a);
        }
        List<String> heads = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            Shape s = y.inputs().get(i).shape();
            heads.add("torch.transpose(torch.view(x" + i + ", [" + s.dim(0) + ", " + s.dim(1) + ", " + a.heads() + ", "
                    + s.dim(2) / a.heads() + "]), 1, 2)");
        }
        String attended = "torch.scaled_dot_product_attention(" + String.join(", ", heads) + ", None, 0., "
                + (a.causal() ? "True" : "False") + ", scale=" + real(a.scale()) + ")";
        return "torch.reshape(torch.transpose(" + attended + ", 1, 2), " + y.shape() + ")";
    }

    private static String convolution(Fused.Conv2d c, List<Tensor> in) {
        Window w = c.window();
        boolean even = w.top() == w.bottom() && w.left() == w.right();
        String x = "torch.permute(x0, [0, 3, 1, 2])";
        if (!even) {
            x = "torch.constant_pad_nd(" + x + ", [" + w.left() + ", " + w.right() + ", " + w.top() + ", " + w.bottom()
                    + "], 0.)";
        }
        String y = "torch.conv2d(" + x + ", torch.permute(x1, [0, 3, 1, 2]), " + (in.size() > 2 ? "x2" : "None") + ", ["
                + w.strideHeight() + ", " + w.strideWidth() + "], [" + (even ? w.top() : 0) + ", "
                + (even ? w.left() : 0) + "], [1, 1], " + c.groups() + ")";
        return "torch.permute(" + activation(c.activation(), y) + ", [0, 2, 3, 1])";
    }

    private static String activation(Activation activation, String x) {
        return switch (activation) {
            case NONE -> x;
            case RELU -> "torch.relu(" + x + ")";
            case RELU6 -> "torch.clamp(" + x + ", 0., 6.)";
            case GELU_ERF -> "torch.gelu(" + x + ")";
            case GELU_TANH -> "torch.gelu(" + x + ", approximate=\"tanh\")";
            case SILU -> "torch.silu(" + x + ")";
            case SIGMOID -> "torch.sigmoid(" + x + ")";
            case TANH -> "torch.tanh(" + x + ")";
            case QUICK_GELU -> throw new IllegalArgumentException("libtorch: no op for QUICK_GELU");
        };
    }

    private static String real(float value) {
        return String.format(Locale.ROOT, "%.9e", value);
    }

    @Override
    public void run() {
        result.close();
        result = model.getBlock().forward(parameters, operands, false);
    }

    @Override
    public float[] output() {
        return result.getFirst().toFloatArray();
    }

    @Override
    public void close() {
        result.close();
        model.close();
        manager.close();
        arena.close();
    }
}
