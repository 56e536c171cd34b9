package org.telltale.app.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.telltale.app.data.Scores;
import org.telltale.app.data.Split;
import org.telltale.app.experiment.Findings;
import org.telltale.app.fusion.Confusion;
import org.telltale.app.fusion.PermutationTest;
import org.telltale.app.report.PairResult.Comparison;

/**
 * All numbers of a task.
 *
 * @param systems the classifiers of pictures, then the readers of captions, in the plan's order
 * @param baselines what always saying the same label gives
 * @param pairs every classifier with every captioner
 */
record TaskResult(Findings.Task task, List<SystemResult> systems, List<Baseline> baselines, List<PairResult> pairs) {

    /**
     * Always the same label.
     *
     * @param split whose most frequent label it is
     * @param accuracy on the test split
     */
    record Baseline(String label, Split split, double accuracy) {}

    static TaskResult of(Findings findings, Findings.Task task) {
        List<SystemResult> images = systems(task, Scores.Source.IMAGE);
        List<SystemResult> texts = systems(task, Scores.Source.TEXT);
        List<PairResult> pairs =
                images.stream()
                        .flatMap(image -> texts.stream().map(text -> List.of(image, text)))
                        .toList()
                        .parallelStream()
                        .map(p -> PairResult.of(findings, task, p.getFirst(), p.getLast()))
                        .toList();
        int inner =
                (int) findings.weights().stream().filter(w -> w > 0 && w < 1).count();
        pairs = corrected(pairs, PairResult::half, (p, c) -> with(p, c, p.best()), 1);
        pairs = corrected(pairs, PairResult::best, (p, c) -> with(p, p.half(), c), Math.max(1, inner));
        return new TaskResult(
                task, Stream.concat(images.stream(), texts.stream()).toList(), baselines(task), pairs);
    }

    private static List<SystemResult> systems(Findings.Task task, Scores.Source source) {
        return (source == Scores.Source.TEXT ? task.texts() : task.images())
                .entrySet().stream()
                        .map(e -> SystemResult.of(task, e.getKey(), source, e.getValue()))
                        .toList();
    }

    private static PairResult with(PairResult p, @Nullable Comparison half, @Nullable Comparison best) {
        return new PairResult(
                p.classifier(),
                p.captioner(),
                p.image(),
                p.text(),
                p.curve(),
                half,
                p.halfConfusions(),
                best,
                p.tells(),
                p.direct());
    }

    /** @param chosen from how many weights the one of a comparison was chosen */
    private static List<PairResult> corrected(
            List<PairResult> pairs,
            Function<PairResult, @Nullable Comparison> comparison,
            BiFunction<PairResult, Comparison, PairResult> with,
            int chosen) {
        List<Double> p = new ArrayList<>();
        for (PairResult pair : pairs) {
            Comparison c = comparison.apply(pair);
            if (c != null) {
                p.add(Math.min(1, chosen * c.p()));
            }
        }
        List<Double> holm = PermutationTest.holm(p);
        List<PairResult> all = new ArrayList<>();
        int next = 0;
        for (PairResult pair : pairs) {
            Comparison c = comparison.apply(pair);
            all.add(c == null ? pair : with.apply(pair, c.withCorrected(holm.get(next++))));
        }
        return all;
    }

    private static List<Baseline> baselines(Findings.Task task) {
        List<Integer> test = task.labels().stream()
                .map(l -> (int)
                        task.test().stream().filter(p -> p.label().equals(l)).count())
                .toList();
        List<Baseline> baselines = new ArrayList<>();
        List<Integer> train = task.counts().getOrDefault(Split.TRAIN, List.of());
        if (train.size() == test.size() && !test.isEmpty()) {
            baselines.add(baseline(task, Split.TRAIN, Confusion.most(train), test));
        }
        if (!task.test().isEmpty()) {
            Baseline of = baseline(task, Split.TEST, Confusion.most(test), test);
            if (baselines.stream().noneMatch(b -> b.label.equals(of.label))) {
                baselines.add(of);
            }
        }
        return baselines;
    }

    private static Baseline baseline(Findings.Task task, Split split, int label, List<Integer> test) {
        return new Baseline(
                task.labels().get(label),
                split,
                task.test().isEmpty()
                        ? 0
                        : (double) test.get(label) / task.test().size());
    }

    Stream<SystemResult> systems(Scores.Source source) {
        return systems.stream().filter(s -> s.source() == source);
    }

    /** The system with the highest mean accuracy; the first of equal ones, empty where no trial is done. */
    Optional<SystemResult> best(Scores.Source source) {
        return best(systems(source));
    }

    /** The best of all single systems. */
    Optional<SystemResult> best() {
        return best(systems.stream());
    }

    private static Optional<SystemResult> best(Stream<SystemResult> systems) {
        return systems.filter(s -> s.trials() > 0).reduce((a, b) -> mean(b) > mean(a) ? b : a);
    }

    private static double mean(SystemResult system) {
        return system.accuracy().mean().orElseThrow();
    }

    /** The pair with the highest mean accuracy at equal weights; the first of equal ones, empty where no trial is done. */
    Optional<PairResult> bestHalf() {
        return pairs.stream().filter(p -> p.half() != null).reduce((a, b) -> fused(b.half()) > fused(a.half()) ? b : a);
    }

    /** The pair with the highest mean accuracy at any weight of the grid. */
    Optional<PairResult> bestOfGrid() {
        return pairs.stream().filter(p -> p.best() != null).reduce((a, b) -> fused(b.best()) > fused(a.best()) ? b : a);
    }

    private static double fused(@Nullable Comparison c) {
        return c == null ? Double.NEGATIVE_INFINITY : c.fused().mean().orElseThrow();
    }
}
