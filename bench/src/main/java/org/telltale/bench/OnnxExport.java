package org.telltale.bench;

import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.telltale.engine.Activation;
import org.telltale.engine.Backward;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Op;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.io.Weights;

/**
 * Writes a graph as an ONNX model (opset 17), in the forms that exporters write and that ONNX Runtime's optimiser
 * recognises: products with a transposed weight, GELU through Erf, LayerNormalization, attention as two products around a
 * softmax, batch normalisation beside its convolution.
 *
 * <p>A state is an input, and what becomes of it stays within the model.
 *
 * <p>Pictures are NHWC here and NCHW there. A picture stays NCHW from one op to the next, and inputs and outputs that are
 * pictures are NCHW as well ({@link Port#planes}), so that a model holds no transposition that its users would not have.
 * Weights are external initialisers, to be given to the session by name.
 */
final class OnnxExport {
    private static final int OPSET = 17;
    private static final int IR_VERSION = 8;
    private static final int FLOAT = 1;
    private static final int INT32 = 6;
    private static final int INT64 = 7;

    private static final long[] TO_PLANES = {0, 3, 1, 2};
    private static final long[] TO_ROWS = {0, 2, 3, 1};

    private final Weights weights;
    private final Arena arena;
    private final Protobuf graph = new Protobuf();
    private final Map<String, HostTensor> initializers = new LinkedHashMap<>();
    private final List<Port> inputs = new ArrayList<>();

    /** Names of values in the engine's layout, and of pictures as NCHW. */
    private final Map<Tensor, String> rows = new HashMap<>();

    private final Map<Tensor, String> planes = new HashMap<>();

    /** Vectors [N, C] that are pictures [N, C, 1, 1] in the model, as pooled pictures are. */
    private final Map<Tensor, String> pooled = new HashMap<>();

    private final Map<String, String> constants = new HashMap<>();
    private int count;

    /** An input or output; with planes, a picture [N, H, W, C] of the engine is [N, C, H, W] in the model. */
    record Port(String name, Tensor tensor, boolean planes) {
        /** The extents that the model has. */
        Shape shape() {
            Shape s = tensor.shape();
            return planes ? Shape.of(s.dim(0), s.dim(3), s.dim(1), s.dim(2)) : s;
        }
    }

    /** A model without its weights, and the weights, which live in the arena. */
    static final class Model {
        final List<Port> inputs;
        final List<Port> outputs;
        final Map<String, HostTensor> weights;
        private final byte[] bytes;

        private Model(byte[] bytes, List<Port> inputs, List<Port> outputs, Map<String, HostTensor> weights) {
            this.bytes = bytes;
            this.inputs = inputs;
            this.outputs = outputs;
            this.weights = weights;
        }

        byte[] bytes() {
            return bytes;
        }
    }

    private OnnxExport(Weights weights, Arena arena) {
        this.weights = weights;
        this.arena = arena;
    }

    /** The model; throws {@link IllegalArgumentException} naming an op that has no ONNX form here. */
    static Model of(Graph graph, Weights weights, Arena arena) {
        return new OnnxExport(weights, arena).export(graph.lower(t -> known((Fused) t.op(), t)));
    }

    private static boolean known(Fused op, Tensor t) {
        return switch (op) {
            case Fused.Activate a -> true;
            case Fused.Linear l -> true;
            case Fused.LayerNorm n -> true;
            case Fused.Softmax s -> true;
            case Fused.LogSoftmax s -> true;
            case Fused.Attention a -> a.dropout() == 0;
            case Fused.Conv2d c -> true;
            case Fused.Pool p -> true;
            case Fused.BatchNorm b -> t.shape().rank() == 4 || t.shape().rank() == 2;
            case Fused.CachedAttention a -> false;
            case Fused.GruCell g -> false;
            case Fused.CrossEntropy c -> false;
            case Fused.Pointwise p -> false;
            case Backward b -> false;
        };
    }

