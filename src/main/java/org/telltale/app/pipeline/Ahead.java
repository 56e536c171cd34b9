package org.telltale.app.pipeline;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Makes things of inputs a few ahead of who takes them, in threads of their own and in the order of the inputs.
 *
 * @param <I> inputs
 * @param <O> what is made of them
 */
final class Ahead<I, O> implements AutoCloseable {
    private static final int THREADS = 2;
    private static final int DEPTH = 4;

    /** What makes one of the things. */
    interface Maker<I, O> {
        O make(I input) throws Exception;
    }

    private final Iterator<I> inputs;
    private final Maker<I, O> maker;
    private final Deque<Future<O>> made = new ArrayDeque<>();
    private final ExecutorService threads = Executors.newFixedThreadPool(
            THREADS, Thread.ofPlatform().daemon().name("read-", 0).factory());

    Ahead(Iterator<I> inputs, Maker<I, O> maker) {
        this.inputs = inputs;
        this.maker = maker;
        fill();
    }

    private void fill() {
        while (made.size() < DEPTH && inputs.hasNext()) {
            I input = inputs.next();
            made.add(threads.submit(() -> maker.make(input)));
        }
    }

    /** What was made of the next input; as many calls as inputs. */
    O next() throws ExecutionException, InterruptedException {
        Future<O> first = made.remove();
        try {
            return first.get();
        } finally {
            fill();
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
