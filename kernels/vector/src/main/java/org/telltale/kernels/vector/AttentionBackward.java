package org.telltale.kernels.vector;

import static org.telltale.kernels.vector.Memory.ALL;
import static org.telltale.kernels.vector.Memory.LANES;
import static org.telltale.kernels.vector.Memory.ORDER;
import static org.telltale.kernels.vector.Memory.SPECIES;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/**
 * The gradients of attention. A chunk is one head of one batch element: per block of queries the probabilities are computed
 * once more, and from them the gradient of the scores, both written as panels too. The gradients of keys and values are
 * gathered turned around, [head, keys], as products of the turned queries and result gradients with those panels.
 */
final class AttentionBackward implements Kernel, Parallel.Chunk {
    /** Scores of a block: four such matrices are 256 KiB of a second-level cache. */
    private static final int SCORES = 1 << 14;

    private static final MicroKernel MICRO = MicroKernel.BEST;
    private static final int PANEL = MICRO.columns();

    /** {@link #gradients} and {@link #dropped}. */
    private static final MethodHandle[] LOOPS = {
        OutOfLine.find(
                MethodHandles.lookup(),
                "gradients",
                MethodType.methodType(
                        void.class,
                        long.class,
                        long.class,
                        int.class,
                        float.class,
                        float.class,
                        float.class,
                        long.class,
                        long.class,
                        long.class)),
        OutOfLine.find(
                MethodHandles.lookup(),
                "dropped",
                MethodType.methodType(
                        void.class,
                        long.class,
                        long.class,
                        int.class,
                        float.class,
                        float.class,
                        float.class,
                        long.class,
                        long.class,
                        long.class,
                        long.class,
                        float.class,
                        float.class))
    };

    private final Fused.Attention op;
    private final Parallel parallel;
    private final Workspace workspace;
    private final Buffer q;
    private final Buffer k;
    private final Buffer v;
    private final Buffer y;
    private final Buffer dy;
    private final Buffer out;
    private final AttentionMask mask;
    private final @Nullable Dropped dropped;

    private final int batch;
    private final int queries;
    private final int keys;
    private final int width;
    private final int head;
    private final int blockRows;
    private final int scoreColumns;

    /** Keys or values as the right operand [head, keys], and keys as [keys, head]. */
    private final PackedPanels columns;

    private final PackedPanels rows;

    /** Bytes from one panel of scores, [blockRows][PANEL], to the next. */
    private final long scorePanel;

    /** Where the pieces of a worker's scratch begin. */
    private final long copyAt;

    private final long addendsAt;
    private final long uniformsAt;
    private final long lanesAt;
    private final long keyColumnsAt;
    private final long valueColumnsAt;
    private final long keyRowsAt;
    private final long scoresAt;
    private final long gradientsAt;
    private final long probabilityPanelsAt;
    private final long gradientPanelsAt;
    private final long turnedQueriesAt;
    private final long turnedGradientsAt;
    private final long turnedKeysAt;
    private final long turnedValuesAt;
    private long qAddress;
    private long kAddress;
    private long vAddress;
    private long yAddress;
    private long dyAddress;
    private long outAddress;

    AttentionBackward(Fused.Attention op, Tensor t, Operands operands, Parallel parallel, Workspace workspace) {
        this.op = op;
        this.parallel = parallel;
        this.workspace = workspace;
        List<Tensor> in = t.inputs();
        q = operands.buffer(in.get(0));
        k = operands.buffer(in.get(1));
        v = operands.buffer(in.get(2));
        y = operands.buffer(in.get(in.size() - 2));
        dy = operands.buffer(in.getLast());
        out = operands.buffer(t);
        mask = new AttentionMask(op, in, operands);
        dropped = Dropped.of(op, in, operands);
        batch = in.get(0).dim(0);
        queries = in.get(0).dim(1);
        keys = in.get(1).dim(1);
        width = in.get(0).dim(2);
        head = width / op.heads();
        columns = PackedPanels.matrix(head, keys, true, width);
        rows = PackedPanels.matrix(keys, head, false, width);
        scoreColumns = columns.panels() * PANEL;
        int most = Math.max(MICRO.rows(), SCORES / Math.max(scoreColumns, 1));
        int blocks = Math.max(1, Math.ceilDiv(queries, most));
        blockRows = Math.min(queries, Math.ceilDiv(Math.ceilDiv(queries, blocks), MICRO.rows()) * MICRO.rows());
        scorePanel = 4L * blockRows * PANEL;
        long scores = Workspace.align(4L * blockRows * scoreColumns);
        long turned = Workspace.align(4L * head * blockRows);
        copyAt = Workspace.align(MICRO.scratchBytes(Math.max(Math.max(head, keys), blockRows), false));
        addendsAt = copyAt + (MICRO.interleaved() ? Workspace.align(4L * blockRows * Math.max(head, keys)) : 0);
        uniformsAt = addendsAt + Workspace.align(4L * scoreColumns);
        lanesAt = uniformsAt + Workspace.align(4L * scoreColumns);
        keyColumnsAt = lanesAt + Workspace.align(4L * LANES);
        valueColumnsAt = keyColumnsAt + Workspace.align(columns.bytes());
        keyRowsAt = valueColumnsAt + Workspace.align(columns.bytes());
        scoresAt = keyRowsAt + Workspace.align(rows.bytes());
        gradientsAt = scoresAt + scores;
        probabilityPanelsAt = gradientsAt + scores;
        gradientPanelsAt = probabilityPanelsAt + scores;
        turnedQueriesAt = gradientPanelsAt + scores;
        turnedGradientsAt = turnedQueriesAt + turned;
        turnedKeysAt = turnedGradientsAt + turned;
        turnedValuesAt = turnedKeysAt + Workspace.align(4L * head * scoreColumns);
        MICRO.prepare(Activation.NONE, false);
        workspace.reserve(0, turnedValuesAt + Workspace.align(4L * head * scoreColumns));
    }

