package org.telltale.app.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntPredicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.telltale.app.data.Scores;
import org.telltale.app.experiment.Findings;

/**
 * Pictures that are worth a look. Which they are follows from the scores and the order of the test split alone.
 *
 * @param disagreements where about as many systems are right as wrong, each with another true label
 * @param classifier the best classifier of pictures, empty without a trial
 * @param captioner the captioner whose captions are read best, empty without a trial
 * @param text where only that captioner's captions are told right, those first that are told most clearly
 * @param image where only that classifier is right, the same way
 */
record Examples(
        List<Example> disagreements, String classifier, String captioner, List<Example> text, List<Example> image) {
    private static final int DISAGREEMENTS = 3;
    private static final int OF_A_KIND = 4;

    /** A picture and what every system says of it. */
    record Example(Findings.Picture picture, List<Decision> decisions) {
        /** What a system says, if any trial of it is done. */
        Optional<Decision> of(String system, Scores.Source source) {
            return decisions.stream()
                    .filter(d -> d.system.equals(system) && d.source == source)
                    .findFirst();
        }
    }

    /**
     * What a system says of a picture.
     *
     * @param label of most trials; of equal ones the first in the task's order
     * @param votes in how many trials
     * @param caption what it read; empty for a classifier of pictures
     */
    record Decision(String system, Scores.Source source, String label, int votes, int trials, String caption) {}

    static Examples of(TaskResult result, Map<String, Map<String, String>> captions) {
        List<SystemResult> systems =
                result.systems().stream().filter(s -> s.trials() > 0).toList();
        Function<Integer, Example> example = i -> example(result, systems, captions, i);
        Optional<SystemResult> image = result.best(Scores.Source.IMAGE);
        Optional<SystemResult> text = result.best(Scores.Source.TEXT);
        if (image.isEmpty() || text.isEmpty()) {
            return new Examples(disagreements(result, example), "", "", List.of(), List.of());
        }
        return new Examples(
                disagreements(result, example),
                image.get().name(),
                text.get().name(),
                only(result, text.get(), image.get(), example),
                only(result, image.get(), text.get(), example));
    }

    private static List<Example> disagreements(TaskResult result, Function<Integer, Example> example) {
        List<Example> all =
                pictures(result, i -> true, i -> 0).stream().map(example).toList();
        List<Example> ordered = all.stream()
                .filter(e -> balance(e) > 0)
                .sorted(Comparator.comparingInt((Example e) -> -balance(e)).thenComparingLong(e -> -kinds(e)))
                .toList();
        List<Example> chosen = new ArrayList<>();
        Set<String> labels = new HashSet<>();
        for (Example e : ordered) {
            if (chosen.size() < DISAGREEMENTS && labels.add(e.picture.label())) {
                chosen.add(e);
            }
        }
        return chosen;
    }

    /** How many systems are right, or how many are wrong, whichever are fewer. */
    private static int balance(Example e) {
        int right = (int) e.decisions.stream()
                .filter(d -> d.label.equals(e.picture.label()))
                .count();
        return Math.min(right, e.decisions.size() - right);
    }

    private static long kinds(Example e) {
        return e.decisions.stream().map(Decision::label).distinct().count();
    }

    private static List<Example> only(
            TaskResult result, SystemResult right, SystemResult wrong, Function<Integer, Example> example) {
        List<Findings.Picture> test = result.task().test();
        return pictures(
                        result,
                        i -> PairResult.verdict(right, i, test.get(i).label()) > 0
                                && PairResult.verdict(wrong, i, test.get(i).label()) < 0,
                        i -> wrong.probability(i, test.get(i).label())
                                - right.probability(i, test.get(i).label()))
                .stream()
                .map(example)
                // most trials may be wrong, each in another way, and the true label be the commonest all the same
                .filter(e -> e.of(wrong.name(), wrong.source())
                        .filter(d -> d.label().equals(e.picture().label()))
                        .isEmpty())
                .limit(OF_A_KIND)
                .toList();
    }

    /** The places of test pictures by an ascending measure, the earlier of equal ones first. */
    private static List<Integer> pictures(TaskResult result, IntPredicate which, ToDoubleFunction<Integer> measure) {
        return IntStream.range(0, result.task().test().size())
                .filter(which)
                .boxed()
                .sorted(Comparator.comparingDouble(measure))
                .toList();
    }

    private static Example example(
            TaskResult result, List<SystemResult> systems, Map<String, Map<String, String>> captions, int place) {
        Findings.Picture picture = result.task().test().get(place);
        List<Decision> decisions = new ArrayList<>();
        for (SystemResult s : systems) {
            String label = "";
            int most = 0;
            for (String l : result.task().labels()) {
                int votes = s.right(place, l);
                if (votes > most) {
                    most = votes;
                    label = l;
                }
            }
            String caption = s.source() == Scores.Source.TEXT
                    ? captions.getOrDefault(s.name(), Map.of()).getOrDefault(picture.id(), "")
                    : "";
            decisions.add(new Decision(s.name(), s.source(), label, most, s.trials(), caption));
        }
        return new Example(picture, decisions);
    }
}