    private Model export(Graph source) {
        Set<Tensor> pictures = new HashSet<>();
        for (Tensor t : source.nodes()) {
            if (t.op() instanceof Fused.Conv2d || t.op() instanceof Fused.Pool) {
                pictures.add(t.inputs().getFirst());
            }
        }
        Set<Tensor> means = sumsOfMeans(source);
        for (Tensor t : source.nodes()) {
            if (t.op() instanceof Primitive.Input in) {
                input(in.name(), t, pictures.contains(t));
            } else if (t.op() instanceof Primitive.State state) {
                input(state.name(), t, false);
            } else if (!means.contains(t)) {
                emit(t, means);
            }
        }
        List<Port> outputs = new ArrayList<>();
        for (Tensor t : source.outputs()) {
            boolean picture = planes.containsKey(t);
            String name = "output" + outputs.size();
            graph.message(1, node("Identity", name, picture ? planes.get(t) : rows(t)));
            outputs.add(new Port(name, t, picture));
        }
        graph.text(2, source.name());
        inputs.forEach(p -> graph.message(11, valueInfo(p)));
        outputs.forEach(p -> graph.message(12, valueInfo(p)));
        Protobuf model =
                new Protobuf().number(1, IR_VERSION).text(2, "telltale").message(7, graph);
        model.message(8, new Protobuf().text(1, "").number(2, OPSET));
        return new Model(model.toBytes(), List.copyOf(inputs), List.copyOf(outputs), initializers);
    }

    private void input(String name, Tensor t, boolean picture) {
        (picture ? planes : rows).put(t, name);
        inputs.add(new Port(name, t, picture));
    }

    /** Sums over the places of pictures that only a division by their number reads: those are poolings. */
    private static Set<Tensor> sumsOfMeans(Graph source) {
        Map<Tensor, Integer> readers = new HashMap<>();
        source.nodes().forEach(t -> t.inputs().forEach(in -> readers.merge(in, 1, Integer::sum)));
        source.outputs().forEach(t -> readers.merge(t, 1, Integer::sum));
        Set<Tensor> sums = new HashSet<>();
        for (Tensor t : source.nodes()) {
            if (isMean(t) && readers.getOrDefault(t.inputs().getFirst(), 0) == 1) {
                sums.add(t.inputs().getFirst());
            }
        }
        return sums;
    }

    private static boolean isMean(Tensor t) {
        return t.op() instanceof Primitive.Binary b
                && b.kind() == Primitive.BinaryKind.MUL
                && t.inputs().get(0).op() instanceof Primitive.Reduce r
                && r.kind() == Primitive.ReduceKind.SUM
                && r.axes().equals(List.of(1, 2))
                && t.inputs().get(0).inputs().getFirst().shape().rank() == 4
                && t.inputs().get(1).op() instanceof Primitive.Fill f
                && f.value()
                        == 1f / t.inputs().get(0).inputs().getFirst().shape().product(1, 3);
    }

    private void emit(Tensor t, Set<Tensor> means) {
        if (isMean(t) && means.contains(t.inputs().getFirst())) {
            String mean = add(
                    "GlobalAveragePool", planes(t.inputs().getFirst().inputs().getFirst()));
            (t.shape().rank() == 2 ? pooled : planes).put(t, mean);
            return;
        }
        switch (t.op()) {
            case Primitive p -> primitive(t, p);
            case Fused f -> fused(t, f);
        }
    }

