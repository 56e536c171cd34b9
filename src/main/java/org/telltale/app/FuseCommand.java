package org.telltale.app;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Entry;
import org.telltale.app.data.Fingerprint;
import org.telltale.app.data.Header;
import org.telltale.app.data.Records;
import org.telltale.app.data.Results;
import org.telltale.app.data.Scores;
import org.telltale.app.data.Truth;
import org.telltale.app.fusion.Accuracy;
import org.telltale.app.fusion.Fusion;
import org.telltale.app.pipeline.Terminal;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@code telltale fuse}. */
@Command(
        name = "fuse",
        header = "Fuses image scores and text scores: (1 - w) image + w text.",
        description = {
            "With --weight it writes the fused scores, and the accuracy to standard error where --truth is given.",
            "With --grid it writes a table of accuracies, from image only (w = 0) to text only (w = 1)."
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  telltale fuse image-scores.jsonl text-scores.jsonl --weight 0.4 --output fused.jsonl",
            "  telltale fuse image-scores.jsonl text-scores.jsonl --grid --truth test.tsv"
        })
final class FuseCommand implements Callable<Integer> {
    private static final int STEPS = 10;

    private final Terminal terminal;

    @Parameters(index = "0", paramLabel = "IMAGE_SCORES", description = "Records of 'telltale classify' for pictures.")
    private Path image = Path.of("");

    @Parameters(index = "1", paramLabel = "TEXT_SCORES", description = "Records of 'telltale classify' for captions.")
    private Path text = Path.of("");

    @Option(names = "--weight", paramLabel = "W", description = "The weight of the text, 0 to 1.")
    private @Nullable Double weight;

    @Option(names = "--grid", description = "All weights from 0 to 1 by 0.1; needs --truth.")
    private boolean grid;

    @Option(
            names = "--truth",
            paramLabel = "FILE",
            description = "True labels: a TSV of CrisisNLP, or CSV or TSV with the columns id and label.")
    private @Nullable Path truth;

    @Option(
            names = "--common",
            description = "Fuse the ids that are in both files; without it, an id in one file only is an error.")
    private boolean common;

    @Mixin
    private OutputArguments output = new OutputArguments();

    FuseCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        if (grid == (weight != null)) {
            throw new Exit.UsageException("--weight or --grid: one of them");
        }
        if (weight != null && !(weight >= 0 && weight <= 1)) {
            throw new Exit.UsageException("--weight is " + weight + ", expected 0 to 1");
        }
        if (grid && (truth == null || output.records())) {
            throw new Exit.UsageException(
                    "--grid writes a table of accuracies: it needs --truth, and no --json, --jsonl" + " or --output");
        }
        output.check();
        List<Scores> images = Records.scores(image);
        List<Scores> texts = Records.scores(text);
        Fusion fusion = join(images, texts);
        if (weight != null) {
            fuse(fusion, weight);
        } else if (truth != null) {
            table(fusion, truth);
        }
        return Exit.OK.code();
    }

    private Fusion join(List<Scores> images, List<Scores> texts) {
        if (common) {
            Fusion fusion = Fusion.ofCommon(images, texts);
            int both = fusion.at(0).size();
            if (both < images.size() || both < texts.size()) {
                terminal.say("fused " + both + " ids of " + images.size() + " with image scores and " + texts.size()
                        + " with text scores");
            }
            return fusion;
        }
        try {
            return Fusion.of(images, texts);
        } catch (DataException e) {
            throw new DataException(image + ", " + text + ": " + e.getMessage(), e);
        }
    }

    private void fuse(Fusion fusion, double w) {
        List<Scores> fused = fusion.at(w);
        Accuracy accuracy = truth == null ? null : accuracy(fused, truth, labels(fused, truth));
        try (Results results = output.open(terminal, header(w), FuseCommand::line)) {
            Set<String> done = results.done();
            fused.stream().filter(s -> !done.contains(s.id())).forEach(results::add);
            results.finish();
        }
        if (accuracy != null) {
            terminal.say(String.format(
                    Locale.ROOT,
                    "w = %s: accuracy %.2f %% (%d of %d)",
                    w,
                    100 * accuracy.value(),
                    accuracy.correct(),
                    accuracy.known()));
        }
    }

    private void table(Fusion fusion, Path file) {
        StringBuilder table = new StringBuilder("w\taccuracy\tcorrect\tof\n");
        Truth known = labels(fusion.at(0), file);
        for (int step = 0; step <= STEPS; step++) {
            double w = (double) step / STEPS;
            Accuracy a = accuracy(fusion.at(w), file, known);
            String end = step == 0 ? "\timage only" : step == STEPS ? "\ttext only" : "";
            table.append(
                    String.format(Locale.ROOT, "%.1f\t%.4f\t%d\t%d%s%n", w, a.value(), a.correct(), a.known(), end));
        }
        terminal.out().print(table.toString());
    }

    private static Truth labels(List<Scores> scores, Path file) {
        return Truth.read(file, scores.getFirst().probabilities().keySet());
    }

    private static Accuracy accuracy(List<Scores> scores, Path file, Truth known) {
        Accuracy a = Accuracy.of(scores, known);
        if (a.known() == 0) {
            throw new DataException(file + ": the true label of no id, such as \""
                    + scores.getFirst().id() + "\"");
        }
        return a;
    }

    private ObjectNode header(double w) {
        Build build = Build.current();
        ObjectNode node = Header.of(Header.SCORES, "fuse");
        node.put("version", build.version());
        node.put("commit", build.commit());
        ObjectNode configuration = JsonNodeFactory.instance.objectNode();
        configuration.put("weight", w);
        configuration.put("common", common);
        configuration.put("image", image.toString());
        configuration.put("text", text.toString());
        node.set("configuration", configuration);
        try {
            ObjectNode sha256 = JsonNodeFactory.instance.objectNode();
            sha256.put("image", Fingerprint.sha256(image));
            sha256.put("text", Fingerprint.sha256(text));
            node.set("sha256", sha256);
        } catch (IOException e) {
            throw new DataException(image + ", " + text + ": cannot be read: " + e.getMessage(), e);
        }
        return node;
    }

    private static String line(Entry entry) {
        return entry instanceof Scores s
                ? String.format(
                        Locale.ROOT,
                        "%s: %s %.2f",
                        s.id(),
                        s.top(),
                        s.probabilities().get(s.top()))
                : entry.id();
    }
}
