package org.telltale.kernels.vector;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;
import org.telltale.engine.Tensor;
import org.telltale.engine.spi.Buffer;
import org.telltale.engine.spi.Kernel;
import org.telltale.engine.spi.KernelMaker.Operands;

/** The gradients of layer norm, whose moments are computed once more: a row is in the first-level cache anyway. */
final class NormalizationBackward {
    private static final MemorySegment M = Memory.ALL;
    private static final VectorSpecies<Float> S = Memory.SPECIES;
    private static final int W = Memory.LANES;

    /** {@link #sums}, {@link #gradient} and {@link #add}. */
    private static final MethodHandle[] LOOPS = {
        OutOfLine.find(
                MethodHandles.lookup(),
                "sums",
                MethodType.methodType(
                        void.class,
                        long.class,
                        long.class,
                        long.class,
                        long.class,
                        float.class,
                        float.class,
                        float.class,
                        long.class)),
        OutOfLine.find(
                MethodHandles.lookup(),
                "gradient",
                MethodType.methodType(
                        void.class,
                        long.class,
                        long.class,
                        long.class,
                        long.class,
                        float.class,
                        float.class,
                        float.class,
                        float.class,
                        float.class,
                        long.class)),
        OutOfLine.find(
                MethodHandles.lookup(),
                "add",
                MethodType.methodType(
                        void.class,
                        long.class,
                        long.class,
                        long.class,
                        float.class,
                        float.class,
                        float.class,
                        long.class))
    };

    private NormalizationBackward() {}

    private static FloatVector load(long address) {
        return FloatVector.fromMemorySegment(S, M, address, Memory.ORDER);
    }

    private static FloatVector load(long address, VectorMask<Float> mask) {
        return FloatVector.fromMemorySegment(S, M, address, Memory.ORDER, mask);
    }

    /** (g - mean g - unit mean(g unit)) / deviation, where g = dy scale and unit = (x - mean x) / deviation. */
    static final class LayerNorm implements Kernel, Parallel.Chunk {
        private final Parallel parallel;
        private final double epsilon;
        private final Buffer in;
        private final Buffer scale;
        private final Buffer gradient;
        private final Buffer out;
        private final long width;
        private final long rows;
        private final long perChunk;
        private final long scratch;
        private long x;
        private long gamma;
        private long dy;
        private long dx;

        LayerNorm(float epsilon, Tensor t, Operands operands, Parallel parallel) {
            this.parallel = parallel;
            this.epsilon = epsilon;
            in = operands.buffer(t.inputs().get(0));
            scale = operands.buffer(t.inputs().get(1));
            gradient = operands.buffer(t.inputs().get(2));
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
            gamma = scale.address();
            dy = gradient.address();
            dx = out.address();
            parallel.forRange(Math.toIntExact(Math.ceilDiv(rows, perChunk)), this);
        }

        @Override
        public void run(int chunk, int worker) {
            long lanes = scratch + Sums.SCRATCH * worker;
            long end = Math.min(rows, (chunk + 1) * perChunk);
            for (long r = chunk * perChunk; r < end; r++) {
                long row = x + 4 * r * width;
                double mean = Sums.sum(row, width, lanes) / width;
                float inverse = (float) (1 / Math.sqrt(Sums.squares(row, width, mean, lanes) / width + epsilon));
                float high = (float) mean;
                float low = (float) (mean - high);
                long dyRow = dy + 4 * r * width;
                long dxRow = dx + 4 * r * width;
                try {
                    LOOPS[0].invokeExact(row, dyRow, gamma, width, high, low, inverse, lanes);
                    float first = (float) (lanes(lanes) / width);
                    float second = (float) (lanes(lanes + 4L * W) / width);
                    LOOPS[1].invokeExact(row, dyRow, gamma, width, high, low, inverse, first, second, dxRow);
                } catch (Throwable t) {
                    throw OutOfLine.thrown(t);
                }
            }
        }

        private static double lanes(long at) {
            double sum = 0;
            for (int l = 0; l < W; l++) {
                sum += Memory.get(at + 4L * l);
            }
            return sum;
        }
    }

    /** Sums over rows of dy unit: a partial sum for every {@link #ROWS} rows, then the sum of those. */
    static final class Scale implements Kernel {
        /** Rows of a partial sum, which is in F32. */
        private static final int ROWS = 32;

        private final Parallel parallel;
        private final double epsilon;
        private final Buffer in;
        private final Buffer gradient;
        private final Buffer out;
        private final long width;
        private final long rows;
        private final int parts;
        private final long partial;
        private final long scratch;
        private final ColumnSums total;
        private final Parallel.Chunk summing = this::sum;
        private long x;
        private long dy;

