package org.telltale.app.train;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Reasons;
import org.telltale.engine.HostTensor;
import org.telltale.engine.io.SafeTensorsWriter;
import org.telltale.engine.io.WholeFile;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** The model folder that a run ends with, in the layout of Hugging Face. */
final class FinishedFolder {
    static final String CONFIG = "config.json";
    static final String PREPROCESSOR = "preprocessor_config.json";

    /** Files of a tokenizer, which a finished folder needs too. */
    private static final List<String> TOKENIZER = List.of(
            "vocab.txt",
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "merges.txt",
            "vocab.json");

    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private FinishedFolder() {}

    /** What else a folder gets. */
    @FunctionalInterface
    interface Rest {
        void into(Path to) throws IOException;
    }

    /**
     * Writes the folder; each file is complete or absent.
     *
     * @param json files by their names, which may have a folder before them
     * @param card README.md
     * @throws DataException if it cannot be written
     */
    static void write(
            Path to, Map<String, HostTensor> tensors, Map<String, ? extends JsonNode> json, String card, Rest rest) {
        try {
            Files.createDirectories(to);
            SafeTensorsWriter.write(to.resolve("model.safetensors"), tensors, Map.of("format", "pt"));
            for (Map.Entry<String, ? extends JsonNode> e : json.entrySet()) {
                Path file = to.resolve(e.getKey());
                Path parent = file.getParent();
                Files.createDirectories(parent == null ? to : parent);
                WholeFile.write(file, JSON.writeValueAsBytes(e.getValue()));
            }
            rest.into(to);
            WholeFile.write(to.resolve("README.md"), card.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new DataException(to + ": cannot be written: " + Reasons.of(e), e);
        }
    }

    /** Copies the files that a tokenizer is read from. */
    static void copyTokenizer(Path folder, Path to) throws IOException {
        for (String name : TOKENIZER) {
            if (Files.isRegularFile(folder.resolve(name))) {
                WholeFile.write(to.resolve(name), Files.readAllBytes(folder.resolve(name)));
            }
        }
    }
}
