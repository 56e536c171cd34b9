package org.telltale.app.data;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.TreeMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.models.text.CaptionVocabulary;
import org.telltale.models.text.WordPiece;

/**
 * Makes the batches of a training run ahead of the one that is used, in threads of its own, into a ring of native buffers
 * that are used again. Order and content are a pure function of the samples, the options and the number of the batch: the
 * same for any number of threads, and after {@link #skipTo}.
 *
 * <p>Threads take rows, not batches: all of them work on the batch that is wanted next. They wait while the ring is full.
 * One thread calls {@link #next}.
 */
public final class BatchLoader implements AutoCloseable {
    private final LoaderOptions options;
    private final BatchRows rows;
    private final int perEpoch;
    private final Arena arena = Arena.ofShared();
    private final Slot[] ring;
    private final List<Thread> threads = new ArrayList<>();
    private final TreeMap<Integer, String> unreadable = new TreeMap<>();

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    private final Condition done = lock.newCondition();

    // Guarded by the lock. Batches are numbered through all epochs.
    private long taken;
    private long filling;
    private int nextRow;
    private int working;
    private boolean paused;
    private boolean closed;

    // Of the thread that calls next.
    private boolean handedOut;
    private long waited;

    /** A batch in the making. */
    private static final class Slot {
        final Map<String, HostTensor> tensors;
        final HostTensor labels;
        final Minibatch batch;

        /** The sample of each row, or -1; and what could not be read on the way to it. */
        final int[] samples;

        final List<List<Unread>> unread;
        final @Nullable Throwable[] failures;
        int[] order = {};
        int length;
        int open;

        Slot(Map<String, HostTensor> tensors, HostTensor labels, int batch) {
            this.tensors = tensors;
            this.labels = labels;
            Map<String, HostTensor> all = new LinkedHashMap<>(tensors);
            all.put(Minibatch.LABELS, labels);
            this.batch = new Minibatch(all, batch);
            samples = new int[batch];
            failures = new Throwable[batch];
            unread = new ArrayList<>(Collections.nCopies(batch, List.of()));
        }
    }

    private record Unread(int sample, String message) {}

    private record Task(Slot slot, int row, long epoch, int batch) {}

    BatchLoader(BatchRows rows, LoaderOptions options) {
        this.options = options;
        this.rows = rows;
        int n = rows.count();
        perEpoch = options.dropRemainder() ? n / options.batch() : Math.ceilDiv(n, options.batch());
        try {
            if (perEpoch == 0) {
                throw new DataException(n + " samples, expected at least "
                        + (options.dropRemainder() ? "a batch of " + options.batch() : "one"));
            }
            ring = new Slot[options.ahead() + 1];
            for (int i = 0; i < ring.length; i++) {
                HostTensor labels = HostTensor.allocate(arena, DType.I32, Shape.of(options.batch()));
                ring[i] = new Slot(rows.allocate(arena, options.batch()), labels, options.batch());
            }
            for (int i = 0; i < options.threads(); i++) {
                BatchRows.Writer writer = rows.writer();
                threads.add(Thread.ofPlatform().daemon().name("load-" + i).unstarted(() -> load(writer)));
            }
        } catch (RuntimeException | Error e) {
            arena.close();
            rows.close();
            throw e;
        }
        threads.forEach(Thread::start);
    }

    /** Batches of pictures: {@code pictures}, F32 [batch, height, width, 3], and the labels. */
    public static BatchLoader pictures(
            Dataset<Sample.Picture> data, Split split, PictureOptions pictures, LoaderOptions options) {
        return new BatchLoader(
                new PictureRows(data.samples(split), data.labelIds(split), pictures, options.seed()), options);
    }

    /**
     * Batches of token ids: {@code ids}, {@code mask} and {@code types}, I32 [batch, tokens], and the labels.
     *
     * @param tokens of every row; longer texts are cut, shorter ones padded (128 in the recipe, SPEC 13.3)
     */
    public static BatchLoader texts(
            Dataset<Sample.Text> data, Split split, WordPiece tokenizer, int tokens, LoaderOptions options) {
        return new BatchLoader(new TextRows(data.samples(split), data.labelIds(split), tokenizer, tokens), options);
    }

    /** Batches of features that were computed once, {@link Features#NAME}, F32 [batch, width], and the labels. */
    public static BatchLoader features(Features features, int[] labels, LoaderOptions options) {
        return new BatchLoader(new FeatureRows(features, labels), options);
    }

