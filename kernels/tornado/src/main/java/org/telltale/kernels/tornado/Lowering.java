package org.telltale.kernels.tornado;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.spi.DeviceLimitException;
import org.telltale.engine.spi.GraphPasses;
import org.telltale.engine.spi.MemoryPlan;

/** Which launches compute which op. */
final class Lowering implements MemoryPlan.InPlace {
    /** The axes that {@code moveElements} and {@code binaryFunction} go over. */
    private static final int AXES = 6;

    /** The columns of a head that the items of a group of {@code attendHead} sum up. */
    private static final int DEEPEST_HEAD = 256;

    private static final Steps ELEMENT = new Steps(new int[] {1}, new long[] {1}, new long[] {1});

    private final List<Launch> launches = new ArrayList<>();
    private final WeightArea weights;
    private final Function<Tensor, Place> places;
    private final Arena arena;

    /**
     * For one program.
     *
     * @param weights gets the numbers that kernels read
     * @param places where each tensor begins
     * @param arena for what is computed of shapes alone, until the weights are copied
     */
    Lowering(WeightArea weights, Function<Tensor, Place> places, Arena arena) {
        this.weights = weights;
        this.places = places;
        this.arena = arena;
    }

    List<Launch> launches() {
        return launches;
    }

    /** The graph as it runs here. */
    static Graph prepare(Graph graph) {
        Graph lowered = GraphPasses.shareEqual(GraphPasses.foldBatchNorm(graph).lower(Lowering::supports));
        Set<Tensor> counters = counters(lowered);
        for (Tensor counter : counters) {
            if (!(counter.op() instanceof Primitive.Input)) {
                throw new DeviceLimitException(graph.name() + ": the counter of random numbers is " + counter
                        + ", on the gpu it must be an input");
            }
        }
        for (Tensor t : lowered.nodes()) {
            if (!(t.op() instanceof Primitive.RandomUniform)
                    && t.inputs().stream().anyMatch(counters::contains)) {
                throw new DeviceLimitException(
                        graph.name() + ": on the gpu a counter of random numbers has no other use, as in " + t);
            }
        }
        return lowered;
    }

    /** What random numbers are drawn by: seeds and steps of 32 bits, which the device gets as halves. */
    static Set<Tensor> counters(Graph graph) {
        Set<Tensor> counters = new HashSet<>();
        for (Tensor t : graph.nodes()) {
            if (t.op() instanceof Primitive.RandomUniform) {
                counters.add(t.inputs().getFirst());
            }
        }
        return counters;
    }

    private static boolean supports(Tensor t) {
        return switch (t.op()) {
            case Fused.Activate a -> true;
            case Fused.Linear l -> true;
            case Fused.LayerNorm n -> true;
            case Fused.Softmax s -> true;
            case Fused.LogSoftmax s -> true;
            case Fused.Attention a -> a.dropout() == 0 && t.dim(2) / a.heads() <= DEEPEST_HEAD;
            case Fused.Conv2d c -> c.groups() == 1 || c.depthwise(t.inputs());
            case Fused.Pool p -> true;
            case Fused f -> false;
            case Primitive p -> true;
        };
    }

    /** Kernels whose items read what they overwrite before any of them writes. */
    @Override
    public boolean allows(Tensor t, int operand) {
        boolean whole = t.inputs().get(operand).shape().size() == t.shape().size();
        return switch (t.op()) {
            case Primitive.Unary u -> true;
            case Primitive.ToFloat f -> true;
            case Primitive.Binary b -> whole;
            case Primitive p -> false;
            case Fused.Activate a -> true;
            case Fused.Softmax s -> true;
            case Fused.LogSoftmax s -> true;
            case Fused.LayerNorm n -> operand == 0;
            case Fused f -> false;
        };
    }

    /** Adds what computes a tensor. */
    void lower(Tensor t) {
        if (t.shape().size() == 0) {
            return;
        }
        switch (t.op()) {
            case Primitive p -> primitive(p, t);
            case Fused f -> fused(f, t);
        }
    }

