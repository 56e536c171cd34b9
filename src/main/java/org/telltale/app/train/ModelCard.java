package org.telltale.app.train;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.telltale.app.data.Split;

/** The README.md of a finished model: what it is, what it learned from and how, and how well it does. */
final class ModelCard {
    private ModelCard() {}

    static String text(
            Origin parent,
            TrainingData data,
            Recipe recipe,
            TrainingOptions options,
            List<EpochRecord> history,
            EpochRecord kept,
            EpochRecord.@Nullable Score test) {
        StringBuilder b = new StringBuilder("# " + data.product() + "\n\n");
        b.append("Trained by ")
                .append(options.producer())
                .append(" from `")
                .append(parent.model())
                .append("`.\n\n");
        if (!data.labels().isEmpty()) {
            b.append("Labels, in the order of their ids: ")
                    .append(String.join(", ", data.labels()))
                    .append(".\n\n");
        }
        b.append("| split | ").append(data.counted()).append(" | loss | accuracy |\n|---|---|---|---|\n");
        row(b, "train (while learning)", kept.train());
        EpochRecord.Score dev = kept.measured().get(Split.DEV);
        if (dev != null) {
            row(b, "dev", dev);
        }
        if (test != null) {
            row(b, "test", test);
        }
        b.append("\nParameters of epoch ")
                .append(kept.epoch())
                .append(" of ")
                .append(history.size())
                .append("; seed ")
                .append(options.seed())
                .append(".\n\n## Recipe\n\n```json\n")
                .append(RecipeJson.of(recipe).toPrettyString())
                .append("\n```\n\n## SHA-256 of what it started from\n\n");
        for (Map.Entry<String, String> e : parent.sha256().entrySet()) {
            b.append("* `").append(e.getKey()).append("` ").append(e.getValue()).append('\n');
        }
        return b.toString();
    }

    private static void row(StringBuilder b, String split, EpochRecord.Score s) {
        b.append(String.format(
                Locale.ROOT, "| %s | %d | %.4f | %.2f %% |%n", split, s.samples(), s.loss(), 100 * s.accuracy()));
    }
}
