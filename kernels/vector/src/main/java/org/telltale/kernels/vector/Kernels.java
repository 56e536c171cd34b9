package org.telltale.kernels.vector;

import java.util.Map;
import java.util.WeakHashMap;
import org.telltale.engine.Backward;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.Op;
import org.telltale.engine.Primitive;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.CompileOptions.Precision;
import org.telltale.engine.spi.GraphPasses;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker;
import org.telltale.engine.spi.PointwiseFusion;

/** Which kernel computes which op. */
final class Kernels implements KernelMaker {
    /** Up to this many queries, packing the keys costs more than it saves. */
    private static final int FEW_QUERIES = 8;

    private final Parallel parallel;
    private final Panels panels;
    private final Map<Operands, Workspace> workspaces = new WeakHashMap<>();

    Kernels(Parallel parallel, Precision precision) {
        this.parallel = parallel;
        this.panels = new Panels(parallel, precision);
    }

    @Override
    public Graph prepare(Graph graph) {
        return PointwiseFusion.of(GraphPasses.foldBatchNorm(graph).lower(this::supports));
    }

    /** Fused ops without a kernel run as what they decompose to. */
    private boolean supports(Tensor t) {
        return switch (t.op()) {
            case Fused.GruCell g -> false;
            // other windows as a product, folded
            case Backward.ConvInput c ->
                c.depthwise(t.inputs()) || (c.groups() == 1 && c.window().pointwise());
            case Backward.ConvWeight c -> c.depthwise(t.inputs()) || c.groups() == 1;
            case Backward.LayerNorm n -> true;
            case Backward.LayerNormScale n -> true;
            case Backward.Attention a -> true;
            case Fused.Conv2d c -> c.groups() == 1 || c.depthwise(t.inputs());
            case Fused f -> true;
            case Primitive p -> true;
        };
    }

    /** Kernels that read an element for the last time before they write the one at its place. */
    @Override
    public boolean allows(Tensor tensor, int operand) {
        Tensor in = tensor.inputs().get(operand);
        return switch (tensor.op()) {
            case Primitive.Unary u -> true;
            case Primitive.ToFloat f -> true;
            case Primitive.Binary b -> in.shape().size() == tensor.shape().size();
            case Primitive.ScatterRows s -> operand == 0;
            case Primitive p -> false;
            case Fused.Activate a -> true;
            case Fused.LayerNorm n -> operand == 0;
            case Fused.BatchNorm n -> operand == 0;
            case Fused.Softmax s -> true;
            case Fused.Pointwise p -> in.shape().equals(tensor.shape());
            case Backward.LayerNorm n -> operand != 1;
            case Fused f -> false;
        };
    }

    @Override
    public boolean apart(Tensor t) {
        return switch (t.op()) {
            case Fused.Conv2d c -> c.groups() == 1;
            case Fused.Pool p -> true;
            case Op op -> false;
        };
    }

    @Override
    public Kernel kernel(Tensor t, Operands operands) {
        return switch (t.op()) {
            case Primitive p -> primitive(p, t, operands);
            case Fused f -> fused(f, t, operands);
        };
    }

