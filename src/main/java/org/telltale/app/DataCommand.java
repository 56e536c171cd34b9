package org.telltale.app;

import org.telltale.app.pipeline.Terminal;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code telltale data}. */
@Command(
        name = "data",
        header = "Checks a data set.",
        footerHeading = "%nExample:%n",
        footer = "  telltale data crisisnlp crisis_vision_benchmarks")
final class DataCommand implements Runnable {
    @Spec
    private @SuppressWarnings("NullAway.Init") CommandSpec spec;

    private DataCommand() {}

    static CommandLine of(Terminal terminal) {
        return new CommandLine(new DataCommand()).addSubcommand("crisisnlp", new CrisisCommand(terminal));
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a data set is missing: crisisnlp");
    }
}
