package org.telltale.app.experiment;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.telltale.api.ImageClassifier;
import org.telltale.api.TextClassifier;
import org.telltale.api.Timings;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Dataset;
import org.telltale.app.data.Finding;
import org.telltale.app.data.Header;
import org.telltale.app.data.InputNotFoundException;
import org.telltale.app.data.LoaderOptions.Unreadable;
import org.telltale.app.data.PictureOptions;
import org.telltale.app.data.Reasons;
import org.telltale.app.data.RecordFile;
import org.telltale.app.data.Records;
import org.telltale.app.data.Sample;
import org.telltale.app.data.Scores;
import org.telltale.app.data.Split;
import org.telltale.app.data.TextData;
import org.telltale.app.pipeline.Batch;
import org.telltale.app.train.Parent;
import org.telltale.app.train.Recipe;
import org.telltale.app.train.Trainer;
import org.telltale.app.train.TrainingData;
import org.telltale.app.train.TrainingException;
import org.telltale.app.train.TrainingOptions;
import org.telltale.engine.io.WholeFile;
import org.telltale.engine.nn.CheckpointException;
import org.telltale.models.ConfigException;
import org.telltale.models.image.Augmentation;
import org.telltale.models.image.Pixels;
import org.telltale.models.image.Preprocess;
import org.telltale.models.text.WordPiece;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Runs a plan in a folder (SPEC §14). Whatever is finished is not done again; what was interrupted goes on where it was, with the same
 * result.
 */
public final class Experiment {
    /** What a finished trial need not keep. */
    private static final List<String> HEAVY = List.of("checkpoint.safetensors", "best.safetensors");

    private final Plan plan;
    private final Setup setup;
    private final Map<String, TaskData> tasks = new LinkedHashMap<>();
    private final Hashes hashes = new Hashes();

    /** Each model is looked at, and its files hashed, once. */
    private final Map<Plan.Training, Parent> parents = new HashMap<>();

    /** The captions of a file with the labels of a task, read once for all trials. */
    private final Map<Path, Map<String, Dataset<Sample.Text>>> texts = new HashMap<>();

    private int unreadable;

    private Experiment(Plan plan, Setup setup) {
        this.plan = plan;
        this.setup = setup;
    }

    /**
     * Reads the tables of a plan.
     *
     * @throws InputNotFoundException if the data folder, a table or a picture is not there
     */
    public static Experiment of(Plan plan, Setup setup) {
        Experiment e = new Experiment(plan, setup);
        Path data = plan.scope()
                .data()
                .orElseThrow(() -> new InputNotFoundException(
                        "neither the plan nor --data names the folder of the pictures and tables"));
        if (!Files.isDirectory(data)) {
            throw new InputNotFoundException(
                    data + ": no such folder, expected the one with CrisisNLP's folder data in it;"
                            + " 'telltale data crisisnlp' tells where it comes from");
        }
        for (Plan.Task t : plan.tasks()) {
            TaskData read = TaskData.read(t, plan.scope(), data);
            read.requirePictures(plan.scope());
            if (!read.absent().isEmpty()) {
                setup.terminal()
                        .say(t.name() + ": " + read.absent().size() + " pictures do not exist and are left out");
            }
            e.tasks.put(t.name(), read);
        }
        return e;
    }

    /**
     * Does what is left of some stages.
     *
     * @param stages others are left as they are
     * @param shard the part of the pictures to be captioned, or nothing for all
     * @return how many pictures could not be read, counted at each job
     * @throws CancellationException when it was interrupted; the same call goes on
     */
    public int run(Path out, Set<Stage> stages, Optional<Shard> shard) throws InterruptedException {
        unreadable = 0;
        try (ExperimentFolder folder = ExperimentFolder.open(out, description())) {
            samples(folder);
            List<Job> jobs = Job.of(Extent.of(plan)).stream()
                    .filter(j -> stages.contains(j.stage()))
                    .toList();
            for (int i = 0; i < jobs.size(); i++) {
                if (setup.terminal().cancelled().getAsBoolean()) {
                    throw new CancellationException();
                }
                job(folder, jobs.get(i), shard, "[" + (i + 1) + "/" + jobs.size() + "] ");
            }
        }
        return unreadable;
    }

