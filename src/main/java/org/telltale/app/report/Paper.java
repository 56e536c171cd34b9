package org.telltale.app.report;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.telltale.app.data.Split;

/**
 * The figures that the paper gives: Udo and Koshinaka, <i>Image Captioners Sometimes Tell More Than Images They See</i>,
 * tables 1 and 2. They belong to tasks and systems of the same name and to no others: BLIP is not BLIP-2.
 */
final class Paper {
    /** As a report cites it. */
    static final String TITLE = "Udo and Koshinaka, Image Captioners Sometimes Tell More Than Images They See";

    /** How often each of the paper's accuracies was measured. */
    static final int TRIALS = 5;

    private static final Map<String, String> TASKS =
            Map.of("disastertypes", "disaster_types", "damageseverity", "damage_severity");

    private static final Map<String, Map<Split, Integer>> TABLE_1 = Map.of(
            "disaster_types",
            Map.of(Split.TRAIN, 12_724, Split.DEV, 1_574, Split.TEST, 3_213),
            "damage_severity",
            Map.of(Split.TRAIN, 26_898, Split.DEV, 2_898, Split.TEST, 5_100));

    private static final Map<String, Integer> CLASSES = Map.of("disaster_types", 7, "damage_severity", 3);

    /** What a system is called in other places, by the paper's name. */
    private static final Map<String, List<String>> SYSTEMS = Map.of(
            "MobNetV2", List.of("mobnetv2", "mobilenetv2"),
            "EffNet B0", List.of("effnetb0", "efficientnetb0"),
            "EffNet B1", List.of("effnetb1", "efficientnetb1"),
            "EffNet B2", List.of("effnetb2", "efficientnetb2"),
            "IV3+RNN", List.of("iv3rnn", "inceptionv3rnn"),
            "BLIP", List.of("blip"),
            "CLIP-I", List.of("clipi", "clipinterrogator"));

    /** In percent. */
    private static final Map<String, Map<String, Double>> TABLE_2 = Map.of(
            "disaster_types",
            Map.of(
                    "MobNetV2", 69.79,
                    "EffNet B0", 76.48,
                    "EffNet B1", 75.05,
                    "EffNet B2", 76.33,
                    "IV3+RNN", 42.40,
                    "BLIP", 71.14,
                    "CLIP-I", 85.28),
            "damage_severity",
            Map.of(
                    "MobNetV2", 73.37,
                    "EffNet B0", 76.84,
                    "EffNet B1", 76.71,
                    "EffNet B2", 76.31,
                    "IV3+RNN", 52.36,
                    "BLIP", 72.17,
                    "CLIP-I", 78.67));

    private Paper() {}

    /** The accuracy that the paper gives, from 0 to 1. */
    static OptionalDouble accuracy(String task, String system) {
        Double percent = TABLE_2.getOrDefault(TASKS.getOrDefault(normal(task), ""), Map.of())
                .get(system(system).orElse(""));
        return percent == null ? OptionalDouble.empty() : OptionalDouble.of(percent / 100);
    }

    /** How many pictures a split has in the paper. */
    static Optional<Integer> count(String task, Split split) {
        return Optional.ofNullable(TABLE_1.getOrDefault(TASKS.getOrDefault(normal(task), ""), Map.of())
                .get(split));
    }

    /** How many classes a task has in the paper. */
    static Optional<Integer> classes(String task) {
        return Optional.ofNullable(CLASSES.get(TASKS.getOrDefault(normal(task), "")));
    }

    /** The paper's name of a system. */
    static Optional<String> system(String name) {
        return SYSTEMS.entrySet().stream()
                .filter(e -> e.getValue().contains(normal(name)))
                .map(Map.Entry::getKey)
                .findFirst();
    }

    /** The paper's figure of accuracies against the weight for a classifier of pictures. */
    static Optional<Integer> figure(String classifier) {
        return switch (system(classifier).orElse("")) {
            case "MobNetV2" -> Optional.of(4);
            case "EffNet B0" -> Optional.of(5);
            default -> Optional.empty();
        };
    }

    private static String normal(String name) {
        return name.toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N}]+", "");
    }
}
