package org.telltale.kernels.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.telltale.kernels.vector.jit.Coefficients;

/**
 * Elementary functions of float vectors, each lane by itself, so that a value does not depend on its place. The
 * polynomials are minimax fits of this project's own; the errors stated are the largest that the test finds over the
 * whole range of floats, against double.
 */
final class VectorMath {
    private static final VectorSpecies<Float> S = Memory.SPECIES;

    // Vectors as constants, not broadcasts: a broadcast costs the compiler as many nodes as arithmetic does, and loops
    // over these functions are near the limit up to which it inlines.
    private static final FloatVector ZERO = v(0);
    private static final FloatVector ONE = v(1);
    private static final FloatVector TWO = v(2);
    private static final FloatVector FOUR = v(4);
    private static final FloatVector SIX = v(6);
    private static final FloatVector HALF = v(0.5f);
    private static final FloatVector MINUS_HALF = v(-0.5f);
    private static final FloatVector INFINITY = v(Float.POSITIVE_INFINITY);
    private static final FloatVector MINUS_INFINITY = v(Float.NEGATIVE_INFINITY);
    private static final FloatVector NAN = v(Float.NaN);
    private static final FloatVector NORMAL = v(Float.MIN_NORMAL);
    private static final FloatVector TWO_23 = v(0x1p23f);
    private static final FloatVector TWENTY_THREE = v(23);

    private static final FloatVector ROUND = v(Coefficients.ROUND);

    private static final FloatVector LOG2_E = v(Coefficients.LOG2_E);
    private static final FloatVector LN2_HIGH = v(Coefficients.LN2_HIGH);
    private static final FloatVector LN2_LOW = v(Coefficients.LN2_LOW);
    private static final FloatVector MINUS_LN2_HIGH = v(-Coefficients.LN2_HIGH);
    private static final FloatVector MINUS_LN2_LOW = v(-Coefficients.LN2_LOW);
    private static final FloatVector EXP_LEAST = v(Coefficients.EXP_LEAST);
    private static final FloatVector EXP_MOST = v(Coefficients.EXP_MOST);
    private static final FloatVector TANH_NEAR = v(0.65f);
    private static final FloatVector ERF_NEAR = v(0.93f);
    private static final FloatVector GELU_CUBIC = v(Coefficients.GELU_CUBIC);
    private static final FloatVector GELU_SCALE = v(Coefficients.GELU_SCALE);
    private static final FloatVector QUICK_SCALE = v(Coefficients.QUICK_SCALE);

    private static final FloatVector EXP_6 = v(Coefficients.EXP_6);

    private static final FloatVector EXP_5 = v(Coefficients.EXP_5);
    private static final FloatVector EXP_4 = v(Coefficients.EXP_4);
    private static final FloatVector EXP_3 = v(Coefficients.EXP_3);

    /** log(1 + f) - f + f²/2 on √½ - 1 to √2 - 1, by the power. */
    private static final FloatVector LOG_10 = v(-0.07636346f);

    private static final FloatVector LOG_9 = v(0.12770317f);
    private static final FloatVector LOG_8 = v(-0.13163576f);
    private static final FloatVector LOG_7 = v(0.14200824f);
    private static final FloatVector LOG_6 = v(-0.1662294f);
    private static final FloatVector LOG_5 = v(0.20001252f);
    private static final FloatVector LOG_4 = v(-0.2500083f);
    private static final FloatVector LOG_3 = v(0.3333333f);

    /** tanh x - x up to 0.65, by the power. */
    private static final FloatVector TANH_11 = v(-0.0055151638f);

    private static final FloatVector TANH_9 = v(0.02046942f);
    private static final FloatVector TANH_7 = v(-0.053688023f);
    private static final FloatVector TANH_5 = v(0.1333083f);
    private static final FloatVector TANH_3 = v(-0.3333326f);

    /** erf x - x up to 0.93, by the power. */
    private static final FloatVector ERF_11 = v(-0.0005953742f);

