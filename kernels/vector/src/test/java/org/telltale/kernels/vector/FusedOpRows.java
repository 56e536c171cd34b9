package org.telltale.kernels.vector;

import static org.telltale.kernels.vector.OpRow.ints;
import static org.telltale.kernels.vector.OpRow.of;
import static org.telltale.kernels.vector.OpRow.sized;
import static org.telltale.kernels.vector.OpRow.spread;
import static org.telltale.kernels.vector.OpRow.uniform;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.IntUnaryOperator;
import org.telltale.engine.Activation;
import org.telltale.engine.Backward;
import org.telltale.engine.Fused;
import org.telltale.engine.Op;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Window;
import org.telltale.kernels.vector.OpRow.Operand;
import org.telltale.kernels.vector.OpRow.Tolerance;

/** The rows of every fused op. */
final class FusedOpRows {
    private final List<OpRow> rows = new ArrayList<>();

    private FusedOpRows() {}

    static List<OpRow> all() {
        FusedOpRows r = new FusedOpRows();
        r.activations();
        r.linear();
        r.rowNorms();
        r.attention();
        r.cachedAttention();
        r.convolutions();
        r.pools();
        r.recurrentAndLoss();
        r.gradients();
        r.convolutionGradients();
        r.pointwise();
        return List.copyOf(r.rows);
    }

    private static boolean kinked(Activation activation) {
        return activation == Activation.RELU || activation == Activation.RELU6;
    }

    /** With a bias that is spread, what such factors make stays away from the kinks. */
    private static Operand factor(Activation activation, int... dims) {
        return kinked(activation) ? uniform(-0.05, 0.05, dims) : uniform(-1, 1, dims);
    }

    private static Operand bias(Activation activation, int n) {
        return kinked(activation) ? spread(0.125, n) : uniform(-1, 1, n);
    }

    private void activations() {
        for (Activation a : Activation.values()) {
            rows.add(of(
                    "activate " + a,
                    new Fused.Activate(a),
                    a == Activation.NONE || kinked(a) ? Tolerance.EXACT : Tolerance.FUNCTION,
                    n -> List.of(kinked(a) ? spread(0.125, 2, n) : uniform(-4, 4, 2, n))));
        }
    }

    private void linear() {
        for (Activation a : Activation.values()) {
            Fused.Linear op = new Fused.Linear(a);
            rows.add(of(
                            "linear inner " + a,
                            op,
                            Tolerance.SUM,
                            n -> List.of(factor(a, 4, n), factor(a, 5, n), bias(a, 5)))
                    .terms(n -> n));
            rows.add(of(
                            "linear outputs " + a,
                            op,
                            Tolerance.SUM,
                            n -> List.of(factor(a, 2, 3, 5), factor(a, n, 5), bias(a, n)))
                    .terms(n -> 5));
        }
        Fused.Linear plain = new Fused.Linear(Activation.NONE);
        rows.add(of(
                        "linear without bias",
                        plain,
                        Tolerance.SUM,
                        n -> List.of(uniform(-1, 1, n, 7), uniform(-1, 1, n, 7)))
                .terms(n -> 7));
        rows.add(of(
                        "linear of one row",
                        plain,
                        Tolerance.SUM,
                        n -> List.of(uniform(-1, 1, n), uniform(-1, 1, 9, n), uniform(-1, 1, 9)))
                .terms(n -> n));
        rows.add(of(
                        "linear of many rows",
                        plain,
                        Tolerance.SUM,
                        n -> List.of(uniform(-1, 1, 37, n), uniform(-1, 1, n + 1, n), uniform(-1, 1, n + 1)))
                .terms(n -> n)
                .withoutGradient());
    }

