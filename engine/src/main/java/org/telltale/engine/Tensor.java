package org.telltale.engine;

import java.util.ArrayList;
import java.util.List;

/**
 * An expression: what is computed from what, with a shape and an element type, but no memory and no device. Immutable;
 * identity matters (a tensor used twice is computed once). All shape errors are thrown here, while building.
 */
public final class Tensor {
    private final Op op;
    private final List<Tensor> inputs;
    private final Shape shape;
    private final DType dtype;

    private Tensor(Op op, List<Tensor> inputs) {
        this.op = op;
        this.inputs = inputs;
        this.shape = op.shape(inputs);
        this.dtype = op.dtype(inputs);
    }

    public static Tensor of(Op op, Tensor... inputs) {
        return new Tensor(op, List.of(inputs));
    }

    public static Tensor of(Op op, List<Tensor> inputs) {
        return new Tensor(op, List.copyOf(inputs));
    }

    public static Tensor input(String name, DType dtype, int... dims) {
        return of(new Primitive.Input(name, dtype, Shape.of(dims)));
    }

    public static Tensor state(String name, int... dims) {
        return of(new Primitive.State(name, Shape.of(dims)));
    }

    public static Tensor fill(float value, int... dims) {
        return of(new Primitive.Fill(value, Shape.of(dims)));
    }

    public static Tensor zeros(Shape shape) {
        return of(new Primitive.Fill(0, shape));
    }

    public static Tensor iota(int axis, Shape shape) {
        return of(new Primitive.Iota(shape.axis(axis), shape));
    }

    public Op op() {
        return op;
    }

    public List<Tensor> inputs() {
        return inputs;
    }

    public Shape shape() {
        return shape;
    }

    public DType dtype() {
        return dtype;
    }

    public int dim(int axis) {
        return shape.dim(axis);
    }

    public Tensor unary(Primitive.UnaryKind kind) {
        return of(new Primitive.Unary(kind), this);
    }

    public Tensor neg() {
        return unary(Primitive.UnaryKind.NEG);
    }

    public Tensor square() {
        return unary(Primitive.UnaryKind.SQUARE);
    }

    public Tensor sqrt() {
        return unary(Primitive.UnaryKind.SQRT);
    }

    public Tensor rsqrt() {
        return unary(Primitive.UnaryKind.RSQRT);
    }

    public Tensor reciprocal() {
        return unary(Primitive.UnaryKind.RECIPROCAL);
    }

    public Tensor exp() {
        return unary(Primitive.UnaryKind.EXP);
    }

    public Tensor log() {
        return unary(Primitive.UnaryKind.LOG);
    }

    private Tensor binary(Primitive.BinaryKind kind, Tensor b) {
        return of(new Primitive.Binary(kind), this, b);
    }

    public Tensor add(Tensor b) {
        return binary(Primitive.BinaryKind.ADD, b);
    }

    public Tensor add(float b) {
        return add(fill(b));
    }

    public Tensor sub(Tensor b) {
        return binary(Primitive.BinaryKind.SUB, b);
    }

    public Tensor mul(Tensor b) {
        return binary(Primitive.BinaryKind.MUL, b);
    }

    public Tensor mul(float b) {
        return mul(fill(b));
    }

    public Tensor div(Tensor b) {
        return binary(Primitive.BinaryKind.DIV, b);
    }

    public Tensor maximum(Tensor b) {
        return binary(Primitive.BinaryKind.MAXIMUM, b);
    }

    /** 1 where this is greater, else 0. */
    public Tensor greater(Tensor b) {
        return binary(Primitive.BinaryKind.GREATER, b);
    }

    /** 1 where both are equal, else 0. */
    public Tensor equal(Tensor b) {
        return binary(Primitive.BinaryKind.EQUAL, b);
    }

    public Tensor matmul(Tensor b) {
        return of(new Primitive.MatMul(false, false), this, b);
    }

    public Tensor matmul(Tensor b, boolean transposeThis, boolean transposeB) {
        return of(new Primitive.MatMul(transposeThis, transposeB), this, b);
    }

    /** The sum over axes, which keep the extent 1. */
    public Tensor sumKeeping(int... axes) {
        return of(new Primitive.Reduce(Primitive.ReduceKind.SUM, axes(axes), true), this);
    }

