package org.telltale.app.data;

import java.util.Set;

/** Where a command's records go, one by one. */
public sealed interface Results extends AutoCloseable permits RecordFile, PrintedResults {
    /** The ids that an earlier run, which this one continues, has done. */
    Set<String> done();

    /**
     * Adds a record, which is written before this returns.
     *
     * @throws DataException if it cannot be written
     */
    void add(Entry entry);

    /** Declares that all records are there. Without it, a file is left to be continued. */
    void finish();

    @Override
    void close();
}
