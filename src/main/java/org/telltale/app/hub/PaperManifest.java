package org.telltale.app.hub;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import org.telltale.api.ModelFolder;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the paper's experiment needs: checkpoints, label lists, and data that one has to ask for. A resource, {@code
 * paper.json}; where its numbers come from is SPEC §5.1, §2.1 and §19.
 */
public record PaperManifest(List<Model> models, List<Item> files, List<ByHand> byHand) {
    /**
     * A model of Hugging Face.
     *
     * @param about the size of what is wanted of it, in bytes, rounded
     * @param include patterns of its files, or empty for {@link FileChoice#DEFAULT}
     * @param expected sizes and hashes that are known; one that is not is -1 or empty
     */
    public record Model(
            ModelFolder.Id id,
            String purpose,
            String licence,
            long about,
            List<String> include,
            List<RemoteFile> expected) {
        /** Which of its files are wanted. */
        public FileChoice choice() {
            return new FileChoice(include, List.of());
        }
    }

    /**
     * A file of another server.
     *
     * @param path where it goes, below the folder of such files
     * @param size in bytes, or -1 where it is not known
     * @param sha256 hexadecimal, or empty where it is not known
     */
    public record Item(String path, URI url, String purpose, String licence, long size, String sha256) {}

    /** What is not fetched, as its owners ask to be read first, or as it is too large to be had by accident. */
    public record ByHand(String what, String url, String size, String licence) {}

    /** The manifest of this version. */
    public static PaperManifest read() {
        JsonNode root;
        try (InputStream in = PaperManifest.class.getResourceAsStream("paper.json")) {
            if (in == null) {
                throw new IllegalStateException("no paper.json beside the classes");
            }
            root = JsonMapper.shared().readTree(in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new PaperManifest(
                root.path("models").valueStream().map(PaperManifest::model).toList(),
                root.path("files").valueStream().map(PaperManifest::item).toList(),
                root.path("byHand")
                        .valueStream()
                        .map(n -> new ByHand(text(n, "what"), text(n, "url"), text(n, "size"), text(n, "licence")))
                        .toList());
    }

    private static Model model(JsonNode n) {
        return new Model(
                ModelFolder.Id.of(text(n, "model"))
                        .orElseThrow(() -> new IllegalStateException("paper.json: " + n + " has no id")),
                text(n, "purpose"),
                text(n, "licence"),
                n.path("about").longValue(),
                n.path("include").valueStream().map(JsonNode::stringValue).toList(),
                n.path("expected")
                        .valueStream()
                        .map(f -> new RemoteFile(
                                text(f, "path"),
                                f.path("size").longValue(-1),
                                f.path("hash").stringValue("")))
                        .toList());
    }

    private static Item item(JsonNode n) {
        return new Item(
                text(n, "path"),
                URI.create(text(n, "url")),
                text(n, "purpose"),
                text(n, "licence"),
                n.path("size").longValue(-1),
                n.path("sha256").stringValue(""));
    }

    private static String text(JsonNode n, String key) {
        return n.path(key).stringValue();
    }

    /** The revision in which a model's weights are safetensors, where that is not the main one. */
    public Optional<ModelFolder.Id> withSafetensors(ModelFolder.Id id) {
        return models.stream()
                .map(Model::id)
                .filter(m -> m.id().equals(id.id()) && !m.equals(id))
                .findFirst();
    }
}
