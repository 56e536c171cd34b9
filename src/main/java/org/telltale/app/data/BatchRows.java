package org.telltale.app.data;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Map;
import org.telltale.engine.HostTensor;

/** The samples of a {@link BatchLoader} as rows of tensors whose first extent is the batch. */
interface BatchRows extends AutoCloseable {
    /** How many samples there are. */
    int count();

    /** The label id of a sample. */
    int label(int sample);

    /** The tensors of one batch, by name, without the labels. */
    Map<String, HostTensor> allocate(Arena arena, int batch);

    /** For one thread, with the buffers that it uses again. */
    Writer writer();

    /** Fills a row that holds no sample with an input that no model stumbles over. */
    void blank(Map<String, HostTensor> tensors, int row);

    /** Corrects what depends on the row, after a row's values were copied here from another. */
    default void moved(Map<String, HostTensor> tensors, int row) {}

    /** What the user should be told about the loading: a line each. */
    List<String> notes();

    /** Gives back files and memory. No writer is at work any more. */
    @Override
    void close();

    /** Writes rows. */
    interface Writer {
        /**
         * Writes a sample, the same values whenever and wherever it is called with the same numbers.
         *
         * @param batch of the epoch
         * @throws IOException if the sample cannot be read; the message is one line that names it
         */
        void write(Map<String, HostTensor> tensors, int row, int sample, long epoch, long batch) throws IOException;
    }
}
