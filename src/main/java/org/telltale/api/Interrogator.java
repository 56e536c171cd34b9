package org.telltale.api;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.spi.CompileOptions.Precision;
import org.telltale.engine.spi.Executable;
import org.telltale.models.decode.GenerationOptions;
import org.telltale.models.image.ImageReader;
import org.telltale.models.image.Pixels;
import org.telltale.models.interrogate.ClipInterrogator;
import org.telltale.models.interrogate.Interrogation;
import org.telltale.models.interrogate.LabelLists;
import org.telltale.models.interrogate.LabelTable;
import org.telltale.models.interrogate.LabelTables;
import org.telltale.models.interrogate.Mode;
import org.telltale.models.interrogate.Rules;

/**
 * The CLIP Interrogator: captions a picture with BLIP and extends the caption by labels that CLIP finds in it. Thread-safe:
 * calls from several threads take turns.
 */
public final class Interrogator implements AutoCloseable {
    /** Beams of the notebook 2.2. */
    public static final int BEAMS = 64;

    /** How many labels the original's tables rank at once. */
    private static final int TABLE_WINDOW = 2048;

    /** What the notebook takes instead for models other than ViT-L, when pictures come. */
    private static final int SMALL_WINDOW = 1024;

    private static final int VIT_L_WIDTH = 768;

    private final @Nullable Captioner captioner;
    private final GenerationOptions generation;
    private final ClipEncoder clip;
    private final ClipInterrogator interrogator;
    private final Builder settings;
    private final Map<String, String> hashes = new TreeMap<>();
    private final List<Executable> products = new ArrayList<>();

    /** A prompt, and the caption that it begins with; empty in the negative mode. */
    public record Answer(String caption, Interrogation found) {}

    /** How to open an interrogator. */
    public static final class Builder {
        private final String clip;
        private final Path lists;
        private final Path tables;
        private @Nullable String captioner;
        private Rules rules = Rules.V2_2;
        private Mode mode = Mode.BEST;
        private @Nullable Integer flavors;
        private int tableWindow = TABLE_WINDOW;
        private @Nullable Integer window;
        private @Nullable String tableName;
        private int beams = BEAMS;
        private ModelOptions options = ModelOptions.DEFAULT;
        private Timings timings = new Timings();
        private TableListener listener = TableListener.SILENT;

        private Builder(String clip, Path lists, Path tables) {
            this.clip = clip;
            this.lists = lists;
            this.tables = tables;
        }

        /** BLIP's folder or id; needed but for the negative mode. */
        public Builder captioner(String value) {
            captioner = value;
            return this;
        }

        public Builder rules(Rules value) {
            rules = value;
            return this;
        }

        public Builder mode(Mode value) {
            mode = value;
            return this;
        }

        /** The most flavors, instead of the mode's own number. */
        public Builder flavors(int value) {
            flavors = value;
            return this;
        }

        /** BLIP's beams in 2.2, instead of the notebook's 64; 0.6 searches greedily. */
        public Builder beams(int value) {
            beams = value;
            return this;
        }

        /**
         * How many labels are ranked at once, instead of the original's numbers.
         *
         * @param ofTables in the tables
         * @param ofPictures in merged tables; also how many flavors the best mode chooses from
         */
        public Builder windows(int ofTables, int ofPictures) {
            tableWindow = ofTables;
            window = ofPictures;
            return this;
        }

        /** What the files of tables are named by instead of the model, as in {@code ViT-L-14_openai_flavors.safetensors}. */
        public Builder tableName(String value) {
            tableName = value;
            return this;
        }

        public Builder options(ModelOptions value) {
            options = value;
            return this;
        }

        /** A clock that is told what the time goes to. */
        public Builder timings(Timings value) {
            timings = value;
            return this;
        }

        /** Is told how far the tables are. */
        public Builder listener(TableListener value) {
            listener = value;
            return this;
        }

        /**
         * Opens the models and the tables, which are made where they are not there yet.
         *
         * @throws org.telltale.models.interrogate.LabelException if a list or table cannot be used
         */
        public Interrogator open() {
            return new Interrogator(this);
        }
    }

    /**
     * For a CLIP folder, or an id of the local Hugging Face cache.
     *
     * @param lists the folder with {@code artists.txt}, {@code flavors.txt}, {@code mediums.txt}, {@code movements.txt} and
     *     {@code negative.txt}
     * @param tables the folder where the labels' vectors are kept
     */
    public static Builder model(String clip, Path lists, Path tables) {
        return new Builder(clip, lists, tables);
    }

