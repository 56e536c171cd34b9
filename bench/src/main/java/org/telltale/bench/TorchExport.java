package org.telltale.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import jdk.incubator.vector.VectorShape;
import org.telltale.engine.Activation;
import org.telltale.engine.Backward;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Op;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.spi.GraphPasses;

/**
 * Writes a graph as a TorchScript function, a statement or a few for each op, with the op of libtorch that means the same:
 * {@code linear}, {@code conv2d}, {@code scaled_dot_product_attention}, {@code layer_norm}, {@code embedding} and so on.
 * Inputs, states, weights and whatever depends on weights alone are operands. Batch normalisation is folded into its
 * convolution, as libtorch's own optimiser of frozen modules does.
 *
 * <p>Pictures are views of NHWC memory, which is libtorch's channels-last layout; they stay [N, C, H, W] to libtorch from
 * one convolution to the next.
 */
final class TorchExport {
    private static final int INT32 = 3;
    private static final int INT64 = 4;
    private static final int NO_REDUCTION = 0;
    static final int FLOAT = 6;
    static final int BFLOAT16 = 15;

    /**
     * With AVX-512 libtorch 2.7.1 computes some small pointwise convolutions wrongly: on a Zen 5, 36 channels of 6 at 18 places and 1280
     * of 32 at 8 are off by half of the largest value, and right with ONEDNN_MAX_CPU_ISA=AVX2. There they are linear layers.
     */
    private static final boolean POINTWISE_IS_LINEAR =
            VectorShape.preferredShape().vectorBitSize() == 512;

    private final int real;
    private final Map<Tensor, String> operands = new LinkedHashMap<>();
    private final List<String> statements = new ArrayList<>();

    /** Names of values in the engine's layout, and of pictures as [N, C, H, W]. */
    private final Map<Tensor, String> rows = new HashMap<>();

    private final Map<Tensor, String> planes = new HashMap<>();
    private final Set<Tensor> constants = new HashSet<>();
    private final Map<Tensor, String> masks = new HashMap<>();
    private final Set<Tensor> kernels = new HashSet<>();

    /** A function: its archive, its operands in order, and which of them are kernels [O, C, h, w] of convolutions. */
    static final class Function {
        final List<Tensor> operands;
        final Set<Tensor> kernels;
        private final byte[] archive;

        private Function(byte[] archive, List<Tensor> operands, Set<Tensor> kernels) {
            this.archive = archive;
            this.operands = operands;
            this.kernels = kernels;
        }

        byte[] archive() {
            return archive;
        }
    }

    private TorchExport(int real) {
        this.real = real;
    }

    /**
     * The function that computes a graph's outputs; a state is written in place.
     *
     * @param real libtorch's number of the type of its real numbers, {@link #FLOAT} or {@link #BFLOAT16}
     * @throws IllegalArgumentException naming an op that has no form here
     */
    static Function of(Graph graph, int real) {
        return new TorchExport(real).export(GraphPasses.foldBatchNorm(graph.lower(t -> known((Fused) t.op()))));
    }

    private static boolean known(Fused op) {
        return switch (op) {
            case Fused.Activate a -> true;
            case Fused.Linear l -> true;
            case Fused.LayerNorm n -> true;
            case Fused.Softmax s -> true;
            case Fused.LogSoftmax s -> true;
            case Fused.Attention a -> !a.causal() || (a.offset() == 0 && a.masking() == Fused.Masking.NONE);
            case Fused.Conv2d c -> true;
            case Fused.Pool p -> true;
            case Fused.BatchNorm b -> true;
            case Fused.CachedAttention a -> false;
            case Fused.GruCell g -> false;
            case Fused.CrossEntropy c -> true;
            case Fused.Pointwise p -> false;
            case Backward b -> false;
        };
    }

    private Function export(Graph graph) {
        graph.updates().forEach((state, next) -> {
            if (!(next.op() instanceof Primitive.ScatterRows) || next.inputs().getFirst() != state) {
                throw new IllegalArgumentException("TorchScript: " + state + " becomes "
                        + next.op().word() + ", expected rows of it to be written");
            }
        });
        for (Tensor t : graph.nodes()) {
            if (isConstant(t)) {
                constants.add(t);
            } else if (t.op() instanceof Primitive.Leaf) {
                operand(t);
            } else {
                emit(t);
            }
        }
        List<String> results = graph.outputs().stream().map(this::rows).toList();
        return new Function(
                TorchScript.archive(List.copyOf(operands.values()), statements, results),
                List.copyOf(operands.keySet()),
                kernels);
    }

    /** Whether a value depends on weights alone. */
    private boolean isConstant(Tensor t) {
        return switch (t.op()) {
            case Primitive.Input i -> false;
            case Primitive.State s -> false;
            case Op op -> constants.containsAll(t.inputs());
        };
    }

