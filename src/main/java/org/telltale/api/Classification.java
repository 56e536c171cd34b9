package org.telltale.api;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The probability of each label, in the order of the model's ids. */
public record Classification(List<Label> labels) {
    /** A label and its probability. */
    public record Label(String name, double probability) {}

    /** The likeliest label; the first of equal ones. */
    public Label top() {
        return labels.stream()
                .max(Comparator.comparingDouble(Label::probability).thenComparingInt(l -> -labels.indexOf(l)))
                .orElseThrow();
    }

    static Classification of(List<String> names, float[] probabilities, int from) {
        List<Label> labels = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            labels.add(new Label(names.get(i), probabilities[from + i]));
        }
        return new Classification(List.copyOf(labels));
    }
}
