package org.telltale.api;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A small BLIP that comes with the application, for a first caption without a download. It has seen nothing but drawn
 * disasters. {@code telltale demo --seed 0} made it: it is {@code telltale-demo/training/blip/model}.
 */
final class DemoModel {
    /** What {@code --model} calls it. */
    static final String NAME = "demo";

    private static final List<String> FILES = List.of(
            "config.json", "preprocessor_config.json", "tokenizer_config.json", "vocab.txt", "model.safetensors");

    private DemoModel() {}

    /** A folder with its files, which is gone when the process ends. */
    static Path folder() {
        try {
            Path folder = Files.createTempDirectory("telltale-demo-model");
            folder.toFile().deleteOnExit();
            for (String name : FILES) {
                try (InputStream in = DemoModel.class.getResourceAsStream("demo/" + name)) {
                    if (in == null) {
                        throw new ModelNotFoundException("demo: this build comes without the model; a model is a folder"
                                + " or an id of the local Hugging Face cache");
                    }
                    Path file = folder.resolve(name);
                    file.toFile().deleteOnExit();
                    Files.copy(in, file);
                }
            }
            return folder;
        } catch (IOException e) {
            throw new ModelNotFoundException("demo: the model cannot be unpacked: " + e.getMessage());
        }
    }
}
