package org.telltale.app.train;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import org.telltale.app.data.BatchLoader;
import org.telltale.app.data.Dataset;
import org.telltale.app.data.LoaderOptions;
import org.telltale.app.data.PictureOptions;
import org.telltale.app.data.Sample;
import org.telltale.app.data.Split;
import org.telltale.models.image.Augmentation;
import org.telltale.models.text.WordPiece;

/** Labelled samples and how they become batches. */
public sealed interface TrainingData {
    Dataset<? extends Sample> set();

    /** Batches of a split. */
    BatchLoader load(Split split, Augmentation augmentation, LoaderOptions options);

    default List<String> labels() {
        return set().labels();
    }

    /** The ids of a split's samples, in order. */
    default List<String> ids(Split split) {
        return set().samples(split).stream().map(Sample::id).toList();
    }

    /** A hexadecimal SHA-256 of the ids, labels and texts of a split, in order. */
    default String digest(Split split) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (Sample s : set().samples(split)) {
                String text = s instanceof Sample.Text t ? t.text() : "";
                digest.update((s.id() + "\0" + s.label() + "\0" + text + "\0").getBytes(StandardCharsets.UTF_8));
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Labelled pictures.
     *
     * @param pictures how they are read; its augmentation is the recipe's
     */
    record Pictures(Dataset<Sample.Picture> set, PictureOptions pictures) implements TrainingData {
        @Override
        public BatchLoader load(Split split, Augmentation augmentation, LoaderOptions options) {
            PictureOptions changed =
                    new PictureOptions(pictures.preprocess(), pictures.exif(), augmentation, pictures.cache());
            return BatchLoader.pictures(set, split, changed, options);
        }
    }

    /**
     * Labelled texts.
     *
     * @param tokens of every text
     */
    record Texts(Dataset<Sample.Text> set, WordPiece tokenizer, int tokens) implements TrainingData {
        @Override
        public BatchLoader load(Split split, Augmentation augmentation, LoaderOptions options) {
            return BatchLoader.texts(set, split, tokenizer, tokens, options);
        }
    }
}
