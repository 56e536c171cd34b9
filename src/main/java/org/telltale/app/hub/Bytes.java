package org.telltale.app.hub;

import java.util.Locale;

/** Sizes for people, in units of a thousand as Hugging Face shows them. */
public final class Bytes {
    private Bytes() {}

    /** Such as {@code 570 B}, {@code 231.5 kB} or {@code 1.88 GB}. */
    public static String text(long bytes) {
        if (bytes < 1000) {
            return bytes + " B";
        }
        if (bytes < 999_950) {
            return String.format(Locale.ROOT, "%.1f kB", bytes / 1e3);
        }
        return bytes < 999_950_000
                ? String.format(Locale.ROOT, "%.1f MB", bytes / 1e6)
                : String.format(Locale.ROOT, "%.2f GB", bytes / 1e9);
    }
}
