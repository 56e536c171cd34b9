package org.telltale.app.report;

import java.util.Locale;
import java.util.OptionalDouble;
import org.telltale.app.fusion.Trials;

/** Numbers and names as a reader sees them; not escaped. */
final class Words {
    private Words() {}

    /** A task's or label's name without underscores. */
    static String label(String name) {
        return name.replace('_', ' ');
    }

    /** The same, with a capital. */
    static String title(String name) {
        String words = label(name);
        return words.isEmpty() ? words : words.substring(0, 1).toUpperCase(Locale.ROOT) + words.substring(1);
    }

    static String percent(double share) {
        return String.format(Locale.ROOT, "%.2f", 100 * share);
    }

    static String percent(OptionalDouble share) {
        return share.isEmpty() ? "–" : percent(share.getAsDouble());
    }

    static String percent1(double share) {
        return String.format(Locale.ROOT, "%.1f", 100 * share);
    }

    /** A difference in percentage points, with its sign. */
    static String points(double share) {
        String text = String.format(Locale.ROOT, "%.2f", Math.abs(100 * share));
        return text.equals("0.00") ? text : (share < 0 ? "−" : "+") + text;
    }

    /** Mean and standard deviation. */
    static String spread(Trials t) {
        return percent(t.mean())
                + " %"
                + (t.deviation().isEmpty() ? "" : ", standard deviation " + percent(t.deviation()))
                + (t.count() == 1 ? ", 1 trial" : ", " + t.count() + " trials");
    }

    static String weight(double w) {
        String text = String.format(Locale.ROOT, "%.3f", w).replaceAll("0+$", "");
        return text.endsWith(".") ? text.substring(0, text.length() - 1) : text;
    }

    static String p(double p) {
        return p < 0.0001 ? "<0.0001" : p > 0.9999 ? "1" : String.format(Locale.ROOT, p < 0.001 ? "%.4f" : "%.3f", p);
    }

    static String count(long n) {
        return String.format(Locale.ROOT, "%,d", n);
    }

    /** How many of something. */
    static String count(long n, String one, String several) {
        return count(n) + " " + (n == 1 ? one : several);
    }

    static String duration(double seconds) {
        long s = Math.round(seconds);
        if (seconds < 10) {
            return String.format(Locale.ROOT, "%.1f s", seconds);
        }
        if (s < 60) {
            return s + " s";
        }
        return s < 3600
                ? String.format(Locale.ROOT, "%d min %02d s", s / 60, s % 60)
                : String.format(Locale.ROOT, "%,d h %02d min", s / 3600, s % 3600 / 60);
    }
}