    Place place(Tensor t) {
        return places.apply(t);
    }

    /** Adds a copy of a tensor to a place. */
    void copy(Tensor t, Place to) {
        copy(t, places.apply(t), to);
    }

    /** Adds a copy of a tensor's values from one place to another, unless they are the same. */
    void copy(Tensor t, Place from, Place to) {
        int n = size(t.shape().size());
        if (n > 0 && !from.equals(to)) {
            move(new Steps(new int[] {n}, new long[] {1}, new long[] {1}), from, to, "copy of " + t);
        }
    }

    /** Adds what sets one element. */
    void number(float value, Place to) {
        copyNumber(new Place(Area.WEIGHTS, weights.number(value)), to);
    }

    /** Adds a copy of one element. */
    void copyNumber(Place from, Place to) {
        move(ELEMENT, from, to, "a number");
    }

    /** A copy of the first element of one array to another, for what has to be used to be there. */
    static Launch touch(Area from, Area to) {
        return moved(ELEMENT, new Place(from, 0), new Place(to, 0), "a number");
    }

    private void primitive(Primitive op, Tensor t) {
        switch (op) {
            case Primitive.Leaf l -> throw new IllegalStateException("a leaf is not computed: " + t);
            case Primitive.Detach d -> throw new IllegalStateException("an alias is not computed: " + t);
            case Primitive.Reshape r -> throw new IllegalStateException("an alias is not computed: " + t);
            case Primitive.RandomUniform r -> {
                int n = size(t.shape().size());
                add(
                        GpuKernel.DRAW_UNIFORM,
                        t,
                        Launch.Groups.elements(n),
                        List.of(n, from(t, 0), to(t), r.salt()),
                        in(t, 0));
            }
            case Primitive.ToFloat f -> function(ScalarFunction.IDENTITY, t);
            case Primitive.Unary u -> function(ScalarFunction.of(u.kind()), t);
            case Primitive.Binary b -> binary(b, t);
            case Primitive.MatMul m -> matMul(m, t);
            case Primitive.Reduce r -> reduce(r, t);
            case Primitive.ArgMax a -> {
                Shape x = in(t, 0).shape();
                int axis = x.axis(a.axis());
                int n = size(t.shape().size());
                add(
                        GpuKernel.FIRST_MAXIMUM,
                        t,
                        Launch.Groups.elements(n),
                        List.of(n, from(t, 0), to(t), x.dim(axis), size(x.product(axis + 1, x.rank()))),
                        in(t, 0));
            }
            case Primitive.Transpose p -> {
                long[] from = in(t, 0).shape().strides();
                long[] steps = p.order().stream().mapToLong(a -> from[a]).toArray();
                move(new Steps(t.shape().dims(), steps, t.shape().strides()), t);
            }
            case Primitive.Broadcast b -> {
                long[] steps =
                        Steps.broadcast(in(t, 0).shape().dims(), t.shape().dims());
                move(new Steps(t.shape().dims(), steps, t.shape().strides()), t);
            }
            case Primitive.Slice s -> {
                long[] from = in(t, 0).shape().strides();
                Place begin = places.apply(in(t, 0));
                int skipped = size(s.begin() * from[t.shape().axis(s.axis())]);
                move(
                        new Steps(t.shape().dims(), from, t.shape().strides()),
                        new Place(begin.area(), begin.offset() + skipped),
                        places.apply(t),
                        t.toString());
            }
            case Primitive.Pad p -> {
                Place number = new Place(Area.WEIGHTS, weights.number(p.value()));
                long[] nothing = new long[t.shape().rank()];
                move(new Steps(t.shape().dims(), nothing, t.shape().strides()), number, places.apply(t), t.toString());
                part(in(t, 0), t, t.shape().axis(p.axis()), p.before());
            }
            case Primitive.Concat c -> {
                int axis = t.shape().axis(c.axis());
                int begin = 0;
                for (Tensor x : t.inputs()) {
                    part(x, t, axis, begin);
                    begin += x.dim(axis);
                }
            }
            case Primitive.Gather g -> {
                Shape table = in(t, 0).shape();
                int n = size(t.shape().size());
                int row = size(table.product(1, table.rank()));
                add(
                        GpuKernel.GATHER_ROWS,
                        t,
                        Launch.Groups.elements(n),
                        List.of(n, from(t, 0), from(t, 1), to(t), row, table.dim(0), number()),
                        in(t, 0),
                        in(t, 1));
            }
            case Primitive.ScatterAdd s -> {
                int n = size(t.shape().size());
                int row = size(t.shape().product(1, t.shape().rank()));
                int ids = size(in(t, 1).shape().size());
                add(
                        GpuKernel.SCATTER_ADD,
                        t,
                        Launch.Groups.elements(n),
                        List.of(n, from(t, 0), from(t, 1), to(t), row, ids, s.count(), number()),
                        in(t, 0),
                        in(t, 1));
            }
            case Primitive.ScatterRows s -> {
                copy(in(t, 0), places.apply(t));
                int n = size(in(t, 1).shape().size());
                int row = size(t.shape().product(1, t.shape().rank()));
                if (n > 0) {
                    add(
                            GpuKernel.SCATTER_ROWS,
                            t,
                            Launch.Groups.elements(n),
                            List.of(n, from(t, 1), from(t, 2), to(t), row, t.dim(0), number()),
                            in(t, 1),
                            in(t, 2));
                }
            }
            case Primitive.Unfold u -> {
                Shape x = in(t, 0).shape();
                int n = size(t.shape().size());
                List<Integer> at =
                        new ArrayList<>(List.of(n, from(t, 0), weights.number(u.padding()), to(t), x.dim(1), x.dim(2)));
                at.addAll(List.of(x.dim(3), t.dim(1), t.dim(2)));
                at.addAll(window(u.window()));
                launch(
                        GpuKernel.UNFOLD_WINDOWS,
                        List.of(
                                places.apply(in(t, 0)).area(),
                                Area.WEIGHTS,
                                places.apply(t).area()),
                        Launch.Groups.elements(n),
                        at,
                        t.toString());
            }
            case Primitive.Fold f -> {
                Shape x = in(t, 0).shape();
                int n = size(t.shape().size());
                List<Integer> at = new ArrayList<>(
                        List.of(n, from(t, 0), to(t), t.dim(1), t.dim(2), t.dim(3), x.dim(1), x.dim(2)));
                at.addAll(window(f.window()));
                add(GpuKernel.FOLD_WINDOWS, t, Launch.Groups.elements(n), at, in(t, 0));
            }
            case Primitive.ResampleGrid r -> resample(r, t);
        }
    }

