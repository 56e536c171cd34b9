package org.telltale.app.train;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.telltale.app.data.BatchLoader;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Features;
import org.telltale.app.data.LoaderOptions;
import org.telltale.app.data.Minibatch;
import org.telltale.app.data.Split;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.engine.autograd.Schedule;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;
import org.telltale.models.image.Augmentation;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Trains a classifier or a captioner by a recipe, in a run folder that can be continued. A run that was killed at any moment and is
 * started again ends with the same bits as one that was not.
 *
 * <pre>{@code
 * Trainer trainer = new Trainer(Parent.open("bert-folder", data.labels()), data, Recipe.bert(), TrainingOptions.DEFAULT);
 * Trainer.Result result = trainer.run(Path.of("run"), TrainingListener.SILENT, () -> false);
 * }</pre>
 */
public final class Trainer {
    private final Origin parent;
    private final TrainingData data;
    private final Recipe recipe;
    private final TrainingOptions options;

    /**
     * What a run left.
     *
     * @param model the folder of the finished model
     * @param kept the epoch whose parameters it has
     * @param test what it scores on the test split, if there is one
     */
    public record Result(Path model, List<EpochRecord> history, EpochRecord kept, Optional<EpochRecord.Score> test) {
        public Result {
            history = List.copyOf(history);
        }
    }

    public Trainer(Origin parent, TrainingData data, Recipe recipe, TrainingOptions options) {
        this.parent = parent;
        this.data = data;
        this.recipe = recipe;
        this.options = options;
        if (data.labelled() && data.labels().size() < 2) {
            throw new TrainingException("the data has " + data.labels().size() + " labels, expected at least 2");
        }
        if (recipe.epochs() == 0) {
            throw new TrainingException("no phase has an epoch: nothing to train");
        }
        int train = data.ids(Split.TRAIN).size();
        if (train < (recipe.dropRemainder() ? recipe.batch() : 1)) {
            throw new TrainingException(train + " training samples do not make one batch of " + recipe.batch()
                    + ", and the recipe drops incomplete ones; give a smaller --batch");
        }
        if (recipe.head().norm() && !recipe.dropRemainder()) {
            throw new TrainingException("a head with batch normalisation needs complete batches: drop the remainder");
        }
    }

    /** Where a run is. Everything that the next step depends on, beside tensors, is here. */
    private static final class Position {
        int phase;
        int epoch;
        int batch;
        long step;
        long phaseStep;
        double loss;
        long correct;
        long samples;
        int best = -1;
        final List<EpochRecord> history = new ArrayList<>();

        ObjectNode json() {
            ObjectNode node = JsonNodeFactory.instance.objectNode();
            node.put("phase", phase);
            node.put("epoch", epoch);
            node.put("batch", batch);
            node.put("step", step);
            node.put("phaseStep", phaseStep);
            node.put("loss", loss);
            node.put("correct", correct);
            node.put("samples", samples);
            node.put("best", best);
            ArrayNode list = node.putArray("history");
            history.forEach(r -> list.add(r.json()));
            return node;
        }

        static Position of(JsonNode node) {
            Position p = new Position();
            p.phase = node.path("phase").intValue();
            p.epoch = node.path("epoch").intValue();
            p.batch = node.path("batch").intValue();
            p.step = node.path("step").longValue();
            p.phaseStep = node.path("phaseStep").longValue();
            p.loss = node.path("loss").doubleValue();
            p.correct = node.path("correct").longValue();
            p.samples = node.path("samples").longValue();
            p.best = node.path("best").intValue();
            node.path("history").forEach(r -> p.history.add(EpochRecord.of(r)));
            return p;
        }
    }

    /** What must be equal for a run to be continued. */
    public ObjectNode configuration() {
        ObjectNode node = parent.describe();
        node.set("recipe", RecipeJson.of(recipe));
        node.put("seed", options.seed());
        node.put("precision", options.model().precision().name());
        node.put("keep", options.keep().name());
        node.put("testEachEpoch", options.testEachEpoch());
        node.put("onBadSample", options.unreadable().name());
        ArrayNode labels = node.putArray("labels");
        data.labels().forEach(labels::add);
        ObjectNode samples = node.putObject("samples");
        for (Split s : Split.values()) {
            samples.put(s.word(), data.ids(s).size());
            samples.put(s.word() + "Hash", data.digest(s));
        }
        return node;
    }

