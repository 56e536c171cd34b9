package org.telltale.app;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.telltale.app.data.StandardOutput;
import org.telltale.app.pipeline.Terminal;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command {@code telltale}. */
@Command(
        name = "telltale",
        scope = ScopeType.INHERIT,
        mixinStandardHelpOptions = true,
        versionProvider = Build.Version.class,
        synopsisSubcommandLabel = "COMMAND",
        sortOptions = false,
        usageHelpAutoWidth = true,
        header = "Captions and interrogates pictures, classifies pictures and texts, and fuses what both say.",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done",
            "1:some of several inputs failed",
            "2:wrong arguments",
            "3:input or model not found",
            "4:a file that cannot be read or written, or is malformed",
            "5:no such device, or it cannot be used",
            "70:internal error",
            "130:interrupted"
        })
public final class Main implements Runnable {
    @Spec
    private @SuppressWarnings("NullAway.Init") CommandSpec spec;

    @Option(
            names = "--debug",
            scope = ScopeType.INHERIT,
            description = "Show where in the program an error comes from.")
    private boolean debug;

    private Main() {}

    /** Runs a command and ends the process. */
    public static void main(String[] args) {
        PrintStream err = new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
        Interrupt interrupt = Interrupt.install(err);
        Terminal terminal = new Terminal(
                System.in,
                new StandardOutput(new FileOutputStream(FileDescriptor.out)),
                err,
                Boolean.getBoolean("telltale.terminal"),
                interrupt);
        int code = run(terminal, args);
        interrupt.finished();
        System.exit(code);
    }

    /** Runs a command; the exit code. */
    static int run(Terminal terminal, String... args) {
        return run(terminal, System.getenv(), args);
    }

    /** Runs a command in an environment of which {@code pull} reads where it fetches from; the exit code. */
    static int run(Terminal terminal, Map<String, String> environment, String... args) {
        TimingsReport timings = new TimingsReport();
        Main main = new Main();
        CommandLine line = new CommandLine(main);
        Map<String, Supplier<Object>> commands = new LinkedHashMap<>();
        commands.put("demo", () -> new DemoCommand(terminal));
        commands.put("caption", () -> new CaptionCommand(terminal, timings));
        commands.put("interrogate", () -> new InterrogateCommand(terminal, timings));
        commands.put("embed", () -> new EmbedCommand(terminal, timings));
        commands.put("classify", () -> new ClassifyCommand(terminal, timings));
        commands.put("train", () -> new TrainCommand(terminal));
        commands.put("fuse", () -> new FuseCommand(terminal));
        commands.put("experiment", () -> experiment(terminal));
        commands.put("convert", () -> new ConvertCommand(terminal));
        commands.put("pull", () -> new PullCommand(terminal, environment));
        commands.put("data", () -> DataCommand.of(terminal));
        commands.put("info", () -> new InfoCommand(terminal));
        commands.put("help", HelpCommand::new);
        // Reading the annotations of all commands takes a while that one named at once needs not wait for.
        String first = args.length == 0 || args[0].equals("help") ? "" : args[0];
        commands.forEach((name, command) -> {
            if (name.equals(first) || !commands.containsKey(first)) {
                line.addSubcommand(name, command.get());
            }
        });
        line.setExpandAtFiles(false)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setAbbreviatedOptionsAllowed(false)
                .setParameterExceptionHandler((e, a) -> {
                    terminal.say(Exit.line(e) + " (see '"
                            + e.getCommandLine().getCommandSpec().qualifiedName() + " --help')");
                    return Exit.USAGE.code();
                })
                .setExecutionExceptionHandler((e, command, result) -> main.report(terminal, e));
        StringWriter help = new StringWriter();
        line.setOut(new PrintWriter(help));
        line.setErr(new PrintWriter(terminal.err(), true, StandardCharsets.UTF_8));
        try {
            int code = line.execute(args);
            if (!help.toString().isEmpty()) {
                terminal.out().print(help.toString());
            }
            return code;
        } catch (RuntimeException | Error e) {
            main.debug |= List.of(args).contains("--debug");
            return main.report(terminal, e);
        }
    }

    private static CommandLine experiment(Terminal terminal) {
        return new CommandLine(new ExperimentCommand(terminal))
                .addSubcommand(new ExperimentCommand.PlanCommand(terminal))
                .addSubcommand(new ExperimentCommand.StatusCommand(terminal))
                .addSubcommand(new ExperimentCommand.ReportCommand(terminal))
                .addSubcommand(new ExperimentCommand.MergeCommand(terminal));
    }

    private int report(Terminal terminal, Throwable e) {
        String line = Exit.line(e);
        if (!line.isEmpty()) {
            terminal.say(line);
        }
        if (debug) {
            StringWriter trace = new StringWriter();
            e.printStackTrace(new PrintWriter(trace));
            terminal.err().print(trace);
        }
        return Exit.of(e).code();
    }

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(),
                "a command is missing: one of "
                        + String.join(", ", spec.subcommands().keySet()));
    }
}
