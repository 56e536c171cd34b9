package org.telltale.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.telltale.app.demo.Scenes;
import tools.jackson.databind.JsonNode;

class DemoModelTest {
    @TempDir
    Path folder;

    @Test
    void theModelThatComesWithTheApplicationCaptionsScenesItHasNotSeen() throws IOException {
        new Scenes(99, new Scenes.Counts(19, 0, 1, 0)).write(folder, n -> {}, () -> false);
        Map<String, Set<String>> told = new HashMap<>();
        for (String line : Files.readAllLines(folder.resolve("captions.csv"))) {
            String[] fields = line.split(",", -1);
            told.computeIfAbsent(fields[0], f -> new HashSet<>()).add(fields[1]);
        }
        Cli captions = Cli.run(
                        "caption",
                        "--model",
                        "demo",
                        "--jsonl",
                        folder.resolve("data/demo").toString())
                .succeeded();
        int right = 0;
        for (String line : captions.lines()) {
            JsonNode caption = Cli.json(line);
            String id = caption.path("id").stringValue("");
            if (id.contains("data/demo/")) {
                Set<String> own = told.getOrDefault(id.substring(id.indexOf("data/demo/")), Set.of());
                right += own.contains(caption.path("text").stringValue("")) ? 1 : 0;
            }
        }
        // A picture has three of the three to five captions that fit, so even a perfect captioner may tell another.
        assertThat(right).isGreaterThanOrEqualTo(10);
    }
}
