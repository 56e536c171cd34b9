package org.telltale.engine.autograd;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.telltale.engine.Tensor;

/**
 * Adam, and AdamW where the decay is not 0. With m and v the running means of the gradient and of its square, and t from
 * 1: {@code w -= rate decay w}, then {@code w -= rate m^ / (sqrt(v^) + epsilon)}.
 *
 * @param epsilon by the place: added to the root of v before its bias is corrected, or after
 * @param decay decoupled weight decay, times the learning rate
 * @param undecayed a regular expression; parameters in whose name it is found do not decay
 */
public record Adam(double beta1, double beta2, double epsilon, Place place, double decay, Pattern undecayed)
        implements Optimizer {
    /** Where epsilon stands. */
    public enum Place {
        /** {@code m sqrt(1 - beta2^t) / (1 - beta1^t) / (sqrt(v) + epsilon)}: Keras and TensorFlow's model garden. */
        BEFORE_CORRECTION,
        /** {@code m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon)}: the paper of Adam, PyTorch. */
        AFTER_CORRECTION
    }

    private static final Pattern NOTHING = Pattern.compile("(?!)");

    /** Keras' Adam: epsilon 1e-7. */
    public static Adam keras() {
        return new Adam(0.9, 0.999, 1e-7, Place.BEFORE_CORRECTION, 0, NOTHING);
    }

    /** {@code torch.optim.Adam}: epsilon 1e-8. */
    public static Adam torch() {
        return new Adam(0.9, 0.999, 1e-8, Place.AFTER_CORRECTION, 0, NOTHING);
    }

    /** {@code torch.optim.AdamW}: decay 0.01 of all parameters. */
    public static Adam torchDecayed() {
        return new Adam(0.9, 0.999, 1e-8, Place.AFTER_CORRECTION, 0.01, NOTHING);
    }

    /** The model garden's AdamW for BERT (SPEC §13.3): epsilon 1e-6, decay 0.01 save of norms and biases. */
    public static Adam gardenDecayed() {
        return new Adam(0.9, 0.999, 1e-6, Place.BEFORE_CORRECTION, 0.01, Pattern.compile("LayerNorm|layer_norm|bias"));
    }

    @Override
    public float[] numbers(long step, double rate) {
        double t = step + 1.0;
        double first = 1 - Math.pow(beta1, t);
        double second = Math.sqrt(1 - Math.pow(beta2, t));
        return switch (place) {
            case BEFORE_CORRECTION -> new float[] {(float) (rate * second / first), 1, (float) (rate * decay)};
            case AFTER_CORRECTION -> new float[] {(float) (rate / first), (float) (1 / second), (float) (rate * decay)};
        };
    }

    @Override
    public Map<Tensor, Tensor> update(String name, Tensor parameter, Tensor gradient, Tensor numbers) {
        Tensor m = Optimizer.state(name, "m", parameter);
        Tensor v = Optimizer.state(name, "v", parameter);
        Tensor mean = m.mul((float) beta1).add(gradient.mul((float) (1 - beta1)));
        Tensor square = v.mul((float) beta2).add(gradient.square().mul((float) (1 - beta2)));
        boolean decays = decay != 0 && !undecayed.matcher(name).find();
        Tensor kept = decays ? parameter.sub(parameter.mul(Optimizer.number(numbers, 2))) : parameter;
        Tensor root = square.sqrt().mul(Optimizer.number(numbers, 1)).add((float) epsilon);
        Map<Tensor, Tensor> updates = new LinkedHashMap<>();
        updates.put(m, mean);
        updates.put(v, square);
        updates.put(parameter, kept.sub(mean.mul(Optimizer.number(numbers, 0)).div(root)));
        return updates;
    }
}
