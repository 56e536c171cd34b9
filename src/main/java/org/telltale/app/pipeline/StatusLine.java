package org.telltale.app.pipeline;

/** One line on standard error that says how far the work is: overwritten on a terminal, otherwise said now and then. */
public final class StatusLine {
    private static final long REDRAW = 100_000_000L;
    private static final long EVERY = 10_000_000_000L;

    private final Terminal terminal;
    private long last = System.nanoTime();
    private int width;

    public StatusLine(Terminal terminal) {
        this.terminal = terminal;
    }

    /** Whether the last line has stood long enough. */
    public boolean due() {
        return System.nanoTime() - last >= (terminal.interactive() ? REDRAW : EVERY);
    }

    public void show(String line) {
        last = System.nanoTime();
        if (terminal.interactive()) {
            terminal.err().print("\r" + line + " ".repeat(Math.max(0, width - line.length())));
            terminal.err().flush();
            width = line.length();
        } else {
            terminal.say(line);
        }
    }

    /** Makes room for another line. */
    public void clear() {
        if (width > 0) {
            terminal.err().print("\r" + " ".repeat(width) + "\r");
            terminal.err().flush();
            width = 0;
        }
    }

    /** A time for people, such as {@code 3 min 20 s}. */
    public static String time(double seconds) {
        long s = Math.round(seconds);
        if (s < 60) {
            return s + " s";
        }
        return s < 3600 ? s / 60 + " min " + s % 60 + " s" : s / 3600 + " h " + s % 3600 / 60 + " min";
    }
}
