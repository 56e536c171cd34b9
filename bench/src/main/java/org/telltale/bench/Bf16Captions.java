package org.telltale.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.telltale.api.Caption;
import org.telltale.api.Captioner;
import org.telltale.api.ModelOptions;
import org.telltale.api.Timings;
import org.telltale.engine.spi.CompileOptions.Precision;
import org.telltale.models.decode.GenerationOptions;

/**
 * What bfloat16 does to captions: the same checkpoint captions photos greedily in F32 and in BF16, one after the other for
 * each photo. Prints the share of captions that are the same, the relative error of log-probabilities, and ratios of
 * times.
 *
 * <p>System properties: {@code bench.bf16}, the folder of the checkpoint; {@code bench.photos}, the folder of photos;
 * {@code bench.count}, how many of them.
 */
final class Bf16Captions {
    /** Photos whose first step is measured alone, since that takes a second look at each. */
    private static final int FIRST_STEPS = 3;

    private Bf16Captions() {}

    /** Whether there was any photo to caption. */
    static boolean run() throws IOException {
        String checkpoint = System.getProperty("bench.bf16");
        Path folder = Path.of(System.getProperty("bench.photos"));
        int most = Integer.getInteger("bench.count", 50);
        List<Path> photos = photos(folder);
        System.out.println(Processor.read().name() + ", JDK " + Runtime.version());
        System.out.println("checkpoint " + checkpoint + ", " + Math.min(most, photos.size()) + " of the "
                + photos.size() + " photos of " + folder + ", greedy");
        System.out.println(
                "Of a checkpoint with random weights neither captions nor the gaps between the likeliest tokens"
                        + " are those of a trained one.");
        Timings exactTime = new Timings();
        Timings narrowTime = new Timings();
        List<Double> errors = new ArrayList<>();
        List<Double> firstErrors = new ArrayList<>();
        List<Path> read = new ArrayList<>();
        int same = 0;
        try (Captioner exact = open(checkpoint, Precision.F32, exactTime);
                Captioner narrow = open(checkpoint, Precision.BF16, narrowTime)) {
            System.out.println(exact.device());
            Timed exactRun = new Timed(exact, exactTime);
            Timed narrowRun = new Timed(narrow, narrowTime);
            for (Path photo : photos.subList(0, Math.min(most, photos.size()))) {
                try {
                    Caption a = exactRun.caption(photo);
                    Caption b = narrowRun.caption(photo);
                    read.add(photo);
                    if (a.ids().equals(b.ids())) {
                        same++;
                        errors.add(Math.abs(b.logProb() / a.logProb() - 1));
                    } else {
                        System.out.println("differs: " + photo.getFileName() + ": \"" + a.text() + "\" in F32, \""
                                + b.text() + "\" in BF16");
                    }
                } catch (IOException e) {
                    System.out.println("left out: " + e.getMessage());
                }
            }
            for (Path photo : read.subList(0, Math.min(FIRST_STEPS, read.size()))) {
                GenerationOptions first =
                        GenerationOptions.greedy().minLength(0).maxNewTokens(1);
                Caption a = exact.caption(photo, first);
                Caption b = narrow.caption(photo, first);
                if (a.ids().equals(b.ids())) {
                    firstErrors.add(Math.abs(b.logProb() / a.logProb() - 1));
                }
            }
            if (!read.isEmpty()) {
                print(read.size(), same, errors, firstErrors, exactRun, narrowRun);
            }
        }
        if (read.isEmpty()) {
            System.err.println("no photo to caption in " + folder + ", expected files .jpg, .jpeg, .png or .webp");
        }
        return !read.isEmpty();
    }

    private static Captioner open(String checkpoint, Precision precision, Timings timings) {
        return Captioner.model(checkpoint)
                .options(ModelOptions.DEFAULT.precision(precision))
                .timings(timings)
                .open();
    }

    /** A captioner, and the times of its captions after the first, which compiles. */
    private static final class Timed {
        private final Captioner captioner;
        private final Timings timings;
        private boolean warm;
        private long whole;
        private long vision;
        private long steps;
        private long stepCount;

        Timed(Captioner captioner, Timings timings) {
            this.captioner = captioner;
            this.timings = timings;
        }

        Caption caption(Path photo) throws IOException {
            Timings.Sum beforeVision = sum(Timings.Stage.VISION);
            Timings.Sum beforeSteps = sum(Timings.Stage.STEP);
            long begin = System.nanoTime();
            Caption caption = captioner.caption(photo);
            if (warm) {
                whole += System.nanoTime() - begin;
                vision += sum(Timings.Stage.VISION).nanos() - beforeVision.nanos();
                steps += sum(Timings.Stage.STEP).nanos() - beforeSteps.nanos();
                stepCount += sum(Timings.Stage.STEP).count() - beforeSteps.count();
            }
            warm = true;
            return caption;
        }

        private Timings.Sum sum(Timings.Stage stage) {
            return timings.stages().getOrDefault(stage, new Timings.Sum(0, 0));
        }
    }

    private static void print(
            int done, int same, List<Double> errors, List<Double> firstErrors, Timed exact, Timed narrow) {
        System.out.printf(Locale.ROOT, "%nidentical captions: %d of %d (%.0f %%)%n", same, done, 100.0 * same / done);
        System.out.println("relative error of the log-probability of identical captions: " + summary(errors));
        System.out.println("relative error of the first step's log-probability, where both choose the same token: "
                + summary(firstErrors));
        if (done > 1) {
            System.out.println("\n| without the first photo | F32 | BF16 | F32 / BF16 |\n|---|---|---|---|");
            row("a whole caption", exact.whole, done - 1, narrow.whole, done - 1);
            row("vision", exact.vision, done - 1, narrow.vision, done - 1);
            row("a decoder step", exact.steps, exact.stepCount, narrow.steps, narrow.stepCount);
        }
    }

    private static void row(String what, long exact, long exactCount, long narrow, long narrowCount) {
        double a = exact / 1e6 / exactCount;
        double b = narrow / 1e6 / narrowCount;
        System.out.printf(Locale.ROOT, "| %s | %.1f ms | %.1f ms | %.2f |%n", what, a, b, a / b);
    }

    private static String summary(List<Double> errors) {
        return errors.isEmpty()
                ? "there are none"
                : String.format(
                        Locale.ROOT,
                        "mean %.1e, largest %.1e, of %d",
                        errors.stream().mapToDouble(e -> e).average().orElseThrow(),
                        errors.stream().mapToDouble(e -> e).max().orElseThrow(),
                        errors.size());
    }

    private static List<Path> photos(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw new IOException(folder + " is not a folder of photos (-Dbench.photos=FOLDER)");
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(f -> f.toString().toLowerCase(Locale.ROOT).matches(".*\\.(jpe?g|png|webp)"))
                    .sorted()
                    .toList();
        }
    }
}