    /**
     * Batches of captions: {@link Features#NAME}, F32 [batch, positions, channels], the words that are fed,
     * {@link CaptionRows#WORDS}, and those that follow them, {@link CaptionRows#TARGETS}, I32 [batch, words - 1].
     *
     * @param pictures the number of a picture's features by its file
     * @param words of every caption, its marks included
     */
    public static BatchLoader captions(
            List<Sample.Captioned> samples,
            Features features,
            Map<Path, Integer> pictures,
            CaptionVocabulary vocabulary,
            int words,
            LoaderOptions options) {
        return new BatchLoader(new CaptionRows(samples, features, pictures, vocabulary, words), options);
    }

    /**
     * Batches of pictures with captions: {@code pictures}, F32 [batch, height, width, 3], and I32
     * {@link CaptionedRows#IDS} [batch, tokens] with {@link CaptionedRows#TARGETS} [batch, tokens] or
     * {@link CaptionedRows#ENDS} [batch].
     */
    public static BatchLoader captioned(
            List<Sample.Captioned> samples, PictureOptions pictures, CaptionTokens tokens, LoaderOptions options) {
        return new BatchLoader(new CaptionedRows(samples, pictures, tokens, options.seed()), options);
    }

    /** Batches of an epoch. */
    public int batches() {
        return perEpoch;
    }

    /** Samples of the split. */
    public int samples() {
        return rows.count();
    }

    /** Nanoseconds that {@link #next} waited for batches, all together. */
    public long waited() {
        return waited;
    }

    /** What could not be read for the batches that were handed out so far: a line for each sample, in their order. */
    public List<String> unreadable() {
        return List.copyOf(unreadable.values());
    }

    /** What the user should be told about the loading, such as a cache that could not be used: a line each. */
    public List<String> notes() {
        return rows.notes();
    }

