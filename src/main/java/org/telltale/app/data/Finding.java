package org.telltale.app.data;

/**
 * Something about a data set that its user should know, but that does not stop the work.
 *
 * @param message one line without its end
 */
public record Finding(Kind kind, String message) {
    /** What was found. */
    public enum Kind {
        /** A split without samples. */
        EMPTY_SPLIT,
        /** A label that no training sample has. */
        UNSEEN_LABEL,
        /** Files of one name in two splits. */
        SAME_NAME,
        /** Files or folders that were left out. */
        IGNORED_FILES,
        /** Pictures of a table that are not there. */
        MISSING_FILES,
        /** Pictures without a caption, or captions without a picture. */
        UNMATCHED
    }
}
