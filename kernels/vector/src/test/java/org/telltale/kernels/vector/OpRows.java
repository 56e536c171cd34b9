package org.telltale.kernels.vector;

import static org.telltale.kernels.vector.OpRow.ints;
import static org.telltale.kernels.vector.OpRow.of;
import static org.telltale.kernels.vector.OpRow.sized;
import static org.telltale.kernels.vector.OpRow.spread;
import static org.telltale.kernels.vector.OpRow.ties;
import static org.telltale.kernels.vector.OpRow.uniform;

import java.util.ArrayList;
import java.util.List;
import org.telltale.engine.DType;
import org.telltale.engine.Primitive;
import org.telltale.engine.Primitive.BinaryKind;
import org.telltale.engine.Primitive.ReduceKind;
import org.telltale.engine.Primitive.UnaryKind;
import org.telltale.engine.Shape;
import org.telltale.engine.Window;
import org.telltale.kernels.vector.OpRow.Operand;
import org.telltale.kernels.vector.OpRow.Tolerance;

/** The rows of every primitive op. */
final class OpRows {
    private final List<OpRow> rows = new ArrayList<>();

    private OpRows() {}

    static List<OpRow> all() {
        OpRows r = new OpRows();
        r.leaves();
        r.unary();
        r.binary();
        r.products();
        r.reductions();
        r.moves();
        r.tables();
        r.windows();
        List<OpRow> all = new ArrayList<>(r.rows);
        all.addAll(FusedOpRows.all());
        return all;
    }

    private void leaves() {
        rows.add(sized(
                "input", n -> new Primitive.Input("leaf", DType.F32, Shape.of(n)), Tolerance.EXACT, n -> List.of()));
        rows.add(sized("weight", n -> new Primitive.Weight("leaf", Shape.of(n)), Tolerance.EXACT, n -> List.of()));
        rows.add(sized("state", n -> new Primitive.State("leaf", Shape.of(n)), Tolerance.EXACT, n -> List.of()));
        rows.add(sized("fill", n -> new Primitive.Fill(1.5f, Shape.of(2, n)), Tolerance.EXACT, n -> List.of()));
        rows.add(sized("iota last", n -> new Primitive.Iota(1, Shape.of(3, n)), Tolerance.EXACT, n -> List.of()));
        rows.add(sized("iota first", n -> new Primitive.Iota(0, Shape.of(n, 3)), Tolerance.EXACT, n -> List.of()));
        rows.add(sized(
                "random uniform",
                n -> new Primitive.RandomUniform(5, Shape.of(3, n)),
                Tolerance.EXACT,
                n -> List.of(ints(Shape.of(2), 7, 11))));
        rows.add(of("detach", new Primitive.Detach(), Tolerance.EXACT, n -> List.of(uniform(-1, 1, n)))
                .withoutGradient());
        rows.add(of(
                "to float",
                new Primitive.ToFloat(),
                Tolerance.EXACT,
                n -> List.of(ints(Shape.of(n), 0, -3, 30521, 1 << 24))));
    }

    private void unary() {
        for (UnaryKind kind : UnaryKind.values()) {
            Tolerance tolerance = switch (kind) {
                case NEG, ABS, SQUARE, SQRT, RECIPROCAL, RELU, RELU6 -> Tolerance.EXACT;
                case RSQRT -> Tolerance.ROUNDED;
                case EXP, LOG, ERF, TANH, SIGMOID -> Tolerance.FUNCTION;
            };
            rows.add(of("unary " + kind, new Primitive.Unary(kind), tolerance, n -> List.of(argument(kind, n))));
            rows.add(of(
                    "unary " + kind + " of rows",
                    new Primitive.Unary(kind),
                    tolerance,
                    n -> List.of(argument(kind, 3, n))));
        }
    }

    private static Operand argument(UnaryKind kind, int... dims) {
        return switch (kind) {
            case NEG, SQUARE -> uniform(-3, 3, dims);
            case SQRT, RSQRT, RECIPROCAL, LOG -> uniform(1, 3, dims);
            case EXP, ERF, TANH, SIGMOID -> uniform(-4, 4, dims);
            case ABS, RELU, RELU6 -> spread(0.125, dims);
        };
    }

