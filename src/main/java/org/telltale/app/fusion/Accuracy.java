package org.telltale.app.fusion;

import java.util.List;
import java.util.Optional;
import org.telltale.app.data.Scores;
import org.telltale.app.data.Truth;

/**
 * How often the likeliest label is the true one.
 *
 * @param known of how many the true label is known
 */
public record Accuracy(int correct, int known) {
    public static Accuracy of(List<Scores> scores, Truth truth) {
        int correct = 0;
        int known = 0;
        for (Scores s : scores) {
            Optional<String> label = truth.label(s.id());
            if (label.isPresent()) {
                known++;
                correct += label.get().equals(s.top()) ? 1 : 0;
            }
        }
        return new Accuracy(correct, known);
    }

    /** From 0 to 1; NaN when no true label is known. */
    public double value() {
        return (double) correct / known;
    }
}