    private void primitive(Tensor t, Primitive op) {
        List<Tensor> in = t.inputs();
        switch (op) {
            case Primitive.Input i -> throw new AssertionError("inputs are ports");
            case Primitive.State s -> throw new AssertionError("states are ports");
            // Written where it is first read: a product reads a transposed copy of a weight, a pooling no divisor.
            case Primitive.Weight w -> {}
            case Primitive.Fill f -> {}
            case Primitive.Iota i -> {}
            case Primitive.Detach d -> alias(t, in.getFirst());
            case Primitive.ToFloat f -> rows.put(t, cast(rows(in.getFirst()), FLOAT));
            case Primitive.Unary u -> {
                boolean flat = !planes.containsKey(in.getFirst());
                String x = flat ? rows(in.getFirst()) : planes(in.getFirst());
                (flat ? rows : planes).put(t, unary(u.kind(), x));
            }
            case Primitive.Binary b -> binary(t, b.kind());
            case Primitive.MatMul m ->
                rows.put(t, add("MatMul", turned(in.get(0), m.transposeA()), turned(in.get(1), m.transposeB())));
            case Primitive.Reduce r -> {
                long[] axes = r.axes().stream().mapToLong(Integer::longValue).toArray();
                rows.put(
                        t,
                        switch (r.kind()) {
                            case SUM ->
                                add(
                                        "ReduceSum",
                                        List.of(rows(in.getFirst()), longs(axes)),
                                        integer("keepdims", r.keep() ? 1 : 0));
                            case MAX ->
                                add(
                                        "ReduceMax",
                                        List.of(rows(in.getFirst())),
                                        integers("axes", axes),
                                        integer("keepdims", r.keep() ? 1 : 0));
                        });
            }
            case Primitive.ArgMax a ->
                rows.put(
                        t,
                        cast(
                                add(
                                        "ArgMax",
                                        List.of(rows(in.getFirst())),
                                        integer("axis", in.getFirst().shape().axis(a.axis())),
                                        integer("keepdims", 0)),
                                INT32));
            case Primitive.Reshape r -> reshape(t, in.getFirst());
            case Primitive.Transpose p ->
                rows.put(
                        t,
                        transpose(
                                rows(in.getFirst()),
                                p.order().stream().mapToLong(Integer::longValue).toArray()));
            case Primitive.Broadcast b -> rows.put(t, add("Expand", rows(in.getFirst()), longs(dims(t.shape()))));
            case Primitive.Slice s -> {
                boolean flat = !planes.containsKey(in.getFirst());
                int axis = in.getFirst().shape().axis(s.axis());
                String x = flat ? rows(in.getFirst()) : planes(in.getFirst());
                String y = add("Slice", x, longs(s.begin()), longs(s.end()), longs(flat ? axis : plane(axis)));
                (flat ? rows : planes).put(t, y);
            }
            case Primitive.Pad p -> {
                boolean flat = !planes.containsKey(in.getFirst());
                int axis = in.getFirst().shape().axis(p.axis());
                int at = flat ? axis : plane(axis);
                long[] pads = new long[2 * t.shape().rank()];
                pads[at] = p.before();
                pads[at + t.shape().rank()] = p.after();
                String x = flat ? rows(in.getFirst()) : planes(in.getFirst());
                (flat ? rows : planes).put(t, add("Pad", x, longs(pads), floats(Shape.of(), p.value())));
            }
            case Primitive.Concat c -> {
                boolean flat = in.stream().noneMatch(planes::containsKey);
                int axis = t.shape().axis(c.axis());
                List<String> parts =
                        in.stream().map(x -> flat ? rows(x) : planes(x)).toList();
                (flat ? rows : planes).put(t, add("Concat", parts, integer("axis", flat ? axis : plane(axis))));
            }
            case Primitive.Gather g -> rows.put(t, add("Gather", rows(in.get(0)), rows(in.get(1))));
            case Primitive.RandomUniform r -> throw unsupported(op, t);
            case Primitive.ScatterAdd s -> throw unsupported(op, t);
            case Primitive.ScatterRows s -> {
                String slots = add(
                        "Reshape", cast(rows(in.get(2)), INT64), longs(in.get(2).dim(0), 1));
                rows.put(t, add("ScatterND", rows(in.get(0)), slots, rows(in.get(1))));
            }
            case Primitive.Unfold u -> throw unsupported(op, t);
            case Primitive.Fold f -> throw unsupported(op, t);
            case Primitive.ResampleGrid r -> throw unsupported(op, t);
        }
    }

