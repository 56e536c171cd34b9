package org.telltale.app.hub;

/** Told of what a pull does. */
public interface PullListener {
    /** One that nothing is told to. */
    PullListener SILENT = new PullListener() {
        @Override
        public void progress(RemoteFile file, long bytes) {}

        @Override
        public void note(String line) {}
    };

    /** So much of a file is there now; told often. */
    void progress(RemoteFile file, long bytes);

    /** Something that a person should know. */
    void note(String line);
}