    private void emit(Tensor t) {
        switch (t.op()) {
            case Primitive p -> primitive(t, p);
            case Fused f -> fused(t, f);
        }
    }

    private void primitive(Tensor t, Primitive op) {
        List<Tensor> in = t.inputs();
        switch (op) {
            case Primitive.Leaf l -> throw new AssertionError("leaves are operands");
            case Primitive.Detach d -> alias(t, in.getFirst());
            case Primitive.ToFloat f -> set(t, "torch.to", rows(in.getFirst()), real);
            case Primitive.Unary u -> pointwise(t, x -> unary(u.kind(), x));
            case Primitive.Binary b -> binary(t, b.kind());
            case Primitive.MatMul m ->
                set(t, "torch.matmul", turned(in.get(0), m.transposeA()), turned(in.get(1), m.transposeB()));
            case Primitive.Reduce r ->
                set(
                        t,
                        switch (r.kind()) {
                            case SUM -> "torch.sum";
                            case MAX -> "torch.amax";
                        },
                        rows(in.getFirst()),
                        r.axes(),
                        r.keep() ? "True" : "False");
            case Primitive.ArgMax a -> {
                int axis = in.getFirst().shape().axis(a.axis());
                set(t, "torch.to", call("torch.argmax", rows(in.getFirst()), axis), INT32);
            }
            case Primitive.Reshape r -> set(t, "torch.reshape", rows(in.getFirst()), t.shape());
            case Primitive.Transpose p -> set(t, "torch.permute", rows(in.getFirst()), p.order());
            case Primitive.Broadcast b -> set(t, "torch.expand", rows(in.getFirst()), t.shape());
            case Primitive.Slice s -> {
                int axis = in.getFirst().shape().axis(s.axis());
                set(t, "torch.slice", rows(in.getFirst()), axis, s.begin(), s.end());
            }
            case Primitive.Pad p -> {
                // From the last axis backwards, before and after each.
                int[] extents = new int[2 * (t.shape().rank() - t.shape().axis(p.axis()))];
                extents[extents.length - 2] = p.before();
                extents[extents.length - 1] = p.after();
                set(t, "torch.constant_pad_nd", rows(in.getFirst()), Arrays.toString(extents), real(p.value()));
            }
            case Primitive.Concat c ->
                set(
                        t,
                        "torch.cat",
                        in.stream().map(this::rows).toList(),
                        t.shape().axis(c.axis()));
            case Primitive.Gather g -> gather(t, in.get(0), in.get(1));
            case Primitive.ScatterRows s -> {
                String slots = call("torch.to", rows(in.get(2)), INT64);
                boolean inPlace = in.get(0).op() instanceof Primitive.State;
                set(t, inPlace ? "torch.index_copy_" : "torch.index_copy", rows(in.get(0)), 0, slots, rows(in.get(1)));
            }
            case Primitive.RandomUniform r -> throw unsupported(op, t);
            case Primitive.ScatterAdd s -> throw unsupported(op, t);
            case Primitive.Unfold u -> throw unsupported(op, t);
            case Primitive.Fold f -> throw unsupported(op, t);
            case Primitive.ResampleGrid r -> throw unsupported(op, t);
        }
    }

    private void fused(Tensor t, Fused op) {
        List<Tensor> in = t.inputs();
        switch (op) {
            case Fused.Activate a -> pointwise(t, x -> activation(a.activation(), x));
            case Fused.Linear l ->
                rows.put(
                        t,
                        activation(
                                l.activation(), call("torch.linear", rows(in.get(0)), rows(in.get(1)), bias(in, 2))));
            case Fused.LayerNorm n ->
                set(
                        t,
                        "torch.layer_norm",
                        rows(in.get(0)),
                        "[" + t.dim(-1) + "]",
                        rows(in.get(1)),
                        rows(in.get(2)),
                        real(n.epsilon()),
                        "False");
            case Fused.Softmax s ->
                set(t, "torch.softmax", rows(in.getFirst()), t.shape().axis(s.axis()));
            case Fused.LogSoftmax s ->
                set(t, "torch.log_softmax", rows(in.getFirst()), t.shape().axis(s.axis()));
            case Fused.Attention a -> attention(t, a);
            case Fused.Conv2d c -> convolution(t, c);
            case Fused.Pool p -> pool(t, p);
            case Fused.BatchNorm b -> {
                String x = t.shape().rank() == 4 ? planes(in.get(0)) : rows(in.get(0));
                String y = call(
                        "torch.batch_norm",
                        x,
                        rows(in.get(1)),
                        rows(in.get(2)),
                        rows(in.get(3)),
                        rows(in.get(4)),
                        "False",
                        "0.",
                        real(b.epsilon()),
                        "True");
                (t.shape().rank() == 4 ? planes : rows).put(t, y);
            }
            case Fused.CachedAttention a -> throw unsupported(op, t);
            case Fused.GruCell g -> throw unsupported(op, t);
            case Fused.CrossEntropy c ->
                set(
                        t,
                        "torch.cross_entropy_loss",
                        rows(in.get(0)),
                        call("torch.to", rows(in.get(1)), INT64),
                        "None",
                        NO_REDUCTION);
            case Fused.Pointwise p -> throw unsupported(op, t);
            case Backward b -> throw unsupported(op, t);
        }
    }

