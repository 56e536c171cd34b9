package org.telltale.app.pipeline;

import java.util.Locale;

/**
 * How far the work is, on standard error: one line that is overwritten on a terminal, otherwise a line now and then if
 * wanted. One picture has no progress.
 */
final class Progress {
    private final Terminal terminal;
    private final boolean verbose;
    private final int total;
    private final long start = System.nanoTime();
    private final StatusLine status;

    Progress(Terminal terminal, boolean verbose, int total) {
        this.terminal = terminal;
        this.verbose = verbose;
        this.total = total;
        status = new StatusLine(terminal);
    }

    void done(int count) {
        boolean shown = terminal.interactive() ? total > 1 : verbose;
        if (shown && (status.due() || count >= total)) {
            status.show(line(count, total, (System.nanoTime() - start) / 1e9));
        }
    }

    /** Makes room for another line. */
    void clear() {
        status.clear();
    }

    static String line(int count, int total, double seconds) {
        double rate = count / Math.max(seconds, 1e-3);
        String speed = rate >= 1 || rate == 0
                ? String.format(Locale.ROOT, "%.1f/s", rate)
                : String.format(Locale.ROOT, "%.1f s each", 1 / rate);
        return count + "/" + total + "  " + speed
                + (count < total && rate > 0 ? "  " + StatusLine.time((total - count) / rate) + " left" : "");
    }
}
