package org.telltale.kernels.vector;

import java.lang.invoke.MethodHandle;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.Activation;
import org.telltale.kernels.vector.jit.Block;
import org.telltale.kernels.vector.jit.Rung;

/** Blocks computed by machine code of our own, one call for a whole block. */
final class EmittedMicroKernel implements MicroKernel {
    /** Places in scratch: the argument, then sums of tiles and the rounded left operand where it is rounded. */
    private static final long SUMS = Workspace.align(Block.BYTES);

    private static final long ROUNDED = SUMS + Rung.SUMS_BYTES;

    /** Depths that were worth trying, and what is taken where the CPU does not tell its caches. */
    private static final int LEAST_SLAB = 256;

    private static final int MOST_SLAB = 4096;

    private static final int USUAL_SLAB = 1024;

    /** Half of the second-level cache, where the CPU does not tell it. */
    private static final long USUAL_CACHED = 1 << 18;

    private final Rung rung;
    private final int slab;
    private final long cached;

    /** Emitted when a kernel that needs it is made. */
    private final Map<Activation, MethodHandle> f32 = new ConcurrentHashMap<>();

    private final Map<Activation, MethodHandle> bf16 = new ConcurrentHashMap<>();

    private volatile @Nullable MethodHandle rounding;

    /**
     * A slab of a panel takes an eighth of the second-level cache, beside the next one, which is fetched meanwhile, and the
     * rows: with 512 KiB and panels of 16 floats that is 1024, which was the fastest of 384, 512, 768 and 1024.
     *
     * @param secondCache bytes of the second-level cache, or 0
     */
    EmittedMicroKernel(Rung rung, long secondCache) {
        this.rung = rung;
        long fits = secondCache / 8 / (4L * rung.columns()) / 32 * 32;
        this.slab = secondCache == 0 ? USUAL_SLAB : Math.clamp(fits, LEAST_SLAB, MOST_SLAB);
        this.cached = secondCache == 0 ? USUAL_CACHED : secondCache / 2;
    }

    Rung rung() {
        return rung;
    }

    @Override
    public String name() {
        return rung.name().toLowerCase(Locale.ROOT);
    }

    @Override
    public int rows() {
        return rung.rows();
    }

    @Override
    public int columns() {
        return rung.columns();
    }

    @Override
    public int slab() {
        return slab;
    }

    @Override
    public long cached() {
        return cached;
    }

    @Override
    public boolean interleaved() {
        return false;
    }

    @Override
    public boolean rounds() {
        return rung.rounds();
    }

    @Override
    public long scratchBytes(int rows, int depth, boolean bf16) {
        if (!bf16 || !rounds()) {
            return Block.BYTES;
        }
        long whole = (rows + rows() - 1L) / rows() * rows();
        return ROUNDED + whole * Rung.roundedStride(depth);
    }

    @Override
    public void block(
            int rows,
            int depth,
            long a,
            long aStride,
            boolean rounded,
            long b,
            long panelBytes,
            boolean bf16,
            int columns,
            long c,
            long cStride,
            boolean accumulate,
            boolean last,
            long bias,
            Activation activation,
            long scratch) {
        put(scratch, Block.ROWS, rows);
        put(scratch, Block.DEPTH, rung.steps(depth, bf16));
        if (bf16 && rounds() && !rounded) {
            put(scratch, Block.SOURCE, a);
            put(scratch, Block.SOURCE_STRIDE, aStride);
            put(scratch, Block.SOURCE_DEPTH, depth);
            put(scratch, Block.LEFT, scratch + ROUNDED);
            put(scratch, Block.LEFT_STRIDE, Rung.roundedStride(depth));
        } else {
            put(scratch, Block.SOURCE, 0);
            put(scratch, Block.LEFT, a);
            put(scratch, Block.LEFT_STRIDE, aStride);
        }
        put(scratch, Block.SUMS, scratch + SUMS);
        put(scratch, Block.PANEL, b);
        put(scratch, Block.PANEL_BYTES, panelBytes);
        put(scratch, Block.COLUMNS, columns);
        put(scratch, Block.RESULT, c);
        put(scratch, Block.RESULT_STRIDE, cStride);
        put(scratch, Block.ACCUMULATE, accumulate ? 1 : 0);
        put(scratch, Block.LAST, last ? 1 : 0);
        put(scratch, Block.BIASED, bias == 0 ? 0 : 1);
        put(scratch, Block.BIAS, bias);
        Activation fused = fused(activation);
        MethodHandle function = (bf16 ? this.bf16 : f32).get(fused);
        call(function, scratch);
        if (last && fused != activation) {
            for (int r = 0; r < rows; r++) {
                Pointwise.activate(activation, c + r * cStride, c + r * cStride, columns);
            }
        }
    }

    private static void call(@Nullable MethodHandle function, long scratch) {
        if (function == null) {
            throw new IllegalStateException("no code was prepared for this");
        }
        try {
            function.invokeExact(scratch);
        } catch (Throwable t) {
            throw OutOfLine.thrown(t);
        }
    }

    @Override
    public long roundedStride(int depth) {
        return Rung.roundedStride(depth);
    }

    @Override
    public void round(int rows, int depth, long from, long fromStride, long to, long scratch) {
        put(scratch, Block.ROWS, rows);
        put(scratch, Block.SOURCE, from);
        put(scratch, Block.SOURCE_STRIDE, fromStride);
        put(scratch, Block.SOURCE_DEPTH, depth);
        put(scratch, Block.LEFT, to);
        put(scratch, Block.LEFT_STRIDE, Rung.roundedStride(depth));
        call(rounding, scratch);
    }

    @Override
    public void prepare(Activation activation, boolean bf16) {
        if (bf16 && rounds() && rounding == null) {
            rounding = rung.rounding();
        }
        (bf16 ? this.bf16 : f32).computeIfAbsent(fused(activation), a -> rung.function(a, bf16));
    }

    private static Activation fused(Activation activation) {
        return Rung.fuses(activation) ? activation : Activation.NONE;
    }

    private static void put(long scratch, Block field, long value) {
        Memory.setLong(scratch + field.offset(), value);
    }
}
