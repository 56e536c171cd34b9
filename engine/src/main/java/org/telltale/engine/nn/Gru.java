package org.telltale.engine.nn;

import org.telltale.engine.Activation;
import org.telltale.engine.Tensor;

/** Keras' GRU layer called without a state; {@link org.telltale.engine.Fused.GruCell} is the cell with one. */
public final class Gru {
    private Gru() {}

    /**
     * The state [B, U] after one step from a state of zeros, of x [B, in].
     *
     * <p>The recurrent kernel is multiplied by zeros, so it has no part in this. Its bias has one: the reset gate still
     * scales it in the candidate.
     *
     * @param kernel [in, 3U]: update gate, reset gate, candidate
     * @param bias [2, 3U]: the input's, the state's
     */
    public static Tensor fromZero(Tensor x, Tensor kernel, Tensor bias) {
        int u = kernel.dim(1) / 3;
        Tensor a = x.matmul(kernel).add(bias.slice(0, 0, 1));
        Tensor b = bias.slice(0, 1, 2);
        Tensor gates = a.slice(1, 0, 2 * u).add(b.slice(1, 0, 2 * u)).activate(Activation.SIGMOID);
        Tensor update = gates.slice(1, 0, u);
        Tensor reset = gates.slice(1, u, 2 * u);
        Tensor candidate = a.slice(1, 2 * u, 3 * u)
                .add(reset.mul(b.slice(1, 2 * u, 3 * u)))
                .activate(Activation.TANH);
        return update.neg().add(1).mul(candidate);
    }
}
