package org.telltale.app.pipeline;

import java.util.Locale;
import org.telltale.api.TableListener;

/** How far the tables of labels are, on standard error. */
public final class TableProgress implements TableListener {
    private final Terminal terminal;
    private final boolean verbose;
    private final StatusLine status;
    private String table = "";
    private int first;
    private long began;

    /** @param verbose whether to tell where standard error is no terminal */
    public TableProgress(Terminal terminal, boolean verbose) {
        this.terminal = terminal;
        this.verbose = verbose;
        status = new StatusLine(terminal);
    }

    @Override
    public void built(String name, int labels, int of) {
        if (!name.equals(table)) {
            // where a build goes on that was stopped, the first labels took no time
            table = name;
            first = labels;
            began = System.nanoTime();
        }
        if (terminal.interactive() || verbose) {
            if (labels == of) {
                status.clear();
            } else if (status.due() && labels > first) {
                double each = (System.nanoTime() - began) / 1e9 / (labels - first);
                status.show(String.format(
                        Locale.ROOT,
                        "encoding %s: %d/%d  %.1f labels/s  %s left",
                        name,
                        labels,
                        of,
                        1 / each,
                        StatusLine.time(each * (of - labels))));
            }
        }
    }

    @Override
    public void discarded(String why) {
        status.clear();
        terminal.say(why);
    }

    @Override
    public void warning(String what) {
        status.clear();
        terminal.say("warning: " + what);
    }
}
