package org.telltale.app.experiment;

/**
 * A sitting at a job, whose time the folder gets when it ends, however it ends. Where that cannot be written either, what went wrong
 * before is the error, and this one is suppressed.
 */
final class Sitting implements AutoCloseable {
    private final ExperimentFolder folder;
    private final Job job;
    private final long began = System.nanoTime();
    private long samples;
    private String machine = "";

    Sitting(ExperimentFolder folder, Job job) {
        this.folder = folder;
        this.job = job;
    }

    void samples(long samples) {
        this.samples = samples;
    }

    void machine(String machine) {
        this.machine = machine;
    }

    double seconds() {
        return (System.nanoTime() - began) / 1e9;
    }

    @Override
    public void close() {
        folder.time(new Findings.Time(
                job.stage().word(), job.task(), job.system(), job.trial(), seconds(), samples, machine));
    }
}
