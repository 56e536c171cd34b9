package org.telltale.app;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import org.telltale.api.ModelFolder;
import org.telltale.app.experiment.Estimate;
import org.telltale.app.experiment.Experiment;
import org.telltale.app.experiment.FindingsReader;
import org.telltale.app.experiment.Merge;
import org.telltale.app.experiment.Plan;
import org.telltale.app.experiment.PlanReader;
import org.telltale.app.experiment.Setup;
import org.telltale.app.experiment.Shard;
import org.telltale.app.experiment.Stage;
import org.telltale.app.experiment.Status;
import org.telltale.app.pipeline.StatusLine;
import org.telltale.app.pipeline.Terminal;
import org.telltale.app.report.Report;
import org.telltale.models.image.Exif;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code telltale experiment}. */
@Command(
        name = "experiment",
        header = "Runs the paper's experiment, or another plan: captions, trained classifiers, fusion, and a report.",
        description = {
            "Without --plan it is the paper's: 'telltale experiment plan' shows it, to be changed and given as --plan.",
            "A run that was stopped or killed goes on when the same command is given again. EXIF orientations are"
                    + " ignored, as in the paper, unless --exif apply is given."
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  telltale experiment --data crisis_vision_benchmarks --out run",
            "  telltale experiment --plan plan.yaml --data crisis --out run --task damage_severity --trials 2",
            "  telltale experiment --data crisis --out run --dry-run",
            "  telltale experiment --data crisis --out part2 --stage captions --shard 2/4",
            "  telltale experiment status run"
        })
