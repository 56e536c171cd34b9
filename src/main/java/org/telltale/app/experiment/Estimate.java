package org.telltale.app.experiment;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.telltale.api.Captioner;
import org.telltale.api.ClipEncoder;
import org.telltale.api.ModelFolder;
import org.telltale.api.ModelNotFoundException;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Dataset;
import org.telltale.app.data.InputNotFoundException;
import org.telltale.app.data.PictureOptions;
import org.telltale.app.data.Reasons;
import org.telltale.app.data.Sample;
import org.telltale.app.data.Split;
import org.telltale.app.train.EpochRecord;
import org.telltale.app.train.Parent;
import org.telltale.app.train.Recipe;
import org.telltale.app.train.RecipeChanges;
import org.telltale.app.train.Trainer;
import org.telltale.app.train.TrainingData;
import org.telltale.app.train.TrainingListener;
import org.telltale.app.train.TrainingOptions;
import org.telltale.models.decode.GenerationOptions;
import org.telltale.models.image.Augmentation;
import org.telltale.models.image.ImageReader;
import org.telltale.models.image.Pixels;
import org.telltale.models.interrogate.Mode;
import org.telltale.models.text.WordPiece;

/**
 * What a plan would take. Rates are measured by doing a little of every kind of work with the plan's own models: a few steps of each
 * phase of training on made-up pictures and texts, and a few captions.
 */
public final class Estimate {
    /** Samples of the paper's Table 1, which are those of the sources' tables: train, dev, test. */
    private static final Map<String, int[]> TABLE_1 = Map.of(
            "disaster_types", new int[] {12_724, 1_574, 3_213}, "damage_severity", new int[] {26_898, 2_898, 5_100});

    /** Pictures that belong to both tasks, by the consolidated tables, whose pictures are the same. */
    private static final int SHARED = 5_787;

    /** Steps of each phase that are made to measure one; the first ones compile. */
    private static final int STEPS = 4;

    private static final int PICTURES = 3;

    /** Texts that measure the rate of an interrogation, about as long as its prompts. */
    private static final int PROMPTS = 48;

    private static final int WORDS = 26;

    /** Flavors that the best mode tries at each link of its chain, and labels of the other lists. */
    private static final int POOL = 2048;

    private final Plan plan;
    private final Setup setup;
    private final boolean measure;
    private final List<Line> lines = new ArrayList<>();
    private final Map<String, int[]> samples = new LinkedHashMap<>();
    private final List<String> notes = new ArrayList<>();
    private final Map<Measured, Rates> known = new HashMap<>();
    private long pictures;

    /**
     * Jobs of one kind.
     *
     * @param count how often it is done
     * @param unit what is counted
     * @param each seconds of one, if they are known
     * @param disk the most bytes that one needs while it runs, if they are known
     */
    public record Line(String what, long count, String unit, OptionalDouble each, OptionalLong disk) {
        public OptionalDouble seconds() {
            return each.isPresent() ? OptionalDouble.of(each.getAsDouble() * count) : OptionalDouble.empty();
        }
    }

    private Estimate(Plan plan, Setup setup, boolean measure) {
        this.plan = plan;
        this.setup = setup;
        this.measure = measure;
    }

    /**
     * Goes through a plan without doing it.
     *
     * @param measure whether to measure rates, which takes minutes
     */
    public static Estimate of(Plan plan, Setup setup, boolean measure) throws InterruptedException {
        Estimate e = new Estimate(plan, setup, measure);
        e.count();
        Path scratch;
        try {
            scratch = Files.createTempDirectory("telltale-estimate");
        } catch (IOException ex) {
            throw new DataException("no temporary folder can be made: " + Reasons.of(ex), ex);
        }
        try {
            List<Path> made = e.draw(scratch);
            for (Plan.Captioner c : plan.captioners()) {
                e.captions(c, made);
            }
            for (String task : e.samples.keySet()) {
                for (Plan.Classifier c : plan.classifiers()) {
                    e.training("image " + task + ", " + c.name(), c.training(), c.resize(), task, made, scratch);
                }
                if (!plan.captioners().isEmpty()) {
                    Plan.Reader r = plan.reader();
                    e.training(
                            "text " + task + ", " + r.name(), r.training(), Parent.Resize.MODEL, task, made, scratch);
                }
            }
        } finally {
            remove(scratch);
        }
        return e;
    }

    public List<Line> lines() {
        return List.copyOf(lines);
    }

    /** What a person should know beside the numbers. */
    public List<String> notes() {
        return List.copyOf(notes);
    }

