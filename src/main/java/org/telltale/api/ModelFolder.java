package org.telltale.api;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;

/** Finds a model's folder: a path, or the snapshot of a Hugging Face id in the local cache. Nothing is downloaded. */
public final class ModelFolder {
    private static final Pattern ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*");

    private ModelFolder() {}

    /**
     * The folder of a model given as a path or as an id such as {@code Salesforce/blip-image-captioning-large}; of
     * {@code demo} where there is no folder of this name, that of a small captioner that comes with the application.
     */
    public static Path find(String model) {
        Path path = Path.of(model);
        if (Files.isDirectory(path)) {
            return path;
        }
        if (Files.exists(path)) {
            throw new ModelNotFoundException(model + ": a file; a model is a folder with config.json"
                    + " (telltale convert makes one of a file of weights)");
        }
        if (model.equals(DemoModel.NAME)) {
            return DemoModel.folder();
        }
        if (!ID.matcher(model).matches()) {
            throw new ModelNotFoundException(model + ": no such folder");
        }
        Path repository = cache().resolve("models--" + model.replace("/", "--"));
        return snapshot(repository)
                .orElseThrow(() -> new ModelNotFoundException(
                        model + ": no such folder, and not in the Hugging Face cache at " + repository));
    }

    /** The Hugging Face cache: {@code HF_HUB_CACHE}, {@code HF_HOME}/hub, or ~/.cache/huggingface/hub. */
    static Path cache() {
        String hub = System.getenv("HF_HUB_CACHE");
        if (hub != null && !hub.isEmpty()) {
            return Path.of(hub);
        }
        String home = System.getenv("HF_HOME");
        return home != null && !home.isEmpty()
                ? Path.of(home, "hub")
                : Path.of(System.getProperty("user.home"), ".cache", "huggingface", "hub");
    }

    private static Optional<Path> snapshot(Path repository) {
        Path main = repository.resolve("refs").resolve("main");
        try {
            if (Files.isRegularFile(main) && Files.size(main) <= 100) {
                String commit = Files.readString(main).strip();
                Path folder = repository.resolve("snapshots").resolve(commit);
                if (commit.matches("[0-9a-f]{6,64}") && Files.isDirectory(folder)) {
                    return Optional.of(folder);
                }
            }
        } catch (IOException e) {
            throw new ModelNotFoundException(main + ": cannot be read: " + e.getMessage());
        }
        return Optional.empty();
    }
}