    private void fused(Fused op, Tensor t) {
        switch (op) {
            case Fused.Activate a -> function(ScalarFunction.of(a.activation()), t);
            case Fused.Linear l -> linear(l, t);
            case Fused.LayerNorm n -> {
                int width = t.dim(-1);
                launch(
                        GpuKernel.NORMALISE_ROWS,
                        areas(t, in(t, 0), in(t, 1), in(t, 2), null),
                        new Launch.Groups(size(t.shape().size() / width), 1, 1),
                        List.of(width, from(t, 0), from(t, 1), from(t, 2), weights.number(n.epsilon()), to(t)),
                        t.toString());
            }
            case Fused.Softmax s -> softmax(s.axis(), 0, t);
            case Fused.LogSoftmax s -> softmax(s.axis(), 1, t);
            case Fused.Attention a -> attention(a, t);
            case Fused.Conv2d c -> convolution(c, t);
            case Fused.Pool p -> {
                Shape x = in(t, 0).shape();
                int n = size(t.shape().size());
                int kind = switch (p.kind()) {
                    case MAX -> 0;
                    case MEAN_OF_REAL -> 1;
                    case MEAN_OF_WINDOW -> 2;
                };
                List<Integer> at = new ArrayList<>(List.of(n, from(t, 0), to(t), kind, x.dim(1), x.dim(2), x.dim(3)));
                at.addAll(List.of(t.dim(1), t.dim(2)));
                at.addAll(window(p.window()));
                add(GpuKernel.POOL_WINDOWS, t, Launch.Groups.elements(n), at, in(t, 0));
            }
            case Fused f -> throw new IllegalStateException("decomposed before: " + t);
        }
    }