    private static final FloatVector ERF_9 = v(0.0049859406f);
    private static final FloatVector ERF_7 = v(-0.02676172f);
    private static final FloatVector ERF_5 = v(0.112816826f);
    private static final FloatVector ERF_3 = v(-0.3761248f);
    private static final FloatVector ERF_1 = v(0.12837915f);

    /** log erfc x from 0.93 to 4, by the power. */
    private static final FloatVector ERFC_6 = v(0.00019593725f);

    private static final FloatVector ERFC_5 = v(-0.0030432174f);
    private static final FloatVector ERFC_4 = v(0.02222692f);
    private static final FloatVector ERFC_3 = v(-0.1039316f);
    private static final FloatVector ERFC_2 = v(-0.63718224f);
    private static final FloatVector ERFC_1 = v(-1.1276757f);
    private static final FloatVector ERFC_0 = v(-0.00019567557f);

    private static final FloatVector TAIL_7 = v(Coefficients.TAIL_7);

    private static final FloatVector TAIL_6 = v(Coefficients.TAIL_6);
    private static final FloatVector TAIL_5 = v(Coefficients.TAIL_5);
    private static final FloatVector TAIL_4 = v(Coefficients.TAIL_4);
    private static final FloatVector TAIL_3 = v(Coefficients.TAIL_3);
    private static final FloatVector TAIL_2 = v(Coefficients.TAIL_2);
    private static final FloatVector TAIL_1 = v(Coefficients.TAIL_1);
    private static final FloatVector TAIL_0 = v(Coefficients.TAIL_0);

    private VectorMath() {}

    private static FloatVector v(float c) {
        return FloatVector.broadcast(S, c);
    }

    /** e^x within 2 ulp; results below 2^-125 may be 0. */
    static FloatVector exp(FloatVector x) {
        FloatVector n = x.fma(LOG2_E, ROUND);
        FloatVector k = n.sub(ROUND);
        FloatVector r = k.fma(MINUS_LN2_LOW, k.fma(MINUS_LN2_HIGH, x));
        FloatVector p = r.fma(EXP_6, EXP_5)
                .fma(r, EXP_4)
                .fma(r, EXP_3)
                .fma(r, HALF)
                .fma(r.mul(r), r)
                .add(ONE);
        // 2 p times 2^(k-1), since 2^k itself overflows for the largest results.
        FloatVector scale = n.reinterpretAsInts()
                .add(126)
                .lanewise(VectorOperators.LSHL, 23)
                .reinterpretAsFloats();
        return p.add(p)
                .mul(scale)
                .blend(ZERO, x.compare(VectorOperators.LT, EXP_LEAST))
                .blend(INFINITY, x.compare(VectorOperators.GT, EXP_MOST));
    }

    /** The natural logarithm within 2 ulp; NaN below 0. */
    static FloatVector log(FloatVector x) {
        VectorMask<Float> tiny = x.compare(VectorOperators.LT, NORMAL);
        IntVector bits = x.blend(x.mul(TWO_23), tiny).reinterpretAsInts();
        IntVector exponent =
                bits.sub(Float.floatToRawIntBits((float) Math.sqrt(0.5))).lanewise(VectorOperators.ASHR, 23);
        FloatVector f = bits.sub(exponent.lanewise(VectorOperators.LSHL, 23))
                .reinterpretAsFloats()
                .sub(ONE);
        FloatVector wide = (FloatVector) exponent.convert(VectorOperators.I2F, 0);
        FloatVector e = wide.blend(wide.sub(TWENTY_THREE), tiny);
        FloatVector p = f.fma(LOG_10, LOG_9)
                .fma(f, LOG_8)
                .fma(f, LOG_7)
                .fma(f, LOG_6)
                .fma(f, LOG_5)
                .fma(f, LOG_4)
                .fma(f, LOG_3);
        FloatVector square = f.mul(f);
        FloatVector y = e.fma(LN2_LOW, p.mul(f).mul(square));
        FloatVector sum = square.fma(MINUS_HALF, y).add(f);
        return e.fma(LN2_HIGH, sum)
                .blend(NAN, x.compare(VectorOperators.LT, ZERO))
                .blend(MINUS_INFINITY, x.compare(VectorOperators.EQ, ZERO))
                .blend(x, x.compare(VectorOperators.LT, INFINITY).not());
    }