    private static IllegalArgumentException unsupported(Op op, Tensor t) {
        return new IllegalArgumentException("TorchScript: no form for the op " + op.word() + " of " + t);
    }

    private void attention(Tensor t, Fused.Attention a) {
        List<Tensor> in = t.inputs();
        String mask = switch (a.masking()) {
            case NONE -> "None";
            case KEYS ->
                masks.computeIfAbsent(in.get(3), m -> {
                    String wide = "[" + m.dim(0) + ", 1, 1, " + m.dim(1) + "]";
                    return call("torch.reshape", call("torch.ne", rows(m), 0), wide);
                });
            case BIAS -> rows(in.get(3));
        };
        String y = call(
                "torch.scaled_dot_product_attention",
                heads(in.get(0), a.heads()),
                heads(in.get(1), a.heads()),
                heads(in.get(2), a.heads()),
                mask,
                "0.",
                a.causal() ? "True" : "False",
                "scale=" + real(a.scale()));
        set(t, "torch.reshape", call("torch.transpose", y, 1, 2), t.shape());
    }

    private String heads(Tensor x, int heads) {
        String split = "[" + x.dim(0) + ", " + x.dim(1) + ", " + heads + ", " + x.dim(2) / heads + "]";
        return call("torch.transpose", call("torch.reshape", rows(x), split), 1, 2);
    }

    private void convolution(Tensor t, Fused.Conv2d c) {
        List<Tensor> in = t.inputs();
        Window w = c.window();
        if (POINTWISE_IS_LINEAR && pointwise(w, c.groups())) {
            String weight = call(
                    "torch.reshape",
                    rows(in.get(1)),
                    List.of(t.dim(3), in.get(0).dim(3)));
            rows.put(t, activation(c.activation(), call("torch.linear", rows(in.get(0)), weight, bias(in, 2))));
            return;
        }
        String x = planes(in.get(0));
        boolean even = even(w);
        if (!even) {
            x = call("torch.constant_pad_nd", x, List.of(w.left(), w.right(), w.top(), w.bottom()), "0.");
        }
        if (constants.contains(in.get(1)) || in.get(1).op() instanceof Primitive.State) {
            kernels.add(in.get(1));
        }
        String y = call(
                "torch.conv2d",
                x,
                rows(in.get(1)),
                bias(in, 2),
                List.of(w.strideHeight(), w.strideWidth()),
                List.of(even ? w.top() : 0, even ? w.left() : 0),
                "[1, 1]",
                c.groups());
        planes.put(t, activation(c.activation(), y));
    }

    private static boolean pointwise(Window w, int groups) {
        return w.kernelHeight() == 1
                && w.kernelWidth() == 1
                && w.strideHeight() == 1
                && w.strideWidth() == 1
                && w.top() + w.bottom() + w.left() + w.right() == 0
                && groups == 1;
    }

    private void pool(Tensor t, Fused.Pool p) {
        Window w = p.window();
        if (!even(w)) {
            throw new IllegalArgumentException("TorchScript: no form for the padding of " + t);
        }
        String x = planes(t.inputs().getFirst());
        List<Integer> kernel = List.of(w.kernelHeight(), w.kernelWidth());
        List<Integer> stride = List.of(w.strideHeight(), w.strideWidth());
        List<Integer> padding = List.of(w.top(), w.left());
        planes.put(
                t,
                switch (p.kind()) {
                    case MAX -> call("torch.max_pool2d", x, kernel, stride, padding);
                    case MEAN_OF_REAL -> call("torch.avg_pool2d", x, kernel, stride, padding, "False", "False");
                    case MEAN_OF_WINDOW -> call("torch.avg_pool2d", x, kernel, stride, padding, "False", "True");
                });
    }

    private static boolean even(Window w) {
        return w.top() == w.bottom() && w.left() == w.right();
    }

    private void gather(Tensor t, Tensor table, Tensor ids) {
        if (table.shape().rank() == 2) {
            set(t, "torch.embedding", rows(table), rows(ids));
        } else {
            String flat = call("torch.reshape", rows(ids), "[-1]");
            set(t, "torch.reshape", call("torch.index_select", rows(table), 0, flat), t.shape());
        }
    }

