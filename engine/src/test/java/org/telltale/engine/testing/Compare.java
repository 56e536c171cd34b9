package org.telltale.engine.testing;

import java.util.Arrays;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;

/**
 * Comparison of tensors with references: {@code |a - b| <= atol + rtol * |b|} for every element, NaN equal to NaN only.
 * A failure names the worst element with its coordinates.
 */
public final class Compare {
    private Compare() {}

    public static void assertClose(
            String what, float[] actual, float[] expected, int[] shape, double atol, double rtol) {
        Shape s = Shape.of(shape);
        if (s.size() != expected.length) {
            throw new AssertionError(what + ": " + expected.length + " reference values for the shape " + s);
        }
        if (actual.length != expected.length) {
            throw new AssertionError(what + ": " + actual.length + " values, expected the shape " + s);
        }
        int worst = -1;
        double worstRatio = 0;
        int wrong = 0;
        for (int i = 0; i < actual.length; i++) {
            double ratio = ratio(actual[i], expected[i], atol, rtol);
            if (ratio > 1) {
                wrong++;
                if (ratio > worstRatio) {
                    worst = i;
                    worstRatio = ratio;
                }
            }
        }
        if (wrong > 0) {
            throw new AssertionError(String.format(
                    "%s: %d of %d elements of %s differ; the worst at %s is %s, expected %s; %.3g of atol %.3g + rtol %.3g",
                    what,
                    wrong,
                    actual.length,
                    s,
                    coordinates(s, worst),
                    actual[worst],
                    expected[worst],
                    worstRatio,
                    atol,
                    rtol));
        }
    }

    public static void assertClose(
            String what, HostTensor actual, float[] expected, int[] shape, double atol, double rtol) {
        if (!actual.shape().equals(Shape.of(shape))) {
            throw new AssertionError(what + ": shape " + actual.shape() + ", expected " + Shape.of(shape));
        }
        assertClose(what, actual.toFloats(), expected, shape, atol, rtol);
    }

    public static void assertClose(String what, HostTensor actual, HostTensor expected, double atol, double rtol) {
        assertClose(what, actual, expected.toFloats(), expected.shape().dims(), atol, rtol);
    }

    /** As {@link #assertClose}, with the absolute tolerance {@code atolRms} times the root mean square of the reference. */
    public static void assertCloseToRms(
            String what, float[] actual, float[] expected, int[] shape, double atolRms, double rtol) {
        assertClose(what, actual, expected, shape, atolRms * rms(expected), rtol);
    }

    public static void assertCloseToRms(
            String what, HostTensor actual, float[] expected, int[] shape, double atolRms, double rtol) {
        assertClose(what, actual, expected, shape, atolRms * rms(expected), rtol);
    }

    public static void assertCloseToRms(
            String what, HostTensor actual, HostTensor expected, double atolRms, double rtol) {
        assertCloseToRms(what, actual, expected.toFloats(), expected.shape().dims(), atolRms, rtol);
    }

    /** Compares the elements at the flat indices {@code floor(k * n / count)} of a complete tensor with a probe of it. */
    public static void assertProbe(String what, float[] actual, float[] probe, double atol, double rtol) {
        assertClose(what + " (probe)", probe(actual, probe.length), probe, new int[] {probe.length}, atol, rtol);
    }

    /** As {@link #assertProbe}, with the absolute tolerance {@code atolRms} times the root mean square of the probe. */
    public static void assertProbeToRms(String what, float[] actual, float[] probe, double atolRms, double rtol) {
        assertProbe(what, actual, probe, atolRms * rms(probe), rtol);
    }

    /** Compares mean and L2 norm, both summed in double, of a complete tensor. */
    public static void assertMoments(
            String what, float[] actual, double mean, Golden.Tolerance ofMean, double l2, Golden.Tolerance ofL2) {
        double sum = 0;
        double squares = 0;
        for (float a : actual) {
            sum += a;
            squares += (double) a * a;
        }
        scalar(what + " (mean)", sum / actual.length, mean, ofMean);
        scalar(what + " (L2 norm)", Math.sqrt(squares), l2, ofL2);
    }

    /** The elements at the flat indices {@code floor(k * n / count)}, k below count. */
    public static float[] probe(float[] values, int count) {
        float[] probe = new float[count];
        for (int k = 0; k < count; k++) {
            probe[k] = values[(int) ((long) k * values.length / count)];
        }
        return probe;
    }

    /** The root mean square. */
    public static double rms(float[] values) {
        double squares = 0;
        for (float v : values) {
            squares += (double) v * v;
        }
        return values.length == 0 ? 0 : Math.sqrt(squares / values.length);
    }

    private static void scalar(String what, double actual, double expected, Golden.Tolerance t) {
        if (ratio(actual, expected, t.atol(), t.rtol()) > 1) {
            throw new AssertionError(what + ": " + actual + ", expected " + expected + " within " + t);
        }
    }

    /** The difference as a multiple of what is allowed; above 1 it is too large. */
    private static double ratio(double actual, double expected, double atol, double rtol) {
        if (actual == expected || (Double.isNaN(actual) && Double.isNaN(expected))) {
            return 0;
        }
        double ratio = Math.abs(actual - expected) / (atol + rtol * Math.abs(expected));
        return Double.isNaN(ratio) || Double.isInfinite(expected) ? Double.POSITIVE_INFINITY : ratio;
    }

    private static String coordinates(Shape shape, long index) {
        long[] strides = shape.strides();
        long[] at = new long[strides.length];
        for (int i = 0; i < at.length; i++) {
            at[i] = index / strides[i];
            index %= strides[i];
        }
        return Arrays.toString(at);
    }
}