    private void binary() {
        for (BinaryKind kind : BinaryKind.values()) {
            binary(kind, "equal shapes", n -> new int[][] {{n}, {n}});
            binary(kind, "a row", n -> new int[][] {{3, n}, {n}});
            binary(kind, "a column", n -> new int[][] {{3, n}, {3, 1}});
            binary(kind, "a row on the left", n -> new int[][] {{n}, {3, n}});
            binary(kind, "a scalar", n -> new int[][] {{n}, {}});
            binary(kind, "a scalar on the left", n -> new int[][] {{}, {n}});
            binary(kind, "both repeat", n -> new int[][] {{4, 1, n}, {1, 5, 1}});
            binary(kind, "a middle axis", n -> new int[][] {{2, 4, n}, {2, 1, n}});
            binary(kind, "an outer axis", n -> new int[][] {{2, n, 3}, {n, 1}});
        }
        for (BinaryKind kind : List.of(BinaryKind.GREATER, BinaryKind.EQUAL, BinaryKind.MAXIMUM)) {
            rows.add(of(
                            "binary " + kind + " with ties",
                            new Primitive.Binary(kind),
                            Tolerance.EXACT,
                            n -> List.of(ties(3, n), ties(n)))
                    .withoutGradient());
        }
    }

    private interface Shapes {
        int[][] at(int n);
    }

    private void binary(BinaryKind kind, String what, Shapes shapes) {
        rows.add(of("binary " + kind + ", " + what, new Primitive.Binary(kind), Tolerance.EXACT, n -> {
            int[] a = shapes.at(n)[0];
            int[] b = shapes.at(n)[1];
            return switch (kind) {
                case ADD, SUB, MUL -> List.of(uniform(-1, 1, a), uniform(-1, 1, b));
                case DIV -> List.of(uniform(-1, 1, a), uniform(1, 3, b));
                case MAXIMUM, GREATER, EQUAL -> List.of(spread(0.125, a), spread(0.25, b));
            };
        }));
    }

    private void products() {
        for (boolean ta : new boolean[] {false, true}) {
            for (boolean tb : new boolean[] {false, true}) {
                String form = (ta ? " aT" : " a") + (tb ? " bT" : " b");
                Primitive.MatMul op = new Primitive.MatMul(ta, tb);
                matmul(op, "inner" + form, n -> List.of(ab(ta, 5, n), ab(tb, n, 7)), n -> n);
                matmul(op, "columns" + form, n -> List.of(ab(ta, 4, 6), ab(tb, 6, n)), n -> 6);
                matmul(op, "rows" + form, n -> List.of(ab(ta, n, 6), ab(tb, 6, 5)), n -> 6);
                matmul(op, "square" + form, n -> List.of(ab(ta, n, n), ab(tb, n, n)), n -> n);
                matmul(op, "batched" + form, n -> List.of(ab(ta, 3, n, 2, 3), ab(tb, n, 5, 2, 3)), n -> n);
                if (!ta) {
                    matmul(op, "shared" + form, n -> List.of(ab(false, 3, n, 2), ab(tb, n, n)), n -> n);
                }
            }
        }
    }

    private void matmul(
            Primitive.MatMul op,
            String what,
            java.util.function.IntFunction<List<Operand>> operands,
            java.util.function.IntUnaryOperator terms) {
        rows.add(of("matmul " + what, op, Tolerance.SUM, operands).terms(terms));
    }

    private static Operand ab(boolean transposed, int rows, int columns, int... lead) {
        int[] dims = java.util.Arrays.copyOf(lead, lead.length + 2);
        dims[lead.length] = transposed ? columns : rows;
        dims[lead.length + 1] = transposed ? rows : columns;
        return uniform(-1, 1, dims);
    }

