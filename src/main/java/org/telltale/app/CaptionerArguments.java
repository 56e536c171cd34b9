package org.telltale.app;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.telltale.app.train.CaptionTraining;
import org.telltale.app.train.Parent;
import org.telltale.models.text.CaptionVocabulary;
import picocli.CommandLine.Option;

/** The options of a captioner's training. */
final class CaptionerArguments {
    @Option(
            names = "--features",
            paramLabel = "ID|FOLDER",
            description =
                    "With --recipe attention-gru: the network that looks at the pictures, InceptionV3 or, smaller,"
                            + " MobileNetV2.")
    private @Nullable String features;

    @Option(
            names = "--cache-features",
            paramLabel = "FILE",
            description = "With --recipe attention-gru: keeps the features for later runs (default: memory only).")
    private @Nullable Path cache;

    @Option(
            names = "--words",
            paramLabel = "N",
            description = "With --recipe attention-gru: the most words, padding and the unknown word included"
                    + " (default: 5000).")
    private @Nullable Integer words;

    @Option(
            names = "--standard",
            paramLabel = "text_vectorization|tokenizer",
            description = "With --recipe attention-gru: how captions become words; the tokenizer drops punctuation"
                    + " (default: text_vectorization).")
    private CaptionVocabulary.@Nullable Standard standard;

    @Option(
            names = "--embedding",
            paramLabel = "N",
            description = "With --recipe attention-gru: width of words (default: 256).")
    private @Nullable Integer embedding;

    @Option(
            names = "--units",
            paramLabel = "N",
            description = "With --recipe attention-gru: width of the GRU (default: 512).")
    private @Nullable Integer units;

    /** What the options say. */
    CaptionTraining.Options options(Parent.Resize resize) {
        if (features == null) {
            throw new Exit.UsageException(
                    "--recipe attention-gru needs --features, the folder of InceptionV3 or" + " MobileNetV2");
        }
        CaptionTraining.Options defaults = CaptionTraining.Options.of(features);
        return new CaptionTraining.Options(
                features,
                resize,
                number("--embedding", embedding, defaults.embedding(), 1, 65_536),
                number("--units", units, defaults.units(), 1, 65_536),
                number("--words", words, defaults.vocabulary(), 4, 1_000_000),
                standard == null ? defaults.standard() : standard,
                Optional.ofNullable(cache));
    }

    private static int number(String name, @Nullable Integer given, int otherwise, int least, int most) {
        if (given == null) {
            return otherwise;
        }
        if (given < least || given > most) {
            throw new Exit.UsageException(name + " is " + given + ", expected " + least + " to " + most);
        }
        return given;
    }

    /** Refuses them where no captioner is trained. */
    void refuse() {
        String[] names = {"--features", "--cache-features", "--words", "--standard", "--embedding", "--units"};
        Object[] given = {features, cache, words, standard, embedding, units};
        for (int i = 0; i < names.length; i++) {
            if (given[i] != null) {
                throw new Exit.UsageException(names[i] + " goes with --recipe attention-gru");
            }
        }
    }
}
