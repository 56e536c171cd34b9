package org.telltale.app.train;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.telltale.app.data.Features;
import org.telltale.app.data.Minibatch;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.autograd.Autograd;
import org.telltale.engine.autograd.ClipByGlobalNorm;
import org.telltale.engine.autograd.Optimizer;
import org.telltale.engine.nn.BatchNorm;
import org.telltale.engine.nn.Linear;
import org.telltale.engine.nn.Losses;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;

/**
 * A network with a new head, the memory of all parameters that ever change, and the graphs over them: the step of a phase,
 * the evaluation, and the features of a base that stays as it is.
 */
final class Learner implements AutoCloseable {
    private static final String COUNTER = "counter";
    private static final String NUMBERS = "numbers";
    private static final String NORM = "head.batchnorm";
    private static final String MEAN = "running_mean";

    /** Keras' batch normalisation layer. */
    private static final float NORM_EPSILON = 1e-3f;

    private static final Params.MovingStatistics NORM_STATISTICS =
            new Params.MovingStatistics(BatchNorm.MovingVariance.BIASED, 0.99);

    private final Backend backend;
    private final CompileOptions options;
    private final String source;
    private final StartWeights start;
    private final Network network;
    private final Recipe recipe;
    private final int classes;
    private final int width;
    private final Arena arena = Arena.ofShared();

    /** The parameters of the network and its head, by name. */
    private final Set<String> used = new TreeSet<>();

    /** Parameters that change in any phase, and the statistics of the head's norm, by name. */
    private final Map<String, HostTensor> changing = new TreeMap<>();

    /**
     * @param source what messages call the checkpoint
     * @param start all parameters of the base; gets those of the head
     * @param scratch whether parameters of the base that {@code start} lacks are drawn
     */
    Learner(
            Backend backend,
            CompileOptions options,
            String source,
            StartWeights start,
            boolean scratch,
            Network network,
            Recipe recipe,
            int classes) {
        this.backend = backend;
        this.options = options;
        this.source = source;
        this.start = start;
        this.network = network;
        this.recipe = recipe;
        this.classes = classes;
        Params looking = params(scratch ? Set.of() : start.names(), null, n -> false);
        Tensor pooled = network.pooled(looking, network.inputs(1, recipe.size()));
        width = pooled.dim(1);
        Map<String, Shape> base = new TreeMap<>();
        for (Tensor t : Graph.order(List.of(pooled))) {
            if (t.op() instanceof Primitive.Weight w) {
                base.put(w.name(), w.extents());
            }
        }
        if (scratch) {
            base.forEach((name, shape) -> start.add(name, shape, StartWeights.rule(name, shape)));
        }
        start.add("classifier.weight", Shape.of(classes, width), StartWeights.Rule.GLOROT_UNIFORM);
        start.add("classifier.bias", Shape.of(classes), StartWeights.Rule.ZERO);
        if (recipe.head().norm()) {
            start.add(NORM + ".weight", Shape.of(width), StartWeights.Rule.ONE);
            start.add(NORM + ".bias", Shape.of(width), StartWeights.Rule.ZERO);
            start.add(NORM + ".running_mean", Shape.of(width), StartWeights.Rule.ZERO);
            start.add(NORM + ".running_var", Shape.of(width), StartWeights.Rule.ONE);
        }
        verify();
        used.addAll(base.keySet());
        start.names().stream().filter(n -> n.matches(Recipe.HEAD + ".*")).forEach(used::add);
        for (String name : used) {
            boolean statistics = name.startsWith(NORM + ".running_");
            if (statistics || recipe.phases().stream().anyMatch(p -> trains(p, name))) {
                changing.put(name, start.read(name, arena));
            }
        }
        for (Recipe.Phase p : recipe.phases()) {
            if (changing.keySet().stream().noneMatch(n -> trains(p, n))) {
                throw new IllegalArgumentException(
                        "phase " + p.name() + " trains nothing: no parameter's name contains "
                                + p.trained() + "; the names are such as "
                                + used.stream().limit(5).toList());
            }
        }
    }

    /** Reports everything about the checkpoint that does not fit, at once. */
    private void verify() {
        Params params = params(start.names(), null, n -> false);
        logits(params, network.pooled(params, network.inputs(1, recipe.size())), false);
        params.verify();
    }

    static boolean trains(Recipe.Phase phase, String name) {
        return !name.contains(".running_") && phase.trained().matcher(name).find();
    }

    private Params params(Set<String> names, @Nullable Tensor counter, Predicate<String> states) {
        return Params.of(source, names, start::shape, start::dtype)
                .training(new Params.Training(states, counter, null));
    }

    /** Width of the features. */
    int width() {
        return width;
    }

    /** Whether the features of a phase's pictures never change, so that they may be computed once. */
    boolean fixedFeatures(Recipe.Phase phase) {
        boolean baseChanges =
                changing.keySet().stream().anyMatch(n -> trains(phase, n) && !n.matches(Recipe.HEAD + ".*"));
        if (baseChanges || !recipe.augmentation().transforms().isEmpty()) {
            return false;
        }
        Tensor counter = Tensor.input(COUNTER, DType.I32, 2);
        Tensor pooled =
                network.pooled(params(start.names(), counter, changing::containsKey), network.inputs(1, recipe.size()));
        return !Graph.order(List.of(pooled)).contains(counter);
    }

