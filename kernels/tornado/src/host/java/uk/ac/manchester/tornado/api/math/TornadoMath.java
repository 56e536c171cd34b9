package uk.ac.manchester.tornado.api.math;

/** Stands in for TornadoVM's class of this name where kernels are tested on the host: as much of it as they use. */
public final class TornadoMath {
    private TornadoMath() {}

    public static float exp(float x) {
        return (float) Math.exp(x);
    }

    public static float log(float x) {
        return (float) Math.log(x);
    }

    public static float sqrt(float x) {
        return (float) Math.sqrt(x);
    }

    public static float abs(float x) {
        return Math.abs(x);
    }

    public static float max(float a, float b) {
        return Math.max(a, b);
    }
}
