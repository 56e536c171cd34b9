package org.telltale.kernels.vector;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/** Kernels that normalise: layer norm, batch norm by given statistics, softmax and what is made of it. */
final class Normalization {
    private static final MemorySegment M = Memory.ALL;
    private static final VectorSpecies<Float> S = Memory.SPECIES;
    private static final int W = Memory.LANES;

    private static final MethodHandle[] AFFINE = {
        OutOfLine.find(
                MethodHandles.lookup(),
                "affine",
                MethodType.methodType(
                        void.class,
                        long.class,
                        long.class,
                        long.class,
                        long.class,
                        long.class,
                        float.class,
                        float.class,
                        float.class))
    };

    private Normalization() {}

    private static FloatVector load(long address) {
        return FloatVector.fromMemorySegment(S, M, address, Memory.ORDER);
    }

    private static FloatVector load(long address, VectorMask<Float> mask) {
        return FloatVector.fromMemorySegment(S, M, address, Memory.ORDER, mask);
    }

    /** A row, centred by a mean in two floats, times the inverse deviation, then scale and shift. */
    static void affine(long from, long to, long width, long gamma, long beta, float high, float low, float inverse) {
        long i = 0;
        for (; i <= width - W; i += W) {
            load(from + 4 * i)
                    .sub(high)
                    .sub(low)
                    .mul(inverse)
                    .fma(load(gamma + 4 * i), load(beta + 4 * i))
                    .intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < width) {
            VectorMask<Float> m = S.indexInRange(i, width);
            load(from + 4 * i, m)
                    .sub(high)
                    .sub(low)
                    .mul(inverse)
                    .fma(load(gamma + 4 * i, m), load(beta + 4 * i, m))
                    .intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    static final class LayerNorm implements Kernel, Parallel.Chunk {
        private final Parallel parallel;
        private final double epsilon;
        private final Buffer in;
        private final Buffer scale;
        private final Buffer shift;
        private final Buffer out;
        private final long width;
        private final long rows;
        private final long perChunk;
        private final long scratch;
        private long x;
        private long y;
        private long gamma;
        private long beta;

        LayerNorm(float epsilon, Tensor t, Operands operands, Parallel parallel) {
            this.parallel = parallel;
            this.epsilon = epsilon;
            in = operands.buffer(t.inputs().get(0));
            scale = operands.buffer(t.inputs().get(1));
            shift = operands.buffer(t.inputs().get(2));
            out = operands.buffer(t);
            width = t.dim(-1);
            rows = width == 0 ? 0 : t.shape().size() / width;
            perChunk = Elementwise.rowsPerChunk(width);
            scratch = operands.arena()
                    .allocate(Sums.SCRATCH * parallel.threads(), 64)
                    .address();
        }

        @Override
        public void run() {
            x = in.address();
            y = out.address();
            gamma = scale.address();
            beta = shift.address();
            parallel.forRange(Math.toIntExact(Math.ceilDiv(rows, perChunk)), this);
        }

        @Override
        public void run(int chunk, int worker) {
            long lanes = scratch + Sums.SCRATCH * worker;
            long end = Math.min(rows, (chunk + 1) * perChunk);
            for (long r = chunk * perChunk; r < end; r++) {
                long row = x + 4 * r * width;
                double mean = Sums.sum(row, width, lanes) / width;
                double variance = Sums.squares(row, width, mean, lanes) / width;
                float inverse = (float) (1 / Math.sqrt(variance + epsilon));
                // The mean in two floats: rows far from zero lose nothing when they are centred.
                float high = (float) mean;
                float low = (float) (mean - high);
                try {
                    AFFINE[0].invokeExact(row, y + 4 * r * width, width, gamma, beta, high, low, inverse);
                } catch (Throwable t) {
                    throw OutOfLine.thrown(t);
                }
            }
        }
    }

    /** Batch norm that no convolution could take in. */
    static final class BatchNorm implements Kernel, Parallel.Chunk {
        private final Parallel parallel;
        private final double epsilon;
        private final Buffer[] in = new Buffer[5];
        private final Buffer out;
        private final long channels;
        private final long rows;
        private final long perChunk;
        private final long factor;
        private long x;
        private long y;
        private long mean;
        private long beta;

        BatchNorm(float epsilon, Tensor t, Operands operands, Parallel parallel) {
            this.parallel = parallel;
            this.epsilon = epsilon;
            for (int k = 0; k < in.length; k++) {
                in[k] = operands.buffer(t.inputs().get(k));
            }
            out = operands.buffer(t);
            channels = t.dim(-1);
            rows = channels == 0 ? 0 : t.shape().size() / channels;
            perChunk = Elementwise.rowsPerChunk(channels);
            factor = operands.arena().allocate(Math.max(4 * channels, 4), 64).address();
        }

        @Override
        public void run() {
            x = in[0].address();
            y = out.address();
            mean = in[3].address();
            beta = in[2].address();
            long gamma = in[1].address();
            long variance = in[4].address();
            for (long c = 0; c < channels; c++) {
                double scale = Memory.get(gamma + 4 * c) / Math.sqrt(Memory.get(variance + 4 * c) + epsilon);
                Memory.set(factor + 4 * c, (float) scale);
            }
            parallel.forRange(Math.toIntExact(Math.ceilDiv(rows, perChunk)), this);
        }

        @Override
        public void run(int chunk, int worker) {
            long end = Math.min(rows, (chunk + 1) * perChunk);
            for (long r = chunk * perChunk; r < end; r++) {
                affine(x + 4 * r * channels, y + 4 * r * channels);
            }
        }

        private void affine(long from, long to) {
            long i = 0;
            for (; i <= channels - W; i += W) {
                load(from + 4 * i)
                        .sub(load(mean + 4 * i))
                        .fma(load(factor + 4 * i), load(beta + 4 * i))
                        .intoMemorySegment(M, to + 4 * i, Memory.ORDER);
            }
            if (i < channels) {
                VectorMask<Float> m = S.indexInRange(i, channels);
                load(from + 4 * i, m)
                        .sub(load(mean + 4 * i, m))
                        .fma(load(factor + 4 * i, m), load(beta + 4 * i, m))
                        .intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
            }
        }
    }

    /** Softmax or its logarithm along any axis; rows that are not contiguous pass through scratch memory. */
    static final class Softmax implements Kernel, Parallel.Chunk {
        private final Parallel parallel;
        private final boolean log;
        private final Buffer in;
        private final Buffer out;
        private final long count;
        private final long inner;
        private final long rows;
        private final long perChunk;
        private final long scratch;
        private final long scratchSize;
        private long x;
        private long y;

        Softmax(int axis, boolean log, Tensor t, Operands operands, Parallel parallel) {
            this.parallel = parallel;
            this.log = log;
            in = operands.buffer(t.inputs().getFirst());
            out = operands.buffer(t);
            Shape s = t.shape();
            count = s.dim(axis);
            inner = s.product(s.axis(axis) + 1, s.rank());
            rows = count == 0 ? 0 : s.size() / count;
            perChunk = Elementwise.rowsPerChunk(count);
            scratchSize = Sums.SCRATCH + (inner == 1 ? 0 : 2 * Math.ceilDiv(4 * count, 64) * 64);
            scratch = operands.arena()
                    .allocate(scratchSize * parallel.threads(), 64)
                    .address();
        }

        @Override
        public void run() {
            x = in.address();
            y = out.address();
            parallel.forRange(Math.toIntExact(Math.ceilDiv(rows, perChunk)), this);
        }

        @Override
        public void run(int chunk, int worker) {
            long lanes = scratch + scratchSize * worker;
            long end = Math.min(rows, (chunk + 1) * perChunk);
            for (long r = chunk * perChunk; r < end; r++) {
                if (inner == 1) {
                    row(x + 4 * r * count, y + 4 * r * count, lanes);
                } else {
                    column(4 * (r / inner * count * inner + r % inner), lanes);
                }
            }
        }

        private void column(long at, long lanes) {
            long from = lanes + Sums.SCRATCH;
            long to = from + (scratchSize - Sums.SCRATCH) / 2;
            for (long k = 0; k < count; k++) {
                Memory.set(from + 4 * k, Memory.get(x + at + 4 * k * inner));
            }
            row(from, to, lanes);
            for (long k = 0; k < count; k++) {
                Memory.set(y + at + 4 * k * inner, Memory.get(to + 4 * k));
            }
        }

        private void row(long from, long to, long lanes) {
            float max = Sums.max(from, count);
            Pointwise.exponential(from, max, to, count);
            double sum = Sums.sum(to, count, lanes);
            if (log) {
                shift(from, max, (float) Math.log(sum), to, count);
            } else {
                scale(to, (float) (1 / sum), count);
            }
        }
    }

    /** Cross-entropy of a row of logits and its label. */
    static final class CrossEntropy implements Kernel, Parallel.Chunk {
        private final Parallel parallel;
        private final Buffer logits;
        private final Buffer labels;
        private final Buffer out;
        private final long classes;
        private final long rows;
        private final long perChunk;
        private final long scratch;
        private final long scratchSize;
        private long x;
        private long label;
        private long y;

        CrossEntropy(Tensor t, Operands operands, Parallel parallel) {
            this.parallel = parallel;
            logits = operands.buffer(t.inputs().get(0));
            labels = operands.buffer(t.inputs().get(1));
            out = operands.buffer(t);
            rows = t.shape().size();
            classes = t.inputs().getFirst().dim(1);
            perChunk = Elementwise.rowsPerChunk(classes);
            scratchSize = Sums.SCRATCH + Math.ceilDiv(4 * classes, 64) * 64;
            scratch = operands.arena()
                    .allocate(scratchSize * parallel.threads(), 64)
                    .address();
        }

        @Override
        public void run() {
            x = logits.address();
            label = labels.address();
            y = out.address();
            parallel.forRange(Math.toIntExact(Math.ceilDiv(rows, perChunk)), this);
        }

        @Override
        public void run(int chunk, int worker) {
            long lanes = scratch + scratchSize * worker;
            long end = Math.min(rows, (chunk + 1) * perChunk);
            for (long r = chunk * perChunk; r < end; r++) {
                int chosen = Memory.getInt(label + 4 * r);
                Memory.set(
                        y + 4 * r,
                        chosen < 0 || chosen >= classes ? 0 : (float) loss(x + 4 * r * classes, chosen, lanes));
            }
        }

        private double loss(long row, int chosen, long lanes) {
            float max = Sums.max(row, classes);
            Pointwise.exponential(row, max, lanes + Sums.SCRATCH, classes);
            double sum = Sums.sum(lanes + Sums.SCRATCH, classes, lanes);
            return Math.log(sum) + max - Memory.get(row + 4L * chosen);
        }
    }

    private static void scale(long at, float by, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            load(at + 4 * i).mul(by).intoMemorySegment(M, at + 4 * i, Memory.ORDER);
        }
        for (; i < count; i++) {
            Memory.set(at + 4 * i, Memory.get(at + 4 * i) * by);
        }
    }

    /** (x - max) - log: in this order, so that large logits cancel first. */
    private static void shift(long from, float max, float log, long to, long count) {
        long i = 0;
        for (; i <= count - W; i += W) {
            load(from + 4 * i).sub(max).sub(log).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        for (; i < count; i++) {
            Memory.set(to + 4 * i, Memory.get(from + 4 * i) - max - log);
        }
    }
}
