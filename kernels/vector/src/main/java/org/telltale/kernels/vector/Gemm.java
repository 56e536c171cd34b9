package org.telltale.kernels.vector;

import org.telltale.engine.Activation;
import org.telltale.engine.spi.KernelMaker.Operands;

/**
 * C [M, N] = activation(A [M, K] x B + bias) with B in panels: blocks for the caches around {@link MicroKernel}.
 *
 * <p>A chunk is a block of rows by a group of panels, so that one picture or one token keeps all threads busy. Inside,
 * blocks of K keep a panel's part in the first-level cache while the rows pass by. Sums go on through memory from block to
 * block, in the order of k, so neither blocks nor tiles change a bit.
 */
final class Gemm implements Parallel.Chunk {
    /** The kernel in use. */
    static final MicroKernel MICRO = new VectorMicroKernel();

    /** Rows of a block: with {@link #DEPTH} they fill a part of the second-level cache. */
    private static final int ROWS = 32 * MICRO.rows();

    /** Steps of k in a block: a panel's part takes half of the first-level cache. */
    private static final int DEPTH = 256;

    /** Below this many rows B is read once anyway, and blocks of k would only interrupt the stream. */
    private static final int FEW_ROWS = 2 * MICRO.rows();

    /** Panels in a chunk. */
    private static final int GROUP = 4;

    private final Parallel parallel;
    private final int rows;
    private final int width;
    private final int inner;
    private final int panels;
    private final int groups;
    private final int depth;
    private final Activation activation;
    private final long biasRow;
    private final long edge;
    private final long edgeBytes;
    private long a;
    private long b;
    private long c;
    private long aStride;

    Gemm(int rows, int width, int inner, Activation activation, Operands operands, Parallel parallel) {
        this.rows = rows;
        this.width = width;
        this.inner = inner;
        this.activation = activation;
        this.parallel = parallel;
        int columns = MICRO.columns();
        panels = Math.ceilDiv(width, columns);
        groups = Math.ceilDiv(panels, GROUP);
        depth = rows <= FEW_ROWS ? Math.max(inner, 1) : DEPTH;
        biasRow = operands.arena()
                .allocate(Math.max(4L * panels * columns, 4), 64)
                .address();
        edgeBytes = 4L * columns * Math.min(rows, ROWS);
        edge = operands.arena()
                .allocate(Math.max(edgeBytes * parallel.threads(), 4), 64)
                .address();
    }

    /**
     * Multiplies.
     *
     * @param a address of A, rows contiguous
     * @param aStride bytes between its rows
     * @param b address of the panels
     * @param bias address of N numbers, or 0 for none
     * @param c address of C, contiguous
     */
    void run(long a, long aStride, long b, long bias, long c) {
        this.a = a;
        this.aStride = aStride;
        this.b = b;
        this.c = c;
        bias(bias);
        parallel.forRange(groups * Math.ceilDiv(rows, ROWS), this);
    }

    /** Takes the bias, padded to whole panels, for {@link #multiply}. */
    void bias(long bias) {
        for (int i = 0; i < width; i++) {
            Memory.set(biasRow + 4L * i, bias == 0 ? 0 : Memory.get(bias + 4L * i));
        }
    }

    @Override
    public void run(int chunk, int worker) {
        int block = chunk / groups;
        int first = block * ROWS;
        int count = Math.min(ROWS, rows - first);
        int panel = chunk % groups * GROUP;
        int end = Math.min(panels, panel + GROUP);
        multiply(a + first * aStride, aStride, b, c + 4L * first * width, count, panel, end, edge + worker * edgeBytes);
    }

    /** A block of rows by some panels, the last of which may stick out of C and is computed aside. */
    void multiply(long a, long aStride, long b, long c, int count, int firstPanel, int endPanel, long aside) {
        int columns = MICRO.columns();
        long cStride = 4L * width;
        boolean sticksOut = endPanel * columns > width;
        int inside = sticksOut ? endPanel - 1 : endPanel;
        for (int p = firstPanel; p < endPanel; p++) {
            long to = p < inside ? c + 4L * p * columns : aside;
            seed(to, p < inside ? cStride : 4L * columns, biasRow + 4L * p * columns, count);
        }
        for (int k = 0; k < inner; k += depth) {
            int steps = Math.min(depth, inner - k);
            for (int p = firstPanel; p < endPanel; p++) {
                long to = p < inside ? c + 4L * p * columns : aside;
                long toStride = p < inside ? cStride : 4L * columns;
                long panel = b + 4 * ((long) p * inner + k) * columns;
                for (int r = 0; r < count; r += MICRO.rows()) {
                    MICRO.add(
                            Math.min(MICRO.rows(), count - r),
                            a + r * aStride + 4L * k,
                            aStride,
                            panel,
                            to + r * toStride,
                            toStride,
                            steps);
                }
            }
        }
        int from = firstPanel * columns;
        int to = Math.min(endPanel * columns, width);
        for (int r = 0; r < count; r++) {
            if (sticksOut) {
                int start = inside * columns;
                java.lang.foreign.MemorySegment.copy(
                        Memory.ALL,
                        aside + 4L * r * columns,
                        Memory.ALL,
                        c + r * cStride + 4L * start,
                        4L * (width - start));
            }
            if (activation != Activation.NONE) {
                VectorMath.activate(activation, c + r * cStride + 4L * from, to - from);
            }
        }
    }

    /** Starts the sums of a panel's rows with the bias. */
    private static void seed(long to, long toStride, long from, int count) {
        for (int r = 0; r < count; r++) {
            java.lang.foreign.MemorySegment.copy(Memory.ALL, from, Memory.ALL, to + r * toStride, 4L * MICRO.columns());
        }
    }

    int panels() {
        return panels;
    }
}
