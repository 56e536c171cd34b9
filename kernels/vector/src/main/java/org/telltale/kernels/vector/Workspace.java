package org.telltale.kernels.vector;

import java.lang.foreign.Arena;

/**
 * Scratch memory of one executable: a shared part and a part per worker, each as large as the neediest kernel asked
 * for, since kernels run one after the other. Allocated at the first run.
 */
final class Workspace {
    private static final long ALIGNMENT = 64;

    private final Arena arena;
    private final int workers;
    private long sharedBytes;
    private long workerBytes;
    private long address;

    Workspace(Arena arena, int workers) {
        this.arena = arena;
        this.workers = workers;
    }

    /** Rounds bytes up so that what follows is aligned too. */
    static long align(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** Asks for memory, while kernels are made. */
    void reserve(long shared, long perWorker) {
        if (address != 0) {
            throw new IllegalStateException("the workspace is in use already");
        }
        sharedBytes = Math.max(sharedBytes, align(shared));
        // a gap of a cache line, lest neighbours write to the same pair of lines
        workerBytes = Math.max(workerBytes, align(perWorker) + ALIGNMENT);
    }

    /** The shared part; called by the running thread before it hands out chunks. */
    long shared() {
        if (address == 0) {
            address = arena.allocate(sharedBytes + workers * workerBytes + ALIGNMENT, ALIGNMENT)
                    .address();
        }
        return address;
    }

    /** The part of a worker, after a call to {@link #shared} in the same run. */
    long worker(int worker) {
        return address + sharedBytes + worker * workerBytes;
    }
}
