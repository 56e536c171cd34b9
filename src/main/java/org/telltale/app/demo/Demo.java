package org.telltale.app.demo;

import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import org.telltale.app.data.CaptionData;
import org.telltale.app.data.CrisisTsv;
import org.telltale.app.data.Dataset;
import org.telltale.app.data.PictureData;
import org.telltale.app.data.PictureOptions;
import org.telltale.app.data.Sample;
import org.telltale.app.data.Shares;
import org.telltale.app.data.Split;
import org.telltale.app.train.CaptionTraining;
import org.telltale.app.train.CaptionedParent;
import org.telltale.app.train.Parent;
import org.telltale.app.train.Recipe;
import org.telltale.app.train.Trainer;
import org.telltale.app.train.TrainingData;
import org.telltale.app.train.TrainingListener;
import org.telltale.app.train.TrainingOptions;
import org.telltale.models.image.Augmentation;
import org.telltale.models.image.Exif;
import org.telltale.models.text.CaptionVocabulary;

/**
 * All that a small experiment needs, made here and now: pictures, captions, and the captioners that have learned from
 * them. It goes on where it was stopped, in the same folder.
 */
public final class Demo {
    private static final int WORDS = 16;

    private final Path out;
    private final Scenes scenes;
    private final TrainingOptions options;
    private final Audience audience;

    /** Who hears of it. */
    public interface Audience {
        /** A line about what begins now. */
        void say(String line);

        /** Pictures drawn so far. */
        void drawn(int count, int of);

        /** Hears of one training. */
        TrainingListener training();

        /** Whether it has had enough; asked often. */
        BooleanSupplier cancelled();
    }

    /**
     * What an experiment is made of.
     *
     * @param data the folder of the pictures, with CrisisNLP's tables
     * @param lists the labels of the interrogator
     * @param mobileNet a classifier of pictures to train from scratch
     * @param efficientNet another
     * @param bert a classifier of texts to train from scratch
     * @param blip the captioner that has learned
     * @param clip the encoder that has learned
     * @param attentionGru the other captioner that has learned
     */
    public record Made(
            Path data,
            Path lists,
            Path mobileNet,
            Path efficientNet,
            Path bert,
            Path blip,
            Path clip,
            Path attentionGru) {}

    /** @param options seed, device and threads; restart and the rest are as a run of training takes them */
    public Demo(Path out, Scenes.Counts counts, TrainingOptions options, Audience audience) {
        this.out = out;
        this.scenes = new Scenes(options.seed(), counts);
        this.options = options;
        this.audience = audience;
    }

    /** As many pictures as the five minutes allow. */
    public static Scenes.Counts counts() {
        return new Scenes.Counts(320, 80, 240, 560);
    }

    /** Draws the pictures and trains the captioners. */
    public Made make() throws InterruptedException {
        Path data = out.resolve("pictures");
        int all = scenes.counts().all();
        audience.say("drawing " + all + " pictures");
        scenes.write(data, n -> audience.drawn(n, all), audience.cancelled());
        Dataset<Sample.Captioned> captions = CaptionData.read(data.resolve("captions.csv"), Shares.of(0));
        List<String> texts = captions.samples(Split.TRAIN).stream()
                .map(Sample.Captioned::caption)
                .toList();
        SmallModels.Folders start = SmallModels.write(out.resolve("models"), texts);
        Path seeing = seeing(start.mobileNet(), data);
        Path gru = attentionGru(seeing, captions);
        Path clip =
                captioned("CLIP, which matches captions and pictures", start.clip(), captions, clipRecipe(), "clip");
        Path blip = captioned("BLIP, which captions pictures", start.blip(), captions, blipRecipe(), "blip");
        return new Made(
                data, data.resolve("lists"), start.mobileNet(), start.efficientNet(), start.bert(), blip, clip, gru);
    }

