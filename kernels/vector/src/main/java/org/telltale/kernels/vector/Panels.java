package org.telltale.kernels.vector;

import java.util.Optional;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.CompileOptions.Precision;
import org.telltale.engine.spi.KernelMaker.Operands;

/**
 * The right operands of products, packed while compiling, or at each run where they are known only then, as weights in
 * training. Those of two axes have the precision that the backend was asked for; those of more, a matrix for each of the
 * left operand's, stay F32.
 */
final class Panels {
    private final Parallel parallel;
    private final Precision precision;

    Panels(Parallel parallel, Precision precision) {
        this.parallel = parallel;
        this.precision = precision;
    }

    /** The panels of the one right operand of a product. */
    Gemm.RightPanels of(Tensor t, PackedPanels plain, String form, Operands operands) {
        PackedPanels panels = precision == Precision.BF16 ? plain.asBf16() : plain;
        Optional<Long> packed = PackedWeights.pack(t, panels, form + " " + precision.name(), operands, parallel);
        return packed.isPresent()
                ? new Fixed(panels, packed.get())
                : new PerRun(panels, 1, operands.buffer(t), parallel);
    }

    /** The panels of so many right operands of equal extents. */
    Gemm.RightPanels each(Tensor t, PackedPanels panels, int matrices, Operands operands) {
        return new PerRun(panels, matrices, operands.buffer(t), parallel);
    }

    private record Fixed(PackedPanels panels, long first) implements Gemm.RightPanels {
        @Override
        public void begin(Workspace workspace) {}

        @Override
        public long address(int matrix) {
            return first;
        }

        @Override
        public long sharedBytes() {
            return 0;
        }
    }

    private static final class PerRun implements Gemm.RightPanels, Parallel.Chunk {
        private final PackedPanels panels;
        private final int matrices;
        private final Buffer buffer;
        private final Parallel parallel;
        private long from;
        private long to;

        PerRun(PackedPanels panels, int matrices, Buffer buffer, Parallel parallel) {
            this.panels = panels;
            this.matrices = matrices;
            this.buffer = buffer;
            this.parallel = parallel;
        }

        @Override
        public PackedPanels panels() {
            return panels;
        }

        @Override
        public void begin(Workspace workspace) {
            from = buffer.address();
            to = workspace.shared();
            parallel.forRange(matrices * panels.panels(), this);
        }

        @Override
        public void run(int chunk, int worker) {
            int matrix = chunk / panels.panels();
            long size = 4L * panels.depth() * panels.columns();
            panels.pack(from + matrix * size, address(matrix), chunk % panels.panels());
        }

        @Override
        public long address(int matrix) {
            return to + matrix * panels.bytes();
        }

        @Override
        public long sharedBytes() {
            return matrices * panels.bytes();
        }
    }
}
