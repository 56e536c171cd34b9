package org.telltale.app.report;

import java.util.List;
import org.telltale.app.experiment.Findings;

/**
 * All that a report tells, computed once.
 *
 * @param examples by task
 * @param texts by captioner
 */
record Evaluation(Findings findings, List<TaskResult> tasks, List<Examples> examples, List<TextStatistics> texts) {
    static Evaluation of(Findings findings) {
        List<TaskResult> tasks =
                findings.tasks().stream().map(t -> TaskResult.of(findings, t)).toList();
        return new Evaluation(
                findings,
                tasks,
                tasks.stream().map(t -> Examples.of(t, findings.captions())).toList(),
                List.copyOf(findings.captions().entrySet()).parallelStream()
                        .map(e -> TextStatistics.of(e.getKey(), e.getValue().values()))
                        .toList());
    }
}