    private void function(ScalarFunction function, Tensor t) {
        int n = size(t.shape().size());
        add(
                GpuKernel.UNARY_FUNCTION,
                t,
                Launch.Groups.elements(n),
                List.of(n, from(t, 0), to(t), function.number()),
                in(t, 0));
    }

    private void binary(Primitive.Binary op, Tensor t) {
        int[] dims = t.shape().dims();
        Steps steps = new Steps(
                dims,
                Steps.broadcast(in(t, 0).shape().dims(), dims),
                Steps.broadcast(in(t, 1).shape().dims(), dims));
        int n = size(t.shape().size());
        List<Integer> at = new ArrayList<>(List.of(n, from(t, 0), from(t, 1), to(t), number(op.kind())));
        at.addAll(checked(steps, t.toString()).extents(AXES));
        at.addAll(steps.steps(0, AXES));
        at.addAll(steps.steps(1, AXES));
        add(GpuKernel.BINARY_FUNCTION, t, Launch.Groups.elements(n), at, in(t, 0), in(t, 1));
    }

    private static int number(Primitive.BinaryKind kind) {
        return switch (kind) {
            case ADD -> 0;
            case SUB -> 1;
            case MUL -> 2;
            case DIV -> 3;
            case MAXIMUM -> 4;
            case GREATER -> 5;
            case EQUAL -> 6;
        };
    }

    private static int number(Fused.Masking masking) {
        return switch (masking) {
            case NONE -> 0;
            case KEYS -> 1;
            case BIAS -> 2;
        };
    }

    private static Steps checked(Steps steps, String what) {
        if (steps.rank() > AXES) {
            throw new DeviceLimitException(what + ": the gpu's kernels go over " + AXES + " axes, not over " + steps);
        }
        return steps;
    }

    /** Puts an operand into the result from some place of an axis on. */
    private void part(Tensor x, Tensor t, int axis, int begin) {
        if (x.shape().size() > 0) {
            Place to = places.apply(t);
            int skipped = size(begin * t.shape().strides()[axis]);
            move(
                    new Steps(x.shape().dims(), x.shape().strides(), t.shape().strides()),
                    places.apply(x),
                    new Place(to.area(), to.offset() + skipped),
                    t.toString());
        }
    }

    private void move(Steps steps, Tensor t) {
        move(steps, places.apply(in(t, 0)), places.apply(t), t.toString());
    }

    private void move(Steps steps, Place from, Place to, String what) {
        launches.add(moved(steps, from, to, what));
    }

    private static Launch moved(Steps steps, Place from, Place to, String what) {
        int n = steps.count();
        List<Integer> at = new ArrayList<>(List.of(n, from.offset(), to.offset()));
        at.addAll(checked(steps, what).extents(AXES));
        at.addAll(steps.steps(0, AXES));
        at.addAll(steps.steps(1, AXES));
        return new Launch(
                GpuKernel.MOVE_ELEMENTS, List.of(from.area(), to.area()), Launch.Groups.elements(n), at, what);
    }