    /** The sum over axes, which vanish. */
    public Tensor sum(int... axes) {
        return of(new Primitive.Reduce(Primitive.ReduceKind.SUM, axes(axes), false), this);
    }

    /** The sum of all elements, a scalar. */
    public Tensor sumAll() {
        return of(new Primitive.Reduce(Primitive.ReduceKind.SUM, Primitive.allAxes(shape), false), this);
    }

    /** The mean over axes, which keep the extent 1. */
    public Tensor meanKeeping(int... axes) {
        return sumKeeping(axes).mul(1f / count(axes));
    }

    /** The mean over axes, which vanish. */
    public Tensor mean(int... axes) {
        return sum(axes).mul(1f / count(axes));
    }

    public Tensor maxKeeping(int axis) {
        return of(new Primitive.Reduce(Primitive.ReduceKind.MAX, axes(axis), true), this);
    }

    public Tensor max(int axis) {
        return of(new Primitive.Reduce(Primitive.ReduceKind.MAX, axes(axis), false), this);
    }

    /** The lowest index of the maximum, I32. */
    public Tensor argMax(int axis) {
        return of(new Primitive.ArgMax(shape.axis(axis)), this);
    }

    private List<Integer> axes(int... axes) {
        List<Integer> out = new ArrayList<>();
        for (int a : axes) {
            out.add(shape.axis(a));
        }
        return out.stream().sorted().toList();
    }

    private long count(int... axes) {
        long n = 1;
        for (int a : axes) {
            n *= shape.dim(a);
        }
        return n;
    }

    /** The sum over what broadcasting from the shape would repeat: its adjoint. */
    Tensor sumTo(Shape target) {
        if (shape.equals(target)) {
            return this;
        }
        List<Integer> axes = new ArrayList<>();
        int lead = shape.rank() - target.rank();
        for (int i = 0; i < shape.rank(); i++) {
            if (i < lead || (target.dim(i - lead) == 1 && shape.dim(i) != 1)) {
                axes.add(i);
            }
        }
        return of(new Primitive.Reduce(Primitive.ReduceKind.SUM, axes, true), this)
                .reshape(target);
    }

    /** The same elements in another shape; one extent may be -1. */
    public Tensor reshape(int... dims) {
        int[] d = dims.clone();
        long known = 1;
        int free = -1;
        for (int i = 0; i < d.length; i++) {
            if (d[i] == -1) {
                free = i;
            } else {
                known *= d[i];
            }
        }
        if (free >= 0) {
            d[free] = known == 0 ? 0 : (int) (shape.size() / known);
        }
        return reshape(Shape.of(d));
    }

    public Tensor reshape(Shape target) {
        return shape.equals(target) ? this : of(new Primitive.Reshape(target), this);
    }

    public Tensor transpose(List<Integer> order) {
        return of(new Primitive.Transpose(order), this);
    }

    public Tensor broadcast(Shape target) {
        return shape.equals(target) ? this : of(new Primitive.Broadcast(target), this);
    }

    public Tensor slice(int axis, int begin, int end) {
        return of(new Primitive.Slice(shape.axis(axis), begin, end), this);
    }

    public Tensor pad(int axis, int before, int after, float value) {
        return before == 0 && after == 0 ? this : of(new Primitive.Pad(shape.axis(axis), before, after, value), this);
    }

    public static Tensor concat(int axis, Tensor... parts) {
        return of(new Primitive.Concat(parts[0].shape.axis(axis)), parts);
    }

    /** Rows of this table by ids. */
    public Tensor gather(Tensor ids) {
        return of(new Primitive.Gather(), this, ids);
    }

    public Tensor detach() {
        return of(new Primitive.Detach(), this);
    }

    public Tensor toFloat() {
        return of(new Primitive.ToFloat(), this);
    }

    public Tensor activate(Activation activation) {
        return activation == Activation.NONE ? this : of(new Fused.Activate(activation), this);
    }

    public Tensor softmax(int axis) {
        return of(new Fused.Softmax(shape.axis(axis)), this);
    }

    public Tensor logSoftmax(int axis) {
        return of(new Fused.LogSoftmax(shape.axis(axis)), this);
    }

    @Override
    public String toString() {
        return op.word() + " " + dtype + " " + shape;
    }
}