    private Tensor logits(Params params, Tensor pooled, boolean training) {
        Tensor x = pooled;
        if (recipe.head().norm()) {
            x = norm(params.at("head").at("batchnorm"), x, training);
        }
        return Linear.of(params.at("classifier"), params.drop(x, recipe.head().dropout()), classes);
    }

    private Tensor norm(Params p, Tensor x, boolean training) {
        Tensor scale = p.f32("weight", width);
        Tensor shift = p.f32("bias", width);
        Tensor mean = p.f32("running_mean", width);
        Tensor variance = p.f32("running_var", width);
        if (!training) {
            return Tensor.of(new Fused.BatchNorm(NORM_EPSILON), x, scale, shift, mean, variance);
        }
        BatchNorm.Trained t = BatchNorm.train(
                x, scale, shift, mean, variance, NORM_STATISTICS.momentum(), NORM_EPSILON, NORM_STATISTICS.rule());
        p.update("running_mean", t.mean());
        p.update("running_var", t.variance());
        return t.output();
    }

    /** A compiled step of a phase. */
    final class Step implements AutoCloseable {
        private final Recipe.Phase phase;
        private final Executable executable;
        private final List<String> inputs;

        /** Whether anything is random. */
        private final boolean counted;

        /** The states of the optimizer, by name. */
        private final Map<String, HostTensor> states = new TreeMap<>();

        private Step(Recipe.Phase phase, boolean cached) {
            this.phase = phase;
            Tensor counter = Tensor.input(COUNTER, DType.I32, 2);
            Params params = params(start.names(), counter, changing::containsKey);
            Map<String, Tensor> in = inputs(cached);
            inputs = List.copyOf(in.keySet());
            Tensor labels = Tensor.input(Minibatch.LABELS, DType.I32, recipe.batch());
            Tensor logits = logits(params, pooled(params, in, cached), true);
            Tensor loss = Losses.maskedCrossEntropy(logits, labels, Minibatch.NO_LABEL, Losses.Divisor.COUNTED_ROWS);
            List<Tensor> parameters = new ArrayList<>();
            for (Tensor t : Graph.order(List.of(loss))) {
                if (t.op() instanceof Primitive.State s && trains(phase, s.name())) {
                    parameters.add(t);
                }
            }
            ClipByGlobalNorm clipped = ClipByGlobalNorm.of(
                    Autograd.gradients(loss, parameters), phase.clip() > 0 ? phase.clip() : Float.MAX_VALUE);
            Tensor numbers = Tensor.input(NUMBERS, DType.F32, Optimizer.NUMBERS);
            Map<Tensor, Tensor> updates = new LinkedHashMap<>();
            for (int i = 0; i < parameters.size(); i++) {
                String name = ((Primitive.State) parameters.get(i).op()).name();
                updates.putAll(phase.optimizer()
                        .update(name, parameters.get(i), clipped.gradients().get(i), numbers));
            }
            params.updates()
                    .forEach((name, value) ->
                            updates.put(params.f32(name, value.shape().dims()), value));
            Graph graph = Graph.of(
                    source + " " + phase.name(), List.of(loss, correct(logits, labels), clipped.norm()), updates);
            counted = graph.nodes().contains(counter);
            executable = backend.compile(graph, start, options);
            for (Tensor s : updates.keySet()) {
                String name = ((Primitive.State) s.op()).name();
                if (!changing.containsKey(name)) {
                    states.put(name, executable.state(name));
                }
            }
            bindParameters(executable, graph);
        }

        /** What a step tells. */
        record Result(float loss, int correct, float norm) {}

        /**
         * @param counter seed and number of the step over all phases, for the random numbers
         * @param number of the step in its phase, from 0, for the optimizer
         */
        Result run(Map<String, HostTensor> batch, int[] counter, long number, double rate) {
            inputs.forEach(name -> executable.bind(name, tensor(batch, name)));
            executable.bind(Minibatch.LABELS, tensor(batch, Minibatch.LABELS));
            if (counted) {
                executable.input(COUNTER).setInts(counter);
            }
            executable.input(NUMBERS).set(phase.optimizer().numbers(number, rate));
            executable.run();
            return new Result(
                    executable.output(0).get(0),
                    (int) executable.output(1).get(0),
                    executable.output(2).get(0));
        }

        Map<String, HostTensor> states() {
            return states;
        }

        @Override
        public void close() {
            executable.close();
        }
    }

    Step step(Recipe.Phase phase, boolean cachedFeatures) {
        return new Step(phase, cachedFeatures);
    }

    /** Loss and predictions of batches, without dropout. */
    final class Evaluation implements AutoCloseable {
        private final Executable executable;
        private final List<String> inputs;

