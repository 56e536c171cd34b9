package org.telltale.app;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.telltale.api.AttendedCaption;
import org.telltale.api.AttentionCaptioner;
import org.telltale.api.Caption;
import org.telltale.api.Captioner;
import org.telltale.api.ModelFolder;
import org.telltale.api.Timings;
import org.telltale.app.data.CaptionRecord;
import org.telltale.app.data.Entry;
import org.telltale.app.data.Header;
import org.telltale.app.data.Pictures;
import org.telltale.app.data.Results;
import org.telltale.app.pipeline.Batch;
import org.telltale.app.pipeline.Terminal;
import org.telltale.models.decode.GenerationOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@code telltale caption}. */
@Command(
        name = "caption",
        header = "Captions pictures with BLIP, or with a captioner that 'telltale train' has made.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  telltale caption --model Salesforce/blip-image-captioning-large flood.jpg",
            "  telltale caption --model blip --beams 3 --output captions.jsonl photos/",
            "  find . -name '*.jpg' | telltale caption --model blip --jsonl -",
            "  telltale caption --model run/model --sample --seed 7 --attention maps flood.jpg"
        })
final class CaptionCommand implements Callable<Integer> {
    private final Terminal terminal;
    private final TimingsReport report;

    @Mixin
    private ModelArguments model = new ModelArguments();

    @Parameters(
            paramLabel = "PICTURE|FOLDER|-",
            arity = "1..*",
            description = "Pictures, folders of pictures, or - for paths from standard input, one a line.")
    private List<String> inputs = List.of();

    @Mixin
    private GenerationArguments generation = new GenerationArguments();

    @Option(
            names = "--prompt",
            paramLabel = "TEXT",
            description = "How every caption begins; it is cut from the result. Empty for none, as in Hugging Face"
                    + " (default: \"" + Captioner.PROMPT + "\").")
    private String prompt = Captioner.PROMPT;

    @Option(
            names = "--vision-eps",
            paramLabel = "E",
            description = "The vision layer norms' epsilon instead of the configuration's; 1e-6 in the original code.")
    private @Nullable Float visionEpsilon;

    @Option(
            names = "--attention",
            paramLabel = "FOLDER",
            description =
                    "With an attention and GRU captioner: writes an SVG for each picture that shows where it looked"
                            + " at every word.")
    private @Nullable Path attention;

    @Mixin
    private OutputArguments output = new OutputArguments();

    CaptionCommand(Terminal terminal, TimingsReport report) {
        this.terminal = terminal;
        this.report = report;
    }

    @Override
    public Integer call() throws InterruptedException {
        report.begin();
        model.options();
        output.check();
        model.hub.fetch(terminal, model.model);
        Path folder = ModelFolder.find(model.model);
        Exit exit = ModelArguments.open(() -> AttentionCaptioner.reads(folder)) ? attended() : caption();
        if (output.timings) {
            report.print(terminal);
        }
        return exit.code();
    }

    private Exit caption() throws InterruptedException {
        if (attention != null) {
            throw new Exit.UsageException(
                    "--attention is for attention and GRU captioners; " + model.model + " is none");
        }
        Timings timings = report.timings();
        GenerationOptions how = generation.options();
        Captioner.Builder builder = Captioner.model(model.model)
                .options(model.options())
                .prompt(prompt)
                .timings(timings);
        if (visionEpsilon != null) {
            if (!(visionEpsilon > 0 && visionEpsilon < 1)) {
                throw new Exit.UsageException("--vision-eps is " + visionEpsilon + ", expected a number from 0 to 1");
            }
            builder.visionEpsilon(visionEpsilon);
        }
        output.check();
        Headers headers = output.records() ? Headers.begin(Header.CAPTIONS, "caption", model, timings) : null;
        List<String> ids = Pictures.find(inputs, terminal.in());
        try (Captioner captioner = ModelArguments.open(builder::open)) {
            check(captioner, how);
            return run(ids, headers, captioner.device(), how, (id, picture) -> {
                Caption c = captioner.caption(picture, how, terminal.cancelled());
                return new CaptionRecord(id, c.text(), c.logProb());
            });
        }
    }

    /** The same with an attention and GRU captioner. */
    private Exit attended() throws InterruptedException {
        Timings timings = report.timings();
        if (!prompt.equals(Captioner.PROMPT) || visionEpsilon != null) {
            throw new Exit.UsageException("an attention and GRU captioner has no --prompt and no --vision-eps");
        }
        output.check();
        Headers headers = output.records() ? Headers.begin(Header.CAPTIONS, "caption", model, timings) : null;
        List<String> ids = Pictures.find(inputs, terminal.in());
        try (AttentionCaptioner captioner =
                ModelArguments.open(() -> AttentionCaptioner.open(model.model, model.options(), timings))) {
            GenerationOptions how = generation.withoutBeams(captioner.maxLength());
            return run(ids, headers, captioner.device(), how, (id, picture) -> {
                AttendedCaption c = captioner.caption(picture, how, terminal.cancelled());
                if (attention != null) {
                    AttentionFigure.write(attention, id, picture, c);
                }
                return new CaptionRecord(id, c.caption().text(), c.caption().logProb());
            });
        }
    }

    private Exit run(List<String> ids, @Nullable Headers headers, String device, GenerationOptions how, Batch.Step step)
            throws InterruptedException {
        Timings timings = report.timings();
        ObjectNode header = JsonNodeFactory.instance.objectNode();
        if (headers != null) {
            describe(how, headers.configuration);
            header = headers.complete(device);
        }
        try (Results results = output.open(terminal, header, CaptionCommand::line)) {
            Batch.Outcome outcome = new Batch(terminal, model.exif, output.verbose, timings).run(ids, step, results);
            timings.in(Timings.Stage.WRITE, results::finish);
            return OutputArguments.exit(outcome);
        }
    }

    private static void check(Captioner captioner, GenerationOptions how) {
        try {
            captioner.check(how);
        } catch (IllegalArgumentException e) {
            throw new Exit.UsageException(String.valueOf(e.getMessage()));
        }
    }

    private void describe(GenerationOptions how, ObjectNode configuration) {
        GenerationArguments.describe(how, configuration);
        configuration.put("prompt", prompt);
        configuration.put("exif", model.exif.name().toLowerCase(Locale.ROOT));
        if (visionEpsilon != null) {
            configuration.put("visionEps", visionEpsilon);
        }
    }

    private static String line(Entry entry) {
        return entry instanceof CaptionRecord c ? c.id() + ": " + c.text() : entry.id();
    }
}
