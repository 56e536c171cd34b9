package org.telltale.kernels.vector;

import org.jspecify.annotations.Nullable;
import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/** The ops that are one matrix product or a batch of them. */
final class Products {
    private Products() {}

    /** x wᵀ + b, then an activation. */
    static final class Linear implements Kernel {
        private final Gemm gemm;
        private final Buffer in;
        private final Buffer out;
        private final @Nullable Buffer bias;
        private final Panels.Source weight;
        private final long stride;

        Linear(Fused.Linear op, Tensor t, Operands operands, Parallel parallel) {
            Tensor x = t.inputs().get(0);
            Tensor w = t.inputs().get(1);
            int inner = w.dim(1);
            int rows = w.dim(0) == 0 ? 0 : Math.toIntExact(t.shape().size() / w.dim(0));
            in = operands.buffer(x);
            out = operands.buffer(t);
            bias = t.inputs().size() > 2 ? operands.buffer(t.inputs().get(2)) : null;
            gemm = new Gemm(rows, w.dim(0), inner, op.activation(), operands, parallel);
            weight = Panels.of(w, Panels.Layout.transposed(inner, w.dim(0)), Gemm.MICRO.columns(), operands, parallel);
            stride = 4L * inner;
        }

        @Override
        public void run() {
            gemm.run(in.address(), stride, weight.panels(), bias == null ? 0 : bias.address(), out.address());
        }
    }

    /** A batch of products of two values that only a run knows, or with a shared right-hand side. */
    static final class MatMul implements Kernel {
        private final Gemm gemm;
        private final Buffer a;
        private final Buffer b;
        private final Buffer out;
        private final Panels.@Nullable Source shared;
        private final Panels packer;
        private final Flip flip;
        private final long panels;
        private final long turned;
        private final int batches;
        private final long aBytes;
        private final long bBytes;
        private final long cBytes;
        private final long aStride;

        MatMul(Primitive.MatMul op, Tensor t, Operands operands, Parallel parallel) {
            Tensor left = t.inputs().get(0);
            Tensor right = t.inputs().get(1);
            Shape s = t.shape();
            int n = s.dim(-1);
            int k = left.dim(op.transposeA() ? -2 : -1);
            boolean one = right.shape().rank() == 2;
            // Rows of all batches lie one after another, so a shared B makes them one product.
            int m = one && !op.transposeA() ? Math.toIntExact(s.size() / Math.max(n, 1)) : s.dim(-2);
            batches = m == 0 || n == 0 ? 0 : Math.toIntExact(s.size() / ((long) m * n));
            a = operands.buffer(left);
            b = operands.buffer(right);
            out = operands.buffer(t);
            aBytes = 4L * m * k;
            bBytes = one ? 0 : 4L * k * n;
            cBytes = 4L * m * n;
            aStride = 4L * k;
            Panels.Layout layout = op.transposeB() ? Panels.Layout.transposed(k, n) : Panels.Layout.rows(k, n);
            int columns = Gemm.MICRO.columns();
            gemm = new Gemm(m, n, k, Activation.NONE, operands, parallel);
            shared = one ? Panels.of(right, layout, columns, operands, parallel) : null;
            packer = Panels.packer(layout, columns, parallel);
            panels = one ? 0 : Panels.scratch(layout, columns, operands);
            flip = new Flip(m, k, parallel);
            turned = op.transposeA()
                    ? operands.arena().allocate(Math.max(aBytes, 4), 64).address()
                    : 0;
        }

        @Override
        public void run() {
            long all = shared == null ? 0 : shared.panels();
            for (int i = 0; i < batches; i++) {
                long right = shared == null ? packer.pack(b.address() + i * bBytes, panels) : all;
                long left = a.address() + i * aBytes;
                if (turned != 0) {
                    flip.run(left, turned);
                    left = turned;
                }
                gemm.run(left, aStride, right, 0, out.address() + i * cBytes);
            }
        }
    }

    /** Rows of a transposed left-hand side: [K, M] to [M, K]. */
    private static final class Flip implements Parallel.Chunk {
        private static final int BLOCK = 32;

        private final int rows;
        private final int columns;
        private final Parallel parallel;
        private long from;
        private long to;

        Flip(int rows, int columns, Parallel parallel) {
            this.rows = rows;
            this.columns = columns;
            this.parallel = parallel;
        }

        void run(long from, long to) {
            this.from = from;
            this.to = to;
            parallel.forRange(Math.ceilDiv(rows, BLOCK), this);
        }

        @Override
        public void run(int chunk, int worker) {
            int end = Math.min(rows, (chunk + 1) * BLOCK);
            for (int k = 0; k < columns; k++) {
                for (int m = chunk * BLOCK; m < end; m++) {
                    Memory.set(to + 4 * ((long) m * columns + k), Memory.get(from + 4 * ((long) k * rows + m)));
                }
            }
        }
    }
}
