package org.telltale.kernels.vector;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import java.util.function.IntUnaryOperator;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Op;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.testing.Values;

/**
 * One op under test, with the extent of an axis left open.
 *
 * @param op by the extent
 * @param operands by the extent
 * @param terms by the extent: the length of the sums that make an element
 * @param differentiable whether central differences at these values are the gradient
 */
record OpRow(
        String name,
        IntFunction<Op> op,
        IntFunction<List<Operand>> operands,
        Tolerance tolerance,
        IntUnaryOperator terms,
        boolean differentiable) {
    /** 1, W-1, W, W+1, 2W and 4W+3 for vectors of W = 4, 8 and 16 elements. */
    static final List<Integer> EXTENTS = List.of(1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 19, 32, 35, 67);

    /** |a - b| <= atol + rtol |b|, both times the root of the number of terms in the sums. */
    enum Tolerance {
        /** Moves values, or rounds once. */
        EXACT(0, 0),
        /** Rounds two or three times. */
        ROUNDED(0, 4e-7),
        /** A polynomial or a quotient for a function without an end. */
        FUNCTION(1e-6, 4e-6),
        SUM(1.5e-6, 1e-5),
        /** Primitives round where the fused op need not. */
        DECOMPOSED(4e-6, 2e-5),
        /** Central differences of F32 values. */
        DIFFERENCES(5e-4, 1e-3);

        final double atol;
        final double rtol;

        Tolerance(double atol, double rtol) {
            this.atol = atol;
            this.rtol = rtol;
        }
    }

    /** How an op's operands reach it. */
    enum Form {
        INPUTS,
        /** All F32 operands but the first come from the checkpoint, so that a backend may pack them. */
        WEIGHTS,
        /** F32 operands are computed and die at the op, so that a backend may overwrite them. */
        INTERMEDIATES
    }

    interface Filling {
        void fill(HostTensor t, SplittableRandom random);
    }

    record Operand(DType dtype, Shape shape, Filling filling) {}

    static OpRow of(String name, Op op, Tolerance tolerance, IntFunction<List<Operand>> operands) {
        return new OpRow(name, n -> op, operands, tolerance, n -> 1, true);
    }

    static OpRow sized(String name, IntFunction<Op> op, Tolerance tolerance, IntFunction<List<Operand>> operands) {
        return new OpRow(name, op, operands, tolerance, n -> 1, true);
    }

    OpRow terms(IntUnaryOperator count) {
        return new OpRow(name, op, operands, tolerance, count, differentiable);
    }

    /** At kinks, or at infinity. */
    OpRow withoutGradient() {
        return new OpRow(name, op, operands, tolerance, terms, false);
    }

    static Operand uniform(double low, double high, int... dims) {
        return new Operand(DType.F32, Shape.of(dims), (t, random) -> {
            for (long i = 0; i < t.size(); i++) {
                t.set(i, (float) (low + (high - low) * random.nextDouble()));
            }
        });
    }

    /** Distinct values a quarter apart around zero, shuffled: far from kinks and ties for central differences. */
    static Operand spread(double offset, int... dims) {
        return new Operand(DType.F32, Shape.of(dims), (t, random) -> {
            int n = (int) t.size();
            for (int i = 0; i < n; i++) {
                int j = random.nextInt(i + 1);
                t.set(i, t.get(j));
                t.set(j, (float) (i / 2 * 0.25 * (i % 2 == 0 ? 1 : -1) + (i % 2 == 0 ? offset : -offset)));
            }
        });
    }

    /** Few different values, so that there are ties. */
    static Operand ties(int... dims) {
        return new Operand(DType.F32, Shape.of(dims), (t, random) -> {
            for (long i = 0; i < t.size(); i++) {
                t.set(i, random.nextInt(3) - 1);
            }
        });
    }

    static Operand ints(Shape shape, int... values) {
        return new Operand(DType.I32, shape, (t, random) -> {
            for (int i = 0; i < t.size(); i++) {
                t.setInt(i, values[i % values.length]);
            }
        });
    }

    /** The graph that computes the op alone. */
    Graph graph(int n, Form form) {
        List<Operand> all = operands.apply(n);
        List<Tensor> in = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            Operand o = all.get(i);
            boolean floats = o.dtype == DType.F32;
            in.add(
                    switch (form) {
                        case INPUTS -> input(i, o);
                        case WEIGHTS ->
                            floats && i > 0 ? Tensor.of(new Primitive.Weight("x" + i, o.shape)) : input(i, o);
                        case INTERMEDIATES -> floats ? input(i, o).neg() : input(i, o);
                    });
        }
        return Graph.of(name + " " + n, Tensor.of(op.apply(n), in));
    }

    private static Tensor input(int i, Operand o) {
        return Tensor.of(new Primitive.Input("x" + i, o.dtype, o.shape));
    }

    /** Values for the graph's leaves, the same in every form. */
    Values values(int n, Form form, Arena arena) {
        SplittableRandom random = new SplittableRandom(name.hashCode() * 31L + n);
        Map<String, HostTensor> out = new LinkedHashMap<>();
        List<Operand> all = operands.apply(n);
        for (int i = 0; i < all.size(); i++) {
            out.put("x" + i, filled(all.get(i), random, arena));
        }
        switch (op.apply(n)) {
            case Primitive.Input leaf ->
                out.put(leaf.name(), filled(uniform(-1, 1, leaf.extents().dims()), random, arena));
            case Primitive.Weight leaf ->
                out.put(leaf.name(), filled(uniform(-1, 1, leaf.extents().dims()), random, arena));
            case Op other -> {}
        }
        if (form == Form.INTERMEDIATES) {
            for (int k = 0; k < all.size(); k++) {
                HostTensor t = out.get("x" + k);
                for (long i = 0; i < t.size() && t.dtype() == DType.F32; i++) {
                    t.set(i, -t.get(i));
                }
            }
        }
        return new Values(out);
    }

    private static HostTensor filled(Operand o, SplittableRandom random, Arena arena) {
        HostTensor t = HostTensor.allocate(arena, o.dtype, o.shape);
        o.filling.fill(t, random);
        return t;
    }
}
