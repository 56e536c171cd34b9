package org.telltale.app.data;

import java.nio.file.Path;
import java.util.Optional;
import org.telltale.models.image.Augmentation;
import org.telltale.models.image.Exif;
import org.telltale.models.image.Preprocess;

/**
 * How pictures become rows of a batch: decoded, resized, changed at random, normalised, in this order.
 *
 * @param preprocess the model's own
 * @param augmentation changes the resized picture with levels from 0 to 255; {@link Augmentation#none} for measuring
 */
public record PictureOptions(Preprocess preprocess, Exif exif, Augmentation augmentation, Cache cache) {
    /** What a cache keeps of a resized picture. */
    public enum Levels {
        /** A byte each. Where the model's resizing does not round, the cache does, for hits and misses alike. */
        ROUNDED,
        /** A float each, four times the space: the same values as without a cache. */
        EXACT
    }

    /**
     * Keeps resized pictures, so that only the first epoch decodes.
     *
     * @param folder that holds a file for each data set and preprocessing, or nothing: no file
     * @param maxFileBytes of all files in the folder; the first pictures of a data set that fit are kept
     * @param maxMemoryBytes of native memory; the first pictures that fit are kept
     */
    public record Cache(Optional<Path> folder, long maxFileBytes, long maxMemoryBytes, Levels levels) {
        /** Every picture is decoded each time. */
        public static final Cache NONE = new Cache(Optional.empty(), 0, 0, Levels.EXACT);

        /** What fits into 1 GiB of memory, with the values that it had. */
        public static final Cache IN_MEMORY = new Cache(Optional.empty(), 0, 1L << 30, Levels.EXACT);

        public Cache {
            if (maxFileBytes < 0 || maxMemoryBytes < 0) {
                throw new IllegalArgumentException("a cache of " + maxFileBytes + " bytes in files and "
                        + maxMemoryBytes + " in memory, expected 0 or more");
            }
        }

        boolean used() {
            return maxMemoryBytes > 0 || (folder.isPresent() && maxFileBytes > 0);
        }
    }

    public PictureOptions(Preprocess preprocess, Exif exif, Augmentation augmentation) {
        this(preprocess, exif, augmentation, Cache.NONE);
    }
}
