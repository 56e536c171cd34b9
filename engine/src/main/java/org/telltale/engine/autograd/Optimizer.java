package org.telltale.engine.autograd;

import java.util.Map;
import org.telltale.engine.Tensor;

/**
 * How gradients change parameters: an expression of what parameters and the rule's own states become, and the numbers that
 * each step feeds to it.
 */
public sealed interface Optimizer permits Adam, RmsProp, Sgd {
    /** How many numbers {@link #numbers} gives. */
    int NUMBERS = 3;

    /**
     * What depends on the step alone, computed in double.
     *
     * @param step from 0
     * @param rate the learning rate of this step
     * @return {@link #NUMBERS} numbers
     */
    float[] numbers(long step, double rate);

    /**
     * What a parameter and the states of its rule become. States start at zero; their names are the parameter's with a
     * suffix.
     *
     * @param name of the parameter
     * @param parameter its state
     * @param gradient of its shape
     * @param numbers F32 [{@link #NUMBERS}], filled from {@link #numbers(long, double)} before each step
     */
    Map<Tensor, Tensor> update(String name, Tensor parameter, Tensor gradient, Tensor numbers);

    /** One of the numbers, [1]. */
    static Tensor number(Tensor numbers, int index) {
        return numbers.slice(0, index, index + 1);
    }

    /** A state of the rule, of the parameter's shape. */
    static Tensor state(String name, String suffix, Tensor parameter) {
        return Tensor.state(name + "/" + suffix, parameter.shape().dims());
    }
}
