package org.telltale.app;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.telltale.api.Classification;
import org.telltale.api.ImageClassifier;
import org.telltale.api.ModelFolder;
import org.telltale.api.ModelOptions;
import org.telltale.api.TextClassifier;
import org.telltale.api.Timings;
import org.telltale.app.data.CaptionRecord;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Entry;
import org.telltale.app.data.Fingerprint;
import org.telltale.app.data.Header;
import org.telltale.app.data.Pictures;
import org.telltale.app.data.Records;
import org.telltale.app.data.Results;
import org.telltale.app.data.Scores;
import org.telltale.app.pipeline.Batch;
import org.telltale.app.pipeline.Terminal;
import org.telltale.models.ConfigFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@code telltale classify}. */
@Command(
        name = "classify",
        header = "Classifies pictures with MobileNetV2 or EfficientNet, and texts with BERT.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  telltale classify --model mobilenet photos/ --output image-scores.jsonl",
            "  telltale classify --model bert --captions captions.jsonl --output text-scores.jsonl",
            "  telltale classify --model bert --text 'a street under water' --top 3"
        })
final class ClassifyCommand implements Callable<Integer> {
    private final Terminal terminal;
    private final TimingsReport report;
    private final Timings timings;

    @Mixin
    private ModelArguments model = new ModelArguments();

    @Parameters(
            paramLabel = "PICTURE|FOLDER|-",
            arity = "0..*",
            description = "Pictures, folders of pictures, or - for paths from standard input, one a line.")
    private List<String> inputs = List.of();

    @Option(names = "--text", paramLabel = "TEXT", description = "A text instead of pictures; may be repeated.")
    private List<String> texts = List.of();

    @Option(
            names = "--captions",
            paramLabel = "FILE",
            description = "The captions that 'telltale caption --output FILE' wrote, instead of pictures.")
    private @Nullable Path captions;

    @Option(
            names = "--top",
            paramLabel = "K",
            defaultValue = "1",
            description = "How many labels to show as text (default: ${DEFAULT-VALUE}).")
    private int top = 1;

    @Mixin
    private OutputArguments output = new OutputArguments();

    ClassifyCommand(Terminal terminal, TimingsReport report) {
        this.terminal = terminal;
        this.report = report;
        timings = report.timings();
    }

    @Override
    public Integer call() throws InterruptedException {
        report.begin();
        Exit exit = classify();
        if (output.timings) {
            report.print(terminal);
        }
        return exit.code();
    }

    private Exit classify() throws InterruptedException {
        int kinds = (inputs.isEmpty() ? 0 : 1) + (texts.isEmpty() ? 0 : 1) + (captions == null ? 0 : 1);
        if (kinds != 1) {
            throw new Exit.UsageException(
                    "pictures, --text or --captions: one of them, not " + (kinds == 0 ? "none" : "several"));
        }
        if (top < 1) {
            throw new Exit.UsageException("--top is " + top + ", expected at least 1");
        }
        ModelOptions options = model.options();
        output.check();
        boolean isBert = ConfigFile.read(ModelFolder.find(model.model).resolve("config.json"))
                .json()
                .path("model_type")
                .stringValue("")
                .equals("bert");
        if (isBert == !inputs.isEmpty()) {
            throw new Exit.UsageException(
                    isBert
                            ? model.model + " classifies texts: give --text or --captions"
                            : model.model + " classifies pictures, not texts");
        }
        return isBert ? classifyTexts(options) : classifyPictures(options);
    }

    private Exit classifyPictures(ModelOptions options) throws InterruptedException {
        Headers headers = begin();
        List<String> ids = Pictures.find(inputs, terminal.in());
        try (ImageClassifier classifier =
                ModelArguments.open(() -> ImageClassifier.open(model.model, options, timings))) {
            if (headers != null) {
                headers.configuration.put("exif", model.exif.name().toLowerCase(Locale.ROOT));
            }
            try (Results results = open(headers, classifier.device())) {
                Batch.Outcome outcome = new Batch(terminal, model.exif, output.verbose, timings)
                        .run(
                                ids,
                                (id, picture) -> scores(id, Scores.Source.IMAGE, classifier.classify(picture)),
                                results);
                timings.in(Timings.Stage.WRITE, results::finish);
                return OutputArguments.exit(outcome);
            }
        }
    }

    private Exit classifyTexts(ModelOptions options) throws InterruptedException {
        Headers headers = begin();
        Map<String, String> byId = textsById();
        try (TextClassifier classifier =
                ModelArguments.open(() -> TextClassifier.open(model.model, options, timings))) {
            if (headers != null && captions != null) {
                headers.configuration.put("captions", captions.toString());
                headers.configuration.put("captionsSha256", sha256(captions));
            }
            try (Results results = open(headers, classifier.device())) {
                byId.keySet().removeAll(results.done());
                for (Map.Entry<String, String> text : byId.entrySet()) {
                    if (terminal.cancelled().getAsBoolean()) {
                        throw new CancellationException();
                    }
                    Scores scores = scores(text.getKey(), Scores.Source.TEXT, classifier.classify(text.getValue()));
                    timings.in(Timings.Stage.WRITE, () -> results.add(scores));
                }
                timings.in(Timings.Stage.WRITE, results::finish);
                return Exit.OK;
            }
        }
    }

    private Map<String, String> textsById() {
        Map<String, String> byId = new LinkedHashMap<>();
        if (captions != null) {
            for (CaptionRecord c : Records.captions(captions)) {
                byId.put(c.id(), c.text());
            }
        }
        texts.forEach(t -> byId.put(t, t));
        return byId;
    }

    private static String sha256(Path file) {
        try {
            return Fingerprint.sha256(file);
        } catch (IOException e) {
            throw new DataException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private @Nullable Headers begin() {
        return output.records() ? Headers.begin(Header.SCORES, "classify", model, timings) : null;
    }

    private Results open(@Nullable Headers headers, String device) throws InterruptedException {
        ObjectNode header = headers == null ? JsonNodeFactory.instance.objectNode() : headers.complete(device);
        return output.open(terminal, header, this::line);
    }

    private static Scores scores(String id, Scores.Source source, Classification c) {
        Map<String, Double> probabilities = new LinkedHashMap<>();
        c.labels().forEach(l -> probabilities.put(l.name(), l.probability()));
        return new Scores(id, source, probabilities);
    }

    private String line(Entry entry) {
        List<Map.Entry<String, Double>> labels = new ArrayList<>();
        if (entry instanceof Scores s) {
            labels.addAll(s.probabilities().entrySet());
        }
        // Stable, so that of equal ones the first label stays the first.
        labels.sort(Map.Entry.<String, Double>comparingByValue().reversed());
        return entry.id() + ": "
                + labels.stream()
                        .limit(top)
                        .map(l -> l.getKey() + String.format(Locale.ROOT, " %.2f", l.getValue()))
                        .collect(Collectors.joining(", "));
    }
}
