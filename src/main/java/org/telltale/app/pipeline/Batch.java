package org.telltale.app.pipeline;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import org.telltale.api.Timings;
import org.telltale.app.data.Entry;
import org.telltale.app.data.Results;
import org.telltale.models.image.Exif;
import org.telltale.models.image.ImageException;
import org.telltale.models.image.ImageReader;
import org.telltale.models.image.PictureException;
import org.telltale.models.image.Pixels;

/**
 * Pictures through a model: decoded ahead, computed one by one, in order. A picture that cannot be read is reported and
 * left out.
 *
 * @param verbose whether to tell of progress where there is no terminal
 * @param timings told of waiting for pictures and of writing
 */
public record Batch(Terminal terminal, Exif exif, boolean verbose, Timings timings) {
    /** What is computed of a picture. */
    public interface Step {
        Entry of(String id, Pixels picture);
    }

    /**
     * What became of the pictures.
     *
     * @param total how many there were, those of an earlier run included
     * @param missing how many do not exist
     * @param bad how many others could not be read
     */
    public record Outcome(int total, int missing, int bad) {}

    /**
     * Adds a record for each picture that the results do not have yet.
     *
     * @throws CancellationException when cancelled, with all results so far written
     */
    public Outcome run(List<String> ids, Step step, Results results) throws InterruptedException {
        return run(ids, Path::of, step, results);
    }

    /**
     * As the other {@code run}, for pictures whose ids are no paths.
     *
     * @param file of an id
     */
    public Outcome run(List<String> ids, Function<String, Path> file, Step step, Results results)
            throws InterruptedException {
        Set<String> done = results.done();
        List<String> left = ids.stream().filter(id -> !done.contains(id)).toList();
        if (left.size() < ids.size()) {
            terminal.say("resumed: " + (ids.size() - left.size()) + " of " + ids.size() + " are done");
        }
        Progress progress = new Progress(terminal, verbose, left.size());
        int missing = 0;
        int bad = 0;
        try (Ahead<String, Pixels> pictures = new Ahead<>(left.iterator(), id -> read(file.apply(id)))) {
            for (int i = 0; i < left.size(); i++) {
                if (terminal.cancelled().getAsBoolean()) {
                    throw new CancellationException();
                }
                try {
                    Pixels picture = next(pictures);
                    Entry entry = step.of(left.get(i), picture);
                    timings.in(Timings.Stage.WRITE, () -> results.add(entry));
                } catch (ExecutionException e) {
                    progress.clear();
                    terminal.say(problem(left.get(i), e));
                    if (exists(left.get(i), file)) {
                        bad++;
                    } else {
                        missing++;
                    }
                } catch (PictureException e) {
                    progress.clear();
                    terminal.say(left.get(i) + ": " + e.getMessage());
                    bad++;
                }
                progress.done(i + 1);
            }
        } finally {
            progress.clear();
        }
        return new Outcome(ids.size(), missing, bad);
    }

    private Pixels next(Ahead<String, Pixels> pictures) throws ExecutionException, InterruptedException {
        Timings.Stage outer = timings.enter(Timings.Stage.PICTURES);
        try {
            return pictures.next();
        } finally {
            timings.leave(outer);
        }
    }

    private Pixels read(Path file) throws ImageException {
        long began = System.nanoTime();
        try {
            return ImageReader.read(file, exif);
        } finally {
            timings.aside(Timings.Aside.READ, began);
        }
    }

    private static String problem(String id, ExecutionException failure) {
        Throwable cause = failure.getCause();
        if (cause instanceof ImageException) {
            return String.valueOf(cause.getMessage());
        }
        if (cause instanceof InvalidPathException e) {
            return id + ": not a path: " + e.getReason();
        }
        if (cause instanceof OutOfMemoryError) {
            return id + ": too large for the memory there is";
        }
        throw new IllegalStateException(id + ": " + failure, failure);
    }

    private static boolean exists(String id, Function<String, Path> file) {
        try {
            return Files.exists(file.apply(id));
        } catch (InvalidPathException e) {
            return false;
        }
    }
}
