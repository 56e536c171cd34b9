package org.telltale.kernels.vector;

import java.util.Optional;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.CompileOptions.Precision;
import org.telltale.engine.spi.KernelMaker.Operands;

/** The right operands of products: packed while compiling, in the precision of weights, or at each run, in F32. */
final class Panels {
    private final Parallel parallel;
    private final Precision precision;

    Panels(Parallel parallel, Precision precision) {
        this.parallel = parallel;
        this.precision = precision;
    }

    Gemm.RightPanels of(Tensor t, PackedPanels panels, int matrices, String form, Operands operands) {
        if (matrices == 1) {
            PackedPanels weights = precision == Precision.BF16 ? panels.asBf16() : panels;
            Optional<Long> packed = PackedWeights.pack(t, weights, form + " " + precision.name(), operands, parallel);
            if (packed.isPresent()) {
                return new Fixed(weights, packed.get());
            }
        }
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
