package org.telltale.app;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.telltale.api.Interrogator;
import org.telltale.api.ModelFolder;
import org.telltale.api.Timings;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Entry;
import org.telltale.app.data.Fingerprint;
import org.telltale.app.data.Header;
import org.telltale.app.data.Pictures;
import org.telltale.app.data.PromptRecord;
import org.telltale.app.data.RecordFile;
import org.telltale.app.data.Records;
import org.telltale.app.data.Results;
import org.telltale.app.data.UserCache;
import org.telltale.app.pipeline.Batch;
import org.telltale.app.pipeline.TableProgress;
import org.telltale.app.pipeline.Terminal;
import org.telltale.engine.io.WholeFile;
import org.telltale.models.interrogate.Mode;
import org.telltale.models.interrogate.Rules;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@code telltale interrogate}. */
@Command(
        name = "interrogate",
        header = "Describes pictures with the CLIP Interrogator: a caption, and labels that CLIP finds in the picture.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  telltale interrogate --model openai/clip-vit-large-patch14 --lists lists"
                    + " --captioner Salesforce/blip-image-captioning-large flood.jpg",
            "  telltale interrogate --model clip --captioner blip --lists lists --csv desc.csv photos/",
            "  telltale interrogate --model clip --captioner blip --lists lists --mode fast --explain flood.jpg"
        })
final class InterrogateCommand implements Callable<Integer> {
    private static final int MOST_FLAVORS = 1000;

    private final Terminal terminal;
    private final TimingsReport report;
    private final Timings timings;

    @Mixin
    private ModelArguments model = new ModelArguments();

    @Parameters(
            paramLabel = "PICTURE|FOLDER|-",
            arity = "1..*",
            description = "Pictures, folders of pictures, or - for paths from standard input, one a line.")
    private List<String> inputs = List.of();

    @Option(
            names = "--captioner",
            paramLabel = "ID|FOLDER",
            description = "BLIP's folder or id; needed but for --mode negative.")
    private @Nullable String captioner;

    @Option(
            names = "--lists",
            required = true,
            paramLabel = "DIR",
            description = "The folder with artists.txt, flavors.txt, mediums.txt, movements.txt and negative.txt.")
    private Path lists = Path.of("");

    @Option(
            names = "--cache",
            paramLabel = "DIR",
            description = "Where the labels' vectors are kept; making them takes long the first time"
                    + " (default: telltale/tables in the user's cache folder).")
    private @Nullable Path cache;

    @Option(
            names = "--table-name",
            paramLabel = "NAME",
            description = "What the files of vectors are named by, instead of the model: ViT-L-14_openai for those of"
                    + " the original.")
    private @Nullable String tableName;

    @Option(
            names = "--mode",
            paramLabel = "best|fast|classic|negative",
            defaultValue = "best",
            description = "How labels are chosen (default: ${DEFAULT-VALUE}).")
    private Mode mode = Mode.BEST;

    @Option(
            names = "--rules",
            paramLabel = "2.2|0.6",
            defaultValue = "2.2",
            description =
                    "The logic of the notebook 2.2, or of the library 0.4.3 to 0.6.0 (default: ${DEFAULT-VALUE}).")
    private String rules = "2.2";

    @Option(
            names = "--max-flavors",
            paramLabel = "N",
            description = "The most flavors (default: 16, in fast and negative mode 32, in classic mode 3).")
    private @Nullable Integer flavors;

    @Option(
            names = "--beams",
            paramLabel = "N",
            description = "Beams of the caption's search under --rules 2.2 (default: 64, as the notebook).")
    private @Nullable Integer beams;

    @Option(
            names = "--csv",
            paramLabel = "FILE",
            description =
                    "Write the columns image and prompt, as the notebook's desc.csv. Until it is complete, records"
                            + " are in FILE.part, which the same command continues after a kill.")
    private @Nullable Path csv;

    @Option(
            names = "--explain",
            description = "Tell each step: the labels tried, their similarities, and why they stay.")
    private boolean explain;

    @Mixin
    private OutputArguments output = new OutputArguments();

    InterrogateCommand(Terminal terminal, TimingsReport report) {
        this.terminal = terminal;
        this.report = report;
        timings = report.timings();
    }

    @Override
    public Integer call() throws InterruptedException {
        report.begin();
        Exit exit = interrogate();
        if (output.timings) {
            report.print(terminal);
        }
        return exit.code();
    }