    private ObjectNode description() {
        ObjectNode node = Header.of("experiment", "experiment");
        ObjectNode producer = node.putObject("producer");
        producer.put("version", setup.version());
        producer.put("commit", setup.commit());
        producer.put(
                "data",
                plan.scope().data().map(p -> p.toAbsolutePath().toString()).orElse(""));
        node.set("extent", Extent.of(plan).json());
        node.put("split", plan.scope().tables().name().toLowerCase(Locale.ROOT));
        node.put("seed", plan.scope().seed());
        plan.scope().subset().ifPresent(n -> node.put("subset", n));
        node.put("precision", setup.options().precision().name().toLowerCase(Locale.ROOT));
        node.put("exif", setup.options().exif().name().toLowerCase(Locale.ROOT));
        ObjectNode byTask = node.putObject("tasks");
        tasks.forEach((name, t) -> {
            ObjectNode task = t.describe();
            ArrayNode labels = task.putArray("labels");
            t.set().labels().forEach(labels::add);
            byTask.set(name, task);
        });
        return node;
    }

    /** Writes which samples there are, so that the folder tells of them without the data. */
    private void samples(ExperimentFolder folder) {
        tasks.forEach((name, t) -> {
            StringBuilder table = new StringBuilder("split\tid\tlabel\n");
            for (Split split : Split.values()) {
                t.set()
                        .samples(split)
                        .forEach(p -> table.append(split.word())
                                .append('\t')
                                .append(p.id())
                                .append('\t')
                                .append(p.label())
                                .append('\n'));
            }
            Path file = folder.samples(name);
            try {
                Files.createDirectories(parent(file));
                WholeFile.write(file, table.toString().getBytes(StandardCharsets.UTF_8));
            } catch (IOException e) {
                throw new DataException(file + ": cannot be written: " + Reasons.of(e), e);
            }
        });
    }

    private static Path parent(Path file) {
        Path parent = file.toAbsolutePath().getParent();
        return parent == null ? file.toAbsolutePath() : parent;
    }

    private void job(ExperimentFolder folder, Job job, Optional<Shard> shard, String number)
            throws InterruptedException {
        switch (job.stage()) {
            case CAPTIONS -> captions(folder, job, shard, number);
            case TEXT -> texts(folder, job, number);
            case IMAGE -> images(folder, job, number);
        }
    }

    private Plan.Captioner captioner(String name) {
        return plan.captioners().stream()
                .filter(c -> c.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    /** All pictures of all tasks by their ids, each once. */
    private Map<String, Path> pictures() {
        Map<String, Path> files = new LinkedHashMap<>();
        for (TaskData t : tasks.values()) {
            for (Split split : Split.values()) {
                t.set().samples(split).forEach(p -> files.putIfAbsent(p.id(), p.file()));
            }
        }
        return files;
    }

    private void captions(ExperimentFolder folder, Job job, Optional<Shard> shard, String number)
            throws InterruptedException {
        Plan.Captioner captioner = captioner(job.system());
        if (captioner instanceof Plan.Given g) {
            setup.terminal().say(number + job + ": " + Records.texts(g.file()).size() + " in " + g.file());
            copy(g.file(), folder.captions(job.system()));
            return;
        }
        Map<String, Path> files = pictures();
        List<String> all = List.copyOf(files.keySet());
        ObjectNode header = header(Captioning.kind(captioner));
        Captioning.describe(captioner, setup, hashes, header);
        Path whole = folder.captions(job.system());
        if (ExperimentFolder.done(whole, header) || ShardFiles.join(folder, job.system(), header, all)) {
            setup.terminal().say(number + job + ": done");
            return;
        }
        Path out = shard.map(s -> folder.shard(job.system(), s)).orElse(whole);
        List<String> ids = shard.map(s -> s.of(all)).orElse(all);
        if (shard.isPresent() && ExperimentFolder.done(out, header)) {
            setup.terminal()
                    .say(number + job + ", part " + shard.get().k() + " of "
                            + shard.get().n() + ": done");
            return;
        }
        setup.terminal().say(number + job + ": " + ids.size() + " pictures");
        makeFolder(parent(out));
        try (Sitting sitting = new Sitting(folder, job);
                Captioning opened = opening(() -> Captioning.open(captioner, setup))) {
            sitting.machine(opened.device());
            header.put("backend", opened.device());
            try (RecordFile records = RecordFile.open(out, header, false)) {
                int before = records.done().size();
                Batch.Outcome outcome = new Batch(
                                setup.terminal(), setup.options().exif(), setup.verbose(), new Timings())
                        .run(
                                ids,
                                id -> files.getOrDefault(id, Path.of(id)),
                                (id, picture) ->
                                        opened.of(id, picture, setup.terminal().cancelled()),
                                records);
                records.finish();
                unreadable += outcome.missing() + outcome.bad();
                sitting.samples(ids.size() - before);
            }
        }
        ShardFiles.join(folder, job.system(), header, all);
    }

    /** The folder has the texts that were given, too. */
    private static void copy(Path given, Path to) {
        try {
            if (Files.exists(to) && Files.mismatch(given, to) >= 0) {
                throw new DataException(to + ": not the same as " + given + "; give --out another folder");
            }
            makeFolder(parent(to));
            WholeFile.write(to, Files.readAllBytes(given));
        } catch (IOException e) {
            throw new DataException(to + ": cannot be written: " + Reasons.of(e), e);
        }
    }

    private ObjectNode header(String kind) {
        ObjectNode node = Header.of(kind, "experiment");
        node.put("version", setup.version());
        node.put("commit", setup.commit());
        return node;
    }

    private static void makeFolder(Path folder) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new DataException(folder + ": cannot be made: " + Reasons.of(e), e);
        }
    }