    /** Train, dev and test samples by task. */
    public Map<String, int[]> samples() {
        return samples;
    }

    public long pictures() {
        return pictures;
    }

    private void count() {
        Set<String> ids = new HashSet<>();
        int assumed = 0;
        Optional<Path> data = plan.scope().data().filter(Files::isDirectory);
        for (Plan.Task t : plan.tasks()) {
            try {
                if (data.isEmpty() && t.given().isEmpty()) {
                    throw new InputNotFoundException("the data folder "
                            + plan.scope().data().map(Path::toString).orElse("is not named and") + " does not exist");
                }
                TaskData read = TaskData.read(t, plan.scope(), data.orElse(Path.of("")));
                samples.put(
                        t.name(),
                        Stream.of(Split.values())
                                .mapToInt(s -> read.set().samples(s).size())
                                .toArray());
                for (Split split : Split.values()) {
                    read.set().samples(split).forEach(p -> ids.add(p.id()));
                }
                if (!read.absent().isEmpty()) {
                    notes.add(t.name() + ": " + read.absent().size() + " pictures of the tables do not exist, such as "
                            + read.absent().getFirst());
                }
            } catch (InputNotFoundException e) {
                int[] paper = TABLE_1.get(t.name());
                if (paper == null) {
                    throw e;
                }
                notes.add(t.name() + ": " + e.getMessage() + "; counted as in the paper's Table 1");
                samples.put(t.name(), paper.clone());
                pictures += (long) paper[0] + paper[1] + paper[2];
                assumed++;
            }
        }
        pictures -= assumed == TABLE_1.size() ? SHARED : 0;
        pictures += ids.size();
    }

    private int trials() {
        return plan.scope().trials();
    }

    private void captions(Plan.Captioner captioner, List<Path> made) {
        String what = "captions of " + captioner.name();
        if (captioner instanceof Plan.Given g) {
            lines.add(
                    new Line(what + " are in " + g.file(), 0, "pictures", OptionalDouble.of(0), OptionalLong.empty()));
            return;
        }
        if (!measure) {
            lines.add(new Line(what, pictures, "pictures", OptionalDouble.empty(), OptionalLong.empty()));
            return;
        }
        setup.terminal().say("measuring " + what);
        try {
            if (captioner instanceof Plan.Interrogated i) {
                interrogation(i, made);
                return;
            }
            try (Captioning c = Captioning.open(captioner, setup)) {
                lines.add(new Line(what, pictures, "pictures", OptionalDouble.of(best(c, made)), OptionalLong.empty()));
            }
        } catch (ModelNotFoundException e) {
            lines.add(new Line(what, pictures, "pictures", OptionalDouble.empty(), OptionalLong.empty()));
            notes.add(captioner.name() + ": " + e.getMessage());
        }
    }

    private double best(Captioning c, List<Path> made) {
        double best = Double.MAX_VALUE;
        for (Path p : made) {
            long began = System.nanoTime();
            c.of(p.toString(), pixels(p), setup.terminal().cancelled());
            best = Math.min(best, (System.nanoTime() - began) / 1e9);
        }
        return best;
    }

    private Pixels pixels(Path p) {
        try {
            return ImageReader.read(p, setup.options().exif());
        } catch (IOException e) {
            throw new DataException(p + ": cannot be read: " + Reasons.of(e), e);
        }
    }

    /**
     * A caption, and for every link of the chain all flavors of its pool: the texts are what takes the time. The labels' own vectors
     * are made once.
     */
    private void interrogation(Plan.Interrogated plan, List<Path> made) {
        double caption;
        Plan.Blip blip = new Plan.Blip(
                plan.name(),
                plan.captioner(),
                Captioner.PROMPT,
                GenerationOptions.beams(plan.beams().orElse(64)).maxLength(32).minLength(5));
        try (Captioning c = Captioning.open(blip, setup)) {
            caption = best(c, made);
        }
        double longText;
        double shortText;
        double vision;
        try (ClipEncoder clip = ClipEncoder.open(plan.model(), setup.options())) {
            longText = perText(clip, WORDS);
            shortText = perText(clip, 3);
            clip.encode(pixels(made.getFirst()));
            long began = System.nanoTime();
            clip.encode(pixels(made.getLast()));
            vision = (System.nanoTime() - began) / 1e9;
        }
        int links = plan.flavors().orElse(plan.mode().defaultFlavors());
        boolean chained = plan.mode() == Mode.BEST;
        long texts = chained ? (long) POOL * links : 0;
        long labels = labels(plan.lists());
        lines.add(new Line(
                "labels of " + plan.name() + ", once",
                labels,
                "labels",
                OptionalDouble.of(shortText),
                OptionalLong.of(labels * 2L * 768)));
        lines.add(new Line(
                "captions of " + plan.name(),
                pictures,
                "pictures",
                OptionalDouble.of(caption + vision + texts * longText),
                OptionalLong.empty()));
        if (chained) {
            notes.add(plan.name() + ": a caption of " + seconds(caption) + ", the picture's vector "
                    + seconds(vision) + " and at most " + texts + " prompts of " + seconds(longText)
                    + " for each picture; a chain that ends early takes less");
        }
    }