    /** The hyperbolic tangent within 3 ulp. */
    static FloatVector tanh(FloatVector x) {
        FloatVector a = x.abs();
        FloatVector z = x.mul(x);
        FloatVector near = z.fma(TANH_11, TANH_9)
                .fma(z, TANH_7)
                .fma(z, TANH_5)
                .fma(z, TANH_3)
                .mul(z)
                .fma(x, x);
        FloatVector far = ONE.sub(TWO.div(exp(a.add(a)).add(ONE)));
        return signed(far, x).blend(near, a.compare(VectorOperators.LT, TANH_NEAR));
    }

    /** The error function within 2 ulp. */
    static FloatVector erf(FloatVector x) {
        FloatVector a = x.abs();
        FloatVector z = x.mul(x);
        FloatVector near = z.fma(ERF_11, ERF_9)
                .fma(z, ERF_7)
                .fma(z, ERF_5)
                .fma(z, ERF_3)
                .fma(z, ERF_1)
                .fma(x, x);
        FloatVector logOfRest = a.fma(ERFC_6, ERFC_5)
                .fma(a, ERFC_4)
                .fma(a, ERFC_3)
                .fma(a, ERFC_2)
                .fma(a, ERFC_1)
                .fma(a, ERFC_0);
        FloatVector far = ONE.sub(exp(logOfRest)).blend(ONE, a.compare(VectorOperators.GT, FOUR));
        return signed(far, x).blend(near, a.compare(VectorOperators.LT, ERF_NEAR));
    }

    /** 1 / (1 + e^-x) within 4 ulp; results below 2^-125 may be 0. */
    static FloatVector sigmoid(FloatVector x) {
        return ONE.div(exp(x.neg()).add(ONE));
    }

    /** As torch: NaN stays, minus zero becomes zero. */
    static FloatVector relu(FloatVector x) {
        return x.blend(ZERO, x.compare(VectorOperators.LE, ZERO));
    }

    static FloatVector relu6(FloatVector x) {
        return relu(x).blend(SIX, x.compare(VectorOperators.GT, SIX));
    }

    /**
     * x Φ(x) as max(x, 0) - |x| Φ(-|x|), with a polynomial for the logarithm of Φ(-|x|): one exponential, and no
     * cancellation in the left tail. Within 2e-7 * max(1, |x|), and 0 below -6, where the value is under 6e-9.
     */
    static FloatVector geluErf(FloatVector x) {
        FloatVector a = x.abs();
        FloatVector logOfTail = a.fma(TAIL_7, TAIL_6)
                .fma(a, TAIL_5)
                .fma(a, TAIL_4)
                .fma(a, TAIL_3)
                .fma(a, TAIL_2)
                .fma(a, TAIL_1)
                .fma(a, TAIL_0);
        FloatVector tail = a.mul(exp(logOfTail)).blend(ZERO, a.compare(VectorOperators.GT, SIX));
        return relu(x).sub(tail);
    }

    /** x/2 (1 + tanh u) = x σ(2u), u = √(2/π) (x + 0.044715 x³). */
    static FloatVector geluTanh(FloatVector x) {
        FloatVector cubic = x.mul(x).fma(GELU_CUBIC, ONE).mul(x);
        return x.div(exp(cubic.mul(GELU_SCALE)).add(ONE));
    }

    static FloatVector quickGelu(FloatVector x) {
        return x.div(exp(x.mul(QUICK_SCALE)).add(ONE));
    }

    static FloatVector silu(FloatVector x) {
        return x.div(exp(x.neg()).add(ONE));
    }

    /** The magnitude with the sign of x. */
    private static FloatVector signed(FloatVector magnitude, FloatVector x) {
        return magnitude
                .reinterpretAsInts()
                .or(x.reinterpretAsInts().and(Integer.MIN_VALUE))
                .reinterpretAsFloats();
    }
}