    /**
     * The next batch, once it is complete. The one before is given back and must not be used any more.
     *
     * @throws NoSuchElementException after the last epoch
     * @throws DataException if a sample of the batch cannot be read and that is refused, or if none can be read
     */
    public Minibatch next() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            if (closed) {
                throw new IllegalStateException("the loader is closed");
            }
            if (handedOut) {
                handedOut = false;
                taken++;
                work.signalAll();
            }
            if (taken >= options.epochs() * (double) perEpoch) {
                throw new NoSuchElementException(options.epochs() + " epochs of " + perEpoch + " batches are over");
            }
            long began = System.nanoTime();
            while (filling == taken || slot(taken).open > 0) {
                done.await();
            }
            waited += System.nanoTime() - began;
        } finally {
            lock.unlock();
        }
        Minibatch batch = complete(slot(taken));
        handedOut = true;
        return batch;
    }

    private Slot slot(long number) {
        return ring[(int) (number % ring.length)];
    }

    /** Closes the gaps of samples that were left out, and fills the rows behind the last. */
    private Minibatch complete(Slot slot) {
        for (int row = 0; row < slot.length; row++) {
            Throwable failure = slot.failures[row];
            if (failure instanceof DataException e) {
                throw new DataException(String.valueOf(e.getMessage()), e);
            }
            if (failure instanceof Error e) {
                // Out of memory, above all: it keeps its name, and is no reason to leave a sample out.
                throw e;
            }
            if (failure != null) {
                throw new IllegalStateException("loading a batch failed: " + failure, failure);
            }
        }
        int size = 0;
        List<String> messages = new ArrayList<>();
        for (int row = 0; row < slot.length; row++) {
            for (Unread u : slot.unread.get(row)) {
                messages.add(u.message);
                unreadable.putIfAbsent(u.sample, u.message);
            }
            if (slot.samples[row] >= 0) {
                if (size < row) {
                    move(slot.tensors, row, size);
                    rows.moved(slot.tensors, size);
                }
                slot.labels.setInt(size, rows.label(slot.samples[row]));
                slot.batch.sample(size++, slot.samples[row]);
            }
        }
        for (int row = size; row < options.batch(); row++) {
            rows.blank(slot.tensors, row);
            slot.labels.setInt(row, Minibatch.NO_LABEL);
        }
        slot.batch.finish(size, List.copyOf(messages));
        return slot.batch;
    }

    private void move(Map<String, HostTensor> tensors, int from, int to) {
        for (HostTensor t : tensors.values()) {
            long bytes = t.data().byteSize() / options.batch();
            t.data().asSlice(to * bytes, bytes).copyFrom(t.data().asSlice(from * bytes, bytes));
        }
    }

    /**
     * Goes on with a batch of an epoch, both from 0, whatever was handed out so far.
     *
     * @param batch up to {@link #batches}, which is the first of the next epoch
     */
    public void skipTo(long epoch, int batch) throws InterruptedException {
        if (epoch < 0 || batch < 0 || batch > perEpoch || epoch > options.epochs()) {
            throw new IllegalArgumentException("batch " + batch + " of epoch " + epoch + ", expected 0 to " + perEpoch
                    + " and 0 to " + options.epochs());
        }
        lock.lockInterruptibly();
        try {
            paused = true;
            while (working > 0) {
                done.await();
            }
            taken = epoch * perEpoch + batch;
            filling = taken;
            nextRow = 0;
            handedOut = false;
        } finally {
            paused = false;
            work.signalAll();
            lock.unlock();
        }
    }

    private void load(BatchRows.Writer writer) {
        @Nullable Task last = null;
        while (true) {
            Task task = exchange(last);
            if (task == null) {
                return;
            }
            try {
                fill(task, writer);
            } catch (Throwable t) {
                // Whoever asks for the batch gets it; a thread that died instead would let them wait for ever.
                task.slot.failures[task.row] = t;
            }
            last = task;
        }
    }

    /** Gives back a row that is done and takes the next; nothing when the loader is closed. */
    private @Nullable Task exchange(@Nullable Task last) {
        lock.lock();
        try {
            if (last != null) {
                working--;
                last.slot.open--;
                if (last.slot.open == 0 || paused || closed) {
                    done.signalAll();
                }
            }
            while (!closed && (paused || filling - taken >= ring.length || over())) {
                work.awaitUninterruptibly();
            }
            if (closed) {
                return null;
            }
            working++;
            return take();
        } finally {
            lock.unlock();
        }
    }

    private boolean over() {
        return filling / perEpoch >= options.epochs();
    }

    private Task take() {
        Slot slot = slot(filling);
        long epoch = filling / perEpoch;
        int index = (int) (filling % perEpoch);
        if (nextRow == 0) {
            slot.order = order(epoch, index);
            slot.length = Math.min(options.batch(), rows.count() - index * options.batch());
            slot.open = slot.length;
            Arrays.fill(slot.failures, null);
            slot.batch.begin(epoch, index);
        }
        Task task = new Task(slot, nextRow, epoch, index);
        nextRow++;
        if (nextRow == slot.length) {
            nextRow = 0;
            filling++;
        }
        return task;
    }

    /** The epoch's order: that of the batch before, unless the epoch begins here or the run does. */
    private int[] order(long epoch, int index) {
        if (!options.shuffled()) {
            return ring[0].order.length > 0 ? ring[0].order : Shuffle.identity(rows.count());
        }
        Slot before = slot(filling + ring.length - 1);
        return index > 0 && before.order.length > 0 && before.batch.epoch() == epoch
                ? before.order
                : Shuffle.permutation(rows.count(), options.seed(), epoch);
    }

    private void fill(Task task, BatchRows.Writer writer) {
        Slot slot = task.slot;
        int n = slot.order.length;
        int place = task.batch * options.batch() + task.row;
        List<Unread> unread = List.of();
        slot.samples[task.row] = -1;
        for (int i = 0; i < n && slot.samples[task.row] < 0; i++) {
            int sample = slot.order[(place + i) % n];
            try {
                writer.write(slot.tensors, task.row, sample, task.epoch, task.batch);
                slot.samples[task.row] = sample;
            } catch (IOException e) {
                String message = String.valueOf(e.getMessage());
                if (options.unreadable() == LoaderOptions.Unreadable.REFUSE) {
                    throw new DataException(message, e);
                }
                unread = unread.isEmpty() ? new ArrayList<>() : unread;
                unread.add(new Unread(sample, message));
                if (options.unreadable() == LoaderOptions.Unreadable.OMIT) {
                    break;
                }
            }
        }
        slot.unread.set(task.row, unread);
        if (unread.size() == n && options.unreadable() == LoaderOptions.Unreadable.NEXT) {
            throw new DataException(
                    "none of the " + n + " samples can be read; the first: " + unread.getFirst().message);
        }
    }

    /** Stops the threads, waits for them, at most as long as a sample takes, and gives back the memory of all batches. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            work.signalAll();
        } finally {
            lock.unlock();
        }
        // An interrupted thread would close the files of the cache in the middle of a write.
        boolean interrupted = Thread.interrupted();
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        try {
            rows.close();
        } finally {
            arena.close();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
