package org.telltale.kernels.vector.jit;

/** Constants of the elementary functions, for the Vector API and for emitted code: minimax fits of this project's own. */
public final class Coefficients {
    /** 1.5 * 2^23: adding it rounds to an integer, which then stands in the low bits. */
    public static final float ROUND = 0x1.8p23f;

    public static final float LOG2_E = (float) (1 / Math.log(2));
    public static final float LN2_HIGH = (float) Math.log(2);
    public static final float LN2_LOW = (float) (Math.log(2) - (float) Math.log(2));

    /** Below this, e^x may be 0. */
    public static final float EXP_LEAST = -87.3f;

    /** Above this, e^x is infinite. */
    public static final float EXP_MOST = 88.72284f;

    /** (e^r - 1 - r) on ±ln 2 / 2: the coefficients of r^6 to r^3. */
    public static final float EXP_6 = 0.0013814222f;

    public static final float EXP_5 = 0.008368899f;
    public static final float EXP_4 = 0.041668404f;
    public static final float EXP_3 = 0.1666652f;

    /** log Φ(-x) from 0 to 6: the coefficients of x^7 to 1. */
    public static final float TAIL_7 = 5.871055e-06f;

    public static final float TAIL_6 = -3.7363094e-05f;
    public static final float TAIL_5 = -0.00029197888f;
    public static final float TAIL_4 = 0.005121854f;
    public static final float TAIL_3 = -0.036522698f;
    public static final float TAIL_2 = -0.3182607f;
    public static final float TAIL_1 = -0.7978893f;
    public static final float TAIL_0 = -0.6931471f;

    /** Where the tail of the normal distribution is taken as 0. */
    public static final float TAIL_END = 6;

    public static final float GELU_CUBIC = 0.044715f;
    public static final float GELU_SCALE = (float) (-2 * Math.sqrt(2 / Math.PI));
    public static final float QUICK_SCALE = -1.702f;

    private Coefficients() {}
}
