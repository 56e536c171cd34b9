package org.telltale.api;

import java.util.List;

/**
 * A caption, and where its captioner looked at each word.
 *
 * @param rows of the map that lies over the picture
 * @param columns of it
 */
public record AttendedCaption(Caption caption, List<Word> words, int rows, int columns) {
    /**
     * A word.
     *
     * @param attention how much of the whole each place had, row by row; together 1
     */
    public record Word(String text, List<Float> attention) {
        public Word {
            attention = List.copyOf(attention);
        }
    }

    public AttendedCaption {
        words = List.copyOf(words);
    }
}
