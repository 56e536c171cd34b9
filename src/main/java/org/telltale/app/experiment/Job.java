package org.telltale.app.experiment;

import java.util.ArrayList;
import java.util.List;

/**
 * A part of an experiment that is done as a whole and can be continued.
 *
 * @param task empty for captions, which belong to all tasks
 * @param system the captioner, or the classifier of pictures
 * @param trial from 1; 0 for captions
 */
record Job(Stage stage, String task, String system, int trial) {
    /** Those of a plan: captions first, then the first trial of everything, then the second. */
    static List<Job> of(Extent extent) {
        List<Job> jobs = new ArrayList<>();
        extent.captioners().forEach(c -> jobs.add(new Job(Stage.CAPTIONS, "", c, 0)));
        for (int k = 1; k <= extent.trials(); k++) {
            for (String task : extent.tasks()) {
                for (String c : extent.captioners()) {
                    jobs.add(new Job(Stage.TEXT, task, c, k));
                }
                for (String c : extent.classifiers()) {
                    jobs.add(new Job(Stage.IMAGE, task, c, k));
                }
            }
        }
        return jobs;
    }

    @Override
    public String toString() {
        return stage == Stage.CAPTIONS
                ? "captions of " + system
                : stage.word() + " " + task + ", " + system + ", trial " + trial;
    }
}
