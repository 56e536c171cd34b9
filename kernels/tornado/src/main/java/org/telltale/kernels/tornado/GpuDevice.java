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
     * @param sizes elements of each area that the program has
     * @param weights writes the values of {@link Area#WEIGHTS}
     * @param first run once, before all others; they write to every area but weights and inputs
     * @param launches what a run does
     */
    Loaded load(
            String name,
            Map<Area, Integer> sizes,
            Consumer<MemorySegment> weights,
            List<Launch> first,
            List<Launch> launches);

    /** A program on the device, whose arrays each have a copy on the host. */
    interface Loaded extends AutoCloseable {
        /** The host's copy of an area. */
        MemorySegment onHost(Area area);

        /** Copies an area of states to the device with the next run. */
        void send(Area area);

        /** Copies an area of states from the device. */
        void fetch(Area area);

        /** Copies the inputs to the device, launches, and copies the outputs back. */
        void run();

        @Override
        void close();
    }
}