    private void fused(Tensor t, Fused op) {
        List<Tensor> in = t.inputs();
        switch (op) {
            case Fused.Activate a -> {
                boolean flat = !planes.containsKey(in.getFirst());
                String x = flat ? rows(in.getFirst()) : planes(in.getFirst());
                (flat ? rows : planes).put(t, activation(a.activation(), x));
            }
            case Fused.Linear l -> {
                if (convolves(in)) {
                    pooled.put(t, activation(l.activation(), gate(in)));
                } else {
                    rows.put(t, activation(l.activation(), linear(in)));
                }
            }
            case Fused.LayerNorm n ->
                rows.put(
                        t,
                        add(
                                "LayerNormalization",
                                List.of(rows(in.get(0)), rows(in.get(1)), rows(in.get(2))),
                                integer("axis", -1),
                                real("epsilon", n.epsilon())));
            case Fused.Softmax s ->
                rows.put(
                        t,
                        add(
                                "Softmax",
                                List.of(rows(in.getFirst())),
                                integer("axis", t.shape().axis(s.axis()))));
            case Fused.LogSoftmax s ->
                rows.put(
                        t,
                        add(
                                "LogSoftmax",
                                List.of(rows(in.getFirst())),
                                integer("axis", t.shape().axis(s.axis()))));
            case Fused.Attention a -> rows.put(t, attention(t, a));
            case Fused.Conv2d c -> {
                List<String> operands = new ArrayList<>(List.of(planes(in.get(0)), rows(in.get(1))));
                if (in.size() > 2) {
                    operands.add(rows(in.get(2)));
                }
                List<Protobuf> attributes = window(c.window());
                attributes.add(integer("group", c.groups()));
                String y = add("Conv", operands, attributes.toArray(Protobuf[]::new));
                planes.put(t, activation(c.activation(), y));
            }
            case Fused.Pool p -> {
                List<Protobuf> attributes = window(p.window());
                String x = planes(in.getFirst());
                planes.put(
                        t,
                        switch (p.kind()) {
                            case MAX -> add("MaxPool", List.of(x), attributes.toArray(Protobuf[]::new));
                            case MEAN_OF_REAL, MEAN_OF_WINDOW -> {
                                boolean padding = p.kind() == Fused.PoolKind.MEAN_OF_WINDOW;
                                attributes.add(integer("count_include_pad", padding ? 1 : 0));
                                yield add("AveragePool", List.of(x), attributes.toArray(Protobuf[]::new));
                            }
                        });
            }
            case Fused.BatchNorm b -> {
                boolean flat = t.shape().rank() == 2;
                List<String> operands = new ArrayList<>();
                operands.add(flat ? rows(in.getFirst()) : planes(in.getFirst()));
                in.subList(1, 5).forEach(x -> operands.add(rows(x)));
                (flat ? rows : planes).put(t, add("BatchNormalization", operands, real("epsilon", b.epsilon())));
            }
            case Fused.CachedAttention a -> throw unsupported(op, t);
            case Fused.GruCell g -> throw unsupported(op, t);
            case Fused.CrossEntropy c -> throw unsupported(op, t);
            case Fused.Pointwise p -> throw unsupported(op, t);
            case Backward b -> throw unsupported(op, t);
        }
    }

    private static IllegalArgumentException unsupported(Op op, Tensor t) {
        return new IllegalArgumentException("ONNX export: no form for the op " + op.word() + " of " + t);
    }

    /** A row of vectors is a Gemm, as exporters write it; a batch of rows is a product with the transposed weight. */
    private String linear(List<Tensor> in) {
        Tensor x = in.get(0);
        Tensor w = in.get(1);
        if (x.shape().rank() == 2) {
            List<String> operands = new ArrayList<>(List.of(rows(x), rows(w)));
            if (in.size() > 2) {
                operands.add(rows(in.get(2)));
            }
            return add("Gemm", operands, integer("transB", 1));
        }
        String y = add("MatMul", rows(x), turned(w, true));
        return in.size() > 2 ? add("Add", y, rows(in.get(2))) : y;
    }

