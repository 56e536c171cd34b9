package org.telltale.app.train;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.telltale.app.data.BatchLoader;
import org.telltale.app.data.CaptionTokens;
import org.telltale.app.data.Dataset;
import org.telltale.app.data.Features;
import org.telltale.app.data.LoaderOptions;
import org.telltale.app.data.PictureOptions;
import org.telltale.app.data.Sample;
import org.telltale.app.data.Split;
import org.telltale.models.image.Augmentation;
import org.telltale.models.text.CaptionVocabulary;
import org.telltale.models.text.WordPiece;

/** Samples and how they become batches. */
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

    /** Whether samples have labels, which a classifier learns. */
    default boolean labelled() {
        return true;
    }

    /** What losses and accuracies are means of. */
    default String counted() {
        return "samples";
    }

    /** What a model that has learned from it is. */
    default String product() {
        return "Classifier of " + labels().size() + " classes";
    }

    /** A hexadecimal SHA-256 of the ids, labels and texts of a split, in order. */
    default String digest(Split split) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (Sample s : set().samples(split)) {
                String text = switch (s) {
                    case Sample.Text t -> t.text();
                    case Sample.Captioned c -> c.caption();
                    case Sample.Picture p -> "";
                };
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

    /**
     * Pictures with captions.
     *
     * @param features of the pictures [pictures, positions, channels], in the order of {@code pictures}
     * @param pictures the number of a picture by its file
     * @param words that a caption is cut or filled up to, its marks included
     */
    record Captions(
            Dataset<Sample.Captioned> set,
            CaptionVocabulary vocabulary,
            Features features,
            Map<Path, Integer> pictures,
            int words)
            implements TrainingData {
        public Captions {
            pictures = Map.copyOf(pictures);
        }

        /** Captions have no labels. */
        @Override
        public List<String> labels() {
            return List.of();
        }

        @Override
        public boolean labelled() {
            return false;
        }

        @Override
        public String counted() {
            return "words";
        }

        @Override
        public String product() {
            return "Captioner with a vocabulary of " + vocabulary.size() + " words";
        }

        @Override
        public BatchLoader load(Split split, Augmentation augmentation, LoaderOptions options) {
            return BatchLoader.captions(set.samples(split), features, pictures, vocabulary, words, options);
        }
    }

    /**
     * Pictures with captions, for a model that learns to see as well.
     *
     * @param pictures how they are read; its augmentation is the recipe's
     */
    record Captioned(Dataset<Sample.Captioned> set, PictureOptions pictures, CaptionTokens tokens)
            implements TrainingData {
        /** Captions have no labels. */
        @Override
        public List<String> labels() {
            return List.of();
        }

        @Override
        public boolean labelled() {
            return false;
        }

        @Override
        public String counted() {
            return switch (tokens) {
                case CaptionTokens.Told told -> "tokens";
                case CaptionTokens.Matched matched -> "captions";
            };
        }

        @Override
        public String product() {
            return switch (tokens) {
                case CaptionTokens.Told told -> "Captioner";
                case CaptionTokens.Matched matched -> "Encoder of pictures and texts";
            };
        }

        @Override
        public BatchLoader load(Split split, Augmentation augmentation, LoaderOptions options) {
            PictureOptions changed =
                    new PictureOptions(pictures.preprocess(), pictures.exif(), augmentation, pictures.cache());
            return BatchLoader.captioned(set.samples(split), changed, tokens, options);
        }
    }
}
