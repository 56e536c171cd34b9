package org.telltale.engine.spi;

import org.telltale.engine.HostTensor;

/**
 * A compiled graph with its memory. One thread at a time: a second one is refused. {@link #run} allocates nothing on the
 * Java heap once it is warm.
 */
public interface Executable extends AutoCloseable {
    /** The memory of an input, to be filled before a run. */
    HostTensor input(String name);

    /**
     * Lets an input or state live in memory of the caller's, which must outlive this executable. Several executables of one
     * backend may have states in the same memory; a state in the memory of another's output changes when that one runs.
     */
    void bind(String name, HostTensor memory);

    /** Computes the outputs, then the updates of the states; if it fails, states may have changed. */
    void run();

    /** The memory of an output, valid until the next run or close. */
    HostTensor output(int index);

    /**
     * The memory of a state, zeros at first, with the values of the last run, to be read or changed before the next. A state
     * without an update keeps its values from run to run. A device keeps states to itself: only this call brings the values
     * into the memory, and takes what the host has changed there to the device with the next run. So it is called after every
     * run whose values are to be seen, in memory of the caller's too.
     */
    HostTensor state(String name);

    @Override
    void close();
}