    private void matMul(Primitive.MatMul op, Tensor t) {
        Tensor a = in(t, 0);
        Tensor b = in(t, 1);
        boolean shared = b.shape().rank() == 2;
        int rows = shared && a.shape().rank() > 2 ? size(t.shape().size() / t.dim(-1)) : t.dim(-2);
        int columns = t.dim(-1);
        int depth = a.dim(op.transposeA() ? -2 : -1);
        int batches = shared ? 1 : size(t.shape().product(0, t.shape().rank() - 2));
        product(
                t,
                List.of(rows, columns, depth),
                batches,
                List.of(size((long) rows * depth), op.transposeA() ? 1 : depth, op.transposeA() ? rows : 1),
                List.of(size((long) columns * depth), op.transposeB() ? 1 : columns, op.transposeB() ? depth : 1),
                ScalarFunction.IDENTITY);
    }

    private void linear(Fused.Linear op, Tensor t) {
        int columns = t.dim(-1);
        int rows = size(t.shape().size() / columns);
        int depth = in(t, 0).dim(-1);
        product(
                t,
                List.of(rows, columns, depth),
                1,
                List.of(0, depth, 1),
                List.of(0, 1, depth),
                ScalarFunction.of(op.activation()));
    }

    /** A product of the first two operands; the third, if there is one, is a bias. */
    private void product(
            Tensor t,
            List<Integer> extents,
            int batches,
            List<Integer> left,
            List<Integer> right,
            ScalarFunction function) {
        boolean bias = t.inputs().size() > 2;
        Tensor third = in(t, bias ? 2 : 1);
        List<Integer> at = new ArrayList<>(extents);
        at.addAll(List.of(from(t, 0), from(t, 1), places.apply(third).offset(), to(t)));
        at.addAll(left);
        at.addAll(right);
        at.addAll(List.of(function.number(), bias ? 1 : 0, left.get(2) == 1 ? 1 : 0, right.get(1) == 1 ? 1 : 0));
        at.add(0);
        add(
                GpuKernel.MATRIX_PRODUCT,
                t,
                Launch.Groups.tiles(extents.get(0), extents.get(1), batches),
                at,
                in(t, 0),
                in(t, 1),
                third);
    }

    private void reduce(Primitive.Reduce op, Tensor t) {
        Shape x = in(t, 0).shape();
        long[] from = x.strides();
        int[] kept = x.dims();
        int[] summed = x.dims();
        for (int axis = 0; axis < kept.length; axis++) {
            if (op.axes().contains(axis)) {
                kept[axis] = 1;
            } else {
                summed[axis] = 1;
            }
        }
        Steps outer = new Steps(kept, from);
        Steps inner = new Steps(summed, from);
        if (outer.rank() > 3 || inner.rank() > 3) {
            throw new DeviceLimitException(
                    t + ": the gpu's reductions keep and sum over 3 runs of axes, not " + outer + " and " + inner);
        }
        List<Integer> at = new ArrayList<>(
                List.of(inner.count(), from(t, 0), to(t), op.kind() == Primitive.ReduceKind.SUM ? 0 : 1));
        at.addAll(outer.extents(3));
        at.addAll(outer.steps(0, 3));
        at.addAll(inner.extents(3));
        at.addAll(inner.steps(0, 3));
        add(GpuKernel.REDUCE_AXES, t, new Launch.Groups(size(t.shape().size()), 1, 1), at, in(t, 0));
    }

    private void softmax(int along, int logarithm, Tensor t) {
        int axis = t.shape().axis(along);
        int count = t.dim(axis);
        int inner = size(t.shape().product(axis + 1, t.shape().rank()));
        add(
                GpuKernel.SOFTMAX_ROWS,
                t,
                new Launch.Groups(size(t.shape().size() / count), 1, 1),
                List.of(count, from(t, 0), to(t), inner, logarithm),
                in(t, 0));
    }

