package org.telltale.engine.testing;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.autograd.ClipByGlobalNorm;
import org.telltale.engine.nn.Bahdanau;
import org.telltale.engine.nn.BatchNorm;
import org.telltale.engine.nn.Dropout;
import org.telltale.engine.nn.L2Normalise;
import org.telltale.engine.nn.Losses;
import org.telltale.engine.nn.SqueezeExcite;
import tools.jackson.databind.JsonNode;

/** The expression of a case of the operator references: from its op's name, its parameters and its inputs. */
final class GoldenOps {
    private final String op;
    private final JsonNode params;
    private final Map<String, Tensor> inputs;
    private final JsonNode outputs;

    private GoldenOps(JsonNode c, Map<String, Tensor> inputs) {
        this.op = c.get("op").stringValue();
        this.params = c.get("params");
        this.inputs = inputs;
        this.outputs = c.get("outputs");
    }

    /** The outputs of a case by name. */
    static Map<String, Tensor> build(JsonNode c, Map<String, Tensor> inputs) {
        return new GoldenOps(c, inputs).build();
    }

    private Map<String, Tensor> build() {
        return switch (op) {
            case "batch_norm" -> batchNorm();
            case "bahdanau_attention" -> {
                Bahdanau.Attended a =
                        Bahdanau.of(in("f"), in("h"), in("w1"), in("b1"), in("w2"), in("b2"), in("v"), in("bv"));
                yield Map.of("context", a.context(), "weights", a.weights());
            }
            case "clip_by_global_norm" -> {
                ClipByGlobalNorm clip = ClipByGlobalNorm.of(List.copyOf(inputs.values()), number("clipNorm"));
                Map<String, Tensor> out = new LinkedHashMap<>(Map.of("norm", clip.norm()));
                for (int i = 0; i < clip.gradients().size(); i++) {
                    out.put("c" + (i + 1), clip.gradients().get(i));
                }
                yield out;
            }
            case "slice" -> params.has("parts") ? split() : Map.of("y", slice());
            default -> Map.of("y", single());
        };
    }