    /** The recipe of BLIP at a thousandth of its size, from scratch: faster steps, more epochs. */
    static Recipe blipRecipe() {
        Recipe r = Recipe.blip();
        Recipe.Phase p = r.phases().getFirst();
        Recipe.Phase phase =
                new Recipe.Phase(p.name(), 10, new Recipe.Rate.Cosine(2e-3, 0.05), p.optimizer(), 1, p.trained());
        return new Recipe(r.name(), 20, 32, true, r.augmentation(), r.head(), List.of(phase), r.smoothing());
    }

    static Recipe clipRecipe() {
        Recipe r = Recipe.clip();
        Recipe.Phase p = r.phases().getFirst();
        Recipe.Phase phase =
                new Recipe.Phase(p.name(), 8, new Recipe.Rate.Cosine(2e-3, 0.1), p.optimizer(), 1, p.trained());
        return new Recipe(r.name(), 24, 64, true, r.augmentation(), r.head(), List.of(phase), 0);
    }

    private Path captioned(String what, Path start, Dataset<Sample.Captioned> captions, Recipe recipe, String run)
            throws InterruptedException {
        audience.say("training " + what);
        CaptionedParent parent = CaptionedParent.kind(start.toString(), true).with(recipe);
        TrainingData data = parent.data(captions, Exif.IGNORE);
        return new Trainer(parent, data, recipe, options)
                .run(out.resolve("training").resolve(run), audience.training(), audience.cancelled())
                .model();
    }

    /** A MobileNetV2 that has learned to tell the disasters apart: the eye of the captioner with attention. */
    private Path seeing(Path start, Path data) throws InterruptedException {
        audience.say("training MobileNetV2, which the captioner with attention sees with");
        Map<Split, List<Path>> tables = new EnumMap<>(Split.class);
        for (Split s : Split.values()) {
            tables.put(s, List.of(Scenes.table(data, "disaster_types", s)));
        }
        Dataset<Sample.Picture> set = PictureData.tables(tables, CrisisTsv.LABEL, data, Optional.empty());
        Parent parent = Parent.open(start.toString(), set.labels(), true);
        Recipe recipe = pictureRecipe();
        PictureOptions how = new PictureOptions(
                parent.preprocess(recipe.size(), Parent.Resize.TENSORFLOW),
                Exif.IGNORE,
                Augmentation.none(),
                PictureOptions.Cache.IN_MEMORY);
        return new Trainer(parent, new TrainingData.Pictures(set, how), recipe, options)
                .run(out.resolve("training").resolve("mobilenet"), audience.training(), audience.cancelled())
                .model();
    }

    static Recipe pictureRecipe() {
        Recipe r = Recipe.mobileNet();
        Recipe.Phase p = r.phases().getFirst();
        Recipe.Phase phase =
                new Recipe.Phase("all", 10, new Recipe.Rate.Cosine(3e-3, 0.1), p.optimizer(), 1, Pattern.compile("^"));
        return new Recipe(
                r.name(),
                SmallModels.SIDE,
                16,
                true,
                new Augmentation(List.of(new Augmentation.Flip(true, false))),
                r.head(),
                List.of(phase));
    }

    private Path attentionGru(Path seeing, Dataset<Sample.Captioned> captions) throws InterruptedException {
        audience.say("training the captioner with attention and a GRU");
        Recipe r = Recipe.attentionGru();
        Recipe.Phase p = r.phases().getFirst();
        Recipe.Phase phase =
                new Recipe.Phase(p.name(), 8, new Recipe.Rate.Cosine(4e-3, 0.05), p.optimizer(), p.clip(), p.trained());
        Recipe recipe = new Recipe(r.name(), WORDS, 32, r.dropRemainder(), r.augmentation(), r.head(), List.of(phase));
        CaptionTraining.Options how = new CaptionTraining.Options(
                seeing.toString(),
                Parent.Resize.MODEL,
                64,
                96,
                400,
                CaptionVocabulary.Standard.TEXT_VECTORIZATION,
                Optional.empty());
        TrainingListener listener = audience.training();
        try (CaptionTraining training =
                CaptionTraining.open(how, captions, recipe, options, listener::note, audience.cancelled())) {
            return training.trainer(options)
                    .run(out.resolve("training").resolve("attention-gru"), listener, audience.cancelled())
                    .model();
        }
    }
}
