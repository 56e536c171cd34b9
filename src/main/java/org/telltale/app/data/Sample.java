package org.telltale.app.data;

import java.nio.file.Path;

/** What a model is trained or measured with: an input, and its label or its caption. */
public sealed interface Sample {
    /** Names it within its data set, once. */
    String id();

    String label();

    /** A picture that is not read yet. */
    record Picture(String id, Path file, String label) implements Sample {}

    /** A text, such as a tweet or a caption. */
    record Text(String id, String text, String label) implements Sample {}

    /** A picture that is not read yet, with one of its captions. It has no label. */
    record Captioned(String id, Path file, String caption) implements Sample {
        @Override
        public String label() {
            return "";
        }
    }
}