    private void rowNorms() {
        for (float epsilon : new float[] {1e-5f, 1e-12f}) {
            rows.add(of(
                            "layer norm " + epsilon,
                            new Fused.LayerNorm(epsilon),
                            Tolerance.SUM,
                            n -> List.of(spread(0.125, 3, n), uniform(-1, 1, n), uniform(-1, 1, n)))
                    .terms(n -> n));
        }
        for (int axis = 0; axis < 3; axis++) {
            rows.add(of(
                            "softmax over " + axis,
                            new Fused.Softmax(axis),
                            Tolerance.SUM,
                            n -> List.of(uniform(-3, 3, 3, 4, n)))
                    .terms(n -> n));
            rows.add(of(
                            "log softmax over " + axis,
                            new Fused.LogSoftmax(axis),
                            Tolerance.SUM,
                            n -> List.of(uniform(-3, 3, 3, 4, n)))
                    .terms(n -> n));
        }
        rows.add(of(
                        "batch norm",
                        new Fused.BatchNorm(1e-3f),
                        Tolerance.SUM,
                        n -> List.of(
                                uniform(-1, 1, 2, 3, n),
                                uniform(-1, 1, n),
                                uniform(-1, 1, n),
                                uniform(-1, 1, n),
                                uniform(1, 3, n)))
                .terms(n -> 4));
    }

    private void attention() {
        for (boolean causal : new boolean[] {false, true}) {
            attention("", causal, Fused.Masking.NONE, n -> List.of());
            attention("", causal, Fused.Masking.KEYS, n -> List.of(ints(Shape.of(2, 5), 0, 0, 0, 0, 0, 1, 1, 0, 1, 1)));
            attention(" per key", causal, Fused.Masking.BIAS, n -> List.of(uniform(-1, 1, 2, 1, 1, 5)));
            attention(" full", causal, Fused.Masking.BIAS, n -> List.of(uniform(-1, 1, 2, 2, 4, 5)));
            attention(" per query and head", causal, Fused.Masking.BIAS, n -> List.of(uniform(-1, 1, 1, 2, 4, 1)));
        }
        attention(
                " over many keys",
                new Fused.Attention(2, 0.5f, false, 0, Fused.Masking.NONE),
                n -> List.of(uniform(-1, 1, 1, 3, 8), uniform(-1, 1, 1, n, 8), uniform(-1, 1, 1, n, 8)));
        attention(
                " of many queries",
                new Fused.Attention(1, 0.5f, true, 0, Fused.Masking.NONE),
                n -> List.of(uniform(-1, 1, 1, n, 4), uniform(-1, 1, 1, n, 4), uniform(-1, 1, 1, n, 4)));
        attention(
                " over many keys, dropout",
                new Fused.Attention(2, 0.5f, false, 0, Fused.Masking.NONE, 0.25f, 3),
                n -> List.of(
                        uniform(-1, 1, 1, 3, 8),
                        uniform(-1, 1, 1, n, 8),
                        uniform(-1, 1, 1, n, 8),
                        ints(Shape.of(2), 7, 11)));
    }

    private void attention(String what, boolean causal, Fused.Masking masking, IntFunction<List<Operand>> mask) {
        IntFunction<List<Operand>> plain = n -> {
            List<Operand> all = new ArrayList<>(
                    List.of(uniform(-1, 1, 2, 4, 2 * n), uniform(-1, 1, 2, 5, 2 * n), uniform(-1, 1, 2, 5, 2 * n)));
            all.addAll(mask.apply(n));
            return all;
        };
        String name = " " + masking + what + (causal ? ", causal" : "");
        attention(name, new Fused.Attention(2, 0.5f, causal, 1, masking), plain);
        attention(name + ", dropout", new Fused.Attention(2, 0.5f, causal, 1, masking, 0.25f, 3), n -> {
            List<Operand> all = new ArrayList<>(plain.apply(n));
            all.add(ints(Shape.of(2), 7, 11));
            return all;
        });
    }

    /** The op and its gradient, for which any y and dy will do. */
    private void attention(String what, Fused.Attention op, IntFunction<List<Operand>> operands) {
        rows.add(of("attention" + what, op, Tolerance.SUM, operands).terms(n -> n));
        rows.add(of("gradient of attention" + what, new Backward.Attention(op), Tolerance.SUM, n -> {
                    List<Operand> all = new ArrayList<>(operands.apply(n));
                    int[] dims = all.getFirst().shape().dims();
                    all.add(uniform(-1, 1, dims));
                    all.add(uniform(-1, 1, dims));
                    return all;
                })
                .terms(n -> n)
                .withoutGradient());
    }

