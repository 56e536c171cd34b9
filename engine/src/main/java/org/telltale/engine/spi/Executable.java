package org.telltale.engine.spi;

import org.telltale.engine.HostTensor;

/**
 * A compiled graph with its memory. One thread at a time: a second one is refused. {@link #run} allocates nothing on the
 * Java heap once it is warm.
 */
public interface Executable extends AutoCloseable {
    /** The memory of an input, to be filled before a run. */
    HostTensor input(String name);

    /** Lets an input or state live in memory of the caller's, which must outlive this executable. */
    void bind(String name, HostTensor memory);

    /** Computes the outputs, then the updates of the states. */
    void run();

    /** The memory of an output, valid until the next run or close. */
    HostTensor output(int index);

    /** The memory of a state, zeros at first. */
    HostTensor state(String name);

    @Override
    void close();
}
