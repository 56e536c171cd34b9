package uk.ac.manchester.tornado.api.types.arrays;

/** Stands in for TornadoVM's class of this name where kernels are tested on the host: as much of it as they use. */
public final class IntArray {
    private final int[] values;

    private IntArray(int[] values) {
        this.values = values;
    }

    public static IntArray fromArray(int[] values) {
        return new IntArray(values.clone());
    }

    public int get(int index) {
        return values[index];
    }
}