    private Tensor single() {
        return switch (op) {
            case "activation" -> in("x").activate(activation());
            case "exp", "log", "sqrt", "rsqrt", "square", "reciprocal", "neg", "erf", "abs" ->
                in("x").unary(Primitive.UnaryKind.valueOf(op.toUpperCase(Locale.ROOT)));
            case "add" -> in("a").add(in("b"));
            case "sub" -> in("a").sub(in("b"));
            case "mul" -> in("a").mul(in("b"));
            case "div" -> in("a").div(in("b"));
            case "maximum" -> in("a").maximum(in("b"));
            case "matmul" -> in("a").matmul(in("b"), flag("transposeA"), flag("transposeB"));
            case "linear" -> Tensor.of(new Fused.Linear(activation()), present("x", "w", "b"));
            case "layer_norm" -> Tensor.of(new Fused.LayerNorm(number("eps")), in("x"), in("w"), in("b"));
            case "softmax" -> in("x").softmax(axis());
            case "log_softmax" -> in("x").logSoftmax(axis());
            case "softmax_with_bias" -> in("x").add(in("bias")).softmax(axis());
            case "sum" -> in("x").sum(axes());
            case "mean" -> in("x").mean(axes());
            case "max" -> in("x").max(axis());
            case "argmax" -> in("x").argMax(axis());
            case "attention" -> attention();
            case "conv2d" -> {
                int[] kernel = pair("kernel");
                yield Tensor.of(
                        new Fused.Conv2d(
                                window(kernel[0], kernel[1]),
                                params.get("groups").intValue(),
                                activation()),
                        present("x", "w", "b"));
            }
            case "avg_pool" ->
                pool(
                        params.get("divisor").stringValue().startsWith("real")
                                ? Fused.PoolKind.MEAN_OF_REAL
                                : Fused.PoolKind.MEAN_OF_WINDOW);
            case "max_pool" -> pool(Fused.PoolKind.MAX);
            case "global_mean" -> in("x").mean(1, 2);
            case "embedding" -> in("table").gather(in("ids"));
            case "select" -> {
                int index = params.get("index").intValue();
                Tensor row = in("x").slice(axis(), index, index + 1);
                yield row.reshape(shape("y"));
            }
            case "select_at_argmax" -> selectAtArgMax();
            case "concat" -> Tensor.concat(axis(), inputs.values().toArray(Tensor[]::new));
            case "transpose" ->
                in("x").transpose(IntStream.of(Golden.ints(params.get("permutation")))
                        .boxed()
                        .toList());
            case "broadcast" -> in("x").broadcast(Shape.of(Golden.ints(params.get("shape"))));
            case "pad" -> {
                int[] p = Golden.ints(params.get("padTopBottomLeftRight"));
                yield in("x").pad(1, p[0], p[1], 0).pad(2, p[2], p[3], 0);
            }
            case "dropout" -> Dropout.masked(in("x"), in("keep"), number("rate"));
            case "drop_path" ->
                Dropout.maskedPath(in("x"), in("keep"), number("rate")).add(in("shortcut"));
            case "cross_entropy" -> crossEntropy();
            case "cross_entropy_masked" ->
                Losses.maskedCrossEntropy(
                        in("logits"),
                        in("labels"),
                        params.get("ignore").intValue(),
                        params.get("divisor").stringValue().startsWith("all")
                                ? Losses.Divisor.ALL_ROWS
                                : Losses.Divisor.COUNTED_ROWS);
            case "cross_entropy_from_probabilities" ->
                reduced(Losses.crossEntropyFromProbabilities(in("probabilities"), in("targets")));
            case "binary_cross_entropy" -> Losses.binaryCrossEntropy(in("logits"), in("targets"));
            case "gru_cell" ->
                Tensor.of(new Fused.GruCell(), in("x"), in("h"), in("kernel"), in("recurrent"), in("bias"));
            case "squeeze_excite" -> SqueezeExcite.of(in("x"), in("wr"), in("br"), in("we"), in("be"), Activation.SILU);
            case "l2_normalise" -> {
                if (number("epsilon") != 0) {
                    throw new IllegalArgumentException("l2_normalise with epsilon " + params.get("epsilon"));
                }
                yield L2Normalise.of(in("x"));
            }
            case "interpolate_positions" -> interpolatePositions();
            default -> throw new IllegalArgumentException("this test knows no op '" + op + "'");
        };
    }

    private Map<String, Tensor> batchNorm() {
        Tensor x = in("x");
        String mode = params.get("mode").stringValue();
        if (mode.equals("inference")) {
            return Map.of(
                    "y",
                    Tensor.of(
                            new Fused.BatchNorm(number("eps")),
                            x,
                            in("gamma"),
                            in("beta"),
                            in("moving_mean"),
                            in("moving_variance")));
        }
        if (!mode.equals("training")) {
            throw new IllegalArgumentException("batch_norm in mode '" + mode + "'");
        }
        boolean torch = params.has("torchMomentum");
        double momentum = torch
                ? 1 - params.get("torchMomentum").doubleValue()
                : params.get("momentum").doubleValue();
        BatchNorm.Trained t = BatchNorm.train(
                x,
                in("gamma"),
                in("beta"),
                in("moving_mean"),
                in("moving_variance"),
                momentum,
                number("eps"),
                torch ? BatchNorm.MovingVariance.UNBIASED : BatchNorm.MovingVariance.BIASED);
        return Map.of("y", t.output(), "new_moving_mean", t.mean(), "new_moving_variance", t.variance());
    }

    private Tensor attention() {
        Fused.Masking masking = inputs.containsKey("mask")
                ? Fused.Masking.KEYS
                : inputs.containsKey("bias") ? Fused.Masking.BIAS : Fused.Masking.NONE;
        return Tensor.of(
                new Fused.Attention(
                        params.get("heads").intValue(),
                        number("scale"),
                        flag("causal"),
                        params.get("offset").intValue(),
                        masking),
                present("q", "k", "v", "mask", "bias"));
    }

    private Tensor crossEntropy() {
        if (inputs.containsKey("targets")) {
            return Losses.softCrossEntropy(in("logits"), in("targets"));
        }
        if (params.has("labelSmoothing")) {
            return Losses.smoothedCrossEntropy(in("logits"), in("labels"), number("labelSmoothing"));
        }
        return params.get("reduction").stringValue().equals("none")
                ? Losses.crossEntropyPerRow(in("logits"), in("labels"))
                : Losses.crossEntropy(in("logits"), in("labels"));
    }

