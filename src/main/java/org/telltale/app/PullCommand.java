package org.telltale.app;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.telltale.api.ModelFolder;
import org.telltale.api.ModelNotFoundException;
import org.telltale.app.hub.FileChoice;
import org.telltale.app.hub.HubSettings;
import org.telltale.app.hub.Pull;
import org.telltale.app.hub.RemoteFile;
import org.telltale.app.pipeline.Terminal;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code telltale pull}. */
@Command(
        name = "pull",
        header = "Fetches a model of Hugging Face into its cache, or all that the paper's experiment needs.",
        description = {
            "Without --include: the configuration, the tokenizer, the preprocessor, and the weights once, as safetensors"
                    + " where there are any. A pull that was stopped or killed goes on when it is given again. Sizes"
                    + " and hashes are checked.",
            "'telltale pull paper' says sizes and licences first, and asks. --include and --exclude choose among its"
                    + " parts.",
            "The environment is that of Hugging Face's tools: HF_HOME, HF_HUB_CACHE, HF_TOKEN, HF_TOKEN_PATH,"
                    + " HF_ENDPOINT, HF_HUB_OFFLINE, HTTP_PROXY, HTTPS_PROXY, NO_PROXY."
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  telltale pull Salesforce/blip-image-captioning-large",
            "  telltale pull google/efficientnet-b0 --revision refs/pr/3",
            "  telltale pull openai/clip-vit-large-patch14 --dry-run",
            "  telltale pull paper"
        })
final class PullCommand implements Callable<Integer> {
    private final Terminal terminal;
    private final Map<String, String> environment;

    @Parameters(
            paramLabel = "ID|paper",
            description = "ORGANISATION/NAME, maybe with @REVISION behind it; or the word paper.")
    private String model = "";

    @Option(
            names = "--revision",
            paramLabel = "REVISION",
            description = "A branch, a tag, a commit, or refs/pr/N (default: main).")
    private @Nullable String revision;

    @Option(
            names = "--include",
            paramLabel = "PATTERN",
            description = "Fetch the files whose names match, and no others; * stands for any text. May be repeated.")
    private List<String> include = new ArrayList<>();

    @Option(names = "--exclude", paramLabel = "PATTERN", description = "Leave out the files whose names match.")
    private List<String> exclude = new ArrayList<>();

    @Option(names = "--dry-run", description = "List the files and their sizes, and fetch nothing.")
    private boolean dryRun;

    @Option(
            names = {"-y", "--yes"},
            description = "With paper: do not ask.")
    private boolean yes;

    @Option(
            names = "--files",
            paramLabel = "FOLDER",
            description = "With paper: where files go that are not of Hugging Face (default: telltale/paper in"
                    + " XDG_CACHE_HOME or ~/.cache).")
    private @Nullable Path files;

    PullCommand(Terminal terminal, Map<String, String> environment) {
        this.terminal = terminal;
        this.environment = environment;
    }

    @Override
    public Integer call() throws InterruptedException {
        HubSettings settings = HubArguments.settings(environment);
        FileChoice choice = new FileChoice(List.copyOf(include), List.copyOf(exclude));
        PullProgress progress = new PullProgress(terminal);
        if (model.equals("paper")) {
            if (revision != null) {
                throw new Exit.UsageException("--revision does not go with paper, whose parts have theirs");
            }
            refuseOffline(settings, "paper");
            try (Pull pull = Pull.open(settings, progress, terminal.cancelled())) {
                return new PaperPull(terminal, settings, pull, choice, folder())
                        .run(dryRun, yes)
                        .code();
            } finally {
                progress.clear();
            }
        }
        if (files != null || yes) {
            throw new Exit.UsageException((files != null ? "--files" : "--yes") + " goes with paper");
        }
        ModelFolder.Id id = id();
        refuseOffline(settings, id.toString());
        try (Pull pull = Pull.open(settings, progress, terminal.cancelled())) {
            Pull.Plan plan = pull.plan(id, choice);
            if (dryRun) {
                plan.files().forEach(f -> terminal.out().print(line(plan, f)));
                terminal.say("would fetch " + HubArguments.summary(plan));
                return Exit.OK.code();
            }
            terminal.say(
                    plan.bytes() == 0
                            ? id + ": all is there"
                            : "fetching " + HubArguments.summary(plan) + " from " + settings.endpoint());
            Path folder = pull.fetch(plan);
            progress.clear();
            tellOfWeights(id, plan);
            terminal.out().print(folder + "\n");
            return Exit.OK.code();
        } finally {
            progress.clear();
        }
    }

    private static void refuseOffline(HubSettings settings, String what) {
        if (settings.offline()) {
            throw new ModelNotFoundException(what + ": HF_HUB_OFFLINE is set, so nothing is fetched");
        }
    }

    private ModelFolder.Id id() {
        ModelFolder.Id id = ModelFolder.Id.of(model)
                .orElseThrow(() -> new Exit.UsageException(
                        "'" + model + "' is no id of Hugging Face, expected ORGANISATION/NAME, or paper"));
        if (revision == null) {
            return id;
        }
        if (model.contains("@")) {
            throw new Exit.UsageException("--revision or @REVISION: one of them");
        }
        String asked = revision;
        return ModelFolder.Id.of(model + "@" + asked)
                .orElseThrow(() -> new Exit.UsageException(
                        "--revision is '" + asked + "', expected a branch, a tag, a commit, or refs/pr/N"));
    }

    private Path folder() {
        if (files != null) {
            return files;
        }
        String home = environment.getOrDefault("XDG_CACHE_HOME", "");
        Path user = home.isEmpty() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(home);
        return user.resolve("telltale").resolve("paper");
    }

    private static String line(Pull.Plan plan, RemoteFile f) {
        return f.size() + "\t" + f.path() + (plan.missing().contains(f) ? "" : "\tthere") + "\n";
    }

    private void tellOfWeights(ModelFolder.Id id, Pull.Plan plan) {
        switch (plan.weights()) {
            case SAFETENSORS -> {}
            case NONE -> terminal.say(id + ": no weights are among these files");
            case CONVERTIBLE ->
                plan.files().stream()
                        .filter(f -> FileChoice.isConvertible(f.path()))
                        .findFirst()
                        .ifPresent(f -> terminal.say(id + ": no safetensors; 'telltale convert "
                                + plan.snapshot().resolve(f.path()) + " FOLDER' makes a model folder of it"));
        }
    }
}
