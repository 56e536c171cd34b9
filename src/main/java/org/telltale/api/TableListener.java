package org.telltale.api;

/** Is told how far an {@link Interrogator} is with its tables, which take long the first time, and of what is odd. */
public interface TableListener {
    /** Some labels of a table have been encoded. */
    void built(String table, int labels, int of);

    /** A file does not fit and is made anew; one line that says why. */
    void discarded(String why);

    /** A list is read, but not quite as it stands; one line that names the file and says why. */
    void warning(String what);

    /** One that does not listen. */
    TableListener SILENT = new TableListener() {
        @Override
        public void built(String table, int labels, int of) {}

        @Override
        public void discarded(String why) {}

        @Override
        public void warning(String what) {}
    };
}