    private void cachedAttention() {
        Fused.CachedAttention op = new Fused.CachedAttention(2, 0.5f);
        rows.add(of(
                        "cached attention, head width",
                        op,
                        Tolerance.SUM,
                        n -> List.of(
                                uniform(-1, 1, 3, 2 * n),
                                uniform(-1, 1, 7, 2 * n),
                                uniform(-1, 1, 7, 2 * n),
                                ints(Shape.of(3, 4), 6, 0, 0, 0, 1, 4, 3, 6, 2, 2, 5, 0),
                                ints(Shape.of(3), 1, 4, 3)))
                .terms(n -> n));
        rows.add(of(
                        "cached attention, slots",
                        op,
                        Tolerance.SUM,
                        n -> List.of(
                                uniform(-1, 1, 3, 6),
                                uniform(-1, 1, 7, 6),
                                uniform(-1, 1, 7, 6),
                                ints(Shape.of(3, n), 6, 0, 1, 4, 3),
                                ints(Shape.of(3), 1, n, (n + 1) / 2)))
                .terms(n -> n));
    }

    private void convolutions() {
        Window pointwise = Window.valid(1, 1);
        for (Activation a : Activation.values()) {
            convolution(
                    "pointwise " + a,
                    pointwise,
                    a,
                    n -> 1,
                    n -> List.of(factor(a, 1, 2, 3, 5), factor(a, n, 5, 1, 1), bias(a, n)),
                    n -> 5);
            convolution(
                    "depthwise " + a,
                    Window.same(3, 1, 3, 4),
                    a,
                    n -> n,
                    n -> List.of(factor(a, 1, 3, 4, n), factor(a, n, 1, 3, 3), bias(a, n)),
                    n -> 9);
        }
        List<Window> windows = List.of(
                Window.same(3, 1, 5, 6),
                Window.same(3, 2, 5, 6),
                Window.same(5, 2, 5, 6),
                new Window(1, 3, 1, 1, 0, 0, 1, 1),
                new Window(3, 1, 2, 1, 0, 1, 0, 0),
                new Window(2, 2, 2, 2, 0, 1, 0, 0));
        for (Window w : windows) {
            int kh = w.kernelHeight();
            int kw = w.kernelWidth();
            Activation none = Activation.NONE;
            convolution(
                    w + " to n",
                    w,
                    none,
                    n -> 1,
                    n -> List.of(uniform(-1, 1, 1, 5, 6, 3), uniform(-1, 1, n, 3, kh, kw)),
                    n -> 3 * kh * kw);
            convolution(
                    w + " from n",
                    w,
                    none,
                    n -> 1,
                    n -> List.of(uniform(-1, 1, 2, 5, 6, n), uniform(-1, 1, 4, n, kh, kw), uniform(-1, 1, 4)),
                    n -> n * kh * kw);
            convolution(
                    w + " depthwise",
                    w,
                    none,
                    n -> n,
                    n -> List.of(uniform(-1, 1, 2, 5, 6, n), uniform(-1, 1, n, 1, kh, kw)),
                    n -> kh * kw);
        }
        convolution(
                "in two groups",
                windows.getFirst(),
                Activation.NONE,
                n -> 2,
                n -> List.of(uniform(-1, 1, 1, 5, 6, 2 * n), uniform(-1, 1, 4, n, 3, 3), uniform(-1, 1, 4)),
                n -> 9 * n);
        convolution(
                "stride without overlap",
                Window.valid(2, 2),
                Activation.NONE,
                n -> 1,
                n -> List.of(uniform(-1, 1, 1, 4, 4, 3), uniform(-1, 1, n, 3, 2, 2), uniform(-1, 1, n)),
                n -> 12);
        convolution(
                "pointwise stride 2",
                Window.valid(1, 2),
                Activation.NONE,
                n -> 1,
                n -> List.of(uniform(-1, 1, 1, 3, 5, 4), uniform(-1, 1, n, 4, 1, 1)),
                n -> 4);
    }

    private void convolution(
            String what,
            Window w,
            Activation a,
            IntUnaryOperator groups,
            IntFunction<List<Operand>> operands,
            IntUnaryOperator terms) {
        rows.add(sized("conv " + what, n -> new Fused.Conv2d(w, groups.applyAsInt(n), a), Tolerance.SUM, operands)
                .terms(terms));
    }

