package org.telltale.kernels.tornado;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** A device that runs launches. */
interface GpuDevice {
    /** Name, driver and memory, for people. */
    String description();

    /** Bytes of memory of the device. */
    long memory();

    /** Bytes of the largest array that it takes. */
    long largestArray();

    /**
     * Makes the arrays and the plan of a program.
     *
     * @param sizes elements of each area
     * @param weights writes the values of {@link Area#WEIGHTS}
     */
    Loaded load(String name, Map<Area, Integer> sizes, Consumer<MemorySegment> weights, List<Launch> launches);

    /** A program on the device. */
    interface Loaded extends AutoCloseable {
        /** What is copied to the device before a run, in host memory. */
        MemorySegment input();

        /** What the last run left, in host memory. */
        MemorySegment output();

        void run();

        @Override
        void close();
    }
}