    private Tensor reduced(Tensor rows) {
        return params.get("reduction").stringValue().equals("none") ? rows : rows.mean(0);
    }

    /** The row of x [B, T, W] at the first largest of ids [B, T]. */
    private Tensor selectAtArgMax() {
        Tensor x = in("x");
        Tensor ids = in("ids").toFloat();
        Tensor chosen = Tensor.iota(1, ids.shape())
                .equal(ids.argMax(1).toFloat().reshape(x.dim(0), 1))
                .reshape(x.dim(0), x.dim(1), 1);
        return x.mul(chosen).sum(1);
    }

    private Tensor interpolatePositions() {
        Tensor p = in("positions");
        int[] from = Golden.ints(params.get("from"));
        int[] to = Golden.ints(params.get("to"));
        Tensor table = p.reshape(p.dim(1), p.dim(2));
        Tensor grid = Tensor.of(
                new Primitive.ResampleGrid(from[0], from[1], to[0], to[1], false), table.slice(0, 1, table.dim(0)));
        return Tensor.concat(0, table.slice(0, 0, 1), grid).reshape(shape("y"));
    }

    private Tensor slice() {
        Tensor x = in("x");
        for (int a = 0; a < x.shape().rank(); a++) {
            x = x.slice(a, bound("begin", a, 0), bound("end", a, x.dim(a)));
        }
        return x;
    }

    private int bound(String key, int axis, int absent) {
        JsonNode value = params.get(key).get(axis);
        if (value.isNull()) {
            return absent;
        }
        int v = value.intValue();
        return v < 0 ? v + in("x").dim(axis) : v;
    }

    private Map<String, Tensor> split() {
        Tensor x = in("x");
        int width = x.dim(axis()) / params.get("parts").intValue();
        Map<String, Tensor> out = new LinkedHashMap<>();
        for (String name : outputs.propertyNames()) {
            int at = out.size() * width;
            out.put(name, x.slice(axis(), at, at + width));
        }
        return out;
    }

    private Tensor pool(Fused.PoolKind kind) {
        int[] kernel = pair("kernel");
        return Tensor.of(new Fused.Pool(kind, window(kernel[0], kernel[1])), in("x"));
    }

    private Window window(int height, int width) {
        int[] stride = pair("stride");
        int[] p = Golden.ints(params.get("padTopBottomLeftRight"));
        return new Window(height, width, stride[0], stride[1], p[0], p[1], p[2], p[3]);
    }

    private int[] pair(String key) {
        JsonNode v = params.get(key);
        return v.isArray() ? Golden.ints(v) : new int[] {v.intValue(), v.intValue()};
    }

    private Tensor in(String name) {
        Tensor t = inputs.get(name);
        if (t == null) {
            throw new IllegalArgumentException(op + " without the input '" + name + "'; it has " + inputs.keySet());
        }
        return t;
    }

    private List<Tensor> present(String... names) {
        List<Tensor> out = new ArrayList<>();
        for (String name : names) {
            if (inputs.containsKey(name)) {
                out.add(inputs.get(name));
            }
        }
        return out;
    }

    private Shape shape(String output) {
        return Shape.of(Golden.ints(outputs.get(output).get("shape")));
    }

    private Activation activation() {
        return Activation.valueOf(params.get("activation").stringValue().toUpperCase(Locale.ROOT));
    }

    private boolean flag(String key) {
        return params.path(key).asBoolean(false);
    }

    private float number(String key) {
        return (float) params.get(key).doubleValue();
    }

    private int axis() {
        return params.get("axis").intValue();
    }

    /** The axes of a reduction; without any, those that the output lacks at the end. */
    private int[] axes() {
        JsonNode axis = params.get("axis");
        if (axis.isNull()) {
            return IntStream.range(shape("y").rank(), in("x").shape().rank()).toArray();
        }
        return axis.isArray() ? Golden.ints(axis) : new int[] {axis.intValue()};
    }
}
