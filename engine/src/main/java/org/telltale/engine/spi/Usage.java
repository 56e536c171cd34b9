package org.telltale.engine.spi;

import java.util.concurrent.atomic.AtomicReference;

/** Lets one thread at a time use an executable, until it is closed. */
public final class Usage {
    private final String name;
    private final AtomicReference<State> state = new AtomicReference<>(State.IDLE);

    private enum State {
        IDLE,
        BUSY,
        CLOSED
    }

    /** @param name for messages */
    public Usage(String name) {
        this.name = name;
    }

    /**
     * Begins a run, which {@link #leave} ends.
     *
     * @throws IllegalStateException during a run, or once closed
     */
    public void enter() {
        if (!state.compareAndSet(State.IDLE, State.BUSY)) {
            throw new IllegalStateException(
                    name + (state.get() == State.CLOSED ? " is closed" : " is used by two threads at once"));
        }
    }

    public void leave() {
        state.set(State.IDLE);
    }

    /**
     * Ends all use.
     *
     * @return whether there is something left to free: false if this has been called before
     * @throws IllegalStateException during a run
     */
    public boolean close() {
        if (state.compareAndSet(State.IDLE, State.CLOSED)) {
            return true;
        }
        if (state.get() == State.BUSY) {
            throw new IllegalStateException(name + " is closed while it runs");
        }
        return false;
    }
}