    /** Whether a layer over pooled vectors has the weight of a pointwise convolution: a squeeze-and-excitation gate. */
    private boolean convolves(List<Tensor> in) {
        Tensor w = in.get(1);
        return pooled.containsKey(in.get(0))
                && w.op() instanceof Primitive.Reshape
                && w.inputs().getFirst().op() instanceof Primitive.Weight
                && w.inputs().getFirst().shape().equals(Shape.of(w.dim(0), w.dim(1), 1, 1));
    }

    private String gate(List<Tensor> in) {
        List<String> operands = new ArrayList<>(
                List.of(pooled.get(in.get(0)), rows(in.get(1).inputs().getFirst())));
        if (in.size() > 2) {
            operands.add(rows(in.get(2)));
        }
        return add("Conv", operands, integers("kernel_shape", 1, 1));
    }

    private String attention(Tensor t, Fused.Attention a) {
        List<Tensor> in = t.inputs();
        String q = heads(in.get(0), a.heads(), 0, 2, 1, 3);
        String k = heads(in.get(1), a.heads(), 0, 2, 3, 1);
        String v = heads(in.get(2), a.heads(), 0, 2, 1, 3);
        String scores = add("Mul", add("MatMul", q, k), floats(Shape.of(), a.scale()));
        int queries = t.dim(1);
        int keys = in.get(1).dim(1);
        switch (a.masking()) {
            case NONE -> {}
            case BIAS -> scores = add("Add", scores, rows(in.get(3)));
            case KEYS -> {
                String mask = add("Reshape", rows(in.get(3)), longs(t.dim(0), 1, 1, keys));
                String shut = add("Sub", floats(Shape.of(), 1), cast(mask, FLOAT));
                scores = add("Add", scores, add("Mul", shut, floats(Shape.of(), -1e30f)));
            }
        }
        if (a.causal()) {
            float[] later = new float[queries * keys];
            for (int i = 0; i < later.length; i++) {
                later[i] = i % keys > i / keys + a.offset() ? -1e30f : 0;
            }
            scores = add("Add", scores, floats(Shape.of(1, 1, queries, keys), later));
        }
        String y = add("MatMul", add("Softmax", List.of(scores), integer("axis", -1)), v);
        return add("Reshape", transpose(y, 0, 2, 1, 3), longs(dims(t.shape())));
    }

    private String heads(Tensor x, int heads, long... order) {
        String split = add("Reshape", rows(x), longs(x.dim(0), x.dim(1), heads, x.dim(2) / heads));
        return transpose(split, order);
    }

    private String activation(Activation activation, String x) {
        return switch (activation) {
            case NONE -> x;
            case RELU -> add("Relu", x);
            case RELU6 -> unary(Primitive.UnaryKind.RELU6, x);
            case GELU_ERF -> {
                String erf = add("Erf", add("Div", x, floats(Shape.of(), (float) Math.sqrt(2))));
                String y = add("Mul", x, add("Add", erf, floats(Shape.of(), 1)));
                yield add("Mul", y, floats(Shape.of(), 0.5f));
            }
            case GELU_TANH -> {
                String cube = add("Mul", add("Pow", x, floats(Shape.of(), 3)), floats(Shape.of(), 0.044715f));
                String inner = add("Mul", add("Add", x, cube), floats(Shape.of(), (float) Math.sqrt(2 / Math.PI)));
                String half = add("Mul", x, floats(Shape.of(), 0.5f));
                yield add("Mul", half, add("Add", add("Tanh", inner), floats(Shape.of(), 1)));
            }
            case QUICK_GELU -> add("Mul", x, add("Sigmoid", add("Mul", x, floats(Shape.of(), 1.702f))));
            case SILU -> add("Mul", x, add("Sigmoid", x));
            case SIGMOID -> add("Sigmoid", x);
            case TANH -> add("Tanh", x);
        };
    }