    private void reductions() {
        for (boolean keep : new boolean[] {false, true}) {
            for (List<Integer> axes :
                    List.of(List.of(2), List.of(0), List.of(1), List.of(0, 1), List.of(1, 2), List.of(0, 1, 2))) {
                Primitive.Reduce op = new Primitive.Reduce(ReduceKind.SUM, axes, keep);
                String what = "sum over " + axes + (keep ? " keeping" : "");
                rows.add(of(what, op, Tolerance.SUM, n -> List.of(uniform(-1, 1, 3, 4, n)))
                        .terms(n -> 12 * n));
                rows.add(of(what + ", outer", op, Tolerance.SUM, n -> List.of(uniform(-1, 1, n, 2, 3)))
                        .terms(n -> 6 * n));
            }
            for (int axis = 0; axis < 3; axis++) {
                Primitive.Reduce op = new Primitive.Reduce(ReduceKind.MAX, List.of(axis), keep);
                String what = "max over " + axis + (keep ? " keeping" : "");
                rows.add(of(what, op, Tolerance.EXACT, n -> List.of(spread(0.125, 3, 4, n))));
                rows.add(of(what + " below zero", op, Tolerance.EXACT, n -> List.of(uniform(-3, -1, n, 2, 3)))
                        .withoutGradient());
            }
        }
        for (int axis = 0; axis < 3; axis++) {
            Primitive.ArgMax op = new Primitive.ArgMax(axis);
            rows.add(of("argmax over " + axis, op, Tolerance.EXACT, n -> List.of(uniform(-3, -1, 3, 4, n)))
                    .withoutGradient());
            rows.add(of("argmax with ties over " + axis, op, Tolerance.EXACT, n -> List.of(ties(2, 5, n)))
                    .withoutGradient());
        }
    }

    private void moves() {
        rows.add(sized(
                "reshape",
                n -> new Primitive.Reshape(Shape.of(n, 6)),
                Tolerance.EXACT,
                n -> List.of(uniform(-1, 1, 2, 3, n))));
        transpose(List.of(1, 0), n -> new int[] {n, 5});
        transpose(List.of(1, 0), n -> new int[] {5, n});
        transpose(List.of(0, 2, 1, 3), n -> new int[] {2, 3, 4, n});
        transpose(List.of(0, 3, 1, 2), n -> new int[] {2, 3, 2, n});
        transpose(List.of(2, 0, 1), n -> new int[] {n, 2, 3});
        transpose(List.of(0, 1), n -> new int[] {3, n});
        broadcast("rows", n -> new int[][] {{n}, {3, n}});
        broadcast("columns", n -> new int[][] {{n, 1}, {2, n, 3}});
        broadcast("a scalar", n -> new int[][] {{}, {2, n}});
        broadcast("the middle", n -> new int[][] {{2, 1, n}, {2, 3, n}});
        rows.add(sized(
                "slice last",
                n -> new Primitive.Slice(1, 1, n + 1),
                Tolerance.EXACT,
                n -> List.of(uniform(-1, 1, 3, n + 2))));
        rows.add(of(
                "slice of one of many",
                new Primitive.Slice(1, 1, 3),
                Tolerance.EXACT,
                n -> List.of(uniform(-1, 1, 1, 4, n))));
        rows.add(of("slice first", new Primitive.Slice(0, 1, 3), Tolerance.EXACT, n -> List.of(uniform(-1, 1, 4, n))));
        rows.add(of(
                "slice middle", new Primitive.Slice(1, 2, 3), Tolerance.EXACT, n -> List.of(uniform(-1, 1, 2, 4, n))));
        for (int axis = 0; axis < 3; axis++) {
            Primitive.Pad op = new Primitive.Pad(axis, 1, 2, 1.5f);
            rows.add(of("pad " + axis, op, Tolerance.EXACT, n -> List.of(uniform(-1, 1, 2, 3, n))));
        }
        rows.add(of(
                "concat last",
                new Primitive.Concat(1),
                Tolerance.EXACT,
                n -> List.of(uniform(-1, 1, 2, n), uniform(-1, 1, 2, 3), uniform(-1, 1, 2, 1))));
        rows.add(of(
                "concat first",
                new Primitive.Concat(0),
                Tolerance.EXACT,
                n -> List.of(uniform(-1, 1, 1, n), uniform(-1, 1, 3, n))));
        rows.add(of(
                "concat middle",
                new Primitive.Concat(1),
                Tolerance.EXACT,
                n -> List.of(uniform(-1, 1, 2, n, 3), uniform(-1, 1, 2, 2, 3))));
    }