    /** What is wrong with a model's files is told apart from what is wrong with the program. */
    private static <T> T opening(Supplier<T> open) {
        try {
            return open.get();
        } catch (ConfigException | CheckpointException e) {
            throw e;
        } catch (IllegalArgumentException e) {
            throw new TrainingException(String.valueOf(e.getMessage()));
        }
    }

    private TaskData task(String name) {
        TaskData t = tasks.get(name);
        if (t == null) {
            throw new IllegalArgumentException("no task " + name);
        }
        return t;
    }

    /** A trial of a classifier, ready to be trained and then to score the test split. */
    private record Trial(Job job, Parent parent, TrainingData data, Recipe recipe, ScoresOfTest scorer) {}

    /** Scores the test split with a finished model. */
    private interface ScoresOfTest {
        /** @param header of the records, without the backend */
        int into(Path file, Path model, ObjectNode header) throws InterruptedException;
    }

    private void images(ExperimentFolder folder, Job job, String number) throws InterruptedException {
        Plan.Classifier classifier = plan.classifiers().stream()
                .filter(c -> c.name().equals(job.system()))
                .findFirst()
                .orElseThrow();
        Dataset<Sample.Picture> set = task(job.task()).set();
        Parent parent = parent(classifier.training(), set.labels());
        if (!parent.picturesWanted()) {
            throw new TrainingException(classifier.name() + ": "
                    + classifier.training().model() + " classifies texts, expected MobileNetV2 or EfficientNet");
        }
        Recipe recipe = recipe(classifier.name(), classifier.training(), parent);
        Preprocess preprocess = parent.preprocess(recipe.size(), classifier.resize());
        TrainingData data = new TrainingData.Pictures(
                set,
                new PictureOptions(
                        preprocess, setup.options().exif(), Augmentation.none(), PictureOptions.Cache.IN_MEMORY));
        trial(
                folder,
                new Trial(job, parent, data, recipe, (file, model, header) -> {
                    Map<String, Path> files = new LinkedHashMap<>();
                    set.samples(Split.TEST).forEach(p -> files.put(p.id(), p.file()));
                    try (ImageClassifier c = ImageClassifier.open(model.toString(), setup.options())) {
                        header.put("backend", c.device());
                        try (RecordFile records = RecordFile.open(file, header, false)) {
                            Batch.Outcome outcome = new Batch(
                                            setup.terminal(), setup.options().exif(), false, new Timings())
                                    .run(
                                            List.copyOf(files.keySet()),
                                            id -> files.getOrDefault(id, Path.of(id)),
                                            (id, picture) -> scores(c, id, picture),
                                            records);
                            records.finish();
                            return outcome.missing() + outcome.bad();
                        }
                    }
                }),
                number);
    }

    private static Scores scores(ImageClassifier c, String id, Pixels picture) {
        return Scores.of(id, Scores.Source.IMAGE, c.classify(picture));
    }