    private void pools() {
        List<Window> windows = List.of(
                Window.valid(2, 2),
                Window.same(3, 1, 4, 6),
                Window.same(3, 2, 4, 6),
                new Window(2, 3, 1, 2, 1, 0, 0, 2));
        for (Window w : windows) {
            for (Fused.PoolKind kind : Fused.PoolKind.values()) {
                rows.add(of(
                                "pool " + kind + " " + w,
                                new Fused.Pool(kind, w),
                                kind == Fused.PoolKind.MAX ? Tolerance.EXACT : Tolerance.SUM,
                                n -> List.of(
                                        kind == Fused.PoolKind.MAX
                                                ? spread(0.125, 1, 4, 6, n)
                                                : uniform(-1, 1, 2, 4, 6, n)))
                        .terms(n -> 9));
            }
        }
        rows.add(of(
                        "pool MAX below zero",
                        new Fused.Pool(Fused.PoolKind.MAX, Window.same(3, 1, 4, 6)),
                        Tolerance.EXACT,
                        n -> List.of(uniform(-3, -1, 1, 4, 6, n)))
                .withoutGradient());
    }

    private void recurrentAndLoss() {
        rows.add(of(
                        "gru cell, units",
                        new Fused.GruCell(),
                        Tolerance.SUM,
                        n -> List.of(
                                uniform(-1, 1, 3, 5),
                                uniform(-1, 1, 3, n),
                                uniform(-1, 1, 5, 3 * n),
                                uniform(-1, 1, n, 3 * n),
                                uniform(-1, 1, 2, 3 * n)))
                .terms(n -> n + 5));
        rows.add(of(
                        "gru cell, inputs",
                        new Fused.GruCell(),
                        Tolerance.SUM,
                        n -> List.of(
                                uniform(-1, 1, 2, n),
                                uniform(-1, 1, 2, 3),
                                uniform(-1, 1, n, 9),
                                uniform(-1, 1, 3, 9),
                                uniform(-1, 1, 2, 9)))
                .terms(n -> n + 3));
        rows.add(of(
                        "cross-entropy",
                        new Fused.CrossEntropy(),
                        Tolerance.SUM,
                        n -> List.of(uniform(-3, 3, 4, n), ints(Shape.of(4), n, -100, 0, n - 1)))
                .terms(n -> n));
    }

    private void gradients() {
        for (float epsilon : new float[] {1e-5f, 1e-12f}) {
            rows.add(of(
                            "gradient of layer norm " + epsilon,
                            new Backward.LayerNorm(epsilon),
                            Tolerance.SUM,
                            n -> List.of(spread(0.125, 3, n + 1), uniform(-1, 1, n + 1), uniform(-1, 1, 3, n + 1)))
                    .terms(n -> n + 1)
                    .withoutGradient());
            rows.add(of(
                            "gradient of layer norm's scale " + epsilon,
                            new Backward.LayerNormScale(epsilon),
                            Tolerance.SUM,
                            n -> List.of(spread(0.125, n, 7), uniform(-1, 1, n, 7)))
                    .terms(n -> n)
                    .withoutGradient());
        }
        rows.add(of(
                        "gradient of layer norm's scale, width",
                        new Backward.LayerNormScale(1e-5f),
                        Tolerance.SUM,
                        n -> List.of(spread(0.125, 37, n + 1), uniform(-1, 1, 37, n + 1)))
                .terms(n -> 37)
                .withoutGradient());
    }