    private String activation(Activation activation, String x) {
        return switch (activation) {
            case NONE -> x;
            case RELU -> call("torch.relu", x);
            case RELU6 -> call("torch.clamp", x, "0.", "6.");
            case GELU_ERF -> call("torch.gelu", x);
            case GELU_TANH -> call("torch.gelu", x, "approximate=\"tanh\"");
            // As the models of Hugging Face write it.
            case QUICK_GELU -> call("torch.mul", x, call("torch.sigmoid", call("torch.mul", x, real(1.702f))));
            case SILU -> call("torch.silu", x);
            case SIGMOID -> call("torch.sigmoid", x);
            case TANH -> call("torch.tanh", x);
        };
    }

    private String unary(Primitive.UnaryKind kind, String x) {
        return switch (kind) {
            case NEG -> call("torch.neg", x);
            case ABS -> call("torch.abs", x);
            case SQUARE -> call("torch.mul", x, x);
            case SQRT -> call("torch.sqrt", x);
            case RSQRT -> call("torch.rsqrt", x);
            case RECIPROCAL -> call("torch.reciprocal", x);
            case EXP -> call("torch.exp", x);
            case LOG -> call("torch.log", x);
            case ERF -> call("torch.erf", x);
            case TANH -> call("torch.tanh", x);
            case SIGMOID -> call("torch.sigmoid", x);
            case RELU -> call("torch.relu", x);
            case RELU6 -> call("torch.clamp", x, "0.", "6.");
        };
    }

    private void binary(Tensor t, Primitive.BinaryKind kind) {
        Tensor a = t.inputs().get(0);
        Tensor b = t.inputs().get(1);
        boolean pictures = planes.containsKey(a) && planes.containsKey(b);
        String x = pictures ? planes(a) : rows(a);
        boolean number = kind != Primitive.BinaryKind.MAXIMUM
                && b.op() instanceof Primitive.Fill
                && b.shape().rank() == 0;
        String y = number ? real(((Primitive.Fill) b.op()).value()) : pictures ? planes(b) : rows(b);
        String result = switch (kind) {
            case ADD -> call("torch.add", x, y);
            case SUB -> call("torch.sub", x, y);
            case MUL -> call("torch.mul", x, y);
            case DIV -> call("torch.div", x, y);
            case MAXIMUM -> call("torch.maximum", x, y);
            case GREATER -> call("torch.to", call("torch.gt", x, y), real);
            case EQUAL -> call("torch.to", call("torch.eq", x, y), real);
        };
        (pictures ? planes : rows).put(t, result);
    }

    private interface Form {
        String of(String x);
    }

    private void pointwise(Tensor t, Form form) {
        Tensor x = t.inputs().getFirst();
        if (planes.containsKey(x)) {
            planes.put(t, form.of(planes(x)));
        } else {
            rows.put(t, form.of(rows(x)));
        }
    }

    private void alias(Tensor t, Tensor same) {
        if (planes.containsKey(same)) {
            planes.put(t, planes(same));
        } else {
            rows.put(t, rows(same));
        }
    }

    private String turned(Tensor x, boolean transpose) {
        return transpose ? call("torch.transpose", rows(x), -1, -2) : rows(x);
    }

    private String bias(List<Tensor> in, int index) {
        return in.size() > index ? rows(in.get(index)) : "None";
    }

    /** The name of a value in the engine's layout. */
    private String rows(Tensor t) {
        String known = rows.get(t);
        if (known != null) {
            return known;
        }
        if (constants.contains(t)) {
            return operand(t);
        }
        String y = call("torch.permute", planes(t), "[0, 2, 3, 1]");
        rows.put(t, y);
        return y;
    }

    /** The name of a picture as [N, C, H, W]. */
    private String planes(Tensor t) {
        String known = planes.get(t);
        if (known == null) {
            known = call("torch.permute", rows(t), "[0, 3, 1, 2]");
            planes.put(t, known);
        }
        return known;
    }

    private String operand(Tensor t) {
        String name = "x" + operands.size();
        operands.put(t, name);
        rows.put(t, name);
        return name;
    }

    private void set(Tensor t, String function, Object... arguments) {
        rows.put(t, call(function, arguments));
    }

    /** A statement, and the name that it assigns. */
    private String call(String function, Object... arguments) {
        String name = "y" + statements.size();
        statements.add(name + " = " + function + "("
                + Arrays.stream(arguments).map(TorchExport::text).collect(Collectors.joining(", ")) + ")");
        return name;
    }

    private static String text(Object argument) {
        return argument instanceof Shape s ? Arrays.toString(s.dims()) : argument.toString();
    }

    private static String real(float value) {
        return String.format(Locale.ROOT, "%.9e", value);
    }
}
