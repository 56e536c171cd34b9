package org.telltale.app.train;

/** Hears of a run while it goes on, in the thread that trains. */
public interface TrainingListener {
    /**
     * After a step.
     *
     * @param phase its name
     * @param epoch over all phases, from 1
     * @param batch of the epoch, from 1
     * @param batches of an epoch
     * @param steps that are still to come, over all phases
     * @param pace seconds a step has taken in the mean, since the run began or went on
     * @param loss of the batch
     * @param running of the epoch so far
     */
    record Step(
            String phase,
            int epoch,
            int batch,
            int batches,
            long steps,
            double pace,
            float loss,
            EpochRecord.Score running) {
        /** Seconds that the rest should take. */
        public double left() {
            return pace * steps;
        }
    }

    /**
     * What an epoch took.
     *
     * @param seconds of its steps
     * @param waiting share of them that was spent waiting for batches
     * @param measuring seconds of the evaluation
     */
    record Time(double seconds, double waiting, double measuring, long samples) {}

    void step(Step step);

    void epoch(EpochRecord record, Time time);

    /** One line about something that the user should know. */
    void note(String line);

    /** Nothing is of interest. */
    TrainingListener SILENT = new TrainingListener() {
        @Override
        public void step(Step step) {}

        @Override
        public void epoch(EpochRecord record, Time time) {}

        @Override
        public void note(String line) {}
    };
}
