package org.telltale.app.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.telltale.app.fusion.Confusion;

/**
 * A figure of a report.
 *
 * @param name of its file begins so; that of the task follows
 * @param task by its place
 * @param classifier whose figure it is; empty where it is of all systems
 */
record Figure(Kind kind, String name, int task, String classifier, Svg svg) {
    enum Kind {
        SYSTEMS,
        WEIGHTS,
        CONFUSION
    }

    static List<Figure> of(Evaluation evaluation) {
        List<Figure> figures = new ArrayList<>();
        for (int t = 0; t < evaluation.tasks().size(); t++) {
            TaskResult result = evaluation.tasks().get(t);
            if (result.systems().stream().anyMatch(s -> s.trials() > 0)) {
                figures.add(new Figure(Kind.SYSTEMS, "systems", t, "", SystemsFigure.of(result)));
            }
        }
        for (String classifier : evaluation.findings().figures()) {
            for (int t = 0; t < evaluation.tasks().size(); t++) {
                TaskResult result = evaluation.tasks().get(t);
                List<PairResult> pairs = result.pairs().stream()
                        .filter(p ->
                                p.classifier().equals(classifier) && !p.curve().isEmpty())
                        .toList();
                if (!pairs.isEmpty()) {
                    String name =
                            Paper.figure(classifier).map(n -> "figure" + n).orElse("fusion-" + classifier);
                    figures.add(
                            new Figure(Kind.WEIGHTS, name, t, classifier, WeightFigure.of(result, classifier, pairs)));
                }
            }
        }
        for (int t = 0; t < evaluation.tasks().size(); t++) {
            confusions(figures, evaluation.tasks().get(t), t);
        }
        return figures;
    }

    /** Those of a kind that show a classifier. */
    static List<Figure> of(List<Figure> figures, Kind kind, String classifier) {
        return figures.stream()
                .filter(f -> f.kind == kind && f.classifier.equals(classifier))
                .toList();
    }

    private static void confusions(List<Figure> figures, TaskResult result, int task) {
        String name = Words.title(result.task().name());
        for (SystemResult s : result.systems()) {
            if (s.trials() > 0) {
                Svg svg = HeatMap.of(s.name(), name, Confusion.sum(s.confusions()));
                figures.add(new Figure(Kind.CONFUSION, "confusion-" + s.name(), task, s.name(), svg));
            }
        }
        Optional<PairResult> fused = result.bestHalf();
        if (fused.isPresent()) {
            String both = fused.get().name();
            Svg svg = HeatMap.of(both, name, Confusion.sum(fused.get().halfConfusions()));
            figures.add(new Figure(Kind.CONFUSION, "confusion-" + both, task, both, svg));
        }
    }
}