    private interface Dims {
        int[] at(int n);
    }

    private void transpose(List<Integer> order, Dims dims) {
        rows.add(of(
                "transpose to " + order + " of "
                        + Shape.of(dims.at(99)).toString().replace("99", "n"),
                new Primitive.Transpose(order),
                Tolerance.EXACT,
                n -> List.of(uniform(-1, 1, dims.at(n)))));
    }

    private void broadcast(String what, Shapes shapes) {
        rows.add(sized(
                "broadcast " + what,
                n -> new Primitive.Broadcast(Shape.of(shapes.at(n)[1])),
                Tolerance.EXACT,
                n -> List.of(uniform(-1, 1, shapes.at(n)[0]))));
    }

    private void tables() {
        rows.add(of(
                "gather",
                new Primitive.Gather(),
                Tolerance.EXACT,
                n -> List.of(uniform(-1, 1, 6, n), ints(Shape.of(2, 3), 5, 0, 3, 3, 5, 1))));
        rows.add(of(
                "gather of a vector",
                new Primitive.Gather(),
                Tolerance.EXACT,
                n -> List.of(uniform(-1, 1, 6), ints(Shape.of(n), 5, 0, 3, 3, 5, 1))));
        rows.add(of(
                "gather of matrices",
                new Primitive.Gather(),
                Tolerance.EXACT,
                n -> List.of(uniform(-1, 1, 4, 2, n), ints(Shape.of(3), 3, 0, 3))));
        rows.add(of(
                        "scatter add",
                        new Primitive.ScatterAdd(6),
                        Tolerance.SUM,
                        n -> List.of(uniform(-1, 1, 2, 3, n), ints(Shape.of(2, 3), 5, 0, 3, 3, 5, 3)))
                .terms(n -> 3));
        rows.add(of(
                        "scatter add of scalars",
                        new Primitive.ScatterAdd(4),
                        Tolerance.SUM,
                        n -> List.of(uniform(-1, 1, n), ints(Shape.of(n), 2, 0, 3, 3)))
                .terms(n -> n));
        rows.add(of(
                "scatter rows",
                new Primitive.ScatterRows(),
                Tolerance.EXACT,
                n -> List.of(uniform(-1, 1, 6, n), uniform(-1, 1, 3, n), ints(Shape.of(3), 4, 0, 5))));
        for (boolean adjoint : new boolean[] {false, true}) {
            rows.add(of(
                            "resample grid" + (adjoint ? ", adjoint" : ""),
                            new Primitive.ResampleGrid(3, 2, 5, 4, adjoint),
                            Tolerance.SUM,
                            n -> List.of(uniform(-1, 1, adjoint ? 20 : 6, n)))
                    .terms(n -> adjoint ? 40 : 16));
        }
    }

    private void windows() {
        for (Window w : List.of(
                Window.valid(2, 1),
                Window.same(3, 2, 5, 6),
                new Window(3, 2, 2, 1, 0, 1, 2, 0),
                Window.same(5, 2, 5, 6))) {
            rows.add(of(
                    "unfold " + w,
                    new Primitive.Unfold(w, 0.5f),
                    Tolerance.EXACT,
                    n -> List.of(uniform(-1, 1, 2, 5, 6, n))));
            rows.add(of(
                            "fold " + w,
                            new Primitive.Fold(w, 5, 6),
                            Tolerance.SUM,
                            n -> List.of(uniform(
                                    -1, 1, 2, w.outHeight(5), w.outWidth(6), w.kernelHeight() * w.kernelWidth(), n)))
                    .terms(n -> w.kernelHeight() * w.kernelWidth()));
        }
        rows.add(of(
                        "unfold with infinity",
                        new Primitive.Unfold(Window.same(3, 1, 4, 4), Float.NEGATIVE_INFINITY),
                        Tolerance.EXACT,
                        n -> List.of(uniform(-1, 1, 1, 4, 4, n)))
                .withoutGradient());
    }
}
