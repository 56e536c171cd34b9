package org.telltale.app.train;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.telltale.app.data.Dataset;
import org.telltale.app.data.Features;
import org.telltale.app.data.Sample;
import org.telltale.app.data.Split;
import org.telltale.engine.Shape;
import org.telltale.models.AttentionGruCaptioner;
import org.telltale.models.text.CaptionVocabulary;

/**
 * All that {@link Trainer} needs for a captioner: the vocabulary of the training captions, and the features of all
 * pictures, computed once by an encoder that stays as it is. It owns the memory of the features.
 */
public final class CaptionTraining implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final CaptionParent origin;
    private final TrainingData.Captions data;
    private final Recipe recipe;

    /**
     * What is learned.
     *
     * @param embedding width of words and of encoded features, 256 in the tutorial
     * @param units of the GRU and the attention, 512 in the tutorial
     * @param vocabulary the most words, padding and the unknown word included, 5000 in the tutorial
     * @param cache the file that keeps the features for later runs
     */
    public record Options(
            String encoder,
            Parent.Resize resize,
            int embedding,
            int units,
            int vocabulary,
            CaptionVocabulary.Standard standard,
            Optional<Path> cache) {
        /** The tutorial's. */
        public static Options of(String encoder) {
            return new Options(
                    encoder,
                    Parent.Resize.TENSORFLOW,
                    256,
                    512,
                    5000,
                    CaptionVocabulary.Standard.TEXT_VECTORIZATION,
                    Optional.empty());
        }
    }

    private CaptionTraining(
            Options options,
            Dataset<Sample.Captioned> set,
            Recipe recipe,
            TrainingOptions training,
            Consumer<String> note,
            BooleanSupplier cancelled)
            throws InterruptedException {
        this.recipe = recipe;
        boolean opened = false;
        try {
            CaptionParent.Encoder encoder = CaptionParent.encoder(options.encoder, options.resize, 0);
            List<String> captions = set.samples(Split.TRAIN).stream()
                    .map(Sample.Captioned::caption)
                    .toList();
            CaptionVocabulary vocabulary = CaptionVocabulary.build(options.standard, captions, options.vocabulary);
            Map<Path, Integer> numbers = new LinkedHashMap<>();
            for (Split split : Split.values()) {
                set.samples(split).forEach(s -> numbers.putIfAbsent(s.file(), numbers.size()));
            }
            Features features = new PictureFeatures(encoder, training.model(), note, cancelled)
                    .of(new ArrayList<>(numbers.keySet()), options.cache, arena);
            Shape shape = features.values().shape();
            // The older tutorial makes room for one word more than its tokenizer ever gives.
            int words = options.standard == CaptionVocabulary.Standard.TOKENIZER
                    ? options.vocabulary + 1
                    : vocabulary.size();
            AttentionGruCaptioner.Config config = new AttentionGruCaptioner.Config(
                    options.embedding, options.units, words, shape.dim(2), shape.dim(1), recipe.size(), vocabulary);
            origin = CaptionParent.of(encoder, config);
            data = new TrainingData.Captions(set, vocabulary, features, numbers, recipe.size());
            opened = true;
        } finally {
            if (!opened) {
                arena.close();
            }
        }
    }

    /**
     * Computes or reads the features.
     *
     * @param recipe its size is the most words of a caption, with both marks
     */
    public static CaptionTraining open(
            Options options,
            Dataset<Sample.Captioned> set,
            Recipe recipe,
            TrainingOptions training,
            Consumer<String> note,
            BooleanSupplier cancelled)
            throws InterruptedException {
        return new CaptionTraining(options, set, recipe, training, note, cancelled);
    }

    public Origin origin() {
        return origin;
    }

    public TrainingData.Captions data() {
        return data;
    }

    /** A trainer of this captioner. */
    public Trainer trainer(TrainingOptions options) {
        return new Trainer(origin, data, recipe, options);
    }

    @Override
    public void close() {
        arena.close();
    }
}
