package org.telltale.app;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.telltale.app.data.CaptionData;
import org.telltale.app.data.CrisisTsv;
import org.telltale.app.data.Dataset;
import org.telltale.app.data.LoaderOptions.Unreadable;
import org.telltale.app.data.PictureData;
import org.telltale.app.data.PictureOptions;
import org.telltale.app.data.Sample;
import org.telltale.app.data.Shares;
import org.telltale.app.data.Split;
import org.telltale.app.data.TextData;
import org.telltale.app.pipeline.Terminal;
import org.telltale.app.train.CaptionTraining;
import org.telltale.app.train.CaptionedParent;
import org.telltale.app.train.Origin;
import org.telltale.app.train.Parent;
import org.telltale.app.train.Recipe;
import org.telltale.app.train.Trainer;
import org.telltale.app.train.TrainingData;
import org.telltale.app.train.TrainingOptions;
import org.telltale.models.image.Augmentation;
import org.telltale.models.image.Preprocess;
import org.telltale.models.text.WordPiece;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code telltale train}. */
@Command(
        name = "train",
        header = "Trains a classifier of pictures or texts, from a model folder or from nothing; or a captioner.",
        description = {
            "The recipe is that of the model's kind (mobilenetv2, efficientnet, bert); options replace parts of it.",
            "With --recipe blip or clip the model learns from captions: to tell them, or to match them with their pictures.",
            "With --recipe attention-gru a captioner learns from nothing, over what the network of --features sees.",
            "A run that was stopped goes on when the same command is given again. RUN/model is the finished model."
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  telltale train --model mobilenet --data photos/ --out run",
            "  telltale train --model efficientnet-b0 --data crisis/ --train train.tsv --dev dev.tsv --test test.tsv --out run",
            "  telltale train --model bert-base --data tweets.csv --columns tweet_id,tweet_text,label --out run",
            "  telltale train --model bert-base --data crisis/ --train train.tsv --test test.tsv --captions captions.jsonl --out run",
            "  telltale train --recipe attention-gru --features inception-v3 --data flickr8k/ --out run",
            "  telltale train --recipe blip --model blip-base --data flickr8k/ --out run",
            "  telltale train --recipe clip --model tiny-clip --from-scratch --data captions.csv --out run"
        })
