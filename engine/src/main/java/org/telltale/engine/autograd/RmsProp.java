package org.telltale.engine.autograd;

import java.util.LinkedHashMap;
import java.util.Map;
import org.telltale.engine.Tensor;

/**
 * RMSprop without momentum: {@code v = rho v + (1 - rho) g^2}, then the parameter less {@code rate g} over the root of v.
 *
 * @param epsilon by the place: inside the root or outside
 */
public record RmsProp(double rho, double epsilon, Place place) implements Optimizer {
    /** Where epsilon stands. */
    public enum Place {
        /** {@code sqrt(v + epsilon)}: Keras from TensorFlow 2.11 on; small gradients move weights far less. */
        INSIDE_ROOT,
        /** {@code sqrt(v) + epsilon}: Keras before that, PyTorch. */
        OUTSIDE_ROOT
    }

    /** Keras' RMSprop: rho 0.9, epsilon 1e-7. */
    public static RmsProp keras(Place place) {
        return new RmsProp(0.9, 1e-7, place);
    }

    @Override
    public float[] numbers(long step, double rate) {
        return new float[] {(float) rate, 0, 0};
    }

    @Override
    public Map<Tensor, Tensor> update(String name, Tensor parameter, Tensor gradient, Tensor numbers) {
        Tensor v = Optimizer.state(name, "v", parameter);
        Tensor square = v.mul((float) rho).add(gradient.square().mul((float) (1 - rho)));
        Tensor root = switch (place) {
            case INSIDE_ROOT -> square.add((float) epsilon).sqrt();
            case OUTSIDE_ROOT -> square.sqrt().add((float) epsilon);
        };
        Map<Tensor, Tensor> updates = new LinkedHashMap<>();
        updates.put(v, square);
        updates.put(
                parameter,
                parameter.sub(gradient.mul(Optimizer.number(numbers, 0)).div(root)));
        return updates;
    }
}