        Scale(float epsilon, Tensor t, Operands operands, Parallel parallel) {
            this.parallel = parallel;
            this.epsilon = epsilon;
            Tensor from = t.inputs().getFirst();
            in = operands.buffer(from);
            gradient = operands.buffer(t.inputs().get(1));
            out = operands.buffer(t);
            width = t.dim(0);
            rows = width == 0 ? 0 : from.shape().size() / width;
            parts = Math.toIntExact(Math.ceilDiv(rows, ROWS));
            partial = operands.arena()
                    .allocate(Math.max(4L * parts * width, 4), 64)
                    .address();
            scratch = operands.arena()
                    .allocate(Sums.SCRATCH * parallel.threads(), 64)
                    .address();
            total = new ColumnSums(parts, width, operands.arena(), parallel);
        }

        @Override
        public void run() {
            x = in.address();
            dy = gradient.address();
            parallel.forRange(parts, summing);
            total.run(partial, out.address());
        }

        private void sum(int part, int worker) {
            long lanes = scratch + Sums.SCRATCH * worker;
            long to = partial + 4L * part * width;
            long end = Math.min(rows, (part + 1L) * ROWS);
            Movement.fill(to, 0, width);
            for (long r = (long) part * ROWS; r < end; r++) {
                long row = x + 4 * r * width;
                double mean = Sums.sum(row, width, lanes) / width;
                float inverse = (float) (1 / Math.sqrt(Sums.squares(row, width, mean, lanes) / width + epsilon));
                float high = (float) mean;
                float low = (float) (mean - high);
                try {
                    LOOPS[2].invokeExact(row, dy + 4 * r * width, width, high, low, inverse, to);
                } catch (Throwable t) {
                    throw OutOfLine.thrown(t);
                }
            }
        }
    }

    /** Leaves two vectors: sums of g and of g unit. */
    static void sums(long row, long dyRow, long gamma, long width, float high, float low, float inverse, long lanes) {
        FloatVector sum = FloatVector.zero(S);
        FloatVector product = FloatVector.zero(S);
        long i = 0;
        for (; i <= width - W; i += W) {
            FloatVector g = load(dyRow + 4 * i).mul(load(gamma + 4 * i));
            FloatVector unit = load(row + 4 * i).sub(high).sub(low).mul(inverse);
            sum = sum.add(g);
            product = g.fma(unit, product);
        }
        if (i < width) {
            VectorMask<Float> m = S.indexInRange(i, width);
            FloatVector g = load(dyRow + 4 * i, m).mul(load(gamma + 4 * i, m));
            FloatVector unit = load(row + 4 * i, m).sub(high).sub(low).mul(inverse);
            sum = sum.add(g);
            product = g.fma(unit, product);
        }
        sum.intoMemorySegment(M, lanes, Memory.ORDER);
        product.intoMemorySegment(M, lanes + 4L * W, Memory.ORDER);
    }

    /** The gradient of a row, given the means of g and of g unit. */
    static void gradient(
            long row,
            long dyRow,
            long gamma,
            long width,
            float high,
            float low,
            float inverse,
            float first,
            float second,
            long to) {
        FloatVector slope = FloatVector.broadcast(S, -second);
        long i = 0;
        for (; i <= width - W; i += W) {
            FloatVector unit = load(row + 4 * i).sub(high).sub(low).mul(inverse);
            load(dyRow + 4 * i)
                    .mul(load(gamma + 4 * i))
                    .sub(first)
                    .add(unit.mul(slope))
                    .mul(inverse)
                    .intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < width) {
            VectorMask<Float> m = S.indexInRange(i, width);
            FloatVector unit = load(row + 4 * i, m).sub(high).sub(low).mul(inverse);
            load(dyRow + 4 * i, m)
                    .mul(load(gamma + 4 * i, m))
                    .sub(first)
                    .add(unit.mul(slope))
                    .mul(inverse)
                    .intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }

    /** Adds dy unit of a row. */
    static void add(long row, long dyRow, long width, float high, float low, float inverse, long to) {
        long i = 0;
        for (; i <= width - W; i += W) {
            FloatVector unit = load(row + 4 * i).sub(high).sub(low).mul(inverse);
            unit.fma(load(dyRow + 4 * i), load(to + 4 * i)).intoMemorySegment(M, to + 4 * i, Memory.ORDER);
        }
        if (i < width) {
            VectorMask<Float> m = S.indexInRange(i, width);
            FloatVector unit = load(row + 4 * i, m).sub(high).sub(low).mul(inverse);
            unit.fma(load(dyRow + 4 * i, m), load(to + 4 * i, m)).intoMemorySegment(M, to + 4 * i, Memory.ORDER, m);
        }
    }
}
