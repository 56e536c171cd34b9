package org.telltale.engine.autograd;

import java.util.LinkedHashMap;
import java.util.Map;
import org.telltale.engine.Tensor;

/**
 * Stochastic gradient descent: {@code v = momentum v - rate g; w += v}, or with Nesterov's look ahead
 * {@code w += momentum v - rate g} (Keras).
 */
public record Sgd(double momentum, boolean nesterov) implements Optimizer {
    @Override
    public float[] numbers(long step, double rate) {
        return new float[] {(float) rate, 0, 0};
    }

    @Override
    public Map<Tensor, Tensor> update(String name, Tensor parameter, Tensor gradient, Tensor numbers) {
        Tensor step = gradient.mul(Optimizer.number(numbers, 0));
        if (momentum == 0) {
            return Map.of(parameter, parameter.sub(step));
        }
        Tensor velocity = Optimizer.state(name, "v", parameter);
        Tensor moved = velocity.mul((float) momentum).sub(step);
        Map<Tensor, Tensor> updates = new LinkedHashMap<>();
        updates.put(velocity, moved);
        updates.put(
                parameter, parameter.add(nesterov ? moved.mul((float) momentum).sub(step) : moved));
        return updates;
    }
}
