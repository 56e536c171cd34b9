package org.telltale.app.report;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Scores;
import org.telltale.app.experiment.Findings;
import org.telltale.app.fusion.Confusion;
import org.telltale.app.fusion.Fusion;
import org.telltale.app.fusion.McNemar;
import org.telltale.app.fusion.PermutationTest;
import org.telltale.app.fusion.Trials;

/**
 * A classifier of pictures fused with the reader of a captioner's captions, trial k with trial k, SPEC §14.
 *
 * @param image the accuracy of the classifier in the trials that both have
 * @param text that of the reader
 * @param curve accuracy by weight, ascending
 * @param half fused with equal weights, which nobody chose; absent without a trial
 * @param halfConfusions the same, by trial
 * @param best at the weight with the highest mean on the test split, the lowest of equal ones; absent without a trial
 * @param tells which of the two is right where only one is
 * @param direct p of the {@link PermutationTest} of one of the two against the other; 1 without a trial
 */
record PairResult(
        String classifier,
        String captioner,
        Trials image,
        Trials text,
        List<Point> curve,
        @Nullable Comparison half,
        List<Confusion> halfConfusions,
        @Nullable Comparison best,
        Contrast tells,
        double direct) {
    private static final double HALF = 0.5;

    /** Accuracies at a weight of the text. */
    record Point(double weight, Trials accuracy) {}

    /**
     * Fused scores beside the better of the two systems that they are made of, which is the one with the higher mean on the
     * test split.
     *
     * @param single the better system's accuracies
     * @param perTrial the pictures that only the fused scores have right, and that only the single system has
     * @param p of the {@link PermutationTest} over all trials
     * @param corrected the same for the number of pairs of the task, and for the number of weights where one was chosen
     */
    record Comparison(
            double weight,
            Trials fused,
            Scores.Source better,
            Trials single,
            List<McNemar> perTrial,
            double p,
            double corrected) {
        Comparison withCorrected(double value) {
            return new Comparison(weight, fused, better, single, perTrial, p, value);
        }

        /** Fused less single, trial by trial. */
        Trials gain() {
            return fused.minus(single);
        }

        double meanGain() {
            return gain().mean().orElseThrow();
        }

        /** A gain that is only how sums of fractions are rounded is none: a real one is a picture of a trial. */
        boolean above() {
            return meanGain() > 1e-9;
        }

        /** 1 when it is better than the single system and not by chance at 5 %, -1 when it is worse so, else 0. */
        int verdict() {
            return corrected < 0.05 ? (int) Math.signum(meanGain()) : 0;
        }
    }

    /**
     * How many pictures either system has right in more than half of its trials while the other has them wrong in more than
     * half of its own.
     *
     * @param text pictures that only the captions tell
     * @param image pictures that only the pictures tell
     */
    record Contrast(int text, int image, int both, int neither) {
        int undecided(int pictures) {
            return pictures - text - image - both - neither;
        }
    }

    /** Both systems, as tables and figures call them. */
    String name() {
        return classifier + " + " + captioner;
    }

    static PairResult of(Findings findings, Findings.Task task, SystemResult image, SystemResult text) {
        int trials = Math.min(image.trials(), text.trials());
        List<Fusion> fusions = new ArrayList<>();
        for (int k = 0; k < trials; k++) {
            try {
                fusions.add(Fusion.of(image.scores().get(k), text.scores().get(k)));
            } catch (DataException e) {
                throw new DataException(
                        task.name() + ", " + image.name() + " and " + text.name() + ", trial " + (k + 1) + ": "
                                + e.getMessage(),
                        e);
            }
        }
        Contrast tells = contrast(task, image, text);
        Trials ofImage = first(image.accuracy(), trials);
        Trials ofText = first(text.accuracy(), trials);
        if (trials == 0) {
            return new PairResult(
                    image.name(), text.name(), ofImage, ofText, List.of(), null, List.of(), null, tells, 1);
        }
        List<Point> curve = findings.weights().stream()
                .map(w -> new Point(w, accuracy(task, predictions(fusions, w))))
                .toList();
        Point best = curve.getFirst();
        for (Point p : curve) {
            best = p.accuracy.mean().orElseThrow() > best.accuracy.mean().orElseThrow() ? p : best;
        }
        SystemResult better = ofText.mean().orElseThrow() > ofImage.mean().orElseThrow() ? text : image;
        List<List<String>> half = predictions(fusions, HALF);
        List<String> truth = task.test().stream().map(Findings.Picture::label).toList();
        return new PairResult(
                image.name(),
                text.name(),
                ofImage,
                ofText,
                curve,
                comparison(task, HALF, half, better),
                half.stream().map(p -> Confusion.of(task.labels(), truth, p)).toList(),
                comparison(task, best.weight, predictions(fusions, best.weight), better),
                tells,
                p(task, text.predictions(), image.predictions(), trials));
    }

    private static Trials first(Trials trials, int count) {
        return new Trials(trials.values().subList(0, count));
    }

    private static List<List<String>> predictions(List<Fusion> fusions, double weight) {
        return fusions.stream().map(f -> f.tops(weight)).toList();
    }

    private static Trials accuracy(Findings.Task task, List<List<String>> predictions) {
        return new Trials(predictions.stream()
                .map(p -> (double) SystemResult.correct(p, task.test()).cardinality()
                        / task.test().size())
                .toList());
    }

    private static Comparison comparison(
            Findings.Task task, double weight, List<List<String>> fused, SystemResult better) {
        List<McNemar> perTrial = new ArrayList<>();
        for (int k = 0; k < fused.size(); k++) {
            perTrial.add(McNemar.of(SystemResult.correct(fused.get(k), task.test()), better.correct(k, task.test())));
        }
        double p = p(task, fused, better.predictions(), fused.size());
        return new Comparison(
                weight, accuracy(task, fused), better.source(), first(better.accuracy(), fused.size()), perTrial, p, p);
    }

    /** Of the permutation test, over the first trials of both. */
    private static double p(Findings.Task task, List<List<String>> first, List<List<String>> second, int trials) {
        int[] differences = new int[task.test().size()];
        for (int k = 0; k < trials; k++) {
            SystemResult.correct(first.get(k), task.test()).stream().forEach(i -> differences[i]++);
            SystemResult.correct(second.get(k), task.test()).stream().forEach(i -> differences[i]--);
        }
        return PermutationTest.p(IntStream.of(differences).boxed().toList());
    }

    private static Contrast contrast(Findings.Task task, SystemResult image, SystemResult text) {
        int[] counts = new int[4];
        for (int i = 0; i < task.test().size(); i++) {
            int seen = verdict(image, i, task.test().get(i).label());
            int told = verdict(text, i, task.test().get(i).label());
            if (seen != 0 && told != 0) {
                counts[(seen > 0 ? 2 : 0) + (told > 0 ? 1 : 0)]++;
            }
        }
        return new Contrast(counts[1], counts[2], counts[3], counts[0]);
    }

    /** 1 when a system is right in more than half of its trials, -1 when it is wrong in more than half, else 0. */
    static int verdict(SystemResult system, int picture, String label) {
        return Integer.signum(2 * system.right(picture, label) - system.trials());
    }
}
