package org.telltale.app;

import java.util.Locale;
import org.telltale.app.hub.Bytes;
import org.telltale.app.hub.PullListener;
import org.telltale.app.hub.RemoteFile;
import org.telltale.app.pipeline.StatusLine;
import org.telltale.app.pipeline.Terminal;

/** How far a pull is: a line on a terminal, and what has to be said anywhere. */
final class PullProgress implements PullListener {
    private final Terminal terminal;
    private final StatusLine status;
    private String path = "";
    private long first;
    private long began;

    PullProgress(Terminal terminal) {
        this.terminal = terminal;
        status = new StatusLine(terminal);
    }

    @Override
    public void progress(RemoteFile file, long bytes) {
        if (!file.path().equals(path)) {
            // what an earlier run has fetched took no time
            path = file.path();
            first = bytes;
            began = System.nanoTime();
        }
        if (terminal.interactive() && status.due() && bytes < file.size()) {
            double rate = (bytes - first) / Math.max((System.nanoTime() - began) / 1e9, 0.1);
            status.show(line(file, bytes, rate));
        }
        if (bytes == file.size()) {
            status.clear();
        }
    }

    static String line(RemoteFile file, long bytes, double rate) {
        return String.format(
                Locale.ROOT,
                "%s: %s of %s%s",
                file.path(),
                Bytes.text(bytes),
                Bytes.text(file.size()),
                rate > 0
                        ? "  " + Bytes.text((long) rate) + "/s  " + StatusLine.time((file.size() - bytes) / rate)
                                + " left"
                        : "");
    }

    @Override
    public void note(String line) {
        status.clear();
        terminal.say(line);
    }

    void clear() {
        status.clear();
    }
}
