package org.telltale.app.train;

import org.telltale.api.ModelOptions;
import org.telltale.app.data.LoaderOptions.Unreadable;

/**
 * How a run goes about its recipe.
 *
 * @param model device, threads and precision of products
 * @param seed of everything that is random
 * @param cacheFeatures whether the features of a base that stays as it is, over pictures that stay as they are, are
 *     computed once
 * @param recompute whether steps compute values of the forward pass again for the backward pass, for less memory
 * @param saveEvery steps from one checkpoint to the next, beside those after each epoch
 * @param keep which parameters the finished model has
 * @param testEachEpoch whether the test split is measured after each epoch too, and not at the end only
 * @param unreadable what becomes of a training sample that cannot be read
 * @param restart whether a run that the folder holds is discarded
 * @param producer what model cards call the program
 */
public record TrainingOptions(
        ModelOptions model,
        long seed,
        boolean cacheFeatures,
        boolean recompute,
        int saveEvery,
        Keep keep,
        boolean testEachEpoch,
        Unreadable unreadable,
        boolean restart,
        String producer) {
    /** Which epoch's parameters. */
    public enum Keep {
        LAST,
        /** The highest accuracy on dev, the lowest loss among equals; of a captioner the lowest loss. */
        BEST
    }

    public static final TrainingOptions DEFAULT = new TrainingOptions(
            ModelOptions.DEFAULT, 0, true, false, 500, Keep.LAST, false, Unreadable.NEXT, false, "Telltale");

    public TrainingOptions {
        if (saveEvery < 1) {
            throw new IllegalArgumentException("a checkpoint every " + saveEvery + " steps, expected at least 1");
        }
    }

    public TrainingOptions model(ModelOptions value) {
        return new TrainingOptions(
                value, seed, cacheFeatures, recompute, saveEvery, keep, testEachEpoch, unreadable, restart, producer);
    }

    public TrainingOptions seed(long value) {
        return new TrainingOptions(
                model, value, cacheFeatures, recompute, saveEvery, keep, testEachEpoch, unreadable, restart, producer);
    }

    public TrainingOptions saveEvery(int steps) {
        return new TrainingOptions(
                model, seed, cacheFeatures, recompute, steps, keep, testEachEpoch, unreadable, restart, producer);
    }
}
