package org.telltale.app.train;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.telltale.app.data.Minibatch;
import org.telltale.engine.DType;
import org.telltale.engine.Graph;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;

/** A network that learns from pictures with captions; all of it can change. */
final class CaptionedLearner extends Learner {
    /** CLIP's scale never multiplies by more than 100. */
    private static final float MAX_SCALE = (float) Math.log(100);

    private final CaptionedNetwork network;
    private final int side;
    private final int tokens;

    /**
     * @param start all tensors of a checkpoint, or none
     * @param deviation of random numbers that parameters start from
     * @param scratch whether parameters are drawn
     * @param tokens of a text in a batch
     */
    CaptionedLearner(
            Backend backend,
            CompileOptions options,
            String source,
            StartWeights start,
            double deviation,
            boolean scratch,
            CaptionedNetwork network,
            Recipe recipe,
            int side,
            int tokens) {
        super(backend, options, source, start, recipe);
        this.network = network;
        this.side = side;
        this.tokens = tokens;
        Params looking = params(scratch ? Set.of() : start.names(), null, n -> false);
        Map<String, Shape> used = new TreeMap<>();
        Tensor labels = Tensor.input(Minibatch.LABELS, DType.I32, recipe.batch());
        Tensor objective = scores(looking, inputs(false), labels, false, false).objective();
        for (Tensor t : Graph.order(List.of(objective))) {
            if (t.op() instanceof Primitive.Weight w) {
                used.put(w.name(), w.extents());
            }
        }
        if (scratch) {
            used.forEach((name, shape) -> draw(name, shape, deviation));
        }
        Params params = params(start.names(), null, n -> false);
        scores(params, inputs(false), labels, false, false);
        params.verify();
        begin(used.keySet(), n -> false);
    }

    private void draw(String name, Shape shape, double deviation) {
        if (name.equals(CaptionedNetwork.Matching.SCALE)) {
            start.add(name, shape, StartWeights.Rule.LOG_SCALE);
        } else if (name.endsWith("bias")) {
            start.add(name, shape, StartWeights.Rule.ZERO);
        } else if (shape.rank() == 1 && !name.endsWith("class_embedding")) {
            start.add(name, shape, StartWeights.Rule.ONE);
        } else {
            start.addNormal(name, shape, deviation);
        }
    }

    @Override
    Map<String, Tensor> inputs(boolean cached) {
        return network.inputs(recipe.batch(), side, tokens);
    }

    @Override
    Scores scores(Params params, Map<String, Tensor> in, Tensor labels, boolean cached, boolean training) {
        Tensor present =
                labels.toFloat().equal(Tensor.fill(Minibatch.NO_LABEL)).neg().add(1);
        return network.scores(params, in, present, recipe.smoothing());
    }

    /** CLIP's scale stays from 1 to 100. It has no extents, but the optimizer's numbers have one. */
    @Override
    Tensor bounded(String name, Tensor next) {
        return name.equals(CaptionedNetwork.Matching.SCALE)
                ? next.reshape(Shape.of())
                        .maximum(Tensor.fill(0))
                        .neg()
                        .maximum(Tensor.fill(-MAX_SCALE))
                        .neg()
                : next;
    }
}