        private Evaluation(boolean cached) {
            Params params = params(start.names(), null, changing::containsKey);
            Map<String, Tensor> in = inputs(cached);
            inputs = List.copyOf(in.keySet());
            Tensor labels = Tensor.input(Minibatch.LABELS, DType.I32, recipe.batch());
            Tensor logits = logits(params, pooled(params, in, cached), false);
            Tensor losses = Losses.crossEntropyPerRow(logits, labels);
            Graph graph = Graph.of(source + " evaluation", losses, Tensor.of(new Primitive.ArgMax(1), logits));
            executable = backend.compile(graph, start, options);
            bindParameters(executable, graph);
        }

        /** Losses [batch] and predicted labels [batch]. */
        void run(Map<String, HostTensor> batch) {
            inputs.forEach(name -> executable.bind(name, tensor(batch, name)));
            executable.bind(Minibatch.LABELS, tensor(batch, Minibatch.LABELS));
            executable.run();
        }

        float loss(int row) {
            return executable.output(0).get(row);
        }

        int predicted(int row) {
            return executable.output(1).getInt(row);
        }

        @Override
        public void close() {
            executable.close();
        }
    }

    Evaluation evaluation(boolean cachedFeatures) {
        return new Evaluation(cachedFeatures);
    }

    /** The features of batches, with the base as it started. */
    Executable featuresOf() {
        Params params = params(start.names(), null, changing::containsKey);
        Graph graph = Graph.of(source + " features", network.pooled(params, inputs(false)));
        Executable e = backend.compile(graph, start, options);
        bindParameters(e, graph);
        return e;
    }

    private Map<String, Tensor> inputs(boolean cached) {
        return cached
                ? Map.of(Features.NAME, Tensor.input(Features.NAME, DType.F32, recipe.batch(), width))
                : network.inputs(recipe.batch(), recipe.size());
    }

    private Tensor pooled(Params params, Map<String, Tensor> in, boolean cached) {
        return cached ? in.values().iterator().next() : network.pooled(params, in);
    }

    private static Tensor correct(Tensor logits, Tensor labels) {
        Tensor predicted = Tensor.of(new Primitive.ArgMax(1), logits).toFloat();
        return predicted.equal(labels.toFloat()).sumAll();
    }

    private void bindParameters(Executable e, Graph graph) {
        for (Tensor t : graph.nodes()) {
            if (t.op() instanceof Primitive.State s && changing.containsKey(s.name())) {
                e.bind(s.name(), tensor(changing, s.name()));
            }
        }
    }

    private static HostTensor tensor(Map<String, HostTensor> from, String name) {
        HostTensor t = from.get(name);
        if (t == null) {
            throw new IllegalArgumentException("no tensor '" + name + "' but " + from.keySet());
        }
        return t;
    }

    /** The memory of all parameters that change, by name. */
    Map<String, HostTensor> changing() {
        return changing;
    }

    /**
     * The tensors of the finished model: the network's and the classifier's under the names of the checkpoint, with the
     * head's norm folded into the classifier.
     *
     * @param changed the values of {@link #changing}
     */
    Map<String, HostTensor> finished(Map<String, HostTensor> changed, Arena to) {
        Map<String, HostTensor> all = new TreeMap<>();
        Set<String> stored = start.names();
        for (String name : used) {
            if (!name.startsWith("head.")) {
                HostTensor from = changed.get(name);
                all.put(name, from == null ? start.read(name, to) : from);
                if (name.endsWith(MEAN)) {
                    // Hugging Face's classes count batches beside the statistics, which no recipe moves
                    String count = name.substring(0, name.length() - MEAN.length()) + "num_batches_tracked";
                    all.put(
                            count,
                            stored.contains(count)
                                    ? start.read(count, to)
                                    : HostTensor.allocate(to, DType.I64, Shape.of()));
                }
            }
        }
        if (recipe.head().norm()) {
            fold(changed, all, to);
        }
        return all;
    }

    private void fold(Map<String, HostTensor> changed, Map<String, HostTensor> all, Arena to) {
        HostTensor weight = tensor(changed, "classifier.weight");
        HostTensor bias = tensor(changed, "classifier.bias");
        HostTensor scaled = HostTensor.allocate(to, DType.F32, weight.shape());
        HostTensor moved = HostTensor.allocate(to, DType.F32, bias.shape());
        for (int c = 0; c < classes; c++) {
            double sum = bias.get(c);
            for (int k = 0; k < width; k++) {
                double scale = tensor(changed, NORM + ".weight").get(k)
                        / Math.sqrt(
                                (double) tensor(changed, NORM + ".running_var").get(k) + NORM_EPSILON);
                double w = weight.get((long) c * width + k);
                scaled.set((long) c * width + k, (float) (w * scale));
                sum += w
                        * (tensor(changed, NORM + ".bias").get(k)
                                - tensor(changed, NORM + ".running_mean").get(k) * scale);
            }
            moved.set(c, (float) sum);
        }
        all.put("classifier.weight", scaled);
        all.put("classifier.bias", moved);
    }

    @Override
    public void close() {
        start.close();
        arena.close();
    }
}