    private String unary(Primitive.UnaryKind kind, String x) {
        return switch (kind) {
            case NEG -> add("Neg", x);
            case ABS -> add("Abs", x);
            case SQUARE -> add("Mul", x, x);
            case SQRT -> add("Sqrt", x);
            case RSQRT -> add("Reciprocal", add("Sqrt", x));
            case RECIPROCAL -> add("Reciprocal", x);
            case EXP -> add("Exp", x);
            case LOG -> add("Log", x);
            case ERF -> add("Erf", x);
            case TANH -> add("Tanh", x);
            case SIGMOID -> add("Sigmoid", x);
            case RELU -> add("Relu", x);
            case RELU6 -> add("Clip", x, floats(Shape.of(), 0), floats(Shape.of(), 6));
        };
    }

    private void binary(Tensor t, Primitive.BinaryKind kind) {
        boolean pictures = t.shape().rank() == 4
                && t.inputs().stream().anyMatch(planes::containsKey)
                && t.inputs().stream()
                        .allMatch(x -> x.shape().rank() == 4 || x.shape().rank() == 0);
        List<String> in = t.inputs().stream()
                .map(x -> pictures && x.shape().rank() == 4 ? planes(x) : rows(x))
                .toList();
        String y = switch (kind) {
            case ADD -> add("Add", in);
            case SUB -> add("Sub", in);
            case MUL -> add("Mul", in);
            case DIV -> add("Div", in);
            case MAXIMUM -> add("Max", in);
            case GREATER -> cast(add("Greater", in), FLOAT);
            case EQUAL -> cast(add("Equal", in), FLOAT);
        };
        (pictures ? planes : rows).put(t, y);
    }

    /** A picture of one place is the same in both layouts. */
    private void reshape(Tensor t, Tensor from) {
        Shape s = t.shape();
        boolean onePlace = s.rank() == 4 && s.dim(1) == 1 && s.dim(2) == 1;
        if (onePlace && pooled.containsKey(from) && s.dim(3) == from.dim(1)) {
            planes.put(t, pooled.get(from));
        } else if (onePlace) {
            planes.put(t, add("Reshape", rows(from), longs(s.dim(0), s.dim(3), 1, 1)));
        } else {
            rows.put(t, add("Reshape", rows(from), longs(dims(s))));
        }
    }

    private void alias(Tensor t, Tensor same) {
        if (planes.containsKey(same)) {
            planes.put(t, planes.get(same));
        } else {
            rows.put(t, rows(same));
        }
    }

    private String rows(Tensor t) {
        String known = rows.get(t);
        if (known != null) {
            return known;
        }
        String name;
        if (t.op() instanceof Primitive.Weight w) {
            initializer(w.name(), weights.read(w.name(), arena));
            name = w.name();
        } else if (t.op() instanceof Primitive.Fill f) {
            float[] values = new float[Math.toIntExact(t.shape().size())];
            Arrays.fill(values, f.value());
            name = floats(t.shape(), values);
        } else if (t.op() instanceof Primitive.Iota iota) {
            float[] values = new float[Math.toIntExact(t.shape().size())];
            long step = t.shape().strides()[iota.axis()];
            for (int k = 0; k < values.length; k++) {
                values[k] = k / step % t.dim(iota.axis());
            }
            name = floats(t.shape(), values);
        } else if (pooled.containsKey(t)) {
            name = add("Reshape", pooled.get(t), longs(dims(t.shape())));
        } else {
            name = transpose(planes.get(t), TO_ROWS);
        }
        rows.put(t, name);
        return name;
    }

    private String planes(Tensor t) {
        return planes.computeIfAbsent(t, x -> transpose(rows(x), TO_PLANES));
    }

    /** The axis of NCHW that an axis of NHWC is. */
    private static int plane(int axis) {
        return axis == 0 ? 0 : axis == 3 ? 1 : axis + 1;
    }

    /** An operand of a product with its last two axes as wanted; a weight is stored transposed. */
    private String turned(Tensor x, boolean transpose) {
        if (!transpose) {
            return rows(x);
        }
        if (x.op() instanceof Primitive.Weight w) {
            String name = w.name() + ".transposed";
            if (!initializers.containsKey(name)) {
                initializer(name, transposed(weights.read(w.name(), arena)));
            }
            return name;
        }
        long[] order = new long[x.shape().rank()];
        for (int i = 0; i < order.length; i++) {
            order[i] = i;
        }
        order[order.length - 1] = order.length - 2L;
        order[order.length - 2] = order.length - 1L;
        return transpose(rows(x), order);
    }

