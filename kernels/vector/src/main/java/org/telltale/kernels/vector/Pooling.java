package org.telltale.kernels.vector;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;
import org.telltale.engine.Fused;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.Window;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/** Kernels over the windows of NHWC pictures, vectorised over channels: pooling, unfolding and its adjoint. */
final class Pooling {
    private static final MemorySegment M = Memory.ALL;
    private static final VectorSpecies<Float> S = Memory.SPECIES;

    private Pooling() {}

    /** Each output pixel by itself. */
    abstract static sealed class Pixels implements Kernel, Parallel.Chunk {
        private final Parallel parallel;
        private final Buffer in;
        private final Buffer out;
        private final int outHeight;
        private final int outWidth;
        private final long pixels;
        private final long perChunk;
        private long x;
        private long y;

        Pixels(Tensor t, long work, Operands operands, Parallel parallel) {
            this.parallel = parallel;
            in = operands.buffer(t.inputs().getFirst());
            out = operands.buffer(t);
            outHeight = t.dim(1);
            outWidth = t.dim(2);
            pixels = t.shape().product(0, 3);
            perChunk = Elementwise.rowsPerChunk(work);
        }

        @Override
        public final void run() {
            x = in.address();
            y = out.address();
            parallel.forRange(Math.toIntExact(Math.ceilDiv(pixels, perChunk)), this);
        }

        @Override
        public final void run(int chunk, int worker) {
            long end = Math.min(pixels, (chunk + 1) * perChunk);
            for (long p = chunk * perChunk; p < end; p++) {
                long row = p / outWidth;
                pixel(x, y, row / outHeight, (int) (row % outHeight), (int) (p % outWidth), p);
            }
        }

        /** Computes output pixel number {@code flat}, at (h, w) of picture n. */
        abstract void pixel(long x, long y, long n, int h, int w, long flat);
    }

    static final class Pool extends Pixels {
        private final Fused.PoolKind kind;
        private final Window window;
        private final int height;
        private final int width;
        private final long channels;

        Pool(Fused.Pool op, Tensor t, Operands operands, Parallel parallel) {
            super(t, (long) op.window().kernelHeight() * op.window().kernelWidth() * t.dim(3), operands, parallel);
            kind = op.kind();
            window = op.window();
            Shape s = t.inputs().getFirst().shape();
            height = s.dim(1);
            width = s.dim(2);
            channels = s.dim(3);
        }

        @Override
        void pixel(long x, long y, long n, int h, int w, long flat) {
            int top = h * window.strideHeight() - window.top();
            int left = w * window.strideWidth() - window.left();
            int bottom = Math.min(top + window.kernelHeight(), height);
            int right = Math.min(left + window.kernelWidth(), width);
            top = Math.max(top, 0);
            left = Math.max(left, 0);
            int rows = Math.max(bottom - top, 0);
            int columns = Math.max(right - left, 0);
            long from = x + 4 * channels * ((n * height + top) * width + left);
            long to = y + 4 * channels * flat;
            switch (kind) {
                case MAX -> max(from, to, rows, columns);
                case MEAN_OF_REAL -> mean(from, to, rows, columns, rows * columns);
                case MEAN_OF_WINDOW -> mean(from, to, rows, columns, window.kernelHeight() * window.kernelWidth());
            }
        }

        private void max(long from, long to, int rows, int columns) {
            for (long c = 0; c < channels; c += Memory.LANES) {
                VectorMask<Float> m = S.indexInRange(c, channels);
                FloatVector best = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
                for (int r = 0; r < rows; r++) {
                    long at = from + 4 * (c + (long) r * width * channels);
                    for (int s = 0; s < columns; s++) {
                        best = best.max(FloatVector.fromMemorySegment(S, M, at, Memory.ORDER, m));
                        at += 4 * channels;
                    }
                }
                best.intoMemorySegment(M, to + 4 * c, Memory.ORDER, m);
            }
        }

        private void mean(long from, long to, int rows, int columns, int divisor) {
            for (long c = 0; c < channels; c += Memory.LANES) {
                VectorMask<Float> m = S.indexInRange(c, channels);
                FloatVector sum = FloatVector.zero(S);
                for (int r = 0; r < rows; r++) {
                    long at = from + 4 * (c + (long) r * width * channels);
                    for (int s = 0; s < columns; s++) {
                        sum = sum.add(FloatVector.fromMemorySegment(S, M, at, Memory.ORDER, m));
                        at += 4 * channels;
                    }
                }
                sum.div(divisor).intoMemorySegment(M, to + 4 * c, Memory.ORDER, m);
            }
        }
    }

    static final class Unfold extends Pixels {
        private final Window window;
        private final float padding;
        private final int height;
        private final int width;
        private final long channels;

        Unfold(Primitive.Unfold op, Tensor t, Operands operands, Parallel parallel) {
            super(t, (long) t.dim(3) * t.dim(4), operands, parallel);
            window = op.window();
            padding = op.padding();
            Shape s = t.inputs().getFirst().shape();
            height = s.dim(1);
            width = s.dim(2);
            channels = s.dim(3);
        }

        @Override
        void pixel(long x, long y, long n, int h, int w, long flat) {
            int left = w * window.strideWidth() - window.left();
            int before = Math.clamp(-left, 0, window.kernelWidth());
            int end = Math.clamp(width - left, before, window.kernelWidth());
            long to = y + 4 * channels * flat * window.kernelHeight() * window.kernelWidth();
            for (int r = 0; r < window.kernelHeight(); r++) {
                int row = h * window.strideHeight() - window.top() + r;
                if (row < 0 || row >= height) {
                    Movement.fill(to, padding, channels * window.kernelWidth());
                } else {
                    long from = x + 4 * channels * ((n * height + row) * width + left + before);
                    Movement.fill(to, padding, channels * before);
                    Movement.copy(from, to + 4 * channels * before, channels * (end - before));
                    Movement.fill(to + 4 * channels * end, padding, channels * (window.kernelWidth() - end));
                }
                to += 4 * channels * window.kernelWidth();
            }
        }
    }

    /** Each pixel collects its copies from the windows that hold it. */
    static final class Fold extends Pixels {
        private final Window window;
        private final int outHeight;
        private final int outWidth;
        private final long channels;

        Fold(Primitive.Fold op, Tensor t, Operands operands, Parallel parallel) {
            super(t, (long) op.window().kernelHeight() * op.window().kernelWidth() * t.dim(3), operands, parallel);
            window = op.window();
            Shape s = t.inputs().getFirst().shape();
            outHeight = s.dim(1);
            outWidth = s.dim(2);
            channels = s.dim(4);
        }

        @Override
        void pixel(long x, long y, long n, int h, int w, long flat) {
            long to = y + 4 * channels * flat;
            Movement.fill(to, 0, channels);
            for (int r = 0; r < window.kernelHeight(); r++) {
                int row = from(h + window.top() - r, window.strideHeight(), outHeight);
                for (int s = 0; row >= 0 && s < window.kernelWidth(); s++) {
                    int column = from(w + window.left() - s, window.strideWidth(), outWidth);
                    if (column >= 0) {
                        long place = ((n * outHeight + row) * outWidth + column) * window.kernelHeight() + r;
                        long part = x + 4 * channels * (place * window.kernelWidth() + s);
                        Pairwise.run(Primitive.BinaryKind.ADD, to, 4, part, 4, to, channels);
                    }
                }
            }
        }

        /** The window whose tap lies here, or -1. */
        private static int from(int distance, int stride, int count) {
            return distance >= 0 && distance % stride == 0 && distance / stride < count ? distance / stride : -1;
        }
    }
}