    private void texts(ExperimentFolder folder, Job job, String number) throws InterruptedException {
        Path captions = folder.captions(job.system());
        if (!Files.exists(captions)) {
            setup.terminal().say(number + job + ": waits for the captions in " + captions);
            return;
        }
        Plan.Training training = plan.reader().training();
        Dataset<Sample.Text> set = texts.computeIfAbsent(captions, file -> new HashMap<>())
                .computeIfAbsent(
                        job.task(),
                        task -> told(TextData.captions(captions, task(task).set())));
        Parent parent = parent(training, set.labels());
        if (parent.picturesWanted()) {
            throw new TrainingException("text: " + training.model() + " classifies pictures, expected BERT");
        }
        Recipe recipe = recipe("text", training, parent);
        TrainingData data = new TrainingData.Texts(set, WordPiece.read(parent.folder()), recipe.size());
        trial(
                folder,
                new Trial(job, parent, data, recipe, (file, model, header) -> {
                    try (TextClassifier c = TextClassifier.open(model.toString(), setup.options())) {
                        header.put("backend", c.device());
                        try (RecordFile records = RecordFile.open(file, header, false)) {
                            Set<String> done = records.done();
                            for (Sample.Text t : set.samples(Split.TEST)) {
                                if (setup.terminal().cancelled().getAsBoolean()) {
                                    throw new CancellationException();
                                }
                                if (!done.contains(t.id())) {
                                    records.add(Scores.of(t.id(), Scores.Source.TEXT, c.classify(t.text())));
                                }
                            }
                            records.finish();
                            return 0;
                        }
                    }
                }),
                number);
    }

    /** The captions of other tasks' pictures belong to none of this one: nothing to tell. */
    private static Dataset<Sample.Text> told(Dataset<Sample.Text> set) {
        return new Dataset<>(
                set.labels(),
                set.splits(),
                set.findings().stream()
                        .filter(f -> f.kind() != Finding.Kind.UNMATCHED)
                        .toList());
    }

    private Parent parent(Plan.Training training, List<String> labels) {
        return opening(() -> {
            Parent known = parents.get(training);
            Parent parent = known == null
                    ? Parent.open(training.model(), labels, training.scratch())
                    : known.withLabels(labels);
            parents.put(training, parent);
            return parent;
        });
    }

    private static Recipe recipe(String name, Plan.Training training, Parent parent) {
        try {
            return training.changes().of(parent.recipe());
        } catch (IllegalArgumentException e) {
            throw new TrainingException(name + ": " + e.getMessage());
        }
    }

    private void trial(ExperimentFolder folder, Trial trial, String number) throws InterruptedException {
        Job job = trial.job();
        Path dir = folder.trial(job.stage().word(), job.task(), job.system(), job.trial());
        TrainingOptions options = new TrainingOptions(
                setup.options(),
                plan.scope().seed() + job.trial() - 1,
                true,
                false,
                500,
                TrainingOptions.Keep.LAST,
                false,
                Unreadable.NEXT,
                false,
                "telltale " + setup.version());
        Trainer trainer = opening(() -> new Trainer(trial.parent(), trial.data(), trial.recipe(), options));
        ObjectNode header = header(Header.SCORES);
        ObjectNode configuration = trainer.configuration();
        configuration.put("system", job.system());
        configuration.put("task", job.task());
        configuration.put("trial", job.trial());
        header.set("configuration", configuration);
        Path scores = dir.resolve("scores.jsonl");
        if (ExperimentFolder.done(scores, header)) {
            prune(dir);
            return;
        }
        makeFolder(dir);
        try (Sitting sitting = new Sitting(folder, job)) {
            Trainer.Result result = trainer.run(
                    dir,
                    new JobProgress(setup.terminal(), number + job),
                    setup.terminal().cancelled());
            sitting.samples(
                    (long) trial.data().ids(Split.TRAIN).size() * trial.recipe().epochs());
            unreadable += trial.scorer().into(scores, result.model(), header);
            sitting.machine(header.path("backend").stringValue(""));
            setup.terminal()
                    .say(number + job + ": " + accuracy(result)
                            + String.format(Locale.ROOT, "%.1f s", sitting.seconds()));
        }
        prune(dir);
    }

    private static String accuracy(Trainer.Result result) {
        return result.test()
                .map(s -> String.format(Locale.ROOT, "accuracy %.2f %% of %d, ", 100 * s.accuracy(), s.samples()))
                .orElse("");
    }

    /** Removes what only a running trial needs. */
    private void prune(Path dir) {
        try {
            for (String name : HEAVY) {
                Files.deleteIfExists(dir.resolve(name));
            }
            if (plan.scope().keep() == Plan.Keep.SCORES) {
                removeModel(dir.resolve("model"));
            }
        } catch (IOException e) {
            throw new DataException(dir + ": cannot be cleared: " + Reasons.of(e), e);
        }
    }

    private static void removeModel(Path model) throws IOException {
        if (Files.isDirectory(model)) {
            List<Path> files = new ArrayList<>();
            try (Stream<Path> all = Files.list(model)) {
                all.forEach(files::add);
            }
            for (Path f : files) {
                Files.delete(f);
            }
            Files.delete(model);
        }
    }
}
