package uk.ac.manchester.tornado.api;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;

/**
 * Stands in for TornadoVM's class of this name where kernels are tested on the host: the place of one item in its grid,
 * and what the items of a group share.
 */
public final class KernelContext {
    /** The names are those of the class that this one stands in for. */
    public int globalIdx;

    public int localIdx;
    public int localIdy;
    public int groupIdx;
    public int groupIdy;
    public int groupIdz;

    private final Group group;
    private int arrays;

    /** What the items of a group share: local memory, and the barrier. */
    public static final class Group {
        private final List<float[]> arrays = new ArrayList<>();
        private final CyclicBarrier barrier;

        public Group(int items) {
            barrier = new CyclicBarrier(items);
        }

        /** Lets go the items that wait. */
        public void fail() {
            barrier.reset();
        }

        private synchronized float[] array(int place, int count) {
            while (arrays.size() <= place) {
                arrays.add(new float[count]);
            }
            return arrays.get(place);
        }
    }

    public KernelContext(Group group) {
        this.group = group;
    }

    public float[] allocateFloatLocalArray(int count) {
        return group.array(arrays++, count);
    }

    public void localBarrier() {
        try {
            group.barrier.await();
        } catch (InterruptedException | BrokenBarrierException e) {
            throw new IllegalStateException("an item of the group failed before the barrier", e);
        }
    }
}