    private Interrogator(Builder b) {
        settings = b;
        if (b.captioner == null && b.mode != Mode.NEGATIVE) {
            throw new IllegalArgumentException("a captioner is needed but for the negative mode");
        }
        boolean old = b.rules == Rules.V2_2;
        generation = old
                ? GenerationOptions.beams(b.beams).minLength(5).maxLength(32)
                : GenerationOptions.greedy().minLength(0).maxNewTokens(32);
        LabelLists lists = b.timings.in(
                Timings.Stage.LABELS,
                () -> LabelLists.read(
                        b.lists,
                        problem -> b.listener.warning(problem + ": U+FFFD stands for what cannot be decoded")));
        clip = ClipEncoder.open(b.clip, b.options, b.timings, true);
        boolean opened = false;
        try {
            captioner = b.captioner == null || b.mode == Mode.NEGATIVE
                    ? null
                    : Captioner.model(b.captioner)
                            .options(b.options)
                            .timings(b.timings)
                            .prompt(old ? Captioner.PROMPT : "")
                            .open();
            interrogator = b.timings.in(Timings.Stage.LABELS, () -> interrogator(lists));
            opened = true;
        } finally {
            if (!opened) {
                close();
            }
        }
    }

    private ClipInterrogator interrogator(LabelLists lists) {
        boolean rounded = settings.options.precision() == Precision.BF16;
        String name = settings.tableName == null ? settings.clip + (rounded ? "_bf16" : "") : settings.tableName;
        TableFiles files = new TableFiles(settings.tables, name, clip, settings.listener);
        LabelTables tables = new LabelTables(
                table(files, "artists", lists.artists()),
                table(files, "flavors", lists.flavors()),
                table(files, "mediums", lists.mediums()),
                table(files, "movements", lists.movements()),
                table(files, "trendings", settings.rules.trendings()),
                table(files, "negative", lists.negative()));
        int usual = clip.width() == VIT_L_WIDTH ? TABLE_WINDOW : SMALL_WINDOW;
        int window = settings.window == null ? usual : settings.window;
        int flavors = settings.flavors == null ? settings.mode.defaultFlavors() : settings.flavors;
        return new ClipInterrogator(
                tables, clip, ClipInterrogator.Settings.of(settings.rules, settings.mode, flavors, window, window));
    }

    private LabelTable table(TableFiles files, String name, List<String> labels) {
        hashes.put(name, LabelTable.hash(labels));
        Executable product = files.product(name, labels);
        products.add(product);
        return new LabelTable(labels, query -> cosines(product, query), settings.tableWindow);
    }

    private static float[] cosines(Executable product, float[] query) {
        product.input(LabelTable.QUERY).set(query);
        product.run();
        return product.output(0).toFloats();
    }

    /** The SHA-256 of each table's labels, by the table's name. */
    public Map<String, String> hashes() {
        return Map.copyOf(hashes);
    }

    public Answer interrogate(Path picture) throws IOException {
        return interrogate(ImageReader.read(picture, settings.options.exif()), () -> false);
    }

    /** Interrogates a picture; when cancelled it throws {@link java.util.concurrent.CancellationException}. */
    public synchronized Answer interrogate(Pixels picture, BooleanSupplier cancelled) {
        Captioner blip = captioner;
        String caption =
                blip == null ? "" : blip.caption(picture, generation, cancelled).text();
        return interrogate(picture, settings.rules == Rules.V2_2 ? caption : caption.strip(), cancelled);
    }

    /** Interrogates a picture that has a caption already. */
    public synchronized Answer interrogate(Pixels picture, String caption, BooleanSupplier cancelled) {
        float[] seen = clip.encode(picture);
        Interrogation found =
                settings.timings.in(Timings.Stage.LABELS, () -> interrogator.interrogate(seen, caption, cancelled));
        return new Answer(caption, found);
    }

    /** What computes: device, kernels in use, threads. */
    public String device() {
        return clip.device();
    }

    @Override
    public synchronized void close() {
        Captioner blip = captioner;
        if (blip != null) {
            blip.close();
        }
        products.forEach(Executable::close);
        clip.close();
    }
}