    private void convolutionGradients() {
        List<Window> windows = List.of(
                Window.valid(1, 1),
                Window.valid(1, 2),
                Window.same(3, 1, 5, 6),
                Window.same(3, 2, 5, 6),
                Window.same(5, 1, 5, 6),
                Window.same(5, 2, 5, 6),
                new Window(1, 3, 1, 1, 0, 0, 1, 1),
                new Window(3, 1, 2, 1, 0, 1, 0, 0),
                new Window(2, 2, 3, 3, 1, 0, 2, 0));
        for (Window w : windows) {
            int kh = w.kernelHeight();
            int kw = w.kernelWidth();
            int h = w.outHeight(5);
            int wide = w.outWidth(6);
            int all = 2 * h * wide;
            gradient(
                    "inputs of " + w + " to n",
                    n -> new Backward.ConvInput(w, 1, 5, 6),
                    n -> n * kh * kw,
                    n -> List.of(uniform(-1, 1, n, 3, kh, kw), uniform(-1, 1, 2, h, wide, n)));
            gradient(
                    "inputs of " + w + " from n",
                    n -> new Backward.ConvInput(w, 1, 5, 6),
                    n -> 4 * kh * kw,
                    n -> List.of(uniform(-1, 1, 4, n, kh, kw), uniform(-1, 1, 2, h, wide, 4)));
            gradient(
                    "inputs of " + w + " depthwise",
                    n -> new Backward.ConvInput(w, n, 5, 6),
                    n -> kh * kw,
                    n -> List.of(uniform(-1, 1, n, 1, kh, kw), uniform(-1, 1, 2, h, wide, n)));
            gradient(
                    "weights of " + w + " to n",
                    n -> new Backward.ConvWeight(w, 1),
                    n -> all,
                    n -> List.of(uniform(-1, 1, 2, 5, 6, 3), uniform(-1, 1, 2, h, wide, n)));
            gradient(
                    "weights of " + w + " from n",
                    n -> new Backward.ConvWeight(w, 1),
                    n -> all,
                    n -> List.of(uniform(-1, 1, 2, 5, 6, n), uniform(-1, 1, 2, h, wide, 4)));
            gradient(
                    "weights of " + w + " depthwise",
                    n -> new Backward.ConvWeight(w, n),
                    n -> all,
                    n -> List.of(uniform(-1, 1, 2, 5, 6, n), uniform(-1, 1, 2, h, wide, n)));
        }
        Window w = windows.get(2);
        gradient(
                "inputs of two groups",
                n -> new Backward.ConvInput(w, 2, 5, 6),
                n -> 9 * n,
                n -> List.of(uniform(-1, 1, 4, n, 3, 3), uniform(-1, 1, 1, 5, 6, 4)));
        gradient(
                "weights of two groups",
                n -> new Backward.ConvWeight(w, 2),
                n -> 30,
                n -> List.of(uniform(-1, 1, 1, 5, 6, 2 * n), uniform(-1, 1, 1, 5, 6, 4)));
    }

    private void gradient(
            String what, IntFunction<Op> op, IntUnaryOperator terms, IntFunction<List<Operand>> operands) {
        rows.add(sized("gradient of the " + what, op, Tolerance.SUM, operands)
                .terms(terms)
                .withoutGradient());
    }

    private static Fused.Pointwise.Step step(Op op, Integer... arguments) {
        return new Fused.Pointwise.Step(op, List.of(arguments));
    }

    private void pointwise() {
        Op mul = new Primitive.Binary(Primitive.BinaryKind.MUL);
        Op add = new Primitive.Binary(Primitive.BinaryKind.ADD);
        Op sigmoid = new Primitive.Unary(Primitive.UnaryKind.SIGMOID);
        rows.add(sized(
                "pointwise over rows, columns and single numbers",
                n -> new Fused.Pointwise(
                        Shape.of(2, 3, n),
                        List.of(
                                step(mul, 0, 1),
                                step(new Primitive.Fill(0.5f, Shape.of())),
                                step(add, 4, 5),
                                step(sigmoid, 6),
                                step(mul, 7, 2),
                                step(new Fused.Activate(Activation.TANH), 8),
                                step(add, 9, 3),
                                step(mul, 10, 0))),
                Tolerance.FUNCTION,
                n -> List.of(
                        uniform(-1, 1, 2, 3, n), uniform(-1, 1, n), uniform(-1, 1, 2, 1, 1), uniform(-1, 1, 1, 1))));
        rows.add(sized(
                        "pointwise with random numbers",
                        n -> new Fused.Pointwise(
                                Shape.of(7, n),
                                List.of(
                                        step(new Primitive.RandomUniform(3, Shape.of(7, n)), 1),
                                        step(new Primitive.Binary(Primitive.BinaryKind.GREATER), 0, 2),
                                        step(mul, 3, 0))),
                        Tolerance.EXACT,
                        n -> List.of(uniform(0.25, 1, 7, n), ints(Shape.of(2), 11, 5)))
                .withoutGradient());
    }
}
