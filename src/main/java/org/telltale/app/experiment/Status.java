package org.telltale.app.experiment;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.telltale.app.data.DataException;

/**
 * How far an experiment is.
 *
 * @param busy whether a process works in the folder now
 * @param jobs all that it comes to, in their order
 * @param seconds that were worked
 * @param left seconds that the rest should take by what finished jobs took, if every kind has a finished one
 */
public record Status(boolean busy, List<State> jobs, double seconds, OptionalDouble left) {
    public Status {
        jobs = List.copyOf(jobs);
    }

    /**
     * How far a job is.
     *
     * @param done records that are written; of a trial those of the test split
     * @param began whether there is something to go on from
     * @param seconds that were worked at it
     */
    public record State(String job, boolean finished, boolean began, long done, double seconds) {}

    /** Looks at a folder. */
    public static Status of(Path root) {
        try (ExperimentFolder folder = ExperimentFolder.look(root)) {
            Map<String, Double> spent = new HashMap<>();
            List<Findings.Time> times = FindingsReader.summed(folder.times());
            times.forEach(t -> spent.merge(key(t.stage(), t.task(), t.system(), t.trial()), t.seconds(), Double::sum));
            Map<String, double[]> kinds = new HashMap<>();
            List<Job> jobs = Job.of(Extent.of(folder.description().path("extent")));
            List<State> states = jobs.stream().map(j -> state(folder, j, spent)).toList();
            double left = 0;
            boolean known = true;
            for (int i = 0; i < jobs.size(); i++) {
                if (states.get(i).finished()) {
                    double[] k = kinds.computeIfAbsent(kind(jobs.get(i)), x -> new double[2]);
                    k[0] += states.get(i).seconds();
                    k[1]++;
                }
            }
            for (int i = 0; i < jobs.size(); i++) {
                if (!states.get(i).finished()) {
                    double[] k = kinds.get(kind(jobs.get(i)));
                    known &= k != null;
                    left += k == null
                            ? 0
                            : Math.max(0, k[0] / k[1] - states.get(i).seconds());
                }
            }
            double all = times.stream().mapToDouble(Findings.Time::seconds).sum();
            return new Status(folder.busy(), states, all, known ? OptionalDouble.of(left) : OptionalDouble.empty());
        }
    }

    private static String kind(Job j) {
        return j.stage() + "\t" + j.task() + "\t" + j.system();
    }

    private static String key(String stage, String task, String system, int trial) {
        return stage + "\t" + task + "\t" + system + "\t" + trial;
    }

    private static State state(ExperimentFolder folder, Job j, Map<String, Double> spent) {
        Path dir = folder.trial(j.stage().word(), j.task(), j.system(), j.trial());
        Path file = j.stage() == Stage.CAPTIONS ? folder.captions(j.system()) : dir.resolve("scores.jsonl");
        Path part = file.resolveSibling(file.getFileName() + ".part");
        boolean finished = Files.exists(file);
        boolean began = Files.exists(part) || (j.stage() != Stage.CAPTIONS && Files.exists(dir.resolve("run.json")));
        double seconds = spent.getOrDefault(key(j.stage().word(), j.task(), j.system(), j.trial()), 0.0);
        return new State(j.toString(), finished, began, finished ? records(file) : records(part), seconds);
    }

    /** How many records a file has, beside its header. */
    private static long records(Path file) {
        if (!Files.exists(file)) {
            return 0;
        }
        try (Stream<String> lines = Files.lines(file)) {
            return Math.max(0, lines.count() - 1);
        } catch (IOException | UncheckedIOException e) {
            throw new DataException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }
}
