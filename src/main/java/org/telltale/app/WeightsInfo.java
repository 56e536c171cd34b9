package org.telltale.app;

import java.nio.file.Path;
import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.telltale.convert.Checkpoint;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The tensors of a file of weights in any format that is read, without their values. */
final class WeightsInfo {
    private WeightsInfo() {}

    /** A line for each tensor, and one for all. */
    static String text(Path file) {
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            Collection<Checkpoint.Stored> tensors = checkpoint.tensors().values();
            StringBuilder out = new StringBuilder(file + ": " + checkpoint.format() + "\n");
            int longest = tensors.stream()
                    .mapToInt(t -> printable(t.name()).length())
                    .max()
                    .orElse(0);
            int widest = tensors.stream()
                    .mapToInt(t -> t.shape().toString().length())
                    .max()
                    .orElse(0);
            for (Checkpoint.Stored t : tensors) {
                out.append(String.format(
                        Locale.ROOT,
                        "  %-" + Math.clamp(longest, 1, 100) + "s  %-4s  %-" + Math.clamp(widest, 1, 40) + "s %,14d%n",
                        printable(t.name()),
                        t.type(),
                        t.shape(),
                        t.bytes()));
            }
            Map<String, Integer> types = new TreeMap<>();
            tensors.forEach(t -> types.merge(t.type(), 1, Integer::sum));
            return out.append(String.format(
                            Locale.ROOT,
                            "%,d tensors %s, %,d values, %,d bytes (%s)%n",
                            tensors.size(),
                            types,
                            values(tensors),
                            bytes(tensors),
                            size(bytes(tensors))))
                    .toString();
        }
    }

    /** One JSON object. */
    static String json(Path file) {
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            Collection<Checkpoint.Stored> tensors = checkpoint.tensors().values();
            ObjectNode all = new JsonMapper().createObjectNode();
            all.put("file", file.toString()).put("format", checkpoint.format());
            for (Checkpoint.Stored t : tensors) {
                ObjectNode node = all.withArray("tensors")
                        .addObject()
                        .put("name", t.name())
                        .put("dtype", t.type());
                for (int d : t.shape().dims()) {
                    node.withArray("shape").add(d);
                }
                node.withArray("shape");
                node.put("bytes", t.bytes());
            }
            all.withArray("tensors");
            all.put("count", tensors.size()).put("values", values(tensors)).put("bytes", bytes(tensors));
            return all + "\n";
        }
    }

    private static long values(Collection<Checkpoint.Stored> tensors) {
        return tensors.stream().mapToLong(t -> t.shape().size()).sum();
    }

    private static long bytes(Collection<Checkpoint.Stored> tensors) {
        return tensors.stream().mapToLong(Checkpoint.Stored::bytes).sum();
    }

    /** A name of a file that nobody has checked may hold what moves a terminal's cursor. */
    private static String printable(String name) {
        return name.replaceAll("\\p{Cntrl}", "?");
    }

    static String size(long bytes) {
        return bytes < 1_000_000
                ? bytes / 1000.0 + " kB"
                : bytes < 1_000_000_000
                        ? String.format(Locale.ROOT, "%.1f MB", bytes / 1e6)
                        : String.format(Locale.ROOT, "%.2f GB", bytes / 1e9);
    }
}
