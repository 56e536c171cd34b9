package org.telltale.app.experiment;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.telltale.app.data.DataException;

/** Reads the parts of a mapping by their names. What is asked for is what may be there; the rest is refused in the end. */
final class PlanFields {
    private final PlanNode.Mapping mapping;
    private final String what;
    private final Set<String> known = new LinkedHashSet<>();

    /** @param what the mapping describes, for the messages */
    private PlanFields(PlanNode.Mapping mapping, String what) {
        this.mapping = mapping;
        this.what = what;
    }

    /** Of a node that should be a mapping; nothing at all is an empty one. */
    static PlanFields of(PlanNode node, String what) {
        return switch (node) {
            case PlanNode.Mapping m -> new PlanFields(m, what);
            case PlanNode.Scalar s -> {
                if (!s.text().isEmpty()) {
                    throw expected(s, what, "keys with values", "'" + s.text() + "'");
                }
                yield new PlanFields(new PlanNode.Mapping(s.where(), Map.of()), what);
            }
            case PlanNode.Sequence s -> throw expected(s, what, "keys with values", "a list");
        };
    }

    private static DataException expected(PlanNode node, String what, String wanted, String found) {
        return new DataException(node.where() + ": " + what + ": expected " + wanted + ", found " + found);
    }

    String where() {
        return mapping.where();
    }

    /** A message about a part. */
    DataException wrong(String key, String message) {
        PlanNode node = mapping.parts().get(key);
        return new DataException((node == null ? mapping : node).where() + ": " + what + ": " + message);
    }

    Optional<PlanNode> node(String key) {
        known.add(key);
        return Optional.ofNullable(mapping.parts().get(key));
    }

    Optional<String> text(String key) {
        return node(key).map(n -> scalar(n, key));
    }

    private String scalar(PlanNode node, String key) {
        if (node instanceof PlanNode.Scalar s) {
            if (s.text().isBlank()) {
                throw expected(node, what, "a value for '" + key + "'", "nothing");
            }
            return s.text();
        }
        throw expected(node, what, "one value for '" + key + "'", node instanceof PlanNode.Mapping ? "keys" : "a list");
    }

    String required(String key) {
        return text(key).orElseThrow(() -> new DataException(where() + ": " + what + ": '" + key + "' is missing"));
    }

    /** A number, or nothing. */
    OptionalInt integer(String key, int least, int most) {
        Optional<Double> d = number(key, least, most);
        if (d.isPresent() && d.get() != Math.rint(d.get())) {
            throw wrong(key, key + " is " + d.get() + ", expected a whole number");
        }
        return d.map(v -> OptionalInt.of(v.intValue())).orElse(OptionalInt.empty());
    }

    Optional<Double> number(String key, double least, double most) {
        return text(key).map(t -> number(key, t, least, most));
    }

    private double number(String key, String text, double least, double most) {
        double d;
        try {
            d = Double.parseDouble(text);
        } catch (NumberFormatException e) {
            throw wrong(key, key + " is '" + text + "', expected a number");
        }
        if (!(d >= least && d <= most)) {
            throw wrong(key, key + " is " + text + ", expected " + shown(least) + " to " + shown(most));
        }
        return d;
    }

    private static String shown(double d) {
        return d == Math.rint(d) && Math.abs(d) < 1e15 ? Long.toString((long) d) : Double.toString(d);
    }

    /** A list of values; one value is a list of one. */
    List<String> texts(String key) {
        Optional<PlanNode> node = node(key);
        if (node.isEmpty()) {
            return List.of();
        }
        if (node.get() instanceof PlanNode.Sequence s) {
            List<String> all = new ArrayList<>();
            s.parts().forEach(p -> all.add(scalar(p, key)));
            return all;
        }
        return List.of(scalar(node.get(), key));
    }

    List<Double> numbers(String key, double least, double most) {
        return texts(key).stream().map(t -> number(key, t, least, most)).toList();
    }

    /** One of some words, whatever their case; the constants of an enumeration, as they are written. */
    <E extends Enum<E>> E word(String key, Class<E> of, E otherwise) {
        Optional<String> text = text(key);
        if (text.isEmpty()) {
            return otherwise;
        }
        List<String> words = new ArrayList<>();
        for (E e : of.getEnumConstants()) {
            String word = e.name().toLowerCase(Locale.ROOT);
            if (word.equals(text.get().toLowerCase(Locale.ROOT))) {
                return e;
            }
            words.add(word);
        }
        throw wrong(key, key + " is '" + text.get() + "', expected " + String.join(" or ", words));
    }

    boolean flag(String key, boolean otherwise) {
        Optional<String> text = text(key);
        if (text.isPresent() && !text.get().equals("true") && !text.get().equals("false")) {
            throw wrong(key, key + " is '" + text.get() + "', expected true or false");
        }
        return text.map(Boolean::parseBoolean).orElse(otherwise);
    }

    /** Parts whose names are free, each a mapping. */
    Map<String, PlanFields> named(String key) {
        Map<String, PlanFields> all = new LinkedHashMap<>();
        node(key).ifPresent(n -> {
            for (Map.Entry<String, PlanNode> e :
                    PlanFields.of(n, key).mapping.parts().entrySet()) {
                all.put(e.getKey(), PlanFields.of(e.getValue(), e.getKey()));
            }
        });
        return all;
    }

    /** A part that is a mapping, or an empty one. */
    PlanFields part(String key) {
        return PlanFields.of(node(key).orElse(new PlanNode.Scalar(where(), "")), what + ": " + key);
    }

    /** Refuses what was not asked for, naming the nearest of what was. */
    void done() {
        mapping.parts().forEach((key, node) -> {
            if (!known.contains(key)) {
                String nearest = known.stream()
                        .min(java.util.Comparator.comparingInt(k -> distance(k, key)))
                        .filter(k -> distance(k, key) <= Math.max(2, key.length() / 2))
                        .map(k -> "; did you mean '" + k + "'?")
                        .orElse("");
                throw new DataException(node.where() + ": " + what + ": unknown key '" + key + "'" + nearest
                        + " Known are " + String.join(", ", known));
            }
        });
    }

    /** Levenshtein's. */
    static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int above = row[j];
                int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(change, Math.min(above, row[j - 1]) + 1);
                diagonal = above;
            }
        }
        return row[b.length()];
    }
}