    private void attention(Fused.Attention op, Tensor t) {
        Tensor q = in(t, 0);
        Tensor k = in(t, 1);
        boolean masked = op.masking() != Fused.Masking.NONE;
        Tensor mask = in(t, masked ? 3 : 1);
        int[] scores = {q.dim(0), op.heads(), q.dim(1), k.dim(1)};
        long[] steps = op.masking() == Fused.Masking.BIAS
                ? Steps.broadcast(mask.shape().dims(), scores)
                : new long[scores.length];
        List<Integer> at = new ArrayList<>(List.of(q.dim(1), k.dim(1), q.dim(2), q.dim(2) / op.heads()));
        at.addAll(List.of(op.causal() ? 1 : 0, op.offset(), number(op.masking())));
        at.addAll(List.of(from(t, 0), from(t, 1), from(t, 2), places.apply(mask).offset()));
        at.addAll(List.of(weights.number(op.scale()), to(t)));
        Arrays.stream(steps).forEach(s -> at.add(size(s)));
        launch(
                GpuKernel.ATTEND_HEAD,
                areas(t, q, k, in(t, 2), mask, null),
                new Launch.Groups(q.dim(1), op.heads(), q.dim(0)),
                at,
                t.toString());
    }

    private void convolution(Fused.Conv2d op, Tensor t) {
        Shape x = in(t, 0).shape();
        Window w = op.window();
        boolean bias = t.inputs().size() > 2;
        Tensor third = in(t, bias ? 2 : 1);
        int function = ScalarFunction.of(op.activation()).number();
        if (op.depthwise(t.inputs())) {
            int n = size(t.shape().size());
            List<Integer> at = new ArrayList<>(
                    List.of(n, from(t, 0), from(t, 1), places.apply(third).offset(), to(t)));
            at.addAll(List.of(x.dim(1), x.dim(2), x.dim(3), t.dim(1), t.dim(2)));
            at.addAll(window(w));
            at.addAll(List.of(function, bias ? 1 : 0));
            add(GpuKernel.CONVOLVE_CHANNELS, t, Launch.Groups.elements(n), at, in(t, 0), in(t, 1), third);
            return;
        }
        int taps = w.kernelHeight() * w.kernelWidth();
        int channels = x.dim(3);
        int outputs = t.dim(3);
        int rows = size(t.shape().size() / outputs);
        boolean constant = weights.holds(in(t, 1));
        int kernel = constant ? outputsLast(weights.values(in(t, 1)), taps) : from(t, 1);
        int depth = taps * channels;
        List<Integer> at = new ArrayList<>(List.of(rows, outputs, depth, from(t, 0), kernel));
        at.addAll(List.of(places.apply(third).offset(), to(t), 0, 0, 0, 0));
        at.addAll(constant ? List.of(outputs, 1) : List.of(1, depth));
        at.addAll(List.of(function, bias ? 1 : 0, constant ? 1 : 0, constant ? 0 : 1, 1));
        at.addAll(List.of(x.dim(1), x.dim(2), channels, t.dim(1), t.dim(2)));
        at.addAll(List.of(w.kernelWidth(), w.strideHeight(), w.strideWidth(), w.top(), w.left()));
        // the depth as the kernel has it: channels within taps, or taps within channels
        at.addAll(constant ? List.of(channels, 1) : List.of(taps, 0));
        Area kernelArea = constant ? Area.WEIGHTS : places.apply(in(t, 1)).area();
        launch(
                GpuKernel.MATRIX_PRODUCT,
                List.of(
                        places.apply(in(t, 0)).area(),
                        kernelArea,
                        places.apply(third).area(),
                        places.apply(t).area()),
                Launch.Groups.tiles(rows, outputs, 1),
                at,
                t.toString());
    }

    /** Adds a convolution's weight [O, C, taps] as [taps, C, O], so that neighbouring items read neighbours. */
    private int outputsLast(HostTensor weight, int taps) {
        int outputs = weight.shape().dim(0);
        int channels = weight.shape().dim(1);
        HostTensor turned = HostTensor.allocate(arena, DType.F32, weight.shape());
        long to = 0;
        for (int tap = 0; tap < taps; tap++) {
            for (int c = 0; c < channels; c++) {
                for (int o = 0; o < outputs; o++) {
                    turned.set(to++, weight.get(((long) o * channels + c) * taps + tap));
                }
            }
        }
        return weights.add(turned);
    }

