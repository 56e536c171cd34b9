package org.telltale.app;

import java.io.PrintStream;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Ctrl-C and a polite kill: the work is asked to stop and given a moment to leave its files in order, then the process
 * ends with the code of the signal.
 */
final class Interrupt implements BooleanSupplier {
    private static final long PATIENCE_MS = 1500;

    private final CountDownLatch finished = new CountDownLatch(1);
    private final PrintStream terminal;
    private volatile boolean wanted;

    private Interrupt(PrintStream terminal) {
        this.terminal = terminal;
    }

    static Interrupt install(PrintStream terminal) {
        Interrupt interrupt = new Interrupt(terminal);
        Runtime.getRuntime().addShutdownHook(new Thread(interrupt::await, "interrupt"));
        return interrupt;
    }

    private void await() {
        wanted = true;
        try {
            if (!finished.await(PATIENCE_MS, TimeUnit.MILLISECONDS)) {
                terminal.println("telltale: interrupted");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public boolean getAsBoolean() {
        return wanted;
    }

    /** The work is over: from here on nothing is waited for. */
    void finished() {
        finished.countDown();
    }
}