    /**
     * Runs, or goes on with, the training.
     *
     * @param cancelled asked after every step and for every batch that is measured; when it says so the run ends, and
     *     its checkpoint has all steps
     * @throws CancellationException when it was cancelled
     * @throws TrainingException when the loss is no number any more, or the folder holds a run that was told otherwise
     */
    public Result run(Path out, TrainingListener listener, BooleanSupplier cancelled) throws InterruptedException {
        data.set().findings().forEach(f -> listener.note(f.message()));
        RunFolder.Existing existing = options.restart() ? RunFolder.Existing.RESTART : RunFolder.Existing.RESUME;
        try (RunFolder folder = RunFolder.open(out, configuration(), existing);
                Backend backend = options.model().device().open(options.model().threads());
                Learner learner = parent.learner(
                        backend,
                        new CompileOptions(options.model().precision(), options.recompute()),
                        recipe,
                        options.seed())) {
            if (!backend.multiplies(options.model().precision())) {
                listener.note("bf16: no products of bfloat16 here (" + backend.description()
                        + "), so that operands are rounded, but steps are no faster");
            }
            return new Run(folder, learner, listener, cancelled).go();
        }
    }

    /** One going through of the recipe. */
    private final class Run {
        private final RunFolder folder;
        private final Learner learner;
        private final TrainingListener listener;
        private final BooleanSupplier cancelled;
        private final Pace pace = new Pace();
        private Position at = new Position();

        /** Of splits that are measured again and again: the loaders stay open, and with them their cached pictures. */
        private final Map<Split, BatchLoader> measuring = new EnumMap<>(Split.class);

        Run(RunFolder folder, Learner learner, TrainingListener listener, BooleanSupplier cancelled) {
            this.folder = folder;
            this.learner = learner;
            this.listener = listener;
            this.cancelled = cancelled;
        }

        Result go() throws InterruptedException {
            try (Arena arena = Arena.ofShared()) {
                Optional<RunFolder.Saved> saved = folder.checkpoint(arena);
                saved.ifPresent(s -> {
                    at = Position.of(s.position());
                    restore(s.parameters(), learner.changing(), "parameter");
                    listener.note("going on after step " + at.step);
                });
                Map<String, HostTensor> optimizer =
                        saved.map(RunFolder.Saved::optimizer).orElse(Map.of());
                while (at.phase < recipe.phases().size()) {
                    phase(recipe.phases().get(at.phase), optimizer);
                    optimizer = Map.of();
                    at.phase++;
                    at.epoch = 0;
                    at.batch = 0;
                    at.phaseStep = 0;
                }
                folder.metrics(at.history);
                folder.text("loss.svg", LossCurve.svg(at.history));
                return finish(arena);
            } finally {
                measuring.values().forEach(BatchLoader::close);
            }
        }

        private void restore(Map<String, HostTensor> from, Map<String, HostTensor> to, String what) {
            Set<String> names = to.keySet();
            if (!from.keySet().equals(names)) {
                throw new DataException(folder.file("checkpoint.safetensors") + ": holds " + from.size() + " " + what
                        + " tensors, expected the " + names.size() + " of this run; --restart begins anew");
            }
            to.forEach((name, t) -> {
                HostTensor f = from.get(name);
                if (f == null || !f.shape().equals(t.shape())) {
                    throw new DataException(
                            folder.file("checkpoint.safetensors") + ": " + what + " " + name + " is not " + t.shape());
                }
                t.copyFrom(f);
            });
        }

        private void phase(Recipe.Phase phase, Map<String, HostTensor> optimizer) throws InterruptedException {
            if (at.epoch >= phase.epochs()) {
                return;
            }
            ClassifierLearner fixed =
                    options.cacheFeatures() && learner instanceof ClassifierLearner c && c.fixedFeatures(phase)
                            ? c
                            : null;
            boolean cached = fixed != null;
            try (Arena arena = Arena.ofShared();
                    Learner.Step step = learner.step(phase, cached);
                    Learner.Evaluation evaluation = learner.evaluation(cached)) {
                if (!optimizer.isEmpty() || at.phaseStep > 0) {
                    restore(optimizer, step.states(), "optimizer");
                }
                Map<Split, Features> features = fixed == null ? Map.of() : features(fixed, arena);
                LoaderOptions how = LoaderOptions.training(recipe.batch(), options.seed(), recipe.epochs())
                        .dropRemainder(recipe.dropRemainder())
                        .unreadable(options.unreadable());
                try (BatchLoader loader = load(Split.TRAIN, recipe.augmentation(), how, features)) {
                    Schedule schedule = phase.rate().over((long) phase.epochs() * loader.batches());
                    loader.skipTo(at.history.size(), at.batch);
                    while (at.epoch < phase.epochs()) {
                        epoch(phase, step, evaluation, loader, schedule, features);
                    }
                    loader.notes().forEach(listener::note);
                }
            }
        }

