package org.telltale.kernels.vector;

import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/**
 * Attention of a few queries, those of one panel, onto many keys, for a micro-kernel that reads the left operand in place:
 * the scores are the product of the keys, where they lie, with the queries as the panel, so that no key is packed and each
 * is read once for all queries. A chunk is one head of one batch element; there is no mask.
 */
final class FewQueriesAttention implements Kernel, Parallel.Chunk {
    private static final MicroKernel MICRO = MicroKernel.BEST;

    private final Fused.Attention op;
    private final Parallel parallel;
    private final Workspace workspace;
    private final Buffer q;
    private final Buffer k;
    private final Buffer v;
    private final Buffer y;
    private final int batch;
    private final int queries;
    private final int keys;
    private final int width;
    private final int head;
    private final int scoreColumns;
    private final PackedPanels queryPanel;
    private final PackedPanels valuePanels;

    /** Where the pieces of a worker's scratch begin. */
    private final long panelAt;

    private final long columnsAt;
    private final long rowsAt;
    private final long valuesAt;
    private final long resultsAt;
    private final long sumsAt;
    private final long lanesAt;
    private long qAddress;
    private long kAddress;
    private long vAddress;
    private long yAddress;

    FewQueriesAttention(Fused.Attention op, Tensor t, Operands operands, Parallel parallel, Workspace workspace) {
        this.op = op;
        this.parallel = parallel;
        this.workspace = workspace;
        q = operands.buffer(t.inputs().get(0));
        k = operands.buffer(t.inputs().get(1));
        v = operands.buffer(t.inputs().get(2));
        y = operands.buffer(t);
        batch = t.dim(0);
        queries = t.dim(1);
        keys = t.inputs().get(1).dim(1);
        width = t.dim(2);
        head = width / op.heads();
        scoreColumns = Math.ceilDiv(keys, Memory.LANES) * Memory.LANES;
        queryPanel = PackedPanels.matrix(head, queries, true, width);
        valuePanels = PackedPanels.matrix(keys, head, false, width);
        panelAt = Workspace.align(MICRO.scratchBytes(Math.max(head, keys), false));
        columnsAt = panelAt + Workspace.align(queryPanel.bytes());
        rowsAt = columnsAt + Workspace.align(4L * keys * queries);
        valuesAt = rowsAt + Workspace.align(4L * queries * scoreColumns);
        resultsAt = valuesAt + Workspace.align(valuePanels.bytes());
        sumsAt = resultsAt + Workspace.align(4L * queries * head);
        lanesAt = sumsAt + Workspace.align(4L * queries);
        MICRO.prepare(Activation.NONE, false);
        workspace.reserve(0, lanesAt + 4L * Memory.LANES);
    }

    /** Whether this class can compute it, and is worth it. */
    static boolean suits(Fused.Attention op, Tensor t) {
        return !MICRO.interleaved()
                && op.masking() == Fused.Masking.NONE
                && op.dropout() == 0
                && t.dim(1) > 1
                && t.dim(1) <= MICRO.columns();
    }

    @Override
    public void run() {
        workspace.shared();
        qAddress = q.address();
        kAddress = k.address();
        vAddress = v.address();
        yAddress = y.address();
        parallel.forRange(batch * op.heads(), this);
    }

    @Override
    public void run(int chunk, int worker) {
        long b = chunk / op.heads();
        long h = 4L * (chunk % op.heads()) * head;
        long scratch = workspace.worker(worker);
        long panel = scratch + panelAt;
        long columns = scratch + columnsAt;
        long rows = scratch + rowsAt;
        long values = scratch + valuesAt;
        long results = scratch + resultsAt;
        long sums = scratch + sumsAt;
        long place = 4L * b * queries * width + h;
        long keyPlace = 4L * b * keys * width + h;
        queryPanel.pack(qAddress + place, panel, 0);
        MicroKernel.product(
                keys,
                head,
                kAddress + keyPlace,
                4L * width,
                0,
                panel,
                queryPanel.panelBytes(),
                queries,
                columns,
                4L * queries,
                false,
                scratch);
        int most = 0;
        for (int r = 0; r < queries; r++) {
            long row = rows + 4L * r * scoreColumns;
            for (int j = 0; j < keys; j++) {
                Memory.set(row + 4L * j, Memory.get(columns + 4L * ((long) j * queries + r)));
            }
            int seen = AttentionKernel.seen(op, r, keys);
            most = Math.max(most, seen);
            float sum = SoftmaxRow.exponentials(row, seen, op.scale(), 0, scoreColumns, scratch + lanesAt);
            Memory.set(sums + 4L * r, sum);
        }
        for (int p = 0; p < valuePanels.panels(); p++) {
            valuePanels.pack(vAddress + keyPlace, values, p);
        }
        MicroKernel.product(
                queries,
                most,
                rows,
                4L * scoreColumns,
                0,
                values,
                valuePanels.panelBytes(),
                head,
                results,
                4L * head,
                false,
                scratch);
        for (int r = 0; r < queries; r++) {
            long to = yAddress + place + 4L * r * width;
            AttentionKernel.divide(results + 4L * r * head, Memory.get(sums + 4L * r), to, head);
        }
    }
}