    private Exit interrogate() throws InterruptedException {
        Interrogator.Builder builder = builder();
        output.check(csv, "--csv");
        model.hub.fetch(terminal, model.model);
        model.hub.fetch(terminal, mode == Mode.NEGATIVE ? null : captioner);
        Headers headers =
                output.records() || csv != null ? Headers.begin(Header.PROMPTS, "interrogate", model, timings) : null;
        List<String> ids = Pictures.find(inputs, terminal.in());
        try (Interrogator interrogator = ModelArguments.open(builder::open)) {
            ObjectNode header = JsonNodeFactory.instance.objectNode();
            if (headers != null) {
                describe(interrogator, headers.configuration);
                header = headers.complete(interrogator.device());
            }
            try (Results results = open(header)) {
                Batch.Outcome outcome = new Batch(terminal, model.exif, output.verbose, timings)
                        .run(
                                ids,
                                (id, picture) -> record(id, interrogator.interrogate(picture, terminal.cancelled())),
                                results);
                timings.in(Timings.Stage.WRITE, results::finish);
                return OutputArguments.exit(outcome);
            }
        }
    }

    private Interrogator.Builder builder() {
        Rules whose = switch (rules) {
            case "2.2" -> Rules.V2_2;
            case "0.6" -> Rules.V0_6;
            default -> throw new Exit.UsageException("--rules is '" + rules + "', expected 2.2 or 0.6");
        };
        if (whose == Rules.V2_2 && mode == Mode.NEGATIVE) {
            throw new Exit.UsageException("--mode negative needs --rules 0.6, as 2.2 has no such mode");
        }
        if (captioner == null && mode != Mode.NEGATIVE) {
            throw new Exit.UsageException("--captioner is missing, which every mode but negative needs");
        }
        if (flavors != null && (flavors < 1 || flavors > MOST_FLAVORS)) {
            throw new Exit.UsageException("--max-flavors is " + flavors + ", expected 1 to " + MOST_FLAVORS);
        }
        if (beams != null && (beams < 1 || beams > 1000 || whose != Rules.V2_2)) {
            throw new Exit.UsageException("--beams is " + beams + ", expected 1 to 1000, and --rules 2.2");
        }
        Interrogator.Builder builder = Interrogator.model(model.model, lists, tables())
                .rules(whose)
                .mode(mode)
                .options(model.options())
                .timings(timings)
                .listener(new TableProgress(terminal, output.verbose));
        if (captioner != null) {
            builder.captioner(captioner);
        }
        if (tableName != null) {
            builder.tableName(tableName);
        }
        if (flavors != null) {
            builder.flavors(flavors);
        }
        if (beams != null) {
            builder.beams(beams);
        }
        return builder;
    }

    private Path tables() {
        return cache == null ? UserCache.tables() : cache;
    }

    private void describe(Interrogator interrogator, ObjectNode configuration) {
        configuration.put("rules", rules);
        configuration.put("mode", mode.name().toLowerCase(Locale.ROOT));
        configuration.put("maxFlavors", flavors == null ? mode.defaultFlavors() : flavors);
        configuration.put("explain", explain);
        configuration.put("exif", model.exif.name().toLowerCase(Locale.ROOT));
        ObjectNode labels = configuration.putObject("labelsSha256");
        interrogator.hashes().forEach(labels::put);
        String blip = captioner;
        if (blip != null && mode != Mode.NEGATIVE) {
            if (rules.equals("2.2")) {
                configuration.put("beams", beams == null ? Interrogator.BEAMS : beams);
            }
            configuration.put("captioner", blip);
            configuration.set(
                    "captionerSha256", timings.in(Timings.Stage.HASH, () -> Fingerprint.of(ModelFolder.find(blip))));
        }
    }

    private PromptRecord record(String id, Interrogator.Answer answer) {
        return new PromptRecord(
                id,
                answer.found().prompt(),
                answer.caption(),
                answer.found().similarity(),
                explain ? Explanation.json(answer.found().steps()) : null);
    }

    private Results open(ObjectNode header) {
        Path file = csv;
        return file == null
                ? output.open(terminal, header, InterrogateCommand::line)
                : RecordFile.rendered(file, header, output.restart(), (part, to) -> write(Records.prompts(part), to));
    }

    private static void write(List<PromptRecord> records, Path file) {
        StringBuilder table = new StringBuilder("image,prompt\r\n");
        for (PromptRecord r : records) {
            Path name = Path.of(r.id()).getFileName();
            table.append(quoted(name == null ? r.id() : name.toString()))
                    .append(',')
                    .append(quoted(r.prompt()))
                    .append("\r\n");
        }
        try {
            WholeFile.write(file, table.toString().getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new DataException(file + ": cannot be written: " + e, e);
        }
    }

    /** As Python's csv module quotes at least: only what holds a comma, a quote or a line end. */
    private static String quoted(String field) {
        return field.chars().anyMatch(c -> c == ',' || c == '"' || c == '\r' || c == '\n')
                ? '"' + field.replace("\"", "\"\"") + '"'
                : field;
    }

    private static String line(Entry entry) {
        if (entry instanceof PromptRecord p) {
            String steps = p.steps() == null ? "" : "\n" + Explanation.text(p.steps());
            return p.id() + ": " + p.prompt() + steps;
        }
        return entry.id();
    }
}