    @Override
    public void run() {
        workspace.shared();
        qAddress = q.address();
        kAddress = k.address();
        vAddress = v.address();
        yAddress = y.address();
        dyAddress = dy.address();
        outAddress = out.address();
        mask.begin();
        if (dropped != null) {
            dropped.begin();
        }
        parallel.forRange(batch * op.heads(), this);
    }

    @Override
    public void run(int chunk, int worker) {
        int b = chunk / op.heads();
        int h = chunk % op.heads();
        long scratch = workspace.worker(worker);
        long keyPlace = 4L * b * keys * width + 4L * h * head;
        for (int p = 0; p < columns.panels(); p++) {
            columns.pack(kAddress + keyPlace, scratch + keyColumnsAt, p);
            columns.pack(vAddress + keyPlace, scratch + valueColumnsAt, p);
        }
        for (int p = 0; p < rows.panels(); p++) {
            rows.pack(kAddress + keyPlace, scratch + keyRowsAt, p);
        }
        mask.keys(b, scratch + addendsAt);
        for (int first = 0; first < queries; first += blockRows) {
            block(b, h, first, Math.min(blockRows, queries - first), scratch);
        }
        long step = 4L * width;
        long dk = outAddress + 4L * batch * queries * width + keyPlace;
        long dv = dk + 4L * batch * keys * width;
        Turn.move(scratch + turnedKeysAt, 4L * scoreColumns, head, keys, dk, step);
        Turn.move(scratch + turnedValuesAt, 4L * scoreColumns, head, keys, dv, step);
    }

    private void block(int b, int h, int first, int count, long scratch) {
        long place = 4L * ((long) b * queries + first) * width + 4L * h * head;
        long scores = scratch + scoresAt;
        long gradients = scratch + gradientsAt;
        long step = 4L * width;
        long copy = scratch + copyAt;
        long rowBytes = 4L * scoreColumns;
        MicroKernel.product(
                count,
                head,
                qAddress + place,
                step,
                copy,
                scratch + keyColumnsAt,
                columns.panelBytes(),
                scoreColumns,
                scores,
                rowBytes,
                false,
                scratch);
        MicroKernel.product(
                count,
                head,
                dyAddress + place,
                step,
                copy,
                scratch + valueColumnsAt,
                columns.panelBytes(),
                scoreColumns,
                gradients,
                rowBytes,
                false,
                scratch);
        for (int r = 0; r < count; r++) {
            row(b, h, first, r, scratch);
        }
        MicroKernel.product(
                count,
                keys,
                scores,
                rowBytes,
                copy,
                scratch + keyRowsAt,
                rows.panelBytes(),
                head,
                outAddress + place,
                step,
                false,
                scratch);
        Turn.move(qAddress + place, step, count, head, scratch + turnedQueriesAt, 4L * count);
        Turn.move(dyAddress + place, step, count, head, scratch + turnedGradientsAt, 4L * count);
        gather(count, turnedQueriesAt, gradientPanelsAt, turnedKeysAt, first > 0, scratch);
        gather(count, turnedGradientsAt, probabilityPanelsAt, turnedValuesAt, first > 0, scratch);
    }