    /** The resampling as a sparse matrix. */
    private void resample(Primitive.ResampleGrid op, Tensor t) {
        int small = op.rows() * op.columns();
        int big = op.toRows() * op.toColumns();
        List<List<Integer>> columns = new ArrayList<>();
        List<List<Float>> values = new ArrayList<>();
        for (int row = 0; row < t.dim(0); row++) {
            columns.add(new ArrayList<>());
            values.add(new ArrayList<>());
        }
        for (int place = 0; place < big; place++) {
            int r = place / op.toColumns();
            int c = place % op.toColumns();
            for (int tap = 0; tap < 16; tap++) {
                double weight = Primitive.ResampleGrid.tap(op.rows(), op.toRows(), r, tap / 4)
                        * Primitive.ResampleGrid.tap(op.columns(), op.toColumns(), c, tap % 4);
                int source = Primitive.ResampleGrid.source(op.rows(), op.toRows(), r, tap / 4) * op.columns()
                        + Primitive.ResampleGrid.source(op.columns(), op.toColumns(), c, tap % 4);
                columns.get(op.adjoint() ? source : place).add(op.adjoint() ? place : source);
                values.get(op.adjoint() ? source : place).add((float) weight);
            }
        }
        int entries = 16 * big;
        int rows = op.adjoint() ? small : big;
        HostTensor begins = HostTensor.allocate(arena, DType.F32, Shape.of(rows + 1));
        HostTensor places16 = HostTensor.allocate(arena, DType.F32, Shape.of(entries));
        HostTensor taps = HostTensor.allocate(arena, DType.F32, Shape.of(entries));
        int entry = 0;
        for (int row = 0; row < rows; row++) {
            for (int k = 0; k < columns.get(row).size(); k++) {
                places16.set(entry, columns.get(row).get(k));
                taps.set(entry++, values.get(row).get(k));
            }
            begins.set(row + 1, entry);
        }
        int n = size(t.shape().size());
        launch(
                GpuKernel.SPARSE_ROWS,
                List.of(
                        places.apply(in(t, 0)).area(),
                        Area.WEIGHTS,
                        places.apply(t).area()),
                Launch.Groups.elements(n),
                List.of(n, from(t, 0), weights.add(begins), weights.add(places16), weights.add(taps), to(t), t.dim(1)),
                t.toString());
    }

    private static List<Integer> window(Window w) {
        return List.of(w.kernelHeight(), w.kernelWidth(), w.strideHeight(), w.strideWidth(), w.top(), w.left());
    }

    /** The number by which the next launch is found again when it meets an id outside its table. */
    private int number() {
        return launches.size() + 1;
    }

    private static Tensor in(Tensor t, int operand) {
        return t.inputs().get(operand);
    }

    private int from(Tensor t, int operand) {
        return places.apply(in(t, operand)).offset();
    }

    private int to(Tensor t) {
        return places.apply(t).offset();
    }

    private static int size(long count) {
        return Math.toIntExact(count);
    }

    /** The areas of operands and the result; null stands for numbers. */
    private List<Area> areas(Tensor t, @org.jspecify.annotations.Nullable Tensor... operands) {
        List<Area> areas = new ArrayList<>();
        for (Tensor operand : operands) {
            areas.add(operand == null ? Area.WEIGHTS : places.apply(operand).area());
        }
        areas.add(places.apply(t).area());
        return areas;
    }

    private void add(GpuKernel kernel, Tensor t, Launch.Groups groups, List<Integer> at, Tensor... operands) {
        launch(kernel, areas(t, operands), groups, at, t.toString());
    }

    private void launch(GpuKernel kernel, List<Area> areas, Launch.Groups groups, List<Integer> at, String what) {
        launches.add(new Launch(kernel, areas, groups, at, what));
    }
}
