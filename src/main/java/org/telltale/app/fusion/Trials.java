package org.telltale.app.fusion;

import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/**
 * A number that was measured once for every trial, such as an accuracy.
 *
 * @param values by trial, in order
 */
public record Trials(List<Double> values) {
    /** Of the interval around the mean. */
    private static final double CONFIDENCE = 0.95;

    private static final int BISECTIONS = 100;

    public Trials {
        values = List.copyOf(values);
    }

    public int count() {
        return values.size();
    }

    /** Empty without a trial. */
    public OptionalDouble mean() {
        if (values.isEmpty()) {
            return OptionalDouble.empty();
        }
        double sum = 0;
        for (double v : values) {
            sum += v;
        }
        return OptionalDouble.of(sum / values.size());
    }

    /** The sample standard deviation, whose denominator is n - 1; empty for fewer than two trials. */
    public OptionalDouble deviation() {
        if (values.size() < 2) {
            return OptionalDouble.empty();
        }
        double mean = mean().orElseThrow();
        double squares = 0;
        for (double v : values) {
            squares += (v - mean) * (v - mean);
        }
        return OptionalDouble.of(Math.sqrt(squares / (values.size() - 1)));
    }

    /**
     * Half the width of the 95 % interval of the mean by Student's t. It tells of trainings that begin at another point on the
     * same data, not of other pictures; empty for fewer than two trials.
     */
    public OptionalDouble margin() {
        OptionalDouble deviation = deviation();
        return deviation.isEmpty()
                ? deviation
                : OptionalDouble.of(
                        quantile(values.size() - 1, CONFIDENCE) * deviation.getAsDouble() / Math.sqrt(values.size()));
    }

    /** These less others, trial by trial, as far as both have them. */
    public Trials minus(Trials others) {
        int both = Math.min(count(), others.count());
        return new Trials(IntStream.range(0, both)
                .mapToObj(k -> values.get(k) - others.values.get(k))
                .toList());
    }

    /**
     * The t between whose negative and which a share of Student's distribution lies.
     *
     * @param freedom degrees of freedom, at least 1
     * @param share above 0 and below 1
     */
    static double quantile(int freedom, double share) {
        double low = 0;
        double high = Math.PI / 2;
        for (int i = 0; i < BISECTIONS; i++) {
            double middle = (low + high) / 2;
            if (within(freedom, middle) < share) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return Math.tan(low) * Math.sqrt(freedom);
    }

    /**
     * The share of Student's distribution between -t and t, where tan(angle) = t / sqrt(freedom): the finite series of
     * Abramowitz and Stegun, 26.7.3 and 26.7.4.
     */
    private static double within(int freedom, double angle) {
        double square = Math.cos(angle) * Math.cos(angle);
        boolean odd = freedom % 2 == 1;
        double term = odd ? Math.cos(angle) : 1;
        double sum = 0;
        for (int power = odd ? 1 : 0; power <= freedom - 2; power += 2) {
            sum += term;
            term *= square * (power + 1) / (power + 2);
        }
        return odd ? 2 / Math.PI * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
    }
}
