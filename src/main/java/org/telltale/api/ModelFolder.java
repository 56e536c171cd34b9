package org.telltale.api;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Finds a model's folder: a path, or the snapshot of a Hugging Face id in the local cache. Nothing is downloaded here; the
 * command {@code telltale pull} does that.
 */
public final class ModelFolder {
    private static final Pattern ID =
            Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}");
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{6,64}");
    private static final Pattern REVISION =
            Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*");

    private ModelFolder() {}

    /**
     * An id of Hugging Face with the revision that is meant.
     *
     * @param id {@code ORGANISATION/NAME}
     * @param revision a branch, a tag, a commit, or {@code refs/pr/N}
     */
    public record Id(String id, String revision) {
        /** The revision that an id without one means. */
        public static final String MAIN = "main";

        /** The id that a text such as {@code google/efficientnet-b0@refs/pr/3} is, if it looks like one. */
        public static Optional<Id> of(String text) {
            int at = text.indexOf('@');
            String id = at < 0 ? text : text.substring(0, at);
            String revision = at < 0 ? MAIN : text.substring(at + 1);
            boolean fits = ID.matcher(id).matches()
                    && REVISION.matcher(revision).matches()
                    && !text.contains("..")
                    && revision.length() <= 200;
            return fits ? Optional.of(new Id(id, revision)) : Optional.empty();
        }

        @Override
        public String toString() {
            return revision.equals(MAIN) ? id : id + "@" + revision;
        }
    }

    /**
     * The folder of a model given as a path or as an id such as {@code Salesforce/blip-image-captioning-large}, maybe with
     * a revision behind it ({@code google/efficientnet-b0@refs/pr/3}); of {@code demo} where there is no folder of this
     * name, that of a small captioner that comes with the application.
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
        Id id = Id.of(model).orElseThrow(() -> new ModelNotFoundException(model + ": no such folder"));
        Path repository = repository(cache(System.getenv()), id.id());
        return snapshot(repository, id.revision())
                .orElseThrow(() ->
                        new ModelNotFoundException(model + ": no such folder, and not in the Hugging Face cache at "
                                + repository + " (telltale pull fetches it)"));
    }

    /** The folder of a Hugging Face id in a cache. */
    public static Path repository(Path cache, String id) {
        return cache.resolve("models--" + id.replace("/", "--"));
    }

    /** The Hugging Face cache of an environment: {@code HF_HUB_CACHE}, or hub in its {@link #home}. */
    public static Path cache(Map<String, String> environment) {
        return named(environment, "HF_HUB_CACHE")
                .orElseGet(() -> home(environment).resolve("hub"));
    }

    /** Hugging Face's folder: {@code HF_HOME}, or huggingface in {@code XDG_CACHE_HOME} or ~/.cache. */
    public static Path home(Map<String, String> environment) {
        return named(environment, "HF_HOME")
                .orElseGet(() -> named(environment, "XDG_CACHE_HOME")
                        .orElseGet(() -> Path.of(System.getProperty("user.home"), ".cache"))
                        .resolve("huggingface"));
    }

    private static Optional<Path> named(Map<String, String> environment, String variable) {
        String value = environment.getOrDefault(variable, "");
        if (value.isEmpty()) {
            return Optional.empty();
        }
        boolean ofHome = value.equals("~") || value.startsWith("~/");
        return Optional.of(ofHome ? Path.of(System.getProperty("user.home") + value.substring(1)) : Path.of(value));
    }

    /** The snapshot that a revision means in a repository of the cache, if it is there. */
    public static Optional<Path> snapshot(Path repository, String revision) {
        Path ref = repository.resolve("refs").resolve(revision);
        try {
            String commit = revision;
            if (Files.isRegularFile(ref) && Files.size(ref) <= 100) {
                commit = Files.readString(ref).strip();
            }
            Path folder = repository.resolve("snapshots").resolve(commit);
            if (COMMIT.matcher(commit).matches() && Files.isDirectory(folder)) {
                return Optional.of(folder);
            }
        } catch (IOException e) {
            throw new ModelNotFoundException(ref + ": cannot be read: " + e.getMessage());
        }
        return Optional.empty();
    }
}
