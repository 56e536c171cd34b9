package org.telltale.kernels.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.KernelMaker.Operands;

/**
 * The right-hand side of a product, B [K, N], in panels of the micro-kernel's columns: [N / columns][K][columns], zeros
 * beyond N. A weight is packed once for all executables of its checkpoint, straight from the file; a value that only a run
 * knows is packed in each run.
 */
final class Panels implements Parallel.Chunk {
    /** Rows of B copied at a time, so that the written block stays in the first-level cache. */
    private static final int BLOCK = 64;

    private final Parallel parallel;
    private final int inner;
    private final int width;
    private final int columns;
    private final long kStep;
    private final long nStep;
    private long from;
    private long to;

    /**
     * How B lies in memory.
     *
     * @param inner K
     * @param width N
     * @param kStep elements between neighbours along K
     * @param nStep elements between neighbours along N
     */
    record Layout(int inner, int width, long kStep, long nStep) {
        /** From [K, N] rows. */
        static Layout rows(int inner, int width) {
            return new Layout(inner, width, width, 1);
        }

        /** From [N, K] rows, as a linear layer's weight is stored. */
        static Layout transposed(int inner, int width) {
            return new Layout(inner, width, 1, inner);
        }
    }

    private Panels(Parallel parallel, Layout layout, int columns) {
        this.parallel = parallel;
        this.inner = layout.inner;
        this.width = layout.width;
        this.kStep = layout.kStep;
        this.nStep = layout.nStep;
        this.columns = columns;
    }

    /** Where a product finds its panels. */
    interface Source {
        /** The address of the panels, made anew if they depend on the run. */
        long panels();
    }

    /** Floats of the panels of one B. */
    static long size(Layout layout, int columns) {
        return (long) Math.ceilDiv(layout.width, columns) * columns * layout.inner;
    }

    /** Brings a tensor's values into the layout that is packed from, address to address. */
    interface Arrange {
        void run(long from, long to);
    }

    /** The panels of a tensor that is one B. */
    static Source of(Tensor b, Layout layout, int columns, Operands operands, Parallel parallel) {
        return of(b, layout, columns, operands, parallel, null);
    }

    /** The panels of a tensor whose values are arranged first. */
    static Source of(
            Tensor b, Layout layout, int columns, Operands operands, Parallel parallel, @Nullable Arrange arrange) {
        Panels panels = new Panels(parallel, layout, columns);
        if (b.op() instanceof Primitive.Weight w) {
            String form = "panels of " + columns + " from " + layout;
            long address = operands.store()
                    .packed(w.name(), form, (plain, arena) -> panels.pack(plain, arena, arrange))
                    .data()
                    .address();
            return () -> address;
        }
        Buffer buffer = operands.buffer(b);
        if (operands.constant(b)) {
            long address = panels.pack(buffer.tensor(), operands.arena(), arrange)
                    .data()
                    .address();
            return () -> address;
        }
        long scratch = scratch(layout, columns, operands);
        if (arrange == null) {
            return () -> panels.pack(buffer.address(), scratch);
        }
        long arranged =
                operands.arena().allocate(Math.max(4 * b.shape().size(), 4), 64).address();
        return () -> {
            arrange.run(buffer.address(), arranged);
            return panels.pack(arranged, scratch);
        };
    }

    static long scratch(Layout layout, int columns, Operands operands) {
        return operands.arena()
                .allocate(Math.max(4 * size(layout, columns), 4), 64)
                .address();
    }

    /** Packs B's of one layout at run time. */
    static Panels packer(Layout layout, int columns, Parallel parallel) {
        return new Panels(parallel, layout, columns);
    }

    private HostTensor pack(HostTensor b, Arena arena, @Nullable Arrange arrange) {
        Shape shape = Shape.of(Math.ceilDiv(width, columns), inner, columns);
        HostTensor packed = HostTensor.allocate(arena, DType.F32, shape);
        try (Arena scratch = Arena.ofShared()) {
            long source = b.data().address();
            if (arrange != null) {
                source = scratch.allocate(b.data().byteSize(), 64).address();
                arrange.run(b.data().address(), source);
            }
            pack(source, packed.data().address());
        }
        return packed;
    }

    /** Packs the B at an address; returns where the panels are. */
    long pack(long source, long target) {
        from = source;
        to = target;
        parallel.forRange(Math.ceilDiv(width, columns), this);
        return target;
    }

    @Override
    public void run(int panel, int worker) {
        pack(from, to, panel);
    }

    /** Packs one panel. */
    void pack(long source, long target, int panel) {
        int first = panel * columns;
        int count = Math.min(columns, width - first);
        long out = target + 4L * panel * inner * columns;
        long in = source + 4L * first * nStep;
        if (nStep == 1) {
            for (int k = 0; k < inner; k++) {
                MemorySegment.copy(Memory.ALL, in + 4L * k * kStep, Memory.ALL, out + 4L * k * columns, 4L * count);
                zero(out + 4L * (k * (long) columns + count), columns - count);
            }
            return;
        }
        for (int block = 0; block < inner; block += BLOCK) {
            int end = Math.min(inner, block + BLOCK);
            for (int j = 0; j < columns; j++) {
                long column = in + 4L * j * nStep;
                for (int k = block; k < end; k++) {
                    float value = j < count ? Memory.get(column + 4L * k * kStep) : 0;
                    Memory.set(out + 4 * ((long) k * columns + j), value);
                }
            }
        }
    }

    private static void zero(long address, int count) {
        for (int i = 0; i < count; i++) {
            Memory.set(address + 4L * i, 0);
        }
    }
}
