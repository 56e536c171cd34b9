package org.telltale.app;

import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import org.telltale.app.data.LoaderOptions.Unreadable;
import org.telltale.app.demo.Demo;
import org.telltale.app.pipeline.StatusLine;
import org.telltale.app.pipeline.Terminal;
import org.telltale.app.train.TrainingListener;
import org.telltale.app.train.TrainingOptions;
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
        terminal.say(String.format(Locale.ROOT, "made in %.0f s: %s", (System.nanoTime() - began) / 1e9, made.data()));
        return Exit.OK.code();
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
