package org.telltale.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.telltale.api.Classification;
import org.telltale.api.ImageClassifier;
import org.telltale.api.ModelFolder;
import org.telltale.api.ModelOptions;
import org.telltale.api.TextClassifier;
import org.telltale.api.Timings;
import org.telltale.api.ZeroShotClassifier;
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
import org.telltale.models.image.Pixels;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@code telltale classify}. */
@Command(
        name = "classify",
        header = "Classifies pictures with MobileNetV2, EfficientNet or CLIP, and texts with BERT.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  telltale classify --model mobilenet photos/ --output image-scores.jsonl",
            "  telltale classify --model bert --captions captions.jsonl --output text-scores.jsonl",
            "  telltale classify --model bert --text 'a street under water' --top 3",
            "  telltale classify --model clip --labels 'a flood,a fire,a street' photos/"
        })
final class ClassifyCommand implements Callable<Integer> {
    private static final String CLIP = "clip";

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
            description = "The captions or prompts that 'telltale caption' or 'telltale interrogate' wrote with"
                    + " --output FILE, instead of pictures.")
    private @Nullable Path captions;

    @Option(
            names = "--labels",
            paramLabel = "A,B,...|FILE",
            description = "With CLIP: what a picture may show, between commas or one a line of a file.")
    private @Nullable String labels;

    @Option(
            names = "--template",
            paramLabel = "TEXT",
            description = "With CLIP: the sentence that a label stands in, with {} in its place (default: {}).")
    private @Nullable String template;

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
        model.hub.fetch(terminal, model.model);
        if (labels != null || template != null) {
            return classifyByLabels(options);
        }
        String type = type();
        if (type.equals(CLIP)) {
            throw new Exit.UsageException(model.model + " is CLIP, which needs --labels");
        }
        boolean isBert = type.equals("bert");
        if (isBert == !inputs.isEmpty()) {
            throw new Exit.UsageException(
                    isBert
                            ? model.model + " classifies texts: give --text or --captions"
                            : model.model + " classifies pictures, not texts");
        }
        return isBert ? classifyTexts(options) : classifyPictures(options);
    }

    private String type() {
        Path folder = ModelFolder.find(model.model);
        if (Files.exists(folder.resolve("open_clip_config.json")) && !Files.exists(folder.resolve("config.json"))) {
            return CLIP;
        }
        return ConfigFile.read(folder.resolve("config.json"))
                .json()
                .path("model_type")
                .stringValue("");
    }

    private Exit classifyByLabels(ModelOptions options) throws InterruptedException {
        String named = labels;
        String sentence = template == null ? ZeroShotClassifier.LABEL : template;
        if (named == null || inputs.isEmpty()) {
            throw new Exit.UsageException(
                    named == null ? "--template needs --labels" : "--labels needs pictures, not texts");
        }
        List<String> all = Labels.of(named);
        if (all.size() < 2 || Set.copyOf(all).size() < all.size() || all.contains("")) {
            throw new Exit.UsageException(
                    "--labels names " + all.size() + " labels, expected at least two, each once and none empty");
        }
        if (!sentence.contains(ZeroShotClassifier.LABEL)) {
            throw new Exit.UsageException("--template is '" + sentence + "', expected a sentence with {} in it");
        }
        if (!type().equals(CLIP)) {
            throw new Exit.UsageException(model.model + " is not CLIP, which --labels needs");
        }
        Headers headers = begin();
        List<String> ids = Pictures.find(inputs, terminal.in());
        try (ZeroShotClassifier classifier =
                ModelArguments.open(() -> ZeroShotClassifier.open(model.model, all, sentence, options, timings))) {
            if (headers != null) {
                headers.configuration.put("template", sentence);
                ArrayNode list = headers.configuration.putArray("labels");
                all.forEach(list::add);
            }
            return classify(ids, headers, classifier.device(), classifier::classify);
        }
    }

    private Exit classifyPictures(ModelOptions options) throws InterruptedException {
        Headers headers = begin();
        List<String> ids = Pictures.find(inputs, terminal.in());
        try (ImageClassifier classifier =
                ModelArguments.open(() -> ImageClassifier.open(model.model, options, timings))) {
            return classify(ids, headers, classifier.device(), classifier::classify);
        }
    }

    private Exit classify(
            List<String> ids, @Nullable Headers headers, String device, Function<Pixels, Classification> classifier)
            throws InterruptedException {
        if (headers != null) {
            headers.configuration.put("exif", model.exif.name().toLowerCase(Locale.ROOT));
        }
        try (Results results = open(headers, device)) {
            Batch.Outcome outcome = new Batch(terminal, model.exif, output.verbose, timings)
                    .run(ids, (id, picture) -> Scores.of(id, Scores.Source.IMAGE, classifier.apply(picture)), results);
            timings.in(Timings.Stage.WRITE, results::finish);
            return OutputArguments.exit(outcome);
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
                    Scores scores = Scores.of(text.getKey(), Scores.Source.TEXT, classifier.classify(text.getValue()));
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
            byId.putAll(Records.texts(captions));
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
