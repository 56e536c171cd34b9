package org.telltale.app.pipeline;

import java.util.Locale;

/**
 * How far the work is, on standard error: one line that is overwritten on a terminal, otherwise a line now and then if
 * wanted. One picture has no progress.
 */
final class Progress {
    private static final long REDRAW = 100_000_000L;
    private static final long EVERY = 10_000_000_000L;

    private final Terminal terminal;
    private final boolean verbose;
    private final int total;
    private final long start = System.nanoTime();
    private long last = start;
    private int width;

    Progress(Terminal terminal, boolean verbose, int total) {
        this.terminal = terminal;
        this.verbose = verbose;
        this.total = total;
    }

    void done(int count) {
        long now = System.nanoTime();
        boolean shown = terminal.interactive() ? total > 1 : verbose;
        if (!shown || (now - last < (terminal.interactive() ? REDRAW : EVERY) && count < total)) {
            return;
        }
        last = now;
        String line = line(count, total, (now - start) / 1e9);
        if (terminal.interactive()) {
            terminal.err().print("\r" + line + " ".repeat(Math.max(0, width - line.length())));
            terminal.err().flush();
            width = line.length();
        } else {
            terminal.say(line);
        }
    }

    /** Makes room for another line. */
    void clear() {
        if (width > 0) {
            terminal.err().print("\r" + " ".repeat(width) + "\r");
            terminal.err().flush();
            width = 0;
        }
    }

    static String line(int count, int total, double seconds) {
        double rate = count / Math.max(seconds, 1e-3);
        String speed = rate >= 1 || rate == 0
                ? String.format(Locale.ROOT, "%.1f/s", rate)
                : String.format(Locale.ROOT, "%.1f s each", 1 / rate);
        return count + "/" + total + "  " + speed
                + (count < total && rate > 0 ? "  " + time((total - count) / rate) + " left" : "");
    }

    private static String time(double seconds) {
        long s = Math.round(seconds);
        if (s < 60) {
            return s + " s";
        }
        return s < 3600 ? s / 60 + " min " + s % 60 + " s" : s / 3600 + " h " + s % 3600 / 60 + " min";
    }
}