    private static String seconds(double s) {
        return String.format(Locale.ROOT, s < 1 ? "%.4f s" : "%.1f s", s);
    }

    private static long labels(Path lists) {
        long n = 0;
        try (Stream<Path> files = Files.list(lists)) {
            for (Path p : files.filter(f -> f.toString().endsWith(".txt")).toList()) {
                try (Stream<String> l = Files.lines(p)) {
                    n += l.count();
                }
            }
        } catch (IOException e) {
            throw new DataException(lists + ": cannot be read: " + Reasons.of(e), e);
        }
        return n;
    }

    private static double perText(ClipEncoder clip, int words) {
        double best = Double.MAX_VALUE;
        for (int round = 0; round < 2; round++) {
            List<String> texts = new ArrayList<>();
            for (int i = 0; i < PROMPTS; i++) {
                texts.add("a " + (i + round * PROMPTS) + " street,".repeat(Math.max(1, words / 2)));
            }
            long began = System.nanoTime();
            clip.encode(texts);
            best = Math.min(best, (System.nanoTime() - began) / 1e9 / PROMPTS);
        }
        return best;
    }

    private void training(
            String what, Plan.Training training, Parent.Resize resize, String task, List<Path> made, Path scratch)
            throws InterruptedException {
        int[] n = samples.getOrDefault(task, new int[Split.values().length]);
        boolean text = what.startsWith("text");
        long runs = (long) trials() * (text ? plan.captioners().size() : 1);
        try {
            long weights = weights(ModelFolder.find(training.model()));
            // parameters and two moments in a checkpoint that replaces another, and the finished model
            OptionalLong disk = OptionalLong.of(7 * weights);
            if (!measure) {
                lines.add(new Line(what, runs, "trials", OptionalDouble.empty(), disk));
                return;
            }
            Measured kind = new Measured(training, resize);
            Rates rates = known.get(kind);
            if (rates == null) {
                setup.terminal().say("measuring " + what);
                rates = rates(training, resize, text, made, scratch);
                known.put(kind, rates);
            }
            lines.add(new Line(what, runs, "trials", OptionalDouble.of(rates.trial(n)), disk));
        } catch (ModelNotFoundException e) {
            lines.add(new Line(what, runs, "trials", OptionalDouble.empty(), OptionalLong.empty()));
            notes.add(what + ": " + e.getMessage());
        }
    }

