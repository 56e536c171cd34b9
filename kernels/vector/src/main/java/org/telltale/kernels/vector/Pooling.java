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

    /**
     * The largest or the mean of windows, a line of the result at a time: the rows of its windows are joined into one line,
     * and of that the columns. So loops are long, and none carries a vector from one tap to the next, which some
     * compilations keep in memory instead of a register.
     */
    static final class Pool implements Kernel, Parallel.Chunk {
        private final Parallel parallel;
        private final Workspace workspace;
        private final Fused.PoolKind kind;
        private final Primitive.BinaryKind join;
        private final Window window;
        private final Buffer in;
        private final Buffer out;
        private final int height;
        private final int width;
        private final long channels;
        private final int outHeight;
        private final int outWidth;

        /** Floats from one pixel of the result to the next. */
        private final long resultPitch;

        private final int lines;
        private long x;
        private long y;

        Pool(Fused.Pool op, Tensor t, Operands operands, Parallel parallel, Workspace workspace) {
            this.parallel = parallel;
            this.workspace = workspace;
            kind = op.kind();
            join = kind == Fused.PoolKind.MAX ? Primitive.BinaryKind.MAXIMUM : Primitive.BinaryKind.ADD;
            window = op.window();
            in = operands.buffer(t.inputs().getFirst());
            out = operands.buffer(t);
            Shape s = t.inputs().getFirst().shape();
            height = s.dim(1);
            width = s.dim(2);
            channels = s.dim(3);
            outHeight = t.dim(1);
            outWidth = t.dim(2);
            resultPitch = operands.pitch(t);
            lines = Math.multiplyExact(t.dim(0), outHeight);
            workspace.reserve(0, 4L * width * channels);
        }

        @Override
        public void run() {
            workspace.shared();
            x = in.address();
            y = out.address();
            parallel.forRange(lines, this);
        }

        @Override
        public void run(int line, int worker) {
            long pixel = 4 * channels;
            long joined = workspace.worker(worker);
            int top = line % outHeight * window.strideHeight() - window.top();
            int from = Math.max(0, -top);
            int rows = Math.max(0, Math.min(window.kernelHeight(), height - top) - from);
            long picture = x + pixel * width * height * (line / outHeight);
            join(picture + pixel * width * (top + from), pixel * width, rows, joined, width * channels);
            for (int p = 0; p < outWidth; ) {
                int left = p * window.strideWidth() - window.left();
                int first = Math.max(0, left);
                int columns = Math.max(0, Math.min(width, left + window.kernelWidth()) - first);
                // whole windows a pixel apart are joined in one loop
                int count = window.strideWidth() == 1 && columns == window.kernelWidth() && resultPitch == channels
                        ? Math.min(outWidth - p, width - left - window.kernelWidth() + 1)
                        : 1;
                long to = y + 4 * resultPitch * ((long) line * outWidth + p);
                join(joined + pixel * first, pixel, columns, to, count * channels);
                switch (kind) {
                    case MAX -> {}
                    case MEAN_OF_REAL -> divide(to, rows * columns, count * channels);
                    case MEAN_OF_WINDOW -> divide(to, window.kernelHeight() * window.kernelWidth(), count * channels);
                }
                p += count;
            }
        }

        /** Joins so many runs of numbers, a step apart, in their order. */
        private void join(long from, long step, int runs, long to, long count) {
            if (runs == 0) {
                Movement.fill(to, kind == Fused.PoolKind.MAX ? Float.NEGATIVE_INFINITY : 0, count);
            } else if (runs == 1) {
                Movement.copy(from, to, count);
            } else if (runs == 2) {
                Pairwise.run(join, from, 4, from + step, 4, to, count);
            } else {
                three(from, from + step, from + 2 * step, to, count);
            }
            int k = 3;
            for (; k < runs - 1; k += 2) {
                three(to, from + k * step, from + (k + 1) * step, to, count);
            }
            if (k < runs) {
                Pairwise.run(join, to, 4, from + k * step, 4, to, count);
            }
        }

        private void three(long a, long b, long c, long to, long count) {
            if (kind == Fused.PoolKind.MAX) {
                largest(a, b, c, to, count);
            } else {
                add(a, b, c, to, count);
            }
        }

        private static void largest(long a, long b, long c, long to, long count) {
            long i = 0;
            for (; i <= count - Memory.LANES; i += Memory.LANES) {
                load(a + 4 * i)
                        .max(load(b + 4 * i))
                        .max(load(c + 4 * i))
                        .intoMemorySegment(M, to + 4 * i, Memory.ORDER);
            }
            if (i < count) {
                VectorMask<Float> m = S.indexInRange(i, count);
                load(a + 4 * i, m)
                        .max(load(b + 4 * i, m))
                        .max(load(c + 4 * i, m))
                        .intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
            }
        }

        private static void add(long a, long b, long c, long to, long count) {
            long i = 0;
            for (; i <= count - Memory.LANES; i += Memory.LANES) {
                load(a + 4 * i)
                        .add(load(b + 4 * i))
                        .add(load(c + 4 * i))
                        .intoMemorySegment(M, to + 4 * i, Memory.ORDER);
            }
            if (i < count) {
                VectorMask<Float> m = S.indexInRange(i, count);
                load(a + 4 * i, m)
                        .add(load(b + 4 * i, m))
                        .add(load(c + 4 * i, m))
                        .intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
            }
        }

        private static void divide(long to, float by, long count) {
            long i = 0;
            for (; i <= count - Memory.LANES; i += Memory.LANES) {
                load(to + 4 * i).div(by).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
            }
            if (i < count) {
                VectorMask<Float> m = S.indexInRange(i, count);
                load(to + 4 * i, m).div(by).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
            }
        }

        private static FloatVector load(long address) {
            return FloatVector.fromMemorySegment(S, M, address, Memory.ORDER);
        }

        private static FloatVector load(long address, VectorMask<Float> mask) {
            return FloatVector.fromMemorySegment(S, M, address, Memory.ORDER, mask);
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
