package org.telltale.app.data;

import java.nio.file.Path;

/** What a classifier is trained or measured with: an input and its label. */
public sealed interface Sample {
    /** Names it within its data set, once. */
    String id();

    String label();

    /** A picture that is not read yet. */
    record Picture(String id, Path file, String label) implements Sample {}

    /** A text, such as a tweet or a caption. */
    record Text(String id, String text, String label) implements Sample {}
}