    private Kernel primitive(Primitive op, Tensor t, Operands operands) {
        return switch (op) {
            case Primitive.Leaf l -> throw new IllegalStateException("a leaf is not computed: " + t);
            case Primitive.Detach d -> throw new IllegalStateException("an alias is not computed: " + t);
            case Primitive.Reshape r -> throw new IllegalStateException("an alias is not computed: " + t);
            case Primitive.MatMul m -> Gemm.matMul(m, t, operands, parallel, workspace(operands), panels);
            case Primitive.RandomUniform r -> new Elementwise.RandomUniform(r.salt(), t, operands, parallel);
            case Primitive.ToFloat f -> new Elementwise.ToFloat(t, operands, parallel);
            case Primitive.Unary u -> new Elementwise.Unary(u.kind(), t, operands, parallel);
            case Primitive.Binary b -> new Elementwise.Binary(b.kind(), t, operands, parallel);
            case Primitive.Reduce r -> Reductions.reduce(r, t, operands, parallel);
            case Primitive.ArgMax a -> new Reductions.ArgMax(a.axis(), t, operands, parallel);
            case Primitive.Transpose p -> Movement.transpose(p, t, operands, parallel);
            case Primitive.Broadcast b -> Movement.broadcast(t, operands, parallel);
            case Primitive.Slice s -> Movement.slice(s, t, operands, parallel);
            case Primitive.Pad p -> Movement.Join.pad(p, t, operands, parallel);
            case Primitive.Concat c -> Movement.Join.concat(c, t, operands, parallel);
            case Primitive.Gather g -> new Rows.Gather(t, operands, parallel);
            case Primitive.ScatterAdd s -> new Rows.ScatterAdd(t, operands, parallel);
            case Primitive.ScatterRows s -> new Rows.ScatterRows(t, operands);
            case Primitive.Unfold u -> new Pooling.Unfold(u, t, operands, parallel);
            case Primitive.Fold f -> new Pooling.Fold(f, t, operands, parallel);
            case Primitive.ResampleGrid r -> new Rows.ResampleGrid(r, t, operands, parallel);
        };
    }

    private Kernel fused(Fused op, Tensor t, Operands operands) {
        return switch (op) {
            case Fused.Linear l -> Gemm.linear(l, t, operands, parallel, workspace(operands), panels);
            case Fused.Conv2d c -> Conv2d.of(c, t, operands, parallel, workspace(operands), panels);
            case Fused.Attention a -> attention(a, t, operands);
            case Fused.CachedAttention a -> new RowAttention(a, t, operands, parallel, workspace(operands));
            case Fused.GruCell g -> throw new IllegalStateException("decomposed before: " + t);
            case Fused.Activate a -> new Elementwise.Activate(a.activation(), t, operands, parallel);
            case Fused.LayerNorm n -> new Normalization.LayerNorm(n.epsilon(), t, operands, parallel);
            case Fused.BatchNorm n -> new Normalization.BatchNorm(n.epsilon(), t, operands, parallel);
            case Fused.Softmax s -> new Normalization.Softmax(s.axis(), false, t, operands, parallel);
            case Fused.LogSoftmax s -> new Normalization.Softmax(s.axis(), true, t, operands, parallel);
            case Fused.CrossEntropy c -> new Normalization.CrossEntropy(t, operands, parallel);
            case Fused.Pool p -> new Pooling.Pool(p, t, operands, parallel, workspace(operands));
            case Fused.Pointwise p -> new PointwiseChain(p, t, operands, parallel, workspace(operands));
            case Backward b -> backward(b, t, operands);
        };
    }

    private Kernel backward(Backward op, Tensor t, Operands operands) {
        return switch (op) {
            case Backward.LayerNorm n -> new NormalizationBackward.LayerNorm(n.epsilon(), t, operands, parallel);
            case Backward.LayerNormScale n -> new NormalizationBackward.Scale(n.epsilon(), t, operands, parallel);
            case Backward.Attention a -> new AttentionBackward(a.of(), t, operands, parallel, workspace(operands));
            case Backward.ConvInput c -> Conv2d.input(c, t, operands, parallel, workspace(operands), panels);
            case Backward.ConvWeight c -> Conv2d.weight(c, t, operands, parallel, workspace(operands));
        };
    }

    private Kernel attention(Fused.Attention a, Tensor t, Operands operands) {
        if (FewQueriesAttention.suits(a, t)) {
            return new FewQueriesAttention(a, t, operands, parallel, workspace(operands));
        }
        return t.dim(1) <= FEW_QUERIES && a.masking() == Fused.Masking.NONE && a.dropout() == 0
                ? new RowAttention(a, t, operands, parallel, workspace(operands))
                : new AttentionKernel(a, t, operands, parallel, workspace(operands));
    }

    /** The scratch memory that all kernels of an executable share. */
    private synchronized Workspace workspace(Operands operands) {
        return workspaces.computeIfAbsent(operands, o -> new Workspace(o.arena(), parallel.threads()));
    }
}
