package org.telltale.app.data;

import java.util.List;
import java.util.Map;
import org.telltale.engine.HostTensor;

/**
 * A batch of a {@link BatchLoader}, in native memory that is used again: valid until the next is asked for.
 *
 * <p>Its tensors have the full extent of a batch whatever its size. Rows from {@link #size} on hold an input that no model
 * stumbles over and the label {@link #NO_LABEL}.
 */
public final class Minibatch {
    /** The label id of a row without a sample, to be ignored by the loss. */
    public static final int NO_LABEL = -1;

    /** The tensor of label ids, I32 [batch]. */
    public static final String LABELS = "labels";

    private final Map<String, HostTensor> tensors;
    private final int[] samples;
    private long epoch;
    private int index;
    private int size;
    private List<String> unreadable = List.of();

    Minibatch(Map<String, HostTensor> tensors, int batch) {
        this.tensors = tensors;
        this.samples = new int[batch];
    }

    void begin(long epoch, int index) {
        this.epoch = epoch;
        this.index = index;
    }

    void finish(int size, List<String> unreadable) {
        this.size = size;
        this.unreadable = unreadable;
    }

    void sample(int row, int sample) {
        samples[row] = sample;
    }

    /** An input of the model by its name: {@code pictures}, or {@code ids}, {@code mask} and {@code types}; or the labels. */
    public HostTensor tensor(String name) {
        HostTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("a batch has no " + name + ", but " + tensors.keySet());
        }
        return tensor;
    }

    /** All of them by name: the inputs of the model and {@link #LABELS}. */
    public Map<String, HostTensor> tensors() {
        return tensors;
    }

    /** The epoch, from 0. */
    public long epoch() {
        return epoch;
    }

    /** The batch within its epoch, from 0. */
    public int index() {
        return index;
    }

    /** How many rows hold a sample: the first ones. */
    public int size() {
        return size;
    }

    /** Which sample of the split stands in a row. */
    public int sample(int row) {
        if (row < 0 || row >= size) {
            throw new IndexOutOfBoundsException("row " + row + " of a batch of " + size);
        }
        return samples[row];
    }

    /** What could not be read for this batch: a line each. */
    public List<String> unreadable() {
        return unreadable;
    }
}