    private static long weights(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            long bytes = 0;
            for (Path p :
                    files.filter(f -> f.toString().endsWith(".safetensors")).toList()) {
                bytes += Files.size(p);
            }
            return bytes;
        } catch (IOException e) {
            throw new DataException(folder + ": cannot be listed: " + Reasons.of(e), e);
        }
    }

    /** Hears when steps end. */
    private static final class Clock implements TrainingListener {
        final Map<String, Double> step = new LinkedHashMap<>();
        double measuring = Double.MAX_VALUE;
        private String phase = "";
        private long last;

        @Override
        public void step(Step s) {
            long now = System.nanoTime();
            if (s.phase().equals(phase) && s.batch() > 1) {
                step.merge(phase, (now - last) / 1e9, Math::min);
            }
            phase = s.phase();
            last = now;
        }

        @Override
        public void epoch(EpochRecord record, Time time) {
            measuring = Math.min(measuring, time.measuring());
        }

        @Override
        public void note(String line) {}
    }

    /** What trainings of a kind have in common, whatever the task. */
    private record Measured(Plan.Training training, Parent.Resize resize) {}

    /**
     * What a training takes.
     *
     * @param steps seconds of the best step of each phase, by its name
     * @param sample seconds of a sample that is only measured
     */
    private record Rates(Recipe recipe, Map<String, Double> steps, double sample) {
        /** Seconds of one trial with so many samples of train, dev and test. */
        double trial(int[] n) {
            double seconds = 0;
            for (Recipe.Phase p : recipe.phases()) {
                int batches =
                        recipe.dropRemainder() ? n[0] / recipe.batch() : (n[0] + recipe.batch() - 1) / recipe.batch();
                seconds += steps.getOrDefault(p.name(), 0.0) * batches * p.epochs();
            }
            // dev after every epoch; test at the end, and once more for the scores
            return seconds + sample * ((double) n[1] * recipe.epochs() + 2.0 * n[2]);
        }
    }

    private Rates rates(Plan.Training training, Parent.Resize resize, boolean text, List<Path> made, Path scratch)
            throws InterruptedException {
        List<String> labels = List.of("a", "b", "c");
        Parent parent = Parent.open(training.model(), labels, training.scratch());
        Recipe whole = training.changes().of(parent.recipe());
        RecipeChanges c = training.changes();
        Recipe few = new RecipeChanges(
                        whole.phases().stream().map(p -> 1).toList(),
                        List.of(),
                        List.of(),
                        c.batch(),
                        c.size(),
                        c.dropout(),
                        c.augmented(),
                        c.epsilonOutside())
                .of(whole);
        TrainingData data = data(parent, few, resize, text, labels, made);
        Clock clock = new Clock();
        Path run = scratch.resolve("run");
        remove(run);
        new Trainer(
                        parent,
                        data,
                        few,
                        TrainingOptions.DEFAULT.saveEvery(1_000_000).model(setup.options()))
                .run(run, clock, setup.terminal().cancelled());
        remove(run);
        return new Rates(whole, clock.step, clock.measuring / whole.batch());
    }

    private TrainingData data(
            Parent parent, Recipe recipe, Parent.Resize resize, boolean text, List<String> labels, List<Path> made) {
        int train = recipe.batch() * STEPS;
        if (text) {
            Map<Split, List<Sample.Text>> splits = new EnumMap<>(Split.class);
            for (Split s : List.of(Split.TRAIN, Split.DEV)) {
                List<Sample.Text> list = new ArrayList<>();
                for (int i = 0; i < (s == Split.TRAIN ? train : recipe.batch()); i++) {
                    list.add(new Sample.Text(s + " " + i, "a street under water with people", labels.get(i % 3)));
                }
                splits.put(s, list);
            }
            return new TrainingData.Texts(
                    new Dataset<>(labels, splits, List.of()), WordPiece.read(parent.folder()), recipe.size());
        }
        Map<Split, List<Sample.Picture>> splits = new EnumMap<>(Split.class);
        for (Split s : List.of(Split.TRAIN, Split.DEV)) {
            List<Sample.Picture> list = new ArrayList<>();
            for (int i = 0; i < (s == Split.TRAIN ? train : recipe.batch()); i++) {
                list.add(new Sample.Picture(s + " " + i, made.get(i % made.size()), labels.get(i % 3)));
            }
            splits.put(s, list);
        }
        return new TrainingData.Pictures(
                new Dataset<>(labels, splits, List.of()),
                new PictureOptions(
                        parent.preprocess(recipe.size(), resize),
                        setup.options().exif(),
                        Augmentation.none()));
    }

    /** Pictures of a usual size, with enough in them for JPEG. */
    private List<Path> draw(Path folder) {
        List<Path> made = new ArrayList<>();
        SplittableRandom random = new SplittableRandom(1);
        try {
            for (int n = 0; n < PICTURES; n++) {
                BufferedImage image = new BufferedImage(500, 375, BufferedImage.TYPE_INT_RGB);
                Graphics2D g = image.createGraphics();
                for (int i = 0; i < 2000; i++) {
                    g.setColor(new Color(random.nextInt(1 << 24)));
                    g.fillRect(
                            random.nextInt(500), random.nextInt(375), 2 + random.nextInt(30), 2 + random.nextInt(30));
                }
                g.dispose();
                Path file = folder.resolve(n + ".jpg");
                if (!ImageIO.write(image, "jpg", file.toFile())) {
                    throw new IOException("this Java writes no JPEG");
                }
                made.add(file);
            }
        } catch (IOException e) {
            throw new DataException(folder + ": cannot be written: " + Reasons.of(e), e);
        }
        return made;
    }

    private static void remove(Path folder) {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path p : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(p);
            }
        } catch (IOException e) {
            throw new DataException(folder + ": cannot be removed: " + Reasons.of(e), e);
        }
    }
}
