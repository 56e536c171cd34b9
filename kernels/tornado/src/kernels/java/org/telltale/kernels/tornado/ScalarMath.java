package org.telltale.kernels.tornado;

import uk.ac.manchester.tornado.api.math.TornadoMath;

/** Functions of single numbers, for kernels: by the number that {@code ScalarFunction} gives each. */
final class ScalarMath {
    private ScalarMath() {}

    /** What a {@code ScalarFunction} does to a number. */
    @SuppressWarnings("IfChainToSwitch") // TornadoVM compiles conditions, and not every switch
    static float apply(int function, float x) {
        float y = x;
        if (function == 1) {
            y = -x;
        } else if (function == 2) {
            y = TornadoMath.abs(x);
        } else if (function == 3) {
            y = x * x;
        } else if (function == 4) {
            y = TornadoMath.sqrt(x);
        } else if (function == 5) {
            y = 1f / TornadoMath.sqrt(x);
        } else if (function == 6) {
            y = 1f / x;
        } else if (function == 7) {
            y = TornadoMath.exp(x);
        } else if (function == 8) {
            y = TornadoMath.log(x);
        } else if (function == 9) {
            y = erf(x);
        } else if (function == 10) {
            y = tanh(x);
        } else if (function == 11) {
            y = 1f / (1f + TornadoMath.exp(-x));
        } else if (function == 12) {
            y = x <= 0f ? 0f : x;
        } else if (function == 13) {
            y = x <= 0f ? 0f : (x > 6f ? 6f : x);
        } else if (function == 14) {
            y = geluErf(x);
        } else if (function == 15) {
            y = x / (1f + TornadoMath.exp((x * x * 0.044715f + 1f) * x * -1.5957692f));
        } else if (function == 16) {
            y = x / (1f + TornadoMath.exp(x * -1.702f));
        } else if (function == 17) {
            y = x / (1f + TornadoMath.exp(-x));
        }
        return y;
    }

    /** The hyperbolic tangent within a few ulp; exactly 1 where it rounds to 1, which not every device's own is. */
    static float tanh(float x) {
        float a = TornadoMath.abs(x);
        float z = x * x;
        float near = ((((z * -0.0055151638f + 0.02046942f) * z - 0.053688023f) * z + 0.1333083f) * z - 0.3333326f) * z;
        float far = 1f - 2f / (TornadoMath.exp(a + a) + 1f);
        float signed = x < 0f ? -far : far;
        return a < 0.65f ? near * x + x : signed;
    }

    /** The error function within a few ulp, by polynomials of x near 0 and of the logarithm of the rest farther out. */
    static float erf(float x) {
        float a = TornadoMath.abs(x);
        float z = x * x;
        float near =
                ((((z * -0.0005953742f + 0.0049859406f) * z - 0.02676172f) * z + 0.112816826f) * z - 0.3761248f) * z
                        + 0.12837915f;
        float rest =
                (((((a * 0.00019593725f - 0.0030432174f) * a + 0.02222692f) * a - 0.1039316f) * a - 0.63718224f) * a
                                        - 1.1276757f)
                                * a
                        - 0.00019567557f;
        float far = a > 4f ? 1f : 1f - TornadoMath.exp(rest);
        float signed = x < 0f ? -far : far;
        return a < 0.93f ? near * x + x : signed;
    }

    /** x Φ(x) as max(x, 0) - |x| Φ(-|x|): no cancellation in the left tail, and 0 below -6. */
    static float geluErf(float x) {
        float a = TornadoMath.abs(x);
        float logOfTail =
                ((((((a * 5.871055e-06f - 3.7363094e-05f) * a - 0.00029197888f) * a + 0.005121854f) * a - 0.036522698f)
                                                                * a
                                                        - 0.3182607f)
                                                * a
                                        - 0.7978893f)
                                * a
                        - 0.6931471f;
        float tail = a > 6f ? 0f : a * TornadoMath.exp(logOfTail);
        return (x <= 0f ? 0f : x) - tail;
    }

    /** The output function of splitmix64; TornadoVM 5.2.0 shifts the sign in where Java's {@code >>>} shifts in zeros. */
    static long mix(long seed) {
        long z = seed;
        z = (z ^ (z >> 30 & 0x3FFFFFFFFL)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >> 27 & 0x1FFFFFFFFFL)) * 0x94D049BB133111EBL;
        return z ^ (z >> 31 & 0x1FFFFFFFFL);
    }
}
