package org.telltale.kernels.vector;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The tile in the Vector API: 4 rows by 2 vectors. Eight sums hide the latency of the multiply-add; with 5 rows or 6, which
 * the 16 registers of AVX2 could hold by count, C2 spills and the kernel runs at two thirds or half of the speed
 * (docs/performance.md). The code is flat because C2 boxes vectors that helpers pass around in a loop.
 */
final class VectorMicroKernel implements MicroKernel {
    private static final MemorySegment M = Memory.ALL;
    private static final VectorSpecies<Float> S = Memory.SPECIES;
    private static final long VECTOR = 4L * Memory.LANES;

    @Override
    public int rows() {
        return 4;
    }

    @Override
    public int columns() {
        return 2 * Memory.LANES;
    }

    @Override
    public void add(int rows, long a, long aStride, long b, long c, long cStride, int k) {
        int done = 0;
        while (done < rows) {
            long from = a + done * aStride;
            long to = c + done * cStride;
            int left = rows - done;
            if (left >= 4) {
                rows4(from, aStride, b, to, cStride, k);
                done += 4;
            } else if (left >= 2) {
                rows2(from, aStride, b, to, cStride, k);
                done += 2;
            } else {
                rows1(from, b, to, k);
                done += 1;
            }
        }
    }

    private static FloatVector load(long address) {
        return FloatVector.fromMemorySegment(S, M, address, Memory.ORDER);
    }

    private static FloatVector repeat(long address) {
        return FloatVector.broadcast(S, M.get(Memory.FLOAT, address));
    }

    private static void store(FloatVector v, long address) {
        v.intoMemorySegment(M, address, Memory.ORDER);
    }

    private static void rows4(long a, long aStride, long b, long c, long cStride, int k) {
        long a0 = a;
        long c0 = c;
        long a1 = a + 1 * aStride;
        long c1 = c + 1 * cStride;
        long a2 = a + 2 * aStride;
        long c2 = c + 2 * cStride;
        long a3 = a + 3 * aStride;
        long c3 = c + 3 * cStride;
        FloatVector t00 = load(c0);
        FloatVector t01 = load(c0 + VECTOR);
        FloatVector t10 = load(c1);
        FloatVector t11 = load(c1 + VECTOR);
        FloatVector t20 = load(c2);
        FloatVector t21 = load(c2 + VECTOR);
        FloatVector t30 = load(c3);
        FloatVector t31 = load(c3 + VECTOR);
        long panel = b;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = load(panel);
            FloatVector b1 = load(panel + VECTOR);
            FloatVector x0 = repeat(a0 + 4L * p);
            t00 = x0.fma(b0, t00);
            t01 = x0.fma(b1, t01);
            FloatVector x1 = repeat(a1 + 4L * p);
            t10 = x1.fma(b0, t10);
            t11 = x1.fma(b1, t11);
            FloatVector x2 = repeat(a2 + 4L * p);
            t20 = x2.fma(b0, t20);
            t21 = x2.fma(b1, t21);
            FloatVector x3 = repeat(a3 + 4L * p);
            t30 = x3.fma(b0, t30);
            t31 = x3.fma(b1, t31);
            panel += 2 * VECTOR;
        }
        store(t00, c0);
        store(t01, c0 + VECTOR);
        store(t10, c1);
        store(t11, c1 + VECTOR);
        store(t20, c2);
        store(t21, c2 + VECTOR);
        store(t30, c3);
        store(t31, c3 + VECTOR);
    }

    private static void rows2(long a, long aStride, long b, long c, long cStride, int k) {
        long a0 = a;
        long c0 = c;
        long a1 = a + 1 * aStride;
        long c1 = c + 1 * cStride;
        FloatVector t00 = load(c0);
        FloatVector t01 = load(c0 + VECTOR);
        FloatVector t10 = load(c1);
        FloatVector t11 = load(c1 + VECTOR);
        long panel = b;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = load(panel);
            FloatVector b1 = load(panel + VECTOR);
            FloatVector x0 = repeat(a0 + 4L * p);
            t00 = x0.fma(b0, t00);
            t01 = x0.fma(b1, t01);
            FloatVector x1 = repeat(a1 + 4L * p);
            t10 = x1.fma(b0, t10);
            t11 = x1.fma(b1, t11);
            panel += 2 * VECTOR;
        }
        store(t00, c0);
        store(t01, c0 + VECTOR);
        store(t10, c1);
        store(t11, c1 + VECTOR);
    }

    private static void rows1(long a, long b, long c, int k) {
        long a0 = a;
        long c0 = c;
        FloatVector t00 = load(c0);
        FloatVector t01 = load(c0 + VECTOR);
        long panel = b;
        for (int p = 0; p < k; p++) {
            FloatVector b0 = load(panel);
            FloatVector b1 = load(panel + VECTOR);
            FloatVector x0 = repeat(a0 + 4L * p);
            t00 = x0.fma(b0, t00);
            t01 = x0.fma(b1, t01);
            panel += 2 * VECTOR;
        }
        store(t00, c0);
        store(t01, c0 + VECTOR);
    }
}
