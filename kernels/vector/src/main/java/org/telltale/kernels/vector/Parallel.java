package org.telltale.kernels.vector;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The only class that knows threads: a crew that shares out the chunks of a loop. Workers spin for a bounded time and
 * then park, since handing over by spinning takes well under a microsecond and many a layer takes only a few.
 *
 * <p>Each worker has a run of neighbouring chunks of its own, and takes from the far end of another's when that is done.
 * So from one loop to the next the same rows of a picture stay with the same worker, in its own caches, and the counters
 * of workers seldom meet.
 *
 * <p>Chunks are cut by the kernel, without regard to the number of threads, and every output element belongs to one
 * chunk: results are bit-identical for any crew.
 */
final class Parallel implements AutoCloseable {
    /** A piece of a loop; the worker's number (0 is the caller) selects scratch memory. */
    interface Chunk {
        void run(int chunk, int worker);
    }

    /** Rounds of spinning before a worker parks: some 50 microseconds. */
    private static final int SPINS = 4_000;

    private static final int FIELD = 20;
    private static final long MASK = (1L << FIELD) - 1;
    private static final int MAX_CHUNKS = (int) MASK;

    /** Words from one worker's range to the next: two lines of the cache, which are fetched together. */
    private static final int APART = 16;

    private final Worker[] workers;
    private final AtomicBoolean busy = new AtomicBoolean();

    /**
     * For each worker the round's number, its next chunk and the end of its range in one word, so that a worker that comes
     * late cannot claim a chunk of a round it has not read: its compare-and-set fails.
     */
    private final AtomicLongArray ranges;

    /** Only the caller that made the crew {@link #busy} counts. */
    private long round;

    private final AtomicInteger done = new AtomicInteger();
    private volatile @Nullable Chunk task;
    private volatile @Nullable Throwable failure;
    private volatile boolean closed;

    Parallel(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("at least one thread is needed, not " + threads);
        }
        ranges = new AtomicLongArray(threads * APART);
        workers = new Worker[threads - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker(i + 1);
            workers[i].thread.start();
        }
    }

    int threads() {
        return workers.length + 1;
    }

    /** Runs chunks 0 to count - 1, each once, and returns when all are done; rethrows the first failure. */
    void forRange(int count, Chunk chunk) {
        if (count <= 1 || workers.length == 0 || !busy.compareAndSet(false, true)) {
            // Also when another handle's run has the crew: this one goes on alone instead of waiting.
            for (int i = 0; i < count; i++) {
                chunk.run(i, 0);
            }
            return;
        }
        if (count > MAX_CHUNKS) {
            busy.set(false);
            throw new IllegalArgumentException("too many chunks: " + count);
        }
        task = chunk;
        failure = null;
        done.set(0);
        round++;
        int threads = threads();
        for (int w = 0; w < threads; w++) {
            long begin = (long) count * w / threads;
            long end = (long) count * (w + 1) / threads;
            ranges.set(w * APART, round << (2 * FIELD) | begin << FIELD | end);
        }
        for (Worker w : workers) {
            if (w.parked) {
                LockSupport.unpark(w.thread);
            }
        }
        work(0);
        int spins = 0;
        while (done.get() < count) {
            Thread.onSpinWait();
            if (++spins > SPINS) {
                LockSupport.parkNanos(this, 20_000);
            }
        }
        Throwable thrown = failure;
        task = null;
        busy.set(false);
        if (thrown != null) {
            throw thrown instanceof RuntimeException e ? e : new IllegalStateException(thrown);
        }
    }

    /** Runs the chunks of a worker's own range, then what is left of the others'. */
    private void work(int worker) {
        int ran = 0;
        for (int i = 0; i < threads(); i++) {
            int owner = (worker + i) % threads();
            while (claim(owner, worker)) {
                ran++;
            }
        }
        if (ran > 0) {
            done.addAndGet(ran);
        }
    }

    /** Runs a chunk of a range, the next one for its owner and the last for others; false when there is none left. */
    private boolean claim(int owner, int worker) {
        while (true) {
            long range = ranges.get(owner * APART);
            int next = (int) (range >>> FIELD & MASK);
            int end = (int) (range & MASK);
            if (next >= end) {
                return false;
            }
            Chunk chunk = task;
            boolean own = owner == worker;
            if (ranges.compareAndSet(owner * APART, range, own ? range + (1L << FIELD) : range - 1) && chunk != null) {
                try {
                    chunk.run(own ? next : end - 1, worker);
                } catch (Throwable t) {
                    failure = t;
                }
                return true;
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        for (Worker w : workers) {
            LockSupport.unpark(w.thread);
        }
    }

    private final class Worker implements Runnable {
        private final int number;
        private final Thread thread;
        private volatile boolean parked;

        Worker(int number) {
            this.number = number;
            this.thread =
                    Thread.ofPlatform().daemon().name("telltale-" + number).unstarted(this);
        }

        @Override
        public void run() {
            long seen = 0;
            while (!closed) {
                int spins = 0;
                while (round() == seen && !closed) {
                    if (++spins < SPINS) {
                        Thread.onSpinWait();
                    } else {
                        parked = true;
                        if (round() == seen && !closed) {
                            LockSupport.park(this);
                        }
                        parked = false;
                    }
                }
                seen = round();
                work(number);
            }
        }

        private long round() {
            return ranges.get(number * APART) >>> (2 * FIELD);
        }
    }
}
