package org.telltale.app.pipeline;

import java.io.InputStream;
import java.io.PrintStream;
import java.util.function.BooleanSupplier;
import org.telltale.app.data.StandardOutput;

/**
 * What a command reads from and writes to.
 *
 * @param interactive whether a person watches {@code err}
 * @param cancelled whether the person has had enough
 */
public record Terminal(
        InputStream in, StandardOutput out, PrintStream err, boolean interactive, BooleanSupplier cancelled) {
    /** One line for people, on standard error. */
    public void say(String line) {
        err.println("telltale: " + line);
    }
}