        private void epoch(
                Recipe.Phase phase,
                Learner.Step step,
                Learner.Evaluation evaluation,
                BatchLoader loader,
                Schedule schedule,
                Map<Split, Features> features)
                throws InterruptedException {
            long began = System.nanoTime();
            long waitedBefore = loader.waited();
            long samples = 0;
            double rate = 0;
            while (at.batch < loader.batches()) {
                Minibatch batch = loader.next();
                batch.unreadable().forEach(listener::note);
                rate = schedule.at(at.phaseStep);
                Learner.Step.Result r =
                        step.run(batch.tensors(), new int[] {(int) options.seed(), (int) at.step}, at.phaseStep, rate);
                if (!Float.isFinite(r.loss()) || !Float.isFinite(r.norm())) {
                    throw lost(phase, batch, r);
                }
                at.loss += (double) r.loss() * r.counted();
                at.correct += r.correct();
                at.samples += r.counted();
                samples += batch.size();
                at.batch++;
                at.step++;
                at.phaseStep++;
                long left = remaining(loader.batches());
                listener.step(new TrainingListener.Step(
                        phase.name(),
                        at.history.size() + 1,
                        at.batch,
                        loader.batches(),
                        left,
                        pace.after(left),
                        r.loss(),
                        running()));
                boolean stopped = cancelled.getAsBoolean();
                // At the end of an epoch too: its measurement may take long, and then be stopped.
                if (stopped || at.batch == loader.batches() || at.step % options.saveEvery() == 0) {
                    save(step);
                }
                if (stopped) {
                    throw new CancellationException("stopped after step " + at.step);
                }
            }
            long trained = System.nanoTime();
            Map<Split, EpochRecord.Score> measured = new EnumMap<>(Split.class);
            measure(Split.DEV, evaluation, features).ifPresent(s -> measured.put(Split.DEV, s));
            if (options.testEachEpoch()) {
                measure(Split.TEST, evaluation, features).ifPresent(s -> measured.put(Split.TEST, s));
            }
            TrainingListener.Time time = new TrainingListener.Time(
                    (trained - began) / 1e9,
                    (loader.waited() - waitedBefore) / (double) Math.max(trained - began, 1),
                    (System.nanoTime() - trained) / 1e9,
                    samples);
            EpochRecord record = new EpochRecord(
                    phase.name(), at.history.size() + 1, at.step, schedule.at(at.phaseStep - 1), running(), measured);
            at.history.add(record);
            if (at.best < 0 || better(record, at.history.get(at.best), !data.labelled())) {
                at.best = at.history.size() - 1;
                folder.best(learner.changing(), record);
            }
            at.epoch++;
            at.batch = 0;
            at.loss = 0;
            at.correct = 0;
            at.samples = 0;
            save(step);
            folder.metrics(at.history);
            folder.text("loss.svg", LossCurve.svg(at.history));
            listener.epoch(record, time);
        }

        private EpochRecord.Score running() {
            double n = Math.max(at.samples, 1);
            return new EpochRecord.Score(at.loss / n, at.correct / n, at.samples);
        }

        /** Steps to come when all phases have epochs of so many. */
        private long remaining(int batches) {
            return (long) recipe.epochs() * batches - at.step;
        }

        private TrainingException lost(Recipe.Phase phase, Minibatch batch, Learner.Step.Result r) {
            List<String> ids = data.ids(Split.TRAIN);
            List<String> of = new ArrayList<>();
            for (int i = 0; i < batch.size(); i++) {
                of.add(ids.get(batch.sample(i)));
            }
            return new TrainingException("phase " + phase.name() + ", step " + at.step + ": the loss is " + r.loss()
                    + " and the norm of the gradients " + r.norm() + ", so training cannot go on. The batch was " + of
                    + ". "
                    + (at.step >= options.saveEvery() || !at.history.isEmpty()
                            ? "The last checkpoint is "
                            : "No checkpoint yet in ")
                    + folder.file("checkpoint.safetensors") + "; try a lower --rate, or look at these samples");
        }

        private void save(Learner.Step step) {
            folder.checkpoint(at.json(), learner.changing(), step.states());
        }

        private BatchLoader load(
                Split split, Augmentation augmentation, LoaderOptions how, Map<Split, Features> features) {
            Features f = features.get(split);
            return f == null
                    ? data.load(split, augmentation, how)
                    : BatchLoader.features(f, data.set().labelIds(split), how);
        }

        private Map<Split, Features> features(ClassifierLearner fixed, Arena arena) throws InterruptedException {
            Map<Split, Features> all = new EnumMap<>(Split.class);
            try (Executable e = fixed.featuresOf()) {
                for (Split split : Split.values()) {
                    int count = data.ids(split).size();
                    if (count > 0) {
                        all.put(split, features(split, count, fixed.width(), e, arena));
                    }
                }
            }
            return all;
        }

