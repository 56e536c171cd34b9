package org.telltale.app.data;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** The parts of a labelled data set. */
public enum Split {
    TRAIN,
    DEV,
    TEST;

    /** As files and folders write it: {@code train}, {@code dev} or {@code test}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The split of a word, if it is one of the three. */
    public static Optional<Split> of(String word) {
        return Arrays.stream(values()).filter(s -> s.word().equals(word)).findFirst();
    }
}
