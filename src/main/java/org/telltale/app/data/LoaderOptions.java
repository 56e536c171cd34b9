package org.telltale.app.data;

/**
 * How a {@link BatchLoader} goes over its samples.
 *
 * @param batch samples of a batch
 * @param shuffled whether each epoch has an order of its own, a pure function of seed and epoch
 * @param dropRemainder whether an incomplete last batch is left out
 * @param seed of the orders and of the augmentation
 * @param epochs how many there are; nothing is loaded beyond
 * @param threads that load
 * @param ahead how many batches are made while one is used, at least 1; each takes memory
 * @param unreadable what becomes of a sample that cannot be read
 */
public record LoaderOptions(
        int batch,
        boolean shuffled,
        boolean dropRemainder,
        long seed,
        long epochs,
        int threads,
        int ahead,
        Unreadable unreadable) {
    private static final int MAX_BATCH = 1 << 16;
    private static final int MAX_THREADS = 1024;

    /** What becomes of a sample that cannot be read. */
    public enum Unreadable {
        /** Its place is taken by the next sample of the epoch's order that can be read; for training. */
        NEXT,
        /** It is left out, and the batch is smaller: nothing counts twice; for measuring. */
        OMIT,
        /** An error that names it. */
        REFUSE
    }

    public LoaderOptions {
        require("batch", batch, MAX_BATCH);
        require("threads", threads, MAX_THREADS);
        require("ahead", ahead, MAX_THREADS);
        require("epochs", epochs, Long.MAX_VALUE);
    }

    private static void require(String what, long value, long most) {
        if (value < 1 || value > most) {
            throw new IllegalArgumentException(what + " is " + value + ", expected 1 to " + most);
        }
    }

    /** Shuffled, with the remainder; the next sample takes the place of one that cannot be read. */
    public static LoaderOptions training(int batch, long seed, long epochs) {
        return new LoaderOptions(batch, true, false, seed, epochs, defaultThreads(), 2, Unreadable.NEXT);
    }

    /** In order, once for each epoch; what cannot be read is left out. */
    public static LoaderOptions measuring(int batch, long epochs) {
        return new LoaderOptions(batch, false, false, 0, epochs, defaultThreads(), 2, Unreadable.OMIT);
    }

    private static int defaultThreads() {
        return Math.min(8, Runtime.getRuntime().availableProcessors());
    }

    public LoaderOptions threads(int n) {
        return new LoaderOptions(batch, shuffled, dropRemainder, seed, epochs, n, ahead, unreadable);
    }

    public LoaderOptions ahead(int batches) {
        return new LoaderOptions(batch, shuffled, dropRemainder, seed, epochs, threads, batches, unreadable);
    }

    public LoaderOptions dropRemainder(boolean drop) {
        return new LoaderOptions(batch, shuffled, drop, seed, epochs, threads, ahead, unreadable);
    }

    public LoaderOptions unreadable(Unreadable policy) {
        return new LoaderOptions(batch, shuffled, dropRemainder, seed, epochs, threads, ahead, policy);
    }
}
