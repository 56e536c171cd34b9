package org.telltale.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** What each op says about operands that do not fit: its name, every operand, and what would have been right. */
class ShapeErrorTest {
    private record Misfit(Op op, List<Tensor> operands, String message) {}

    private static final Window THREE = Window.valid(3, 1);

    private static final List<Misfit> MISFITS = List.of(
            row(new Primitive.Iota(2, Shape.of(3)), "axis 2 of a tensor of rank 1 [3]"),
            row(
                    new Primitive.RandomUniform(0, Shape.of(3)),
                    "randomUniform: the counter must be I32 [2], seed and step; operands [[2]]",
                    f32(2)),
            row(
                    new Primitive.RandomUniform(0, Shape.of(3)),
                    "randomUniform: the counter must be I32 [2], seed and step; operands [[3]]",
                    i32(3)),
            row(new Primitive.ToFloat(), "toFloat: the operand is F32, not I32; operands [[3]]", f32(3)),
            row(
                    new Primitive.Unary(Primitive.UnaryKind.EXP),
                    "exp: an operand is I32, not F32; operands [[3]]",
                    i32(3)),
            row(
                    new Primitive.Binary(Primitive.BinaryKind.ADD),
                    "add: extents differ on axis -1: 3 vs 2; operands [[2, 3], [2]]",
                    f32(2, 3),
                    f32(2)),
            row(
                    new Primitive.Binary(Primitive.BinaryKind.MUL),
                    "mul: an operand is I32, not F32; operands [[2, 3], [3]]",
                    f32(2, 3),
                    i32(3)),
            row(
                    new Primitive.MatMul(false, false),
                    "matMul: both operands need at least two axes; operands [[2, 5, 8], [8]]",
                    f32(2, 5, 8),
                    f32(8)),
            row(
                    new Primitive.MatMul(false, false),
                    "matMul: inner extents differ: 8 vs 3; operands [[2, 5, 8], [3, 8]]",
                    f32(2, 5, 8),
                    f32(3, 8)),
            row(
                    new Primitive.MatMul(false, true),
                    "matMul: inner extents differ: 8 vs 3; operands [[5, 8], [8, 3]]",
                    f32(5, 8),
                    f32(8, 3)),
            row(
                    new Primitive.MatMul(true, false),
                    "matMul: inner extents differ: 5 vs 8; operands [[5, 8], [8, 3]]",
                    f32(5, 8),
                    f32(8, 3)),
            row(
                    new Primitive.MatMul(false, false),
                    "matMul: leading extents differ: 2 vs 3; operands [[2, 5, 8], [3, 8, 5]]",
                    f32(2, 5, 8),
                    f32(3, 8, 5)),
            row(
                    new Primitive.MatMul(true, false),
                    "matMul: ranks do not fit: 3 vs 2; operands [[2, 8, 5], [8, 3]]",
                    f32(2, 8, 5),
                    f32(8, 3)),
            row(
                    new Primitive.MatMul(false, false),
                    "matMul: ranks do not fit: 2 vs 3; operands [[5, 8], [2, 8, 3]]",
                    f32(5, 8),
                    f32(2, 8, 3)),
            row(
                    new Primitive.Reduce(Primitive.ReduceKind.MAX, List.of(0, 1), false),
                    "max: the maximum is taken over one axis that is not empty; operands [[2, 3]]",
                    f32(2, 3)),
            row(
                    new Primitive.Reduce(Primitive.ReduceKind.MAX, List.of(1), false),
                    "max: the maximum is taken over one axis that is not empty; operands [[2, 0]]",
                    f32(2, 0)),
            row(
                    new Primitive.Reduce(Primitive.ReduceKind.SUM, List.of(2), false),
                    "axis 2 of a tensor of rank 2 [2, 3]",
                    f32(2, 3)),
            row(new Primitive.ArgMax(0), "argMax: the axis is empty; operands [[0, 2]]", f32(0, 2)),
            row(new Primitive.ArgMax(0), "argMax: an operand is I32, not F32; operands [[2]]", i32(2)),
            row(
                    new Primitive.Reshape(Shape.of(7)),
                    "reshape: the element count differs from that of [7]; operands [[2, 3]]",
                    f32(2, 3)),
            row(
                    new Primitive.Transpose(List.of(0, 0)),
                    "transpose: [0, 0] is not an order of its axes; operands [[2, 3]]",
                    f32(2, 3)),
            row(
                    new Primitive.Transpose(List.of(0, 1, 2)),
                    "transpose: [0, 1, 2] is not an order of its axes; operands [[2, 3]]",
                    f32(2, 3)),
            row(new Primitive.Broadcast(Shape.of(2, 3)), "broadcast: it cannot become [2, 3]; operands [[2]]", f32(2)),
            row(new Primitive.Broadcast(Shape.of(3)), "broadcast: it cannot become [3]; operands [[1, 3]]", f32(1, 3)),
            row(new Primitive.Slice(1, 2, 4), "slice: 2..4 lies outside axis 1; operands [[2, 3]]", f32(2, 3)),
            row(new Primitive.Pad(0, -1, 0, 0), "pad: negative padding -1, 0; operands [[2]]", f32(2)),
            row(
                    new Primitive.Concat(1),
                    "concat: extents differ off axis 1; operands [[2, 3], [3, 3]]",
                    f32(2, 3),
                    f32(3, 3)),
            row(new Primitive.Gather(), "gather: ids are F32, not I32; operands [[5, 2], [3]]", f32(5, 2), f32(3)),
            row(new Primitive.Gather(), "gather: the table needs rows; operands [[], [3]]", f32(), i32(3)),
            row(
                    new Primitive.Gather(),
                    "gather: an operand is I32, not F32; operands [[5, 2], [3]]",
                    i32(5, 2),
                    i32(3)),
            row(
                    new Primitive.ScatterAdd(5),
                    "scatterAdd: rows must begin with the extents of the ids; operands [[2, 4], [3]]",
                    f32(2, 4),
                    i32(3)),
            row(
                    new Primitive.ScatterAdd(5),
                    "scatterAdd: an operand is I32, not F32; operands [[3], [3]]",
                    i32(3),
                    i32(3)),
            row(
                    new Primitive.ScatterRows(),
                    "scatterRows: rows must be [slots, ..] with the table's row shape; operands [[5, 4], [2, 4], [3]]",
                    f32(5, 4),
                    f32(2, 4),
                    i32(3)),
            row(
                    new Primitive.ScatterRows(),
                    "scatterRows: ids are F32, not I32; operands [[5, 4], [3, 4], [3]]",
                    f32(5, 4),
                    f32(3, 4),
                    f32(3)),
            row(
                    new Primitive.Unfold(THREE, 0),
                    "unfold: pictures must be [N, H, W, C]; operands [[2, 3, 4]]",
                    f32(2, 3, 4)),
            row(
                    new Primitive.Unfold(THREE, 0),
                    "unfold: the picture is smaller than the 3x3 window; operands [[1, 2, 4, 1]]",
                    f32(1, 2, 4, 1)),
            row(
                    new Primitive.Fold(THREE, 4, 4),
                    "fold: not the windows of 4x4 pictures; operands [[1, 2, 3, 9, 1]]",
                    f32(1, 2, 3, 9, 1)),
            row(
                    new Primitive.Fold(THREE, 4, 4),
                    "fold: not the windows of 4x4 pictures; operands [[1, 2, 2, 8, 1]]",
                    f32(1, 2, 2, 8, 1)),
            row(
                    new Primitive.ResampleGrid(2, 2, 3, 3, false),
                    "resampleGrid: the table must be [4, W]; operands [[5, 7]]",
                    f32(5, 7)),
            row(
                    new Primitive.ResampleGrid(2, 2, 3, 3, true),
                    "resampleGrid: the table must be [9, W]; operands [[4, 7]]",
                    f32(4, 7)),
            row(new Fused.Activate(Activation.RELU), "activate: an operand is I32, not F32; operands [[3]]", i32(3)),
            row(
                    new Fused.Linear(Activation.NONE),
                    "linear: the weight must be [out, 3]; operands [[4, 3], [3, 5]]",
                    f32(4, 3),
                    f32(3, 5)),
            row(
                    new Fused.Linear(Activation.NONE),
                    "linear: the bias must be [5]; operands [[4, 3], [5, 3], [3]]",
                    f32(4, 3),
                    f32(5, 3),
                    f32(3)),
            row(
                    new Fused.LayerNorm(1e-5f),
                    "layerNorm: scale and shift must be [3]; operands [[4, 3], [3], [4]]",
                    f32(4, 3),
                    f32(3),
                    f32(4)),
            row(new Fused.Softmax(2), "axis 2 of a tensor of rank 2 [4, 3]", f32(4, 3)),
            row(new Fused.LogSoftmax(2), "axis 2 of a tensor of rank 2 [4, 3]", f32(4, 3)),
            row(
                    attention(2, Fused.Masking.NONE),
                    "attention: queries and keys must be [B, T, width] of equal B and width; operands [[2, 3, 8], [1, 3, 8], [1, 3, 8]]",
                    f32(2, 3, 8),
                    f32(1, 3, 8),
                    f32(1, 3, 8)),
            row(
                    attention(2, Fused.Masking.NONE),
                    "attention: values must have the shape of the keys; operands [[2, 3, 8], [2, 3, 8], [2, 3, 6]]",
                    f32(2, 3, 8),
                    f32(2, 3, 8),
                    f32(2, 3, 6)),
            row(
                    attention(3, Fused.Masking.NONE),
                    "attention: the width 8 does not divide into 3 heads; operands [[2, 3, 8], [2, 3, 8], [2, 3, 8]]",
                    f32(2, 3, 8),
                    f32(2, 3, 8),
                    f32(2, 3, 8)),
            row(
                    attention(2, Fused.Masking.KEYS),
                    "attention: masking KEYS with 3 operands; operands [[2, 3, 8], [2, 3, 8], [2, 3, 8]]",
                    f32(2, 3, 8),
                    f32(2, 3, 8),
                    f32(2, 3, 8)),
            row(
                    attention(2, Fused.Masking.KEYS),
                    "attention: the mask must be [B, Tk]; operands [[2, 3, 8], [2, 4, 8], [2, 4, 8], [2, 3]]",
                    f32(2, 3, 8),
                    f32(2, 4, 8),
                    f32(2, 4, 8),
                    i32(2, 3)),
            row(
                    attention(2, Fused.Masking.KEYS),
                    "attention: an operand is F32, not I32; operands [[2, 3, 8], [2, 4, 8], [2, 4, 8], [2, 4]]",
                    f32(2, 3, 8),
                    f32(2, 4, 8),
                    f32(2, 4, 8),
                    f32(2, 4)),
            row(
                    attention(2, Fused.Masking.BIAS),
                    "attention: the bias must be [B, heads, Tq, Tk] or 1 where it repeats; operands [[2, 3, 8], [2, 4, 8], [2, 4, 8], [2, 4]]",
                    f32(2, 3, 8),
                    f32(2, 4, 8),
                    f32(2, 4, 8),
                    f32(2, 4)),
            row(
                    attention(2, Fused.Masking.BIAS),
                    "attention: the bias must be [B, heads, Tq, Tk] or 1 where it repeats; operands [[2, 3, 8], [2, 4, 8], [2, 4, 8], [2, 1, 1, 3]]",
                    f32(2, 3, 8),
                    f32(2, 4, 8),
                    f32(2, 4, 8),
                    f32(2, 1, 1, 3)),
            row(
                    new Fused.CachedAttention(2, 1),
                    "cachedAttention: queries [R, width] and keys [slots, width] must share a width of heads; operands [[3, 8], [5, 6], [5, 6], [3, 4], [3]]",
                    f32(3, 8),
                    f32(5, 6),
                    f32(5, 6),
                    i32(3, 4),
                    i32(3)),
            row(
                    new Fused.CachedAttention(2, 1),
                    "cachedAttention: values must have the shape of the keys; operands [[3, 8], [5, 8], [4, 8], [3, 4], [3]]",
                    f32(3, 8),
                    f32(5, 8),
                    f32(4, 8),
                    i32(3, 4),
                    i32(3)),
            row(
                    new Fused.CachedAttention(2, 1),
                    "cachedAttention: the table must be [R, T] and the lengths [R]; operands [[3, 8], [5, 8], [5, 8], [2, 4], [3]]",
                    f32(3, 8),
                    f32(5, 8),
                    f32(5, 8),
                    i32(2, 4),
                    i32(3)),
            row(
                    new Fused.CachedAttention(2, 1),
                    "cachedAttention: an operand is F32, not I32; operands [[3, 8], [5, 8], [5, 8], [3, 4], [3]]",
                    f32(3, 8),
                    f32(5, 8),
                    f32(5, 8),
                    f32(3, 4),
                    i32(3)),
            row(
                    new Fused.Conv2d(THREE, 1, Activation.NONE),
                    "conv2d: the weight must be [O, 2/1, 3, 3]; operands [[1, 4, 4, 2], [5, 3, 3, 3]]",
                    f32(1, 4, 4, 2),
                    f32(5, 3, 3, 3)),
            row(
                    new Fused.Conv2d(THREE, 2, Activation.NONE),
                    "conv2d: the weight must be [O, 3/2, 3, 3]; operands [[1, 4, 4, 3], [4, 2, 3, 3]]",
                    f32(1, 4, 4, 3),
                    f32(4, 2, 3, 3)),
            row(
                    new Fused.Conv2d(THREE, 1, Activation.NONE),
                    "conv2d: the bias must be [5]; operands [[1, 4, 4, 2], [5, 2, 3, 3], [2]]",
                    f32(1, 4, 4, 2),
                    f32(5, 2, 3, 3),
                    f32(2)),
            row(
                    new Fused.Conv2d(THREE, 1, Activation.NONE),
                    "conv2d: the picture is smaller than the 3x3 window; operands [[1, 2, 4, 2], [5, 2, 3, 3]]",
                    f32(1, 2, 4, 2),
                    f32(5, 2, 3, 3)),
            row(
                    new Fused.Pool(Fused.PoolKind.MAX, THREE),
                    "pool: pictures must be [N, H, W, C]; operands [[4, 4, 2]]",
                    f32(4, 4, 2)),
            row(
                    new Fused.BatchNorm(1e-3f),
                    "batchNorm: scale, shift, mean and variance must be [3]; operands [[2, 3], [3], [3], [2], [3]]",
                    f32(2, 3),
                    f32(3),
                    f32(3),
                    f32(2),
                    f32(3)),
            row(
                    new Fused.GruCell(),
                    "gruCell: x and h must be [B, in] and [B, units]; operands [[2, 3], [1, 4], [3, 12], [4, 12], [2, 12]]",
                    f32(2, 3),
                    f32(1, 4),
                    f32(3, 12),
                    f32(4, 12),
                    f32(2, 12)),
            row(
                    new Fused.GruCell(),
                    "gruCell: kernel, recurrent and bias must be [in, 3u], [u, 3u] and [2, 3u]; operands [[2, 3], [2, 4], [3, 12], [4, 12], [12]]",
                    f32(2, 3),
                    f32(2, 4),
                    f32(3, 12),
                    f32(4, 12),
                    f32(12)),
            row(
                    new Fused.CrossEntropy(),
                    "crossEntropy: logits must be [N, C] and labels [N]; operands [[2, 3], [3]]",
                    f32(2, 3),
                    i32(3)),
            row(
                    new Fused.CrossEntropy(),
                    "crossEntropy: an operand is F32, not I32; operands [[2, 3], [2]]",
                    f32(2, 3),
                    f32(2)),
            row(
                    new Fused.Attention(1, 1, false, 0, Fused.Masking.NONE, 0.5f, 0),
                    "attention: masking NONE and dropout with 3 operands; operands [[1, 2, 3], [1, 2, 3], [1, 2, 3]]",
                    f32(1, 2, 3),
                    f32(1, 2, 3),
                    f32(1, 2, 3)),
            row(
                    new Fused.Attention(1, 1, false, 0, Fused.Masking.NONE, 0.5f, 0),
                    "attention: the counter must be I32 [2], seed and step; operands [[1, 2, 3], [1, 2, 3], [1, 2, 3], [3]]",
                    f32(1, 2, 3),
                    f32(1, 2, 3),
                    f32(1, 2, 3),
                    i32(3)),
            row(
                    new Fused.Attention(1, 1, false, 0, Fused.Masking.NONE, 1, 0),
                    "attention: a dropout of 1.0 lies outside 0 to below 1; operands [[1, 2, 3], [1, 2, 3], [1, 2, 3], [2]]",
                    f32(1, 2, 3),
                    f32(1, 2, 3),
                    f32(1, 2, 3),
                    i32(2)),
            row(
                    new Backward.LayerNorm(1),
                    "layerNorm: the scale must be [3]; operands [[2, 3], [2], [2, 3]]",
                    f32(2, 3),
                    f32(2),
                    f32(2, 3)),
            row(
                    new Backward.LayerNormScale(1),
                    "layerNormScale: the gradient must be [2, 3]; operands [[2, 3], [3, 2]]",
                    f32(2, 3),
                    f32(3, 2)),
            row(
                    new Backward.Attention(new Fused.Attention(1, 1, false, 0, Fused.Masking.NONE)),
                    "attention: attention's operands, result and gradient are 5; operands [[1, 2, 3], [1, 2, 3], [1, 2, 3], [1, 2, 3]]",
                    f32(1, 2, 3),
                    f32(1, 2, 3),
                    f32(1, 2, 3),
                    f32(1, 2, 3)),
            row(
                    new Backward.Attention(new Fused.Attention(1, 1, false, 0, Fused.Masking.NONE)),
                    "attention: the gradient must be [1, 2, 3]; operands [[1, 2, 3], [1, 4, 3], [1, 4, 3], [1, 2, 3], [1, 4, 3]]",
                    f32(1, 2, 3),
                    f32(1, 4, 3),
                    f32(1, 4, 3),
                    f32(1, 2, 3),
                    f32(1, 4, 3)),
            row(
                    new Backward.ConvInput(THREE, 2, 6, 7),
                    "convInput: the weight must be [O, C/2, 3, 3]; operands [[5, 2, 3, 3], [1, 4, 5, 5]]",
                    f32(5, 2, 3, 3),
                    f32(1, 4, 5, 5)),
            row(
                    new Backward.ConvInput(THREE, 1, 6, 7),
                    "convInput: the gradient must be [N, 4, 5, 5]; operands [[5, 2, 3, 3], [1, 6, 7, 5]]",
                    f32(5, 2, 3, 3),
                    f32(1, 6, 7, 5)),
            row(
                    new Backward.ConvWeight(THREE, 2),
                    "convWeight: the gradient must be [3, 4, 5, O] with channels in 2 groups; operands [[3, 6, 7, 4], [3, 4, 5, 5]]",
                    f32(3, 6, 7, 4),
                    f32(3, 4, 5, 5)),
            row(
                    new Fused.Pointwise(
                            Shape.of(2, 3),
                            List.of(new Fused.Pointwise.Step(
                                    new Primitive.Unary(Primitive.UnaryKind.NEG), List.of(0)))),
                    "pointwise: the result is [3, 2], not [2, 3]; operands [[3, 2]]",
                    f32(3, 2)));

