package org.telltale.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.telltale.app.train.SmallRun;

/** An experiment of one task on drawn pictures that takes seconds. */
final class SmallExperiment {
    private SmallExperiment() {}

    /**
     * Writes a plan, and the pictures, tables and the classifier that it names.
     *
     * @param train pictures of each label; so for the other splits
     * @param epochs of the text's training; those of the picture's are one in the first phase and as many in the second
     */
    static Path plan(Path folder, int train, int dev, int test, int trials, int epochs) throws IOException {
        SmallRun.model(folder.resolve("cnn"));
        SmallRun.pictures(folder.resolve("crisis/data"), train + dev + test);
        for (String split : List.of("train", "dev", "test")) {
            StringBuilder table = new StringBuilder("event_name\timage_id\timage_path\tclass_label\n");
            for (String label : List.of("disc", "square")) {
                for (int i = 0; i < train + dev + test; i++) {
                    if (split.equals(i < train ? "train" : i < train + dev ? "dev" : "test")) {
                        table.append("e\t" + label + i + "\tdata/" + label + "/" + i + ".png\t" + label + "\n");
                    }
                }
            }
            Files.writeString(folder.resolve(split + ".tsv"), table);
        }
        return Files.writeString(folder.resolve("plan.yaml"), """
                data: crisis
                trials: %d
                tasks:
                  shape: {train: train.tsv, dev: dev.tsv, test: test.tsv}
                classifiers:
                  CNN:
                    model: cnn
                    from_scratch: true
                    train: {size: 32, batch: 4, epochs: [1, %d]}
                captioners:
                  BLIP: {kind: blip, model: %s, beams: 1, max_length: 8}
                text:
                  model: %s
                  from_scratch: true
                  train: {epochs: %d, batch: 4, size: 16}
                """.formatted(
                        trials,
                        epochs,
                        Path.of(Cli.BLIP).toAbsolutePath(),
                        Path.of(Cli.BERT).toAbsolutePath(),
                        epochs));
    }
}