    /** The product of turned rows [head, count] with panels of scores [count, keys], added to [head, keys]. */
    private void gather(int count, long turnedAt, long panelsAt, long sumsAt, boolean accumulate, long scratch) {
        MicroKernel.product(
                head,
                count,
                scratch + turnedAt,
                4L * count,
                scratch + copyAt,
                scratch + panelsAt,
                scorePanel,
                scoreColumns,
                scratch + sumsAt,
                4L * scoreColumns,
                accumulate,
                scratch);
    }

    /** A query's probabilities and the gradients of its scores, the latter in place of the scores. */
    private void row(int b, int h, int first, int r, long scratch) {
        int query = first + r;
        long row = scratch + scoresAt + 4L * r * scoreColumns;
        long lanes = scratch + lanesAt;
        long place = 4L * ((long) b * queries + query) * width + 4L * h * head;
        int seen = AttentionKernel.seen(op, query, keys);
        long addends = mask.addends(b, h, query, scratch + addendsAt);
        float sum = SoftmaxRow.exponentials(row, seen, op.scale(), addends, scoreColumns, lanes);
        float factor = sum == 0 ? 0 : 1 / sum;
        float mean = dot(yAddress + place, dyAddress + place, head);
        long gradients = scratch + gradientsAt + 4L * r * scoreColumns;
        long panelRow = 4L * r * PANEL;
        long probabilityPanel = scratch + probabilityPanelsAt + panelRow;
        long gradientPanel = scratch + gradientPanelsAt + panelRow;
        try {
            if (dropped == null) {
                LOOPS[0].invokeExact(
                        row,
                        gradients,
                        scoreColumns,
                        factor,
                        mean,
                        op.scale(),
                        probabilityPanel,
                        gradientPanel,
                        scorePanel);
            } else {
                long uniforms = scratch + uniformsAt;
                dropped.draw(b, h, query, uniforms, seen);
                LOOPS[1].invokeExact(
                        row,
                        gradients,
                        scoreColumns,
                        factor,
                        mean,
                        op.scale(),
                        probabilityPanel,
                        gradientPanel,
                        scorePanel,
                        uniforms,
                        dropped.rate(),
                        dropped.factor());
            }
        } catch (Throwable t) {
            throw OutOfLine.thrown(t);
        }
    }

    /**
     * From exponentials and the gradients of probabilities to probabilities, in panels, and the gradients of scores, in
     * panels and in place of the exponentials.
     *
     * @param row exponentials
     * @param gradients of the probabilities
     * @param count a multiple of the panel's columns
     * @param factor from exponentials to probabilities
     * @param mean of the gradients, weighted with the probabilities
     * @param panel the row's place in the first panel of probabilities
     * @param step bytes from one panel to the next
     */
    static void gradients(
            long row,
            long gradients,
            int count,
            float factor,
            float mean,
            float scale,
            long panel,
            long gradientPanel,
            long step) {
        for (int j = 0; j < count; j += LANES) {
            long at = j / PANEL * step + j % PANEL * 4L;
            FloatVector p = load(row + 4L * j).mul(factor);
            FloatVector score = load(gradients + 4L * j).sub(mean).mul(p).mul(scale);
            p.intoMemorySegment(ALL, panel + at, ORDER);
            score.intoMemorySegment(ALL, gradientPanel + at, ORDER);
            score.intoMemorySegment(ALL, row + 4L * j, ORDER);
        }
    }

    /** The same with dropout; the panels get what is left of the probabilities. */
    static void dropped(
            long row,
            long gradients,
            int count,
            float factor,
            float mean,
            float scale,
            long panel,
            long gradientPanel,
            long step,
            long uniforms,
            float rate,
            float raised) {
        for (int j = 0; j < count; j += LANES) {
            long at = j / PANEL * step + j % PANEL * 4L;
            FloatVector kept = Dropped.factors(uniforms + 4L * j, rate, raised);
            FloatVector p = load(row + 4L * j).mul(factor);
            FloatVector score =
                    load(gradients + 4L * j).mul(kept).sub(mean).mul(p).mul(scale);
            p.mul(kept).intoMemorySegment(ALL, panel + at, ORDER);
            score.intoMemorySegment(ALL, gradientPanel + at, ORDER);
            score.intoMemorySegment(ALL, row + 4L * j, ORDER);
        }
    }

    private static FloatVector load(long address) {
        return FloatVector.fromMemorySegment(SPECIES, ALL, address, ORDER);
    }

    /**
     * The sum of products in rising order, as the micro-kernel takes it: where a query sees one key, y is a row of v, and
     * the mean must be that key's gradient to the last bit.
     */
    private static float dot(long a, long b, int count) {
        float sum = 0;
        for (int j = 0; j < count; j++) {
            sum = Math.fma(Memory.get(a + 4L * j), Memory.get(b + 4L * j), sum);
        }
        return sum;
    }
}