        private Features features(Split split, int count, int width, Executable e, Arena arena)
                throws InterruptedException {
            HostTensor values = HostTensor.allocate(arena, DType.F32, Shape.of(count, width));
            long row = 4L * width;
            Map<Integer, String> missing = new HashMap<>();
            for (int i = 0; i < count; i++) {
                missing.put(i, data.ids(split).get(i) + ": cannot be read");
            }
            LoaderOptions how = LoaderOptions.measuring(recipe.batch(), 1);
            try (BatchLoader loader = data.load(split, Augmentation.none(), how)) {
                for (int b = 0; b < loader.batches(); b++) {
                    if (cancelled.getAsBoolean()) {
                        throw new CancellationException("stopped while the features were computed");
                    }
                    Minibatch batch = loader.next();
                    batch.unreadable().forEach(listener::note);
                    batch.tensors().forEach((name, t) -> {
                        if (!name.equals(Minibatch.LABELS)) {
                            e.bind(name, t);
                        }
                    });
                    e.run();
                    for (int i = 0; i < batch.size(); i++) {
                        missing.remove(batch.sample(i));
                        values.data()
                                .asSlice(batch.sample(i) * row, row)
                                .copyFrom(e.output(0).data().asSlice(i * row, row));
                    }
                }
            }
            return new Features(values, missing);
        }

        private Optional<EpochRecord.Score> measure(
                Split split, Learner.Evaluation evaluation, Map<Split, Features> features) throws InterruptedException {
            int count = data.ids(split).size();
            if (count == 0) {
                return Optional.empty();
            }
            Features f = features.get(split);
            if (f == null) {
                // as often as after each epoch, and once at the end
                LoaderOptions how = LoaderOptions.measuring(recipe.batch(), recipe.epochs() + 1);
                return Optional.of(score(
                        measuring.computeIfAbsent(split, s -> data.load(s, Augmentation.none(), how)), evaluation));
            }
            LoaderOptions how = LoaderOptions.measuring(recipe.batch(), 1);
            try (BatchLoader loader = BatchLoader.features(f, data.set().labelIds(split), how)) {
                return Optional.of(score(loader, evaluation));
            }
        }

        /** Over one epoch of a loader. */
        private EpochRecord.Score score(BatchLoader loader, Learner.Evaluation evaluation) throws InterruptedException {
            double loss = 0;
            long correct = 0;
            long samples = 0;
            for (int b = 0; b < loader.batches(); b++) {
                if (cancelled.getAsBoolean()) {
                    throw new CancellationException("stopped while a split was measured, after step " + at.step);
                }
                Minibatch batch = loader.next();
                evaluation.run(batch.tensors());
                for (int i = 0; i < batch.size(); i++) {
                    loss += evaluation.loss(i);
                    correct += evaluation.correct(i);
                    samples += evaluation.counted(i);
                }
            }
            double n = Math.max(samples, 1);
            return new EpochRecord.Score(loss / n, correct / n, samples);
        }

        private Result finish(Arena arena) throws InterruptedException {
            EpochRecord kept = at.history.getLast();
            if (options.keep() == TrainingOptions.Keep.BEST && at.best >= 0) {
                kept = at.history.get(at.best);
                restore(folder.best(arena), learner.changing(), "best");
            }
            Optional<EpochRecord.Score> test;
            try (Learner.Evaluation evaluation = learner.evaluation(false)) {
                test = measure(Split.TEST, evaluation, Map.of());
            }
            Path model = folder.file("model");
            parent.export(
                    model,
                    learner.finished(learner.changing(), arena),
                    ModelCard.text(parent, data, recipe, options, at.history, kept, test.orElse(null)));
            folder.text(
                    "report.html",
                    TrainingReport.html(parent, data, recipe, options, at.history, kept, test.orElse(null)));
            return new Result(model, at.history, kept, test);
        }
    }

    /**
     * By accuracy on dev, then by loss, and by the training loss where there is no dev.
     *
     * @param byLoss whether accuracy on dev does not count: of captions, loss says more than how often the likeliest word
     *     is the next one
     */
    static boolean better(EpochRecord a, EpochRecord b, boolean byLoss) {
        EpochRecord.@Nullable Score x = a.measured().get(Split.DEV);
        EpochRecord.@Nullable Score y = b.measured().get(Split.DEV);
        if (x == null || y == null) {
            return a.train().loss() < b.train().loss();
        }
        if (byLoss || x.accuracy() == y.accuracy()) {
            return x.loss() < y.loss();
        }
        return x.accuracy() > y.accuracy();
    }
}
