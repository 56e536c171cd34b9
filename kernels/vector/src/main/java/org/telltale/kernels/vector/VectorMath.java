package org.telltale.kernels.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.telltale.engine.Activation;

/**
 * Elementary functions of float vectors, each lane by itself, so that a value does not depend on its place. The
 * polynomials are minimax fits of this project's own; the errors stated are the largest that the test finds over the
 * whole range of floats, against double.
 */
final class VectorMath {
    private static final VectorSpecies<Float> S = Memory.SPECIES;

    /** 1.5 * 2^23: adding it rounds to an integer, which then stands in the low bits. */
    private static final float ROUND = 0x1.8p23f;

    private static final float LOG2_E = (float) (1 / Math.log(2));
    private static final float LN2_HIGH = (float) Math.log(2);
    private static final float LN2_LOW = (float) (Math.log(2) - LN2_HIGH);
    private static final float SQRT_2_OVER_PI = (float) Math.sqrt(2 / Math.PI);

    private VectorMath() {}

    private static FloatVector v(float c) {
        return FloatVector.broadcast(S, c);
    }

    /** e^x within 2 ulp; results below 2^-125 may be 0. */
    static FloatVector exp(FloatVector x) {
        FloatVector n = x.fma(v(LOG2_E), v(ROUND));
        FloatVector k = n.sub(ROUND);
        FloatVector r = k.fma(v(-LN2_LOW), k.fma(v(-LN2_HIGH), x));
        FloatVector p = r.fma(v(0.0013814222f), v(0.008368899f))
                .fma(r, v(0.041668404f))
                .fma(r, v(0.1666652f))
                .fma(r, v(0.5f))
                .fma(r.mul(r), r)
                .add(1);
        // 2 p times 2^(k-1), since 2^k itself overflows for the largest results.
        FloatVector scale = n.reinterpretAsInts()
                .add(126)
                .lanewise(VectorOperators.LSHL, 23)
                .reinterpretAsFloats();
        return p.add(p)
                .mul(scale)
                .blend(0, x.compare(VectorOperators.LT, -87.3f))
                .blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, 88.72284f));
    }

    /** The natural logarithm within 2 ulp; NaN below 0. */
    static FloatVector log(FloatVector x) {
        VectorMask<Float> tiny = x.compare(VectorOperators.LT, Float.MIN_NORMAL);
        IntVector bits = x.blend(x.mul(0x1p23f), tiny).reinterpretAsInts();
        IntVector exponent =
                bits.sub(Float.floatToRawIntBits((float) Math.sqrt(0.5))).lanewise(VectorOperators.ASHR, 23);
        FloatVector f = bits.sub(exponent.lanewise(VectorOperators.LSHL, 23))
                .reinterpretAsFloats()
                .sub(1);
        FloatVector wide = (FloatVector) exponent.convert(VectorOperators.I2F, 0);
        FloatVector e = wide.blend(wide.sub(23), tiny);
        FloatVector p = f.fma(v(-0.07636346f), v(0.12770317f))
                .fma(f, v(-0.13163576f))
                .fma(f, v(0.14200824f))
                .fma(f, v(-0.1662294f))
                .fma(f, v(0.20001252f))
                .fma(f, v(-0.2500083f))
                .fma(f, v(0.3333333f));
        FloatVector square = f.mul(f);
        FloatVector y = e.fma(v(LN2_LOW), p.mul(f).mul(square));
        FloatVector sum = square.fma(v(-0.5f), y).add(f);
        return e.fma(v(LN2_HIGH), sum)
                .blend(Float.NaN, x.compare(VectorOperators.LT, 0))
                .blend(Float.NEGATIVE_INFINITY, x.compare(VectorOperators.EQ, 0))
                .blend(x, x.compare(VectorOperators.LT, Float.POSITIVE_INFINITY).not());
    }

    /** The hyperbolic tangent within 3 ulp. */
    static FloatVector tanh(FloatVector x) {
        FloatVector a = x.abs();
        FloatVector z = x.mul(x);
        FloatVector near = z.fma(v(-0.0055151638f), v(0.02046942f))
                .fma(z, v(-0.053688023f))
                .fma(z, v(0.1333083f))
                .fma(z, v(-0.3333326f))
                .mul(z)
                .fma(x, x);
        FloatVector far = v(1).sub(v(2).div(exp(a.add(a)).add(1)));
        return signed(far, x).blend(near, a.compare(VectorOperators.LT, 0.65f));
    }

    /** The error function within 2 ulp. */
    static FloatVector erf(FloatVector x) {
        FloatVector a = x.abs();
        FloatVector z = x.mul(x);
        FloatVector near = z.fma(v(-0.0005953742f), v(0.0049859406f))
                .fma(z, v(-0.02676172f))
                .fma(z, v(0.112816826f))
                .fma(z, v(-0.3761248f))
                .fma(z, v(0.12837915f))
                .fma(x, x);
        FloatVector logOfRest = a.fma(v(0.00019593725f), v(-0.0030432174f))
                .fma(a, v(0.02222692f))
                .fma(a, v(-0.1039316f))
                .fma(a, v(-0.63718224f))
                .fma(a, v(-1.1276757f))
                .fma(a, v(-0.00019567557f));
        FloatVector far = v(1).sub(exp(logOfRest)).blend(1, a.compare(VectorOperators.GT, 4));
        return signed(far, x).blend(near, a.compare(VectorOperators.LT, 0.93f));
    }

    /** 1 / (1 + e^-x) within 4 ulp; results below 2^-125 may be 0. */
    static FloatVector sigmoid(FloatVector x) {
        return v(1).div(exp(x.neg()).add(1));
    }

    /** As torch: NaN stays, minus zero becomes zero. */
    static FloatVector relu(FloatVector x) {
        return x.blend(0, x.compare(VectorOperators.LE, 0));
    }

    static FloatVector relu6(FloatVector x) {
        return relu(x).blend(6, x.compare(VectorOperators.GT, 6));
    }

    /**
     * x Φ(x) as max(x, 0) - |x| Φ(-|x|), with a polynomial for the logarithm of Φ(-|x|): one exponential, and no
     * cancellation in the left tail. Within 2e-7 * max(1, |x|), and 0 below -6, where the value is under 6e-9.
     */
    static FloatVector geluErf(FloatVector x) {
        FloatVector a = x.abs();
        FloatVector logOfTail = a.fma(v(5.871055e-06f), v(-3.7363094e-05f))
                .fma(a, v(-0.00029197888f))
                .fma(a, v(0.005121854f))
                .fma(a, v(-0.036522698f))
                .fma(a, v(-0.3182607f))
                .fma(a, v(-0.7978893f))
                .fma(a, v(-0.6931471f));
        FloatVector tail = a.mul(exp(logOfTail)).blend(0, a.compare(VectorOperators.GT, 6));
        return relu(x).sub(tail);
    }

    /** x/2 (1 + tanh u) = x σ(2u), u = √(2/π) (x + 0.044715 x³). */
    static FloatVector geluTanh(FloatVector x) {
        FloatVector cubic = x.mul(x).fma(v(0.044715f), v(1)).mul(x);
        return x.div(exp(cubic.mul(-2 * SQRT_2_OVER_PI)).add(1));
    }

    static FloatVector quickGelu(FloatVector x) {
        return x.div(exp(x.mul(-1.702f)).add(1));
    }

    static FloatVector silu(FloatVector x) {
        return x.div(exp(x.neg()).add(1));
    }

    /** The activation of one vector, for epilogues. */
    static FloatVector activate(Activation a, FloatVector x) {
        return switch (a) {
            case NONE -> x;
            case RELU -> relu(x);
            case RELU6 -> relu6(x);
            case GELU_ERF -> geluErf(x);
            case GELU_TANH -> geluTanh(x);
            case QUICK_GELU -> quickGelu(x);
            case SILU -> silu(x);
            case SIGMOID -> sigmoid(x);
            case TANH -> tanh(x);
        };
    }

    /** The activation of contiguous floats, in place. */
    static void activate(Activation a, long address, long count) {
        Pointwise.activate(a, address, address, count);
    }

    /** The magnitude with the sign of x. */
    private static FloatVector signed(FloatVector magnitude, FloatVector x) {
        return magnitude
                .reinterpretAsInts()
                .or(x.reinterpretAsInts().and(Integer.MIN_VALUE))
                .reinterpretAsFloats();
    }
}
