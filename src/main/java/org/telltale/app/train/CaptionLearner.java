package org.telltale.app.train;

import java.util.Map;
import java.util.Set;
import org.telltale.app.data.CaptionRows;
import org.telltale.app.data.Features;
import org.telltale.app.data.Minibatch;
import org.telltale.engine.DType;
import org.telltale.engine.Primitive;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.nn.Losses;
import org.telltale.engine.nn.Params;
import org.telltale.engine.spi.Backend;
import org.telltale.engine.spi.CompileOptions;
import org.telltale.models.AttentionGruCaptioner;

/** The attention and GRU captioner, from random numbers, over features of pictures that never change (SPEC §9.5). */
final class CaptionLearner extends Learner {
    private final AttentionGruCaptioner.Config config;

    CaptionLearner(
            Backend backend, CompileOptions options, long seed, AttentionGruCaptioner.Config config, Recipe recipe) {
        super(backend, options, "captioner", new StartWeights(null, Set.of(), seed), recipe);
        this.config = config;
        AttentionGruCaptioner.Config c = config;
        int u = c.units();
        dense("encoder.fc", c.channels(), c.embedding());
        dense("decoder.attention.W1", c.embedding(), u);
        dense("decoder.attention.W2", u, u);
        dense("decoder.attention.V", u, 1);
        dense("decoder.fc1", u, u);
        dense("decoder.fc2", u, c.words());
        start.add("decoder.embedding.embeddings", Shape.of(c.words(), c.embedding()), StartWeights.Rule.UNIFORM_005);
        start.add("decoder.gru.kernel", Shape.of(2 * c.embedding(), 3 * u), StartWeights.Rule.GLOROT_UNIFORM);
        start.add("decoder.gru.recurrent_kernel", Shape.of(u, 3 * u), StartWeights.Rule.GLOROT_UNIFORM);
        start.add("decoder.gru.bias", Shape.of(2, 3 * u), StartWeights.Rule.ZERO);
        Params params = params(start.names(), null, n -> false);
        Map<String, Tensor> in = inputs(false);
        new AttentionGruCaptioner(config, params).teach(input(in, CaptionRows.WORDS), input(in, Features.NAME));
        params.verify();
        begin(start.names(), n -> false);
    }

    private void dense(String name, int in, int out) {
        start.add(name + ".kernel", Shape.of(in, out), StartWeights.Rule.GLOROT_UNIFORM);
        start.add(name + ".bias", Shape.of(out), StartWeights.Rule.ZERO);
    }

    @Override
    Map<String, Tensor> inputs(boolean cached) {
        int batch = recipe.batch();
        int steps = recipe.size() - 1;
        return Map.of(
                Features.NAME,
                Tensor.input(Features.NAME, DType.F32, batch, config.positions(), config.channels()),
                CaptionRows.WORDS,
                Tensor.input(CaptionRows.WORDS, DType.I32, batch, steps),
                CaptionRows.TARGETS,
                Tensor.input(CaptionRows.TARGETS, DType.I32, batch, steps));
    }

    /**
     * The objective is the sum over words of the mean over captions, where a caption that is over counts with a loss of 0;
     * it is not divided by the number of words. What is reported is the mean over the words that there are.
     */
    @Override
    Scores scores(Params params, Map<String, Tensor> in, Tensor labels, boolean cached, boolean training) {
        Tensor targets = input(in, CaptionRows.TARGETS);
        Tensor logits = new AttentionGruCaptioner(config, params)
                .teach(input(in, CaptionRows.WORDS), input(in, Features.NAME))
                .logits();
        Tensor counted = targets.toFloat().greater(Tensor.fill(0));
        Tensor losses = Losses.crossEntropyPerRow(logits, targets).mul(counted);
        Tensor predicted = Tensor.of(new Primitive.ArgMax(2), logits).toFloat();
        Tensor correct = predicted.equal(targets.toFloat()).mul(counted);
        Tensor rows = labels.toFloat()
                .equal(Tensor.fill(Minibatch.NO_LABEL))
                .neg()
                .add(1)
                .sumAll()
                .maximum(Tensor.fill(1));
        Tensor all = losses.sumAll();
        Tensor words = counted.sumAll().maximum(Tensor.fill(1));
        return new Scores(all.div(rows), all.div(words), losses.sum(1), correct.sum(1), counted.sum(1));
    }
}
