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
import org.telltale.app.data.Minibatch;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.autograd.Autograd;
import org.telltale.engine.autograd.ClipByGlobalNorm;
import org.telltale.engine.autograd.Optimizer;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;

/** The memory of all parameters that ever change, and the graphs over them: the step of a phase, and the evaluation. */
abstract class Learner implements AutoCloseable {
    static final String COUNTER = "counter";
    private static final String NUMBERS = "numbers";
    private static final String MEAN = "running_mean";

    private final Backend backend;
    private final CompileOptions options;
    private final String source;
    final StartWeights start;
    final Recipe recipe;
    private final Arena arena = Arena.ofShared();

    /** The parameters of the network and its head, by name. */
    private final Set<String> used = new TreeSet<>();

    /** Parameters that change in any phase, and moving statistics, by name. */
    private final Map<String, HostTensor> changing = new TreeMap<>();

    /** The step that is open, whose device may have newer values of what changes. */
    private @Nullable Step open;

    /** @param source what messages call the checkpoint */
    Learner(Backend backend, CompileOptions options, String source, StartWeights start, Recipe recipe) {
        this.backend = backend;
        this.options = options;
        this.source = source;
        this.start = start;
        this.recipe = recipe;
    }

    /**
     * Reads the parameters that change.
     *
     * @param names of all parameters of the finished model
     * @param statistics which of them change without a gradient
     */
    final void begin(Set<String> names, Predicate<String> statistics) {
        used.addAll(names);
        for (String name : used) {
            if (statistics.test(name) || recipe.phases().stream().anyMatch(p -> trains(p, name))) {
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

    /** What a batch takes beside its labels; cached features in the place of what they are of. */
    abstract Map<String, Tensor> inputs(boolean cached);

    /**
     * What a batch comes to.
     *
     * @param objective scalar, what is differentiated
     * @param reported scalar, the mean loss of what is counted
     * @param losses of each row [batch]
     * @param correct how many predictions of each row are right [batch]
     * @param counted how many there are in each row [batch]
     */
    record Scores(Tensor objective, Tensor reported, Tensor losses, Tensor correct, Tensor counted) {}

    /** @param labels I32 [batch], {@link Minibatch#NO_LABEL} in rows without a sample */
    abstract Scores scores(Params params, Map<String, Tensor> in, Tensor labels, boolean cached, boolean training);

    /** What a parameter becomes in a step, given what the optimizer makes of it. */
    Tensor bounded(String name, Tensor next) {
        return next;
    }

    static boolean trains(Recipe.Phase phase, String name) {
        return !name.contains(".running_") && phase.trained().matcher(name).find();
    }

    final Params params(Set<String> names, @Nullable Tensor counter, Predicate<String> states) {
        return Params.of(source, names, start::shape, start::dtype)
                .training(new Params.Training(states, counter, null));
    }

    /** A compiled step of a phase. */
    final class Step implements AutoCloseable {
        private final Recipe.Phase phase;
        private final Executable executable;
        private final List<String> inputs;

        /** Whether anything is random. */
        private final boolean counted;

        /** Whether the scores depend on the labels. */
        private final boolean labelled;

        /** The names of the parameters that a step changes. */
        private final List<String> changed = new ArrayList<>();

        /** The names of the optimizer's states. */
        private final List<String> optimizer = new ArrayList<>();

        private Step(Recipe.Phase phase, boolean cached) {
            this.phase = phase;
            Tensor counter = Tensor.input(COUNTER, DType.I32, 2);
            Params params = params(start.names(), counter, changing::containsKey);
            Map<String, Tensor> in = inputs(cached);
            inputs = List.copyOf(in.keySet());
            Tensor labels = Tensor.input(Minibatch.LABELS, DType.I32, recipe.batch());
            Scores scores = scores(params, in, labels, cached, true);
            List<Tensor> parameters = new ArrayList<>();
            for (Tensor t : Graph.order(List.of(scores.objective))) {
                if (t.op() instanceof Primitive.State s && trains(phase, s.name())) {
                    parameters.add(t);
                }
            }
            ClipByGlobalNorm clipped = ClipByGlobalNorm.of(
                    Autograd.gradients(scores.objective, parameters),
                    phase.clip() > 0 ? phase.clip() : Float.MAX_VALUE);
            Tensor numbers = Tensor.input(NUMBERS, DType.F32, Optimizer.NUMBERS);
            Map<Tensor, Tensor> updates = new LinkedHashMap<>();
            for (int i = 0; i < parameters.size(); i++) {
                String name = ((Primitive.State) parameters.get(i).op()).name();
                Tensor parameter = parameters.get(i);
                updates.putAll(phase.optimizer()
                        .update(name, parameter, clipped.gradients().get(i), numbers));
                updates.computeIfPresent(parameter, (p, next) -> bounded(name, next));
            }
            params.updates()
                    .forEach((name, value) ->
                            updates.put(params.f32(name, value.shape().dims()), value));
            Graph graph = Graph.of(
                    source + " " + phase.name(),
                    List.of(scores.reported, scores.correct.sumAll(), clipped.norm(), scores.counted.sumAll()),
                    updates);
            counted = graph.nodes().contains(counter);
            labelled = graph.nodes().contains(labels);
            executable = backend.compile(graph, start, options);
            for (Tensor s : updates.keySet()) {
                String name = ((Primitive.State) s.op()).name();
                (changing.containsKey(name) ? changed : optimizer).add(name);
            }
            bindParameters(executable, graph);
            open = this;
        }

        /**
         * What a step tells.
         *
         * @param loss mean of what is counted
         */
        record Result(float loss, int correct, float norm, int counted) {}

        /**
         * @param counter seed and number of the step over all phases, for the random numbers
         * @param number of the step in its phase, from 0, for the optimizer
         */
        Result run(Map<String, HostTensor> batch, int[] counter, long number, double rate) {
            inputs.forEach(name -> executable.bind(name, tensor(batch, name)));
            if (labelled) {
                executable.bind(Minibatch.LABELS, tensor(batch, Minibatch.LABELS));
            }
            if (counted) {
                executable.input(COUNTER).setInts(counter);
            }
            executable.input(NUMBERS).set(phase.optimizer().numbers(number, rate));
            executable.run();
            return new Result(
                    executable.output(0).get(0),
                    (int) executable.output(1).get(0),
                    executable.output(2).get(0),
                    (int) executable.output(3).get(0));
        }

        /** The states of the optimizer, by name, as they are now. */
        Map<String, HostTensor> states() {
            Map<String, HostTensor> states = new TreeMap<>();
            optimizer.forEach(name -> states.put(name, executable.state(name)));
            return states;
        }

        @Override
        public void close() {
            open = null;
            executable.close();
        }
    }

    Step step(Recipe.Phase phase, boolean cachedFeatures) {
        return new Step(phase, cachedFeatures);
    }

    /** Losses and right predictions of batches, without dropout. */
    final class Evaluation implements AutoCloseable {
        private final Executable executable;
        private final List<String> inputs;

        /** Whether the scores depend on the labels. */
        private final boolean labelled;

        private Evaluation(boolean cached) {
            Params params = params(start.names(), null, changing::containsKey);
            Map<String, Tensor> in = inputs(cached);
            inputs = List.copyOf(in.keySet());
            Tensor labels = Tensor.input(Minibatch.LABELS, DType.I32, recipe.batch());
            Scores scores = scores(params, in, labels, cached, false);
            Graph graph = Graph.of(source + " evaluation", scores.losses, scores.correct, scores.counted);
            labelled = graph.nodes().contains(labels);
            executable = backend.compile(graph, start, options);
            bindParameters(executable, graph);
        }

        /** Scores the rows of a batch. */
        void run(Map<String, HostTensor> batch) {
            inputs.forEach(name -> executable.bind(name, tensor(batch, name)));
            if (labelled) {
                executable.bind(Minibatch.LABELS, tensor(batch, Minibatch.LABELS));
            }
            executable.run();
        }

        float loss(int row) {
            return executable.output(0).get(row);
        }

        int correct(int row) {
            return (int) executable.output(1).get(row);
        }

        int counted(int row) {
            return (int) executable.output(2).get(row);
        }

        @Override
        public void close() {
            executable.close();
        }
    }

    Evaluation evaluation(boolean cachedFeatures) {
        return new Evaluation(cachedFeatures);
    }

    /** Compiles a graph over the parameters as they are now. */
    final Executable compile(Graph graph) {
        Executable e = backend.compile(graph, start, options);
        bindParameters(e, graph);
        return e;
    }

    private void bindParameters(Executable e, Graph graph) {
        for (Tensor t : graph.nodes()) {
            if (t.op() instanceof Primitive.State s && changing.containsKey(s.name())) {
                e.bind(s.name(), tensor(changing, s.name()));
            }
        }
    }

    static Tensor input(Map<String, Tensor> in, String name) {
        Tensor t = in.get(name);
        if (t == null) {
            throw new IllegalArgumentException("no input '" + name + "' but " + in.keySet());
        }
        return t;
    }

    static HostTensor tensor(Map<String, HostTensor> from, String name) {
        HostTensor t = from.get(name);
        if (t == null) {
            throw new IllegalArgumentException("no tensor '" + name + "' but " + from.keySet());
        }
        return t;
    }

    /** The memory of all parameters that change, by name, with their values as they are now, to be read or changed. */
    Map<String, HostTensor> changing() {
        Step step = open;
        if (step != null) {
            step.changed.forEach(step.executable::state);
        }
        return changing;
    }

    /**
     * The tensors of the finished model under the names of its checkpoint.
     *
     * @param changed the values of {@link #changing}
     */
    Map<String, HostTensor> finished(Map<String, HostTensor> changed, Arena to) {
        Map<String, HostTensor> all = new TreeMap<>();
        Set<String> stored = start.names();
        for (String name : used) {
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
        return all;
    }

    @Override
    public void close() {
        start.close();
        arena.close();
    }
}
