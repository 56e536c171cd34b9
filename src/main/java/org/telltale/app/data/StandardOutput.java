package org.telltale.app.data;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Standard output in UTF-8, where a failure to write is an error and not silence. */
public final class StandardOutput {
    private final OutputStream out;

    /** Nobody reads standard output any more, as after {@code | head -1}: no error, but the end of the work. */
    public static final class ClosedException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        ClosedException(IOException cause) {
            super("standard output is closed", cause);
        }
    }

    public StandardOutput(OutputStream out) {
        this.out = out;
    }

    /** Writes a text through to the reader. */
    public void print(String text) {
        try {
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.flush();
        } catch (IOException e) {
            String reason = Reasons.of(e);
            String lower = reason.toLowerCase(Locale.ROOT);
            if (lower.contains("broken pipe") || lower.contains("pipe is being closed")) {
                throw new ClosedException(e);
            }
            throw new DataException("standard output: cannot be written: " + reason, e);
        }
    }
}