final class ExperimentCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Option(names = "--plan", paramLabel = "FILE", description = "A plan in YAML or JSON (default: the paper's).")
    private @Nullable Path planFile;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description = "The folder with CrisisNLP's folders data and tasks in it (default: what the plan says).")
    private @Nullable Path data;

    @Option(names = "--out", paramLabel = "RUN", description = "The folder of the experiment.")
    private @Nullable Path out;

    @Option(
            names = "--split",
            paramLabel = "union|consolidated",
            description = "Which tables: those of the sources, as in the paper's Table 1, or the consolidated ones.")
    private Plan.@Nullable Tables split;

    @Option(names = "--task", paramLabel = "NAME", split = ",", description = "Only these tasks of the plan.")
    private List<String> tasks = List.of();

    @Option(names = "--trials", paramLabel = "N", description = "Trials of each classifier, instead of the plan's.")
    private @Nullable Integer trials;

    @Option(
            names = "--subset",
            paramLabel = "N",
            description = "At most so many samples of each split, drawn by the plan's seed with the labels' shares.")
    private @Nullable Integer subset;

    @Option(
            names = "--missing",
            paramLabel = "refuse|skip",
            description = "What becomes of pictures of the tables that do not exist, instead of the plan's choice.")
    private Plan.@Nullable Missing missing;

    @Option(
            names = "--stage",
            paramLabel = "captions|text|image",
            split = ",",
            description = "Only these stages; the others are left as they are.")
    private List<Stage> stages = List.of();

    @Option(
            names = "--shard",
            paramLabel = "K/N",
            description = "With --stage captions: only every N-th picture, from the K-th on. 'experiment merge' brings"
                    + " the folders of several machines together.")
    private @Nullable String shard;

    @Option(
            names = "--dry-run",
            description = "Do nothing but tell what would be done, with times where they are known.")
    private boolean dryRun;

    @Option(
            names = "--measure",
            description = "With --dry-run: measure a little of everything with the plan's models, which takes minutes.")
    private boolean measure;

    @Option(names = "--verbose", description = "Tell of progress also where standard error is no terminal.")
    private boolean verbose;

    @Mixin
    private DeviceArguments device = new DeviceArguments();

    @Mixin
    private HubArguments hub = new HubArguments();

    ExperimentCommand(Terminal terminal) {
        this.terminal = terminal;
        device.exif = Exif.IGNORE;
    }

    @Override
    public Integer call() throws InterruptedException {
        Plan plan = plan();
        Optional<Shard> part = part();
        Set<Stage> which = stages.isEmpty() ? EnumSet.allOf(Stage.class) : EnumSet.copyOf(stages);
        if (part.isPresent() && !which.equals(EnumSet.of(Stage.CAPTIONS))) {
            throw new Exit.UsageException("--shard goes with --stage captions");
        }
        if (measure && !dryRun) {
            throw new Exit.UsageException("--measure goes with --dry-run");
        }
        Build build = Build.current();
        Setup setup = new Setup(terminal, device.options(), build.version(), build.commit(), verbose);
        if (dryRun) {
            show(Estimate.of(plan, setup, measure));
            return Exit.OK.code();
        }
        if (out == null) {
            throw new Exit.UsageException("Missing required option: '--out=RUN'");
        }
        Experiment experiment = Experiment.of(plan, setup);
        for (String model : plan.models(which)) {
            hub.fetch(terminal, model);
            // before days of work of which the last stage cannot be done
            ModelFolder.find(model);
        }
        int unreadable;
        try {
            unreadable = experiment.run(out, which, part);
        } catch (CancellationException e) {
            terminal.say("the same command goes on; 'telltale experiment status " + out + "' tells how far it is");
            throw e;
        }
        if (part.isEmpty()) {
            report(terminal, out);
        }
        return (unreadable == 0 ? Exit.OK : Exit.SOME_FAILED).code();
    }

    private void show(Estimate e) {
        StringBuilder t = new StringBuilder();
        e.samples()
                .forEach((task, n) -> t.append(task + ": " + n[0] + " train, " + n[1] + " dev, " + n[2] + " test\n"));
        t.append(e.pictures() + " pictures to be captioned, each once\n\n");
        t.append(String.format(Locale.ROOT, "%-46s %16s %14s %14s %12s%n", "", "", "each", "in all", "disk"));
        double sum = 0;
        boolean known = true;
        for (Estimate.Line l : e.lines()) {
            known &= l.seconds().isPresent();
            sum += l.seconds().orElse(0);
            t.append(String.format(
                    Locale.ROOT,
                    "%-46s %16s %14s %14s %12s%n",
                    l.what(),
                    l.count() == 0 ? "" : l.count() + " " + l.unit(),
                    l.each().isEmpty() ? "?" : each(l.each().getAsDouble()),
                    l.seconds().isEmpty() ? "?" : StatusLine.time(l.seconds().getAsDouble()),
                    l.disk().isEmpty()
                            ? ""
                            : String.format(Locale.ROOT, "%.2f GB", l.disk().getAsLong() / 1e9)));
        }
        t.append("\nin all " + (known ? "" : "at least ") + StatusLine.time(sum) + "\n");
        if (!measure) {
            t.append("--measure finds the times that are not known\n");
        }
        e.notes().forEach(n -> t.append(n).append('\n'));
        terminal.out().print(t.toString());
    }

    private static String each(double seconds) {
        return seconds < 60 ? String.format(Locale.ROOT, "%.3f s", seconds) : StatusLine.time(seconds);
    }

    private Plan plan() {
        Plan plan = planFile == null ? PlanReader.paper() : PlanReader.read(planFile);
        List<Plan.Task> wanted = new ArrayList<>();
        for (String name : tasks) {
            wanted.add(plan.tasks().stream()
                    .filter(t -> t.name().equals(name))
                    .findFirst()
                    .orElseThrow(() -> new Exit.UsageException("--task is '" + name + "', but the plan has "
                            + plan.tasks().stream().map(Plan.Task::name).toList())));
        }
        Plan.Scope s = plan.scope();
        return plan.with(
                new Plan.Scope(
                        data == null ? s.data() : Optional.of(data),
                        split == null ? s.tables() : split,
                        trials == null ? s.trials() : RecipeArguments.positive("--trials", trials),
                        s.seed(),
                        subset == null ? s.subset() : OptionalInt.of(RecipeArguments.positive("--subset", subset)),
                        s.keep(),
                        missing == null ? s.missing() : missing),
                wanted.isEmpty() ? plan.tasks() : wanted);
    }

    private Optional<Shard> part() {
        try {
            return Optional.ofNullable(shard).map(Shard::parse);
        } catch (IllegalArgumentException e) {
            throw new Exit.UsageException("--shard: " + e.getMessage());
        }
    }

    /** Writes the report of what a folder holds, and tells the accuracies and where it is. */
    static void report(Terminal terminal, Path folder) {
        Report report = Report.of(FindingsReader.read(folder));
        Path to = folder.resolve("report");
        report.write(to);
        terminal.out().print(report.accuracies() + "report: " + to.resolve("report.html") + "\n");
    }

    /** {@code telltale experiment plan}. */
    @Command(name = "plan", header = "Prints the paper's plan, with comments.")
    static final class PlanCommand implements Callable<Integer> {
        private final Terminal terminal;

        PlanCommand(Terminal terminal) {
            this.terminal = terminal;
        }

        @Override
        public Integer call() {
            terminal.out().print(PlanReader.text());
            return Exit.OK.code();
        }
    }

    /** {@code telltale experiment report}. */
    @Command(name = "report", header = "Writes the report of what an experiment has found so far.")
    static final class ReportCommand implements Callable<Integer> {
        private final Terminal terminal;

        @Parameters(paramLabel = "RUN", description = "The folder of the experiment.")
        private Path folder = Path.of("");

        ReportCommand(Terminal terminal) {
            this.terminal = terminal;
        }

        @Override
        public Integer call() {
            report(terminal, folder);
            return Exit.OK.code();
        }
    }

    /** {@code telltale experiment status}. */
    @Command(name = "status", header = "Tells how far an experiment is.")
    static final class StatusCommand implements Callable<Integer> {
        private final Terminal terminal;

        @Parameters(paramLabel = "RUN", description = "The folder of the experiment.")
        private Path folder = Path.of("");

        StatusCommand(Terminal terminal) {
            this.terminal = terminal;
        }

        @Override
        public Integer call() {
            Status status = Status.of(folder);
            for (Status.State s : status.jobs()) {
                terminal.out()
                        .print(String.format(
                                Locale.ROOT,
                                "%-9s %-60s %8s%n",
                                s.finished() ? "done" : s.began() ? "begun" : "to do",
                                s.job() + (s.done() > 0 ? ", " + s.done() + " records" : ""),
                                s.seconds() > 0 ? StatusLine.time(s.seconds()) : ""));
            }
            long done = status.jobs().stream().filter(Status.State::finished).count();
            terminal.out()
                    .print(done + " of " + status.jobs().size() + " jobs are done, in "
                            + StatusLine.time(status.seconds())
                            + (done == status.jobs().size()
                                    ? ""
                                    : status.left().isPresent()
                                            ? "; about "
                                                    + StatusLine.time(
                                                            status.left().getAsDouble()) + " left"
                                            : "")
                            + (status.busy() ? "; a process works in the folder" : "") + "\n");
            return Exit.OK.code();
        }
    }

    /** {@code telltale experiment merge}. */
    @Command(
            name = "merge",
            header = "Brings together what was done of one experiment on several machines.",
            description =
                    "Folders of different data, settings or models are refused, and different results of one job.")
    static final class MergeCommand implements Callable<Integer> {
        private final Terminal terminal;

        @Option(names = "--out", required = true, paramLabel = "RUN", description = "The folder that gets all.")
        private Path to = Path.of("");

        @Parameters(paramLabel = "RUN", arity = "1..*", description = "Folders of the experiment.")
        private List<Path> from = List.of();

        MergeCommand(Terminal terminal) {
            this.terminal = terminal;
        }

        @Override
        public Integer call() {
            int added = Merge.into(to, from);
            terminal.say(added + " files of results added to " + to);
            return Exit.OK.code();
        }
    }
}
