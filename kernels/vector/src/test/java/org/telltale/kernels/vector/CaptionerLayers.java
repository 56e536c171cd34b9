package org.telltale.kernels.vector;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.telltale.engine.Activation;
import org.telltale.engine.Fused;
import org.telltale.engine.Shape;
import org.telltale.engine.Tensor;
import org.telltale.engine.nn.Bahdanau;
import org.telltale.engine.nn.Losses;

/**
 * The attention captioner (SPEC §9.4) from layers, for tests of their gradients: an encoder, and a decoder that is shown the
 * true tokens.
 *
 * @param weight a parameter by its name, kernels [in, out]
 */
record CaptionerLayers(Function<String, Tensor> weight) {
    /** The token that fills up short captions. */
    private static final int PAD = 0;

    /**
     * One token further.
     *
     * @param logits [B, vocabulary]
     * @param hidden [B, units], what the next step attends with
     * @param attention [B, places]
     */
    record Step(Tensor logits, Tensor hidden, Tensor attention) {}

    /**
     * All steps of a batch.
     *
     * @param encoded [B, places, width]
     * @param losses of each step, scalars: the mean over all rows
     * @param loss their sum, which is differentiated
     */
    record Unrolled(Tensor encoded, List<Step> steps, List<Tensor> losses, Tensor loss) {
        /** Something of every step [B, steps, n]. */
        Tensor all(Function<Step, Tensor> what) {
            List<Tensor> rows = new ArrayList<>();
            for (Step s : steps) {
                Tensor t = what.apply(s);
                rows.add(t.reshape(t.dim(0), 1, t.dim(1)));
            }
            return Tensor.concat(1, rows.toArray(Tensor[]::new));
        }
    }

    private Tensor dense(String name, Tensor x) {
        return x.matmul(weight.apply(name + ".kernel")).add(weight.apply(name + ".bias"));
    }

    /** Features [B, places, F] to [B, places, width]. */
    Tensor encode(Tensor features) {
        return dense("encoder.fc", features).activate(Activation.RELU);
    }

    /** Tokens [B] and the hidden state before; the GRU itself always starts from zero. */
    Step step(Tensor encoded, Tensor tokens, Tensor hidden) {
        Bahdanau.Attended attended = Bahdanau.of(
                encoded,
                hidden,
                weight.apply("decoder.attention.W1.kernel"),
                weight.apply("decoder.attention.W1.bias"),
                weight.apply("decoder.attention.W2.kernel"),
                weight.apply("decoder.attention.W2.bias"),
                weight.apply("decoder.attention.V.kernel"),
                weight.apply("decoder.attention.V.bias"));
        Tensor embedded = weight.apply("decoder.embedding.embeddings").gather(tokens);
        Tensor state = Tensor.of(
                new Fused.GruCell(),
                Tensor.concat(1, attended.context(), embedded),
                Tensor.zeros(hidden.shape()),
                weight.apply("decoder.gru.kernel"),
                weight.apply("decoder.gru.recurrent_kernel"),
                weight.apply("decoder.gru.bias"));
        return new Step(dense("decoder.fc2", dense("decoder.fc1", state)), state, attended.weights());
    }

    /**
     * The steps from a zero state.
     *
     * @param tokens I32 [B] each: the token that starts every caption, then those that are to be predicted
     */
    Unrolled unroll(Tensor features, List<Tensor> tokens) {
        Tensor encoded = encode(features);
        int units = weight.apply("decoder.gru.recurrent_kernel").dim(0);
        Tensor hidden = Tensor.zeros(Shape.of(features.dim(0), units));
        List<Step> steps = new ArrayList<>();
        List<Tensor> losses = new ArrayList<>();
        Tensor loss = Tensor.fill(0);
        for (int t = 1; t < tokens.size(); t++) {
            Step s = step(encoded, tokens.get(t - 1), hidden);
            hidden = s.hidden;
            steps.add(s);
            Tensor l = Losses.maskedCrossEntropy(s.logits, tokens.get(t), PAD, Losses.Divisor.ALL_ROWS);
            losses.add(l);
            loss = loss.add(l);
        }
        return new Unrolled(encoded, steps, losses, loss);
    }
}