    private HostTensor transposed(HostTensor x) {
        int height = x.shape().dim(0);
        int width = x.shape().dim(1);
        HostTensor y = HostTensor.allocate(arena, DType.F32, Shape.of(width, height));
        int block = 32;
        for (int r = 0; r < height; r += block) {
            for (int c = 0; c < width; c += block) {
                for (int i = r; i < Math.min(r + block, height); i++) {
                    for (int j = c; j < Math.min(c + block, width); j++) {
                        y.set((long) j * height + i, x.get((long) i * width + j));
                    }
                }
            }
        }
        return y;
    }

    private static List<Protobuf> window(Window w) {
        return new ArrayList<>(List.of(
                integers("kernel_shape", w.kernelHeight(), w.kernelWidth()),
                integers("strides", w.strideHeight(), w.strideWidth()),
                integers("pads", w.top(), w.left(), w.bottom(), w.right())));
    }

    private String transpose(String x, long... order) {
        return add("Transpose", List.of(x), integers("perm", order));
    }

    private String cast(String x, int type) {
        return add("Cast", List.of(x), integer("to", type));
    }

    private String add(String op, String... in) {
        return add(op, List.of(in));
    }

    private String add(String op, List<String> in, Protobuf... attributes) {
        String name = op + "." + count++;
        Protobuf node = node(op, name, in.toArray(String[]::new));
        for (Protobuf a : attributes) {
            node.message(5, a);
        }
        graph.message(1, node);
        return name;
    }

    private static Protobuf node(String op, String output, String... in) {
        Protobuf node = new Protobuf();
        for (String x : in) {
            node.text(1, x);
        }
        return node.text(2, output).text(3, output).text(4, op);
    }

    private static Protobuf integer(String name, long value) {
        return new Protobuf().text(1, name).number(3, value).number(20, 2);
    }

    private static Protobuf real(String name, float value) {
        return new Protobuf().text(1, name).real(2, value).number(20, 1);
    }

    private static Protobuf integers(String name, long... values) {
        return new Protobuf().text(1, name).numbers(8, values).number(20, 7);
    }

    private void initializer(String name, HostTensor values) {
        initializers.put(name, values);
        Protobuf t =
                new Protobuf().numbers(1, dims(values.shape())).number(2, FLOAT).text(8, name);
        t.message(13, new Protobuf().text(1, "location").text(2, "weights"));
        graph.message(5, t.number(14, 1));
    }

    private String floats(Shape shape, float... values) {
        ByteBuffer data = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        data.asFloatBuffer().put(values);
        return constant(FLOAT, dims(shape), data.array());
    }

    private String longs(long... values) {
        ByteBuffer data = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        data.asLongBuffer().put(values);
        return constant(INT64, new long[] {values.length}, data.array());
    }

    private String constant(int type, long[] dims, byte[] data) {
        String key = type + Arrays.toString(dims) + java.util.HexFormat.of().formatHex(data);
        return constants.computeIfAbsent(key, k -> {
            String name = "constant." + constants.size();
            graph.message(
                    5,
                    new Protobuf()
                            .numbers(1, dims)
                            .number(2, type)
                            .text(8, name)
                            .bytes(9, data));
            return name;
        });
    }

    private static long[] dims(Shape shape) {
        return Arrays.stream(shape.dims()).asLongStream().toArray();
    }

    private static Protobuf valueInfo(Port port) {
        Protobuf shape = new Protobuf();
        for (long d : dims(port.shape())) {
            shape.message(1, new Protobuf().number(1, d));
        }
        int type = port.tensor.dtype() == DType.I32 ? INT32 : FLOAT;
        Protobuf tensor = new Protobuf().number(1, type).message(2, shape);
        return new Protobuf().text(1, port.name).message(2, new Protobuf().message(1, tensor));
    }
}