    private static Op attention(int heads, Fused.Masking masking) {
        return new Fused.Attention(heads, 1, false, 0, masking);
    }

    private static Misfit row(Op op, String message, Tensor... operands) {
        return new Misfit(op, List.of(operands), message);
    }

    private static Tensor f32(int... dims) {
        return Tensor.input("x", DType.F32, dims);
    }

    private static Tensor i32(int... dims) {
        return Tensor.input("x", DType.I32, dims);
    }

    @TestFactory
    Stream<DynamicTest> theErrorNamesTheOpItsOperandsAndWhatWouldBeRight() {
        return MISFITS.stream()
                .map(m -> DynamicTest.dynamicTest(
                        m.message,
                        () -> assertThatThrownBy(() -> Tensor.of(m.op, m.operands))
                                .isInstanceOf(ShapeException.class)
                                .hasMessage(m.message)));
    }

    @Test
    void everyOpWithARuleHasAMisfit() {
        Set<Class<?>> seen = new HashSet<>();
        MISFITS.forEach(m -> seen.add(m.op.getClass()));
        seen.addAll(List.of(
                Primitive.Input.class,
                Primitive.Weight.class,
                Primitive.State.class,
                Primitive.Fill.class,
                Primitive.Detach.class));
        assertThat(seen).containsExactlyInAnyOrderElementsOf(records(Op.class));
    }

    private static List<Class<?>> records(Class<?> sealed) {
        List<Class<?>> out = new ArrayList<>();
        for (Class<?> c : sealed.getPermittedSubclasses()) {
            if (c.isSealed()) {
                out.addAll(records(c));
            } else {
                out.add(c);
            }
        }
        return out;
    }
}
