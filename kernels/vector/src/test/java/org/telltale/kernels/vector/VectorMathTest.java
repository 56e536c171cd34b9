package org.telltale.kernels.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.telltale.engine.Activation;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive.UnaryKind;
import org.telltale.engine.Shape;

final class VectorMathTest {
    /** Results below this may be zero. */
    private static final double TINY = 0x1p-125;

    private interface Loop {
        void run(long from, long to, long count);
    }

    /** Every 1009th float by its bits, of either sign, infinities and NaN. */
    private static float[] samples() {
        int step = 1009;
        int count = (int) (0x1_0000_0000L / step);
        float[] x = new float[count + 8];
        for (int i = 0; i < count; i++) {
            x[i] = Float.intBitsToFloat(i * step);
        }
        float[] more = {0, -0f, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 1e4f, -1e4f, 88.7228f};
        System.arraycopy(more, 0, x, count, more.length);
        return x;
    }

    private interface Allowed {
        double error(double x, double reference);
    }

    private static double ulps(double reference, double count) {
        return count * Math.ulp((float) reference) + (Math.abs(reference) < TINY ? TINY : 0);
    }

    private static void within(Loop loop, DoubleUnaryOperator reference, Allowed allowed) {
        float[] x = samples();
        float[] y;
        try (Arena arena = Arena.ofConfined()) {
            HostTensor in = HostTensor.of(arena, Shape.of(x.length), x);
            HostTensor out = HostTensor.allocate(arena, DType.F32, in.shape());
            loop.run(in.data().address(), out.data().address(), x.length);
            y = out.toFloats();
        }
        double worst = 0;
        int at = 0;
        for (int i = 0; i < x.length; i++) {
            double r = reference.applyAsDouble(x[i]);
            float rounded = (float) r;
            double off;
            if (y[i] == rounded || (Float.isNaN(y[i]) && Double.isNaN(r))) {
                off = 0;
            } else {
                off = Math.abs(y[i] - r) / allowed.error(x[i], r);
                off = Double.isNaN(off) ? Double.POSITIVE_INFINITY : off;
            }
            if (off > worst) {
                worst = off;
                at = i;
            }
        }
        assertThat(worst)
                .as("at %s: %s, reference %s", x[at], y[at], reference.applyAsDouble(x[at]))
                .isLessThanOrEqualTo(1);
    }

    private static void unary(UnaryKind kind, DoubleUnaryOperator reference, double ulps) {
        within((from, to, n) -> Pointwise.unary(kind, from, to, n), reference, (x, r) -> ulps(r, ulps));
    }

    private static void activation(Activation a, DoubleUnaryOperator reference, double error, double limit) {
        Pointwise.prepare(a);
        within(
                (from, to, n) -> Pointwise.activate(a, from, to, n),
                x -> x == Double.NEGATIVE_INFINITY ? limit : reference.applyAsDouble(x),
                (x, r) -> error * Math.max(1, Math.abs(r)));
    }

    @Test
    void exponentialIsWithinItsBoundForAllFloats() {
        unary(UnaryKind.EXP, Math::exp, 2);
    }

    @Test
    void logarithmIsWithinItsBoundForAllFloats() {
        unary(UnaryKind.LOG, Math::log, 2);
    }

    @Test
    void tanhIsWithinItsBoundForAllFloats() {
        unary(UnaryKind.TANH, Math::tanh, 3);
    }

    @Test
    void sigmoidIsWithinItsBoundForAllFloats() {
        unary(UnaryKind.SIGMOID, x -> 1 / (1 + Math.exp(-x)), 4);
    }

    @Test
    void errorFunctionIsWithinItsBoundForAllFloats() {
        unary(UnaryKind.ERF, VectorMathTest::erf, 2);
    }

    @Test
    void geluIsWithinItsBoundForAllFloats() {
        activation(Activation.GELU_ERF, x -> 0.5 * x * erfc(-x * Math.sqrt(0.5)), 2e-7, 0);
    }

    @Test
    void geluByTanhIsWithinItsBoundForAllFloats() {
        activation(
                Activation.GELU_TANH,
                x -> x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
                4e-7,
                Double.NaN);
    }

    @Test
    void quickGeluIsWithinItsBoundForAllFloats() {
        activation(Activation.QUICK_GELU, x -> x / (1 + Math.exp(-1.702 * x)), 4e-7, Double.NaN);
    }

    @Test
    void siluIsWithinItsBoundForAllFloats() {
        activation(Activation.SILU, x -> x / (1 + Math.exp(-x)), 4e-7, Double.NaN);
    }

    @Test
    void rectifiersAreExact() {
        unary(UnaryKind.RELU, x -> Math.max(x, 0), 0);
        unary(UnaryKind.RELU6, x -> Math.min(Math.max(x, 0), 6), 0);
    }

    @Test
    void squareRootsAreWithinTheirBoundsForAllFloats() {
        unary(UnaryKind.SQRT, Math::sqrt, 0.6);
        unary(UnaryKind.RSQRT, x -> 1 / Math.sqrt(x), 1.5);
        unary(UnaryKind.RECIPROCAL, x -> 1 / x, 0.6);
    }

    @Test
    void aValueDoesNotDependOnItsPlace() {
        float[] x = samples();
        try (Arena arena = Arena.ofConfined()) {
            HostTensor a = HostTensor.of(arena, Shape.of(x.length), x);
            HostTensor b = HostTensor.of(arena, Shape.of(x.length), x);
            for (Activation activation : Activation.values()) {
                Pointwise.prepare(activation);
                Pointwise.activate(activation, a.data().address(), a.data().address(), 1001);
                for (int i = 0; i < 1001; i++) {
                    long at = b.data().address() + 4L * i;
                    Pointwise.activate(activation, at, at, 1);
                }
            }
            assertThat(a.toFloats()).isEqualTo(b.toFloats());
        }
    }

    private static double erf(double x) {
        return Math.abs(x) < 1 ? series(x) : Math.signum(x) * (1 - erfc(Math.abs(x)));
    }

    private static double erfc(double x) {
        if (Double.isNaN(x)) {
            return x;
        }
        if (x < 1) {
            return x < -1 ? 2 - erfc(-x) : 1 - series(x);
        }
        double fraction = x;
        for (int n = 200; n > 0; n--) {
            fraction = x + n / 2.0 / fraction;
        }
        return Double.isInfinite(x) ? 0 : Math.exp(-x * x) / (fraction * Math.sqrt(Math.PI));
    }

    private static double series(double x) {
        double term = x;
        double sum = x;
        for (int n = 1; n < 40; n++) {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }
        return sum * 2 / Math.sqrt(Math.PI);
    }
}
