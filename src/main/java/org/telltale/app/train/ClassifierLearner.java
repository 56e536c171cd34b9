package org.telltale.app.train;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.telltale.app.data.Features;
import org.telltale.app.data.Minibatch;
import org.telltale.engine.DType;
import org.telltale.engine.Fused;
import org.telltale.engine.Graph;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.nn.BatchNorm;
import org.telltale.engine.nn.Linear;
import org.telltale.engine.nn.Losses;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.engine.spi.Executable;

/** A network with a new head that classifies, and the features of a base that stays as it is. */
final class ClassifierLearner extends Learner {
    private static final String NORM = "head.batchnorm";

    /** Keras' batch normalisation layer. */
    private static final float NORM_EPSILON = 1e-3f;

    private static final Params.MovingStatistics NORM_STATISTICS =
            new Params.MovingStatistics(BatchNorm.MovingVariance.BIASED, 0.99);

    private final Network network;
    private final int classes;
    private final int width;

    /**
     * @param source what messages call the checkpoint
     * @param start all parameters of the base; gets those of the head
     * @param scratch whether parameters of the base that {@code start} lacks are drawn
     */
    ClassifierLearner(
            Backend backend,
            CompileOptions options,
            String source,
            StartWeights start,
            boolean scratch,
            Network network,
            Recipe recipe,
            int classes) {
        super(backend, options, source, start, recipe);
        this.network = network;
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
        Set<String> used = new TreeSet<>(base.keySet());
        start.names().stream().filter(n -> n.matches(Recipe.HEAD + ".*")).forEach(used::add);
        begin(used, name -> name.startsWith(NORM + ".running_"));
    }

    /** Reports everything about the checkpoint that does not fit, at once. */
    private void verify() {
        Params params = params(start.names(), null, n -> false);
        logits(params, network.pooled(params, network.inputs(1, recipe.size())), false);
        params.verify();
    }

    /** Width of the features. */
    int width() {
        return width;
    }

    /** Whether the features of a phase's pictures never change, so that they may be computed once. */
    boolean fixedFeatures(Recipe.Phase phase) {
        boolean baseChanges =
                changing().keySet().stream().anyMatch(n -> trains(phase, n) && !n.matches(Recipe.HEAD + ".*"));
        if (baseChanges || !recipe.augmentation().transforms().isEmpty()) {
            return false;
        }
        Tensor counter = Tensor.input(COUNTER, DType.I32, 2);
        Tensor pooled = network.pooled(
                params(start.names(), counter, changing()::containsKey), network.inputs(1, recipe.size()));
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

    @Override
    Scores scores(Params params, Map<String, Tensor> in, Tensor labels, boolean cached, boolean training) {
        Tensor logits = logits(params, pooled(params, in, cached), training);
        Tensor loss = Losses.maskedCrossEntropy(logits, labels, Minibatch.NO_LABEL, Losses.Divisor.COUNTED_ROWS);
        Tensor predicted = Tensor.of(new Primitive.ArgMax(1), logits).toFloat();
        Tensor counted =
                labels.toFloat().equal(Tensor.fill(Minibatch.NO_LABEL)).neg().add(1);
        return new Scores(
                loss, loss, Losses.crossEntropyPerRow(logits, labels), predicted.equal(labels.toFloat()), counted);
    }

    /** The features of batches, with the base as it started. */
    Executable featuresOf() {
        Params params = params(start.names(), null, changing()::containsKey);
        return compile(Graph.of("features", network.pooled(params, inputs(false))));
    }

    @Override
    Map<String, Tensor> inputs(boolean cached) {
        return cached
                ? Map.of(Features.NAME, Tensor.input(Features.NAME, DType.F32, recipe.batch(), width))
                : network.inputs(recipe.batch(), recipe.size());
    }

    private Tensor pooled(Params params, Map<String, Tensor> in, boolean cached) {
        return cached ? in.values().iterator().next() : network.pooled(params, in);
    }

    @Override
    Map<String, HostTensor> finished(Map<String, HostTensor> changed, Arena to) {
        Map<String, HostTensor> all = super.finished(changed, to);
        all.keySet().removeIf(name -> name.startsWith("head."));
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
}
