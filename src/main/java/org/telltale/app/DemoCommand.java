package org.telltale.app;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import org.telltale.app.data.DataException;
import org.telltale.app.data.LoaderOptions.Unreadable;
import org.telltale.app.data.Reasons;
import org.telltale.app.demo.Demo;
import org.telltale.app.experiment.Experiment;
import org.telltale.app.experiment.PlanReader;
import org.telltale.app.experiment.Setup;
import org.telltale.app.experiment.Stage;
import org.telltale.app.pipeline.StatusLine;
import org.telltale.app.pipeline.Terminal;
import org.telltale.app.train.TrainingListener;
import org.telltale.app.train.TrainingOptions;
import org.telltale.engine.io.WholeFile;
import org.telltale.models.image.Exif;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code telltale demo}. */
@Command(
        name = "demo",
        header = "Draws pictures of disasters, trains small models on them, and tells how well picture and caption do.",
        description = {
            "Nothing is downloaded. The models are the real ones, a few thousand times smaller; so are the pictures few.",
            "A demo that was stopped goes on when the same command is given again."
        },
        footerHeading = "%nExamples:%n",
        footer = {"  telltale demo", "  telltale demo --out /tmp/demo --seed 7"})
final class DemoCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Mixin
    private DeviceArguments device = new DeviceArguments();

    @Option(
            names = "--out",
            paramLabel = "FOLDER",
            defaultValue = "telltale-demo",
            description = "The folder of all that is made (default: ${DEFAULT-VALUE}).")
    private Path out = Path.of("telltale-demo");

    @Option(
            names = "--seed",
            paramLabel = "N",
            defaultValue = "0",
            description = "Of the pictures and of all that is random in training (default: ${DEFAULT-VALUE}).")
    private long seed;

    DemoCommand(Terminal terminal) {
        this.terminal = terminal;
        device.exif = Exif.IGNORE;
    }

    @Override
    public Integer call() throws InterruptedException {
        long began = System.nanoTime();
        TrainingOptions options = new TrainingOptions(
                device.options(),
                seed,
                true,
                false,
                200,
                TrainingOptions.Keep.LAST,
                false,
                Unreadable.REFUSE,
                false,
                Build.current().toString());
        Demo.Made made = new Demo(out, Demo.counts(), options, new Shown()).make();
        Path plan = plan(made);
        terminal.say("running the experiment of " + plan);
        Build build = Build.current();
        Setup setup = new Setup(terminal, options.model(), build.version(), build.commit(), false);
        Path run = out.resolve("run");
        Experiment.of(PlanReader.read(plan), setup).run(run, EnumSet.allOf(Stage.class), Optional.empty());
        ExperimentCommand.report(terminal, run);
        terminal.say(String.format(Locale.ROOT, "done in %.0f s", (System.nanoTime() - began) / 1e9));
        return Exit.OK.code();
    }

    /** The plan of the experiment, in a file of its own, to be looked at and changed. */
    private Path plan(Demo.Made made) {
        Path file = out.resolve("plan.yaml");
        String text = """
                # What 'telltale demo' runs: 'telltale experiment --plan plan.yaml --out run' does the same.
                data: %s
                split: consolidated
                trials: 2
                seed: %d
                weights: 0.1
                figures: [MobileNetV2]
                tasks:
                  disaster_types: {}
                  damage_severity: {}
                classifiers:
                  MobileNetV2:
                    model: %s
                    from_scratch: true
                    train: {epochs: [16, 8], rate: [2e-3, 5e-5], trained: ["^", "^"], dropout: 0.3, batch: 16, size: 64,
                            augmentation: false}
                captioners:
                  IV3+RNN: {kind: attention-gru, model: %s}
                  BLIP: {kind: blip, model: %s, beams: 3, max_length: 20}
                  CLIP-I:
                    kind: interrogator
                    model: %s
                    captioner: %s
                    lists: %s
                    cache: tables
                    beams: 3
                    max_flavors: 3
                text:
                  model: %s
                  from_scratch: true
                  train: {epochs: 8, rate: 1e-3, batch: 16, size: 24}
                """.formatted(
                        from(made.data()),
                        seed,
                        from(made.mobileNet()),
                        from(made.attentionGru()),
                        from(made.blip()),
                        from(made.clip()),
                        from(made.blip()),
                        from(made.lists()),
                        from(made.bert()));
        try {
            WholeFile.write(file, text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new DataException(file + ": cannot be written: " + Reasons.of(e), e);
        }
        return file;
    }

    /** A path as the plan writes it, from its own folder on. */
    private String from(Path path) {
        return '"' + out.relativize(path).toString().replace('\\', '/') + '"';
    }

    /** On standard error: what begins, a status line of the drawing, and the epochs of each training. */
    private final class Shown implements Demo.Audience {
        private final StatusLine status = new StatusLine(terminal);

        @Override
        public void say(String line) {
            status.clear();
            terminal.say(line);
        }

        @Override
        public void drawn(int count, int of) {
            if (status.due()) {
                status.show(count + "/" + of + " pictures");
            }
            if (count == of) {
                status.clear();
            }
        }

        @Override
        public TrainingListener training() {
            return new TrainingProgress(terminal);
        }

        @Override
        public BooleanSupplier cancelled() {
            return terminal.cancelled();
        }
    }
}