final class TrainCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Mixin
    private DeviceArguments device = new DeviceArguments();

    @Option(
            names = {"-m", "--model"},
            paramLabel = "ID|FOLDER",
            description =
                    "The model folder to start from, or an id of Hugging Face, which is fetched if it is not in the"
                            + " cache.")
    private @Nullable String model;

    @Mixin
    private HubArguments hub = new HubArguments();

    @Mixin
    private CaptionerArguments captioner = new CaptionerArguments();

    @Option(
            names = "--data",
            required = true,
            paramLabel = "FOLDER|FILE",
            description =
                    "Pictures: a folder with a folder for each label (or train, dev and test with them), a CSV, TSV"
                            + " or JSONL list with image, label and maybe split, or with --train the folder of CrisisNLP's data."
                            + " Texts: a CSV, TSV or JSONL list, see --columns. Captions: such a list with image, caption"
                            + " and maybe split, COCO's captions_*.json, Flickr8k.token.txt, or a folder: captions.txt"
                            + " or Flickr8k.token.txt and Images, or annotations/captions_train*.json (val for dev)"
                            + " and COCO's pictures.")
    private Path data = Path.of("");

    @Option(names = "--out", required = true, paramLabel = "RUN", description = "The folder of the run.")
    private Path out = Path.of("");

    @Option(names = "--train", paramLabel = "FILE", description = "CrisisNLP tables of the train split.")
    private List<Path> train = List.of();

    @Option(names = "--dev", paramLabel = "FILE", description = "Those of the dev split.")
    private List<Path> dev = List.of();

    @Option(names = "--test", paramLabel = "FILE", description = "Those of the test split.")
    private List<Path> test = List.of();

    @Option(
            names = "--label-column",
            paramLabel = "NAME",
            defaultValue = CrisisTsv.LABEL,
            description = "The labels' column of these tables, such as disaster_types in MEDIC's"
                    + " (default: ${DEFAULT-VALUE}).")
    private String labelColumn = CrisisTsv.LABEL;

    @Option(
            names = "--captions",
            paramLabel = "FILE",
            description =
                    "Records of 'telltale caption': the texts of the pictures that --train, --dev and --test label.")
    private @Nullable Path captions;

    @Option(
            names = "--columns",
            paramLabel = "ID,TEXT,LABEL",
            split = ",",
            defaultValue = "id,text,label",
            description = "What a list of texts calls its columns (default: ${DEFAULT-VALUE}).")
    private List<String> columns = List.of();

    @Option(
            names = "--labels",
            split = ",",
            paramLabel = "LABEL",
            description = "The labels in the order of their ids (default: those of train, sorted).")
    private List<String> labels = List.of();

    @Mixin
    private RecipeArguments changes = new RecipeArguments();

    @Option(
            names = "--smoothing",
            paramLabel = "P",
            description = "With --recipe blip: how much of a token's probability is shared by all (default: 0.1).")
    private @Nullable Float smoothing;

    @Option(
            names = "--resize",
            paramLabel = "tensorflow|model",
            defaultValue = "tensorflow",
            description = "Who resizes: as the recipes' tutorials do, or as the model's own preprocessor"
                    + " (default: ${DEFAULT-VALUE}).")
    private Parent.Resize resize = Parent.Resize.TENSORFLOW;

    @Option(names = "--from-scratch", description = "Start from random numbers; the model folder gives its shape only.")
    private boolean scratch;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "0", description = "Of all that is random.")
    private long seed;

    @Option(
            names = "--no-cache-features",
            description = "Compute the features of a frozen base in every epoch, not once.")
    private boolean noCacheFeatures;

    @Option(
            names = "--recompute",
            description = "Compute values of the forward pass again in the backward pass instead of keeping all: less"
                    + " memory, slower steps, the same numbers.")
    private boolean recompute;

    @Option(
            names = "--save-every",
            paramLabel = "STEPS",
            defaultValue = "500",
            description = "Steps between checkpoints; there is one after each epoch too (default: ${DEFAULT-VALUE}).")
    private int saveEvery = 500;

    @Option(
            names = "--keep",
            paramLabel = "last|best",
            defaultValue = "last",
            description = "Which epoch's parameters the finished model has: the last one's, or those with the highest"
                    + " accuracy on dev, of a captioner the lowest loss (default: ${DEFAULT-VALUE}).")
    private TrainingOptions.Keep keep = TrainingOptions.Keep.LAST;

    @Option(names = "--test-each-epoch", description = "Measure the test split after each epoch too.")
    private boolean testEachEpoch;

    @Option(
            names = "--on-bad-image",
            paramLabel = "skip|refuse",
            defaultValue = "skip",
            description = "What becomes of a training picture that cannot be read (default: ${DEFAULT-VALUE}).")
    private Bad onBadImage = Bad.SKIP;

    @Option(names = "--restart", description = "Discard the run that the folder holds.")
    private boolean restart;

    @Option(names = "--resume", description = "Go on with the run that the folder holds: what happens anyway.")
    private boolean resume;

    private enum Bad {
        SKIP,
        REFUSE
    }

    TrainCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws InterruptedException {
        if (restart && resume) {
            throw new Exit.UsageException("--restart or --resume: one of them");
        }
        if (columns.size() != 3) {
            throw new Exit.UsageException("--columns has " + columns.size() + " names, expected ID,TEXT,LABEL");
        }
        TrainingOptions options = new TrainingOptions(
                device.options(),
                seed,
                !noCacheFeatures,
                recompute,
                RecipeArguments.positive("--save-every", saveEvery),
                keep,
                testEachEpoch,
                onBadImage == Bad.SKIP ? Unreadable.NEXT : Unreadable.REFUSE,
                restart,
                Build.current().toString());
        if (changes.names(Recipe.ATTENTION_GRU)) {
            captions(options);
        } else if (changes.names(Recipe.BLIP) || changes.names(Recipe.CLIP)) {
            captioned(options);
        } else {
            classifier(options);
        }
        return Exit.OK.code();
    }

    private void captions(TrainingOptions options) throws InterruptedException {
        if (model != null || scratch || captions != null || !train.isEmpty() || !labels.isEmpty()) {
            throw new Exit.UsageException("--recipe attention-gru takes --features and --data; --model, --from-scratch,"
                    + " --captions, --train and --labels have no use");
        }
        Recipe recipe = changes.of(Recipe.attentionGru(), Recipe.ATTENTION_GRU);
        CaptionTraining.Options how = captioner.options(resize);
        hub.fetch(terminal, how.encoder());
        TrainingProgress shown = new TrainingProgress(terminal);
        Dataset<Sample.Captioned> set = CaptionData.read(data, Shares.of(seed));
        try (CaptionTraining training =
                CaptionTraining.open(how, set, recipe, options, shown::note, terminal.cancelled())) {
            say(training.origin(), training.data(), recipe);
            done(training.trainer(options).run(out, shown, terminal.cancelled()));
        }
    }

    private void captioned(TrainingOptions options) throws InterruptedException {
        captioner.refuse();
        if (model == null) {
            throw new Exit.UsageException("Missing required option: '--model=ID|FOLDER'");
        }
        if (captions != null || !train.isEmpty() || !labels.isEmpty()) {
            throw new Exit.UsageException("--recipe blip and clip take captions with --data; --captions, --train and"
                    + " --labels have no use");
        }
        hub.fetch(terminal, model);
        CaptionedParent.Kind kind = CaptionedParent.kind(model, scratch);
        Recipe recipe = smoothed(changes.of(kind.recipe(), model), kind.recipe());
        CaptionedParent parent = ModelArguments.open(() -> kind.with(recipe));
        TrainingData.Captioned set = parent.data(CaptionData.read(data, Shares.of(seed)), device.exif);
        say(parent, set, recipe);
        done(ModelArguments.open(() -> new Trainer(parent, set, recipe, options))
                .run(out, new TrainingProgress(terminal), terminal.cancelled()));
    }

    private Recipe smoothed(Recipe changed, Recipe base) {
        if (smoothing != null && !(smoothing >= 0 && smoothing < 1)) {
            throw new Exit.UsageException("--smoothing is " + smoothing + ", expected 0 to less than 1");
        }
        if (smoothing != null && !base.name().equals(Recipe.BLIP)) {
            throw new Exit.UsageException("--smoothing goes with --recipe blip");
        }
        return changed.smoothing(smoothing == null ? base.smoothing() : smoothing);
    }

    private void classifier(TrainingOptions options) throws InterruptedException {
        captioner.refuse();
        if (smoothing != null) {
            throw new Exit.UsageException("--smoothing goes with --recipe blip");
        }
        if (model == null) {
            throw new Exit.UsageException("Missing required option: '--model=ID|FOLDER'");
        }
        hub.fetch(terminal, model);
        // The labels make the model, so the data comes first; a wrong model is told before the data is read.
        Parent first = Parent.open(model, List.of("a", "b"), scratch);
        boolean pictures = first.picturesWanted();
        Recipe recipe = changes.of(first.recipe(), model);
        TrainingData labelled;
        Parent parent;
        if (pictures) {
            if (captions != null) {
                throw new Exit.UsageException(model + " classifies pictures: --captions has no use");
            }
            Dataset<Sample.Picture> set = pictures();
            parent = first.withLabels(set.labels());
            Preprocess preprocess = parent.preprocess(recipe.size(), resize);
            labelled = new TrainingData.Pictures(
                    set,
                    new PictureOptions(preprocess, device.exif, Augmentation.none(), PictureOptions.Cache.IN_MEMORY));
        } else {
            Dataset<Sample.Text> set = texts(model);
            parent = first.withLabels(set.labels());
            labelled = new TrainingData.Texts(set, WordPiece.read(parent.folder()), recipe.size());
        }
        say(parent, labelled, recipe);
        done(ModelArguments.open(() -> new Trainer(parent, labelled, recipe, options))
                .run(out, new TrainingProgress(terminal), terminal.cancelled()));
    }

    private void done(Trainer.Result result) {
        result.test()
                .ifPresent(s -> terminal.say(String.format(
                        Locale.ROOT,
                        "test: loss %.4f, accuracy %.2f %% of %d",
                        s.loss(),
                        100 * s.accuracy(),
                        s.samples())));
        terminal.say("wrote " + result.model() + ", " + out.resolve("report.html"));
    }

    private Optional<List<String>> given() {
        return labels.isEmpty() ? Optional.empty() : Optional.of(labels);
    }

    private Dataset<Sample.Picture> pictures() {
        if (!train.isEmpty()) {
            Map<Split, List<Path>> tables = new EnumMap<>(Split.class);
            tables.put(Split.TRAIN, train);
            tables.put(Split.DEV, dev);
            tables.put(Split.TEST, test);
            return PictureData.tables(tables, labelColumn, data, given());
        }
        if (!dev.isEmpty() || !test.isEmpty()) {
            throw new Exit.UsageException("--dev and --test go with --train");
        }
        if (Files.isDirectory(data)) {
            return PictureData.folder(data, Shares.of(seed), given());
        }
        Path parent = data.toAbsolutePath().getParent();
        return PictureData.list(data, parent == null ? Path.of("") : parent, Shares.of(seed), given());
    }

    private Dataset<Sample.Text> texts(String model) {
        if (captions != null) {
            if (train.isEmpty()) {
                throw new Exit.UsageException("--captions needs the tables that label the pictures: --train");
            }
            return TextData.captions(captions, pictures());
        }
        if (!train.isEmpty() || Files.isDirectory(data)) {
            throw new Exit.UsageException(model + " classifies texts: give --data a CSV, TSV or JSONL file, or"
                    + " --captions with the tables of the pictures");
        }
        TextData.Columns names = new TextData.Columns(columns.get(0), columns.get(1), columns.get(2));
        return TextData.list(data, names, Shares.of(seed), given());
    }

    private void say(Origin parent, TrainingData d, Recipe recipe) {
        terminal.say("recipe " + recipe.name() + " on " + parent.model() + ": "
                + d.product() + "; " + d.ids(Split.TRAIN).size() + " train, "
                + d.ids(Split.DEV).size() + " dev, " + d.ids(Split.TEST).size() + " test; "
                + String.join(
                        ", then ",
                        recipe.phases().stream()
                                .map(p -> p.epochs() + " epochs " + p.name())
                                .toList()));
    }
}
