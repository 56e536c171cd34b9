package org.telltale.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.telltale.api.ModelFolder;
import org.telltale.api.ModelNotFoundException;
import org.telltale.app.hub.Bytes;
import org.telltale.app.hub.FileChoice;
import org.telltale.app.hub.HubSettings;
import org.telltale.app.hub.PaperManifest;
import org.telltale.app.hub.Pull;
import org.telltale.app.pipeline.Terminal;
import picocli.CommandLine.Option;

/** Whether a command may fetch the model that it needs. */
final class HubArguments {
    @Option(
            names = "--offline",
            description = "Fetch nothing: a model's id is looked for in the local Hugging Face cache only, as with"
                    + " HF_HUB_OFFLINE=1.")
    private boolean offline;

    /** What the environment says, or a wrong value in it as a wrong argument. */
    static HubSettings settings(Map<String, String> environment) {
        try {
            return HubSettings.of(environment);
        } catch (IllegalArgumentException e) {
            throw new Exit.UsageException(String.valueOf(e.getMessage()));
        }
    }

    /**
     * Fetches a model into the cache if it is an id that is not there yet, after saying so.
     *
     * @param model a folder or an id, or null for none
     */
    void fetch(Terminal terminal, @Nullable String model) throws InterruptedException {
        if (model == null || exists(model)) {
            return;
        }
        Optional<ModelFolder.Id> id = ModelFolder.Id.of(model);
        if (id.isEmpty()) {
            return;
        }
        HubSettings settings = settings(System.getenv());
        Path repository = ModelFolder.repository(settings.cache(), id.get().id());
        boolean there = ModelFolder.snapshot(repository, id.get().revision())
                .filter(HubArguments::hasWeights)
                .isPresent();
        if (there || offline || settings.offline()) {
            return;
        }
        PullProgress progress = new PullProgress(terminal);
        try (Pull pull = Pull.open(settings, progress, terminal.cancelled())) {
            Pull.Plan plan = pull.plan(id.get(), FileChoice.DEFAULT);
            if (plan.weights() != FileChoice.Weights.SAFETENSORS) {
                throw new ModelNotFoundException(id.get() + ": has no safetensors, which this needs; "
                        + PaperManifest.read()
                                .withSafetensors(id.get())
                                .map(m -> m + " has")
                                .orElse("'telltale pull " + id.get() + "' fetches what 'telltale convert' may read"));
            }
            terminal.say("fetching " + summary(plan) + " from " + settings.endpoint() + " into " + plan.snapshot()
                    + "; --offline keeps from it");
            pull.fetch(plan);
        } finally {
            progress.clear();
        }
    }

    /** A plan in a few words. */
    static String summary(Pull.Plan plan) {
        String licence = plan.listing().licence();
        return plan.listing().id() + " (" + (licence.isEmpty() ? "no licence stated" : "licence " + licence) + "): "
                + plan.missing().size() + (plan.missing().size() == 1 ? " file, " : " files, ")
                + Bytes.text(plan.bytes());
    }

    private static boolean exists(String model) {
        try {
            return Files.exists(Path.of(model));
        } catch (InvalidPathException e) {
            return false;
        }
    }

    private static boolean hasWeights(Path snapshot) {
        try (Stream<Path> files = Files.list(snapshot)) {
            return files.anyMatch(f -> f.toString().endsWith(".safetensors"));
        } catch (IOException e) {
            return false;
        }
    }
}
