package org.telltale.kernels.vector;

import java.lang.foreign.Arena;

/**
 * The sums of a matrix's columns. Rows are cut into parts by the extents alone, so that tall narrow matrices keep several
 * threads busy too; each part is added row after row in double, then the parts in order.
 */
final class ColumnSums {
    /** Columns of a chunk, whose sums stay in the first-level cache. */
    private static final long BLOCK = 1024;

    /** Chunks to aim at, and the fewest rows of a part. */
    private static final long CHUNKS = 32;

    private static final long ROWS = 64;

    private final Parallel parallel;
    private final long rows;
    private final long columns;
    private final long blocks;
    private final long parts;
    private final long partRows;
    private final long partials;
    private final Parallel.Chunk summing = this::sum;
    private final Parallel.Chunk finishing = this::finish;
    private long from;
    private long to;

    ColumnSums(long rows, long columns, Arena arena, Parallel parallel) {
        this.parallel = parallel;
        this.rows = rows;
        this.columns = columns;
        blocks = Math.ceilDiv(columns, BLOCK);
        long wanted = Math.min(rows / ROWS, CHUNKS / Math.max(blocks, 1));
        partRows = Math.ceilDiv(rows, Math.max(wanted, 1));
        parts = rows == 0 ? 1 : Math.ceilDiv(rows, partRows);
        partials = arena.allocate(Math.max(8 * parts * columns, 8), 64).address();
    }

    /** Sums [rows, columns] to [columns]. */
    void run(long matrix, long sums) {
        from = matrix;
        to = sums;
        parallel.forRange(Math.toIntExact(parts * blocks), summing);
        parallel.forRange(Math.toIntExact(blocks), finishing);
    }

    private void sum(int chunk, int worker) {
        long part = chunk / blocks;
        long column = chunk % blocks * BLOCK;
        long first = part * partRows;
        long count = Math.min(partRows, rows - first);
        long n = Math.min(BLOCK, columns - column);
        Sums.columns(
                from + 4 * (first * columns + column), 4 * columns, count, n, partials + 8 * (part * columns + column));
    }

    private void finish(int block, int worker) {
        long column = block * BLOCK;
        long n = Math.min(BLOCK, columns - column);
        long total = partials + 8 * column;
        for (long p = 1; p < parts; p++) {
            Sums.add(total + 8 * p * columns, total, n);
        }
        for (long c = 0; c < n; c++) {
            Memory.set(to + 4 * (column + c), (float) Memory.getDouble(total + 8 * c));
        }
    }
}
