package org.telltale.app.demo;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.telltale.app.data.DataException;
import org.telltale.app.data.Reasons;
import org.telltale.app.data.Split;
import org.telltale.engine.io.WholeFile;

/**
 * A folder of drawn pictures in the layout of CrisisNLP's: {@code data/demo/0000.png} and so on, and below {@code tasks}
 * the tables of disaster types and damage severity; {@code captions.csv} with the captions of all pictures, and
 * {@code lists} with labels for the interrogator. The same seed gives the same folder.
 */
public final class Scenes {
    private static final String PICTURES = "data/demo/";
    private static final String DONE = "README.txt";

    private final long seed;
    private final Counts counts;

    /**
     * How many pictures there are.
     *
     * @param train with labels and captions
     * @param captioned with captions only: captioners see more of the world than classifiers have labels for
     */
    public record Counts(int train, int dev, int test, int captioned) {
        public Counts {
            if (train < 1 || dev < 0 || test < 1 || captioned < 0) {
                throw new IllegalArgumentException(train + " pictures in train, " + dev + " in dev, " + test
                        + " in test and " + captioned + " with captions only: expected at least one in train and test");
            }
        }

        public int all() {
            return train + dev + test + captioned;
        }
    }

    public Scenes(long seed, Counts counts) {
        this.seed = seed;
        this.counts = counts;
    }

    public Counts counts() {
        return counts;
    }

    /** A table of a task, {@code disaster_types} or {@code damage_severity}, where CrisisNLP has it. */
    public static Path table(Path folder, String task, Split split) {
        String prefix = task.equals("damage_severity") ? "consolidated_damage_" : "consolidated_" + task + "_";
        return folder.resolve("tasks")
                .resolve(task)
                .resolve("consolidated")
                .resolve(prefix + split.word() + "_final.tsv");
    }

    /** The split of a labelled picture; pictures with captions only come last, and belong to train. */
    private Split split(int index) {
        if (index < counts.train) {
            return Split.TRAIN;
        }
        if (index < counts.train + counts.dev) {
            return Split.DEV;
        }
        return index < counts.train + counts.dev + counts.test ? Split.TEST : Split.TRAIN;
    }

    /**
     * Draws all pictures and writes the folder, unless it is complete already.
     *
     * @param progress hears how many pictures are drawn
     * @param cancelled asked after every picture
     */
    public void write(Path folder, IntConsumer progress, BooleanSupplier cancelled) {
        try {
            String text = readme();
            if (Files.exists(folder.resolve(DONE))
                    && Files.readString(folder.resolve(DONE)).equals(text)) {
                return;
            }
            Files.createDirectories(folder.resolve(PICTURES));
            Map<Split, StringBuilder> types = tables();
            Map<Split, StringBuilder> severities = tables();
            StringBuilder captions = new StringBuilder("image,caption,split\n");
            TreeSet<String> phrases = new TreeSet<>();
            List<Scene> scenes = draw(folder, progress, cancelled);
            for (Scene scene : scenes) {
                Split split = split(scene.index());
                if (scene.index() < counts.train + counts.dev + counts.test) {
                    row(types, split, scene, scene.type().word());
                    row(severities, split, scene, scene.severity().word());
                }
                for (String caption : scene.captions()) {
                    captions.append(PICTURES + scene.file() + "," + caption + "," + split.word() + "\n");
                }
                if (split == Split.TRAIN) {
                    phrases.addAll(scene.captions());
                }
            }
            for (Split split : Split.values()) {
                text(table(folder, "disaster_types", split), content(types, split));
                text(table(folder, "damage_severity", split), content(severities, split));
            }
            text(folder.resolve("captions.csv"), captions.toString());
            lists(folder, phrases);
            text(folder.resolve(DONE), text);
        } catch (IOException e) {
            throw new DataException(folder + ": cannot be written: " + Reasons.of(e), e);
        }
    }

    /** Draws and writes all pictures, with all processors; none is kept. */
    private List<Scene> draw(Path folder, IntConsumer progress, BooleanSupplier cancelled) throws IOException {
        AtomicInteger count = new AtomicInteger();
        try {
            return IntStream.range(0, counts.all())
                    .parallel()
                    .mapToObj(i -> {
                        if (cancelled.getAsBoolean()) {
                            throw new CancellationException("stopped while the pictures were drawn");
                        }
                        Scene.Drawn drawn = Scene.draw(seed, i);
                        try {
                            // Not one by one onto the disk: without the last file of all, every picture is drawn again.
                            Files.write(folder.resolve(PICTURES + drawn.scene().file()), png(drawn.picture()));
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                        synchronized (count) {
                            progress.accept(count.incrementAndGet());
                        }
                        return drawn.scene();
                    })
                    .toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static Map<Split, StringBuilder> tables() {
        Map<Split, StringBuilder> tables = new EnumMap<>(Split.class);
        for (Split split : Split.values()) {
            tables.put(split, new StringBuilder("event_name\timage_id\timage_path\tclass_label\n"));
        }
        return tables;
    }

    private static String content(Map<Split, StringBuilder> tables, Split split) {
        return String.valueOf(tables.get(split));
    }

    private static void row(Map<Split, StringBuilder> tables, Split split, Scene scene, String label) {
        String id = scene.file().substring(0, scene.file().indexOf('.'));
        tables.computeIfAbsent(split, s -> new StringBuilder())
                .append("demo\t" + id + "\t" + PICTURES + scene.file() + "\t" + label + "\n");
    }

    private static byte[] png(BufferedImage picture) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        if (!ImageIO.write(picture, "png", out)) {
            throw new IOException("this Java cannot write PNG");
        }
        return out.toByteArray();
    }

    private static void text(Path file, String content) throws IOException {
        Files.createDirectories(file.resolveSibling(""));
        WholeFile.write(file, content.getBytes(StandardCharsets.UTF_8));
    }

    /** Labels for the interrogator, which writes "by" before those of artists. */
    private static void lists(Path folder, Collection<String> phrases) throws IOException {
        Map<String, Collection<String>> lists = Map.of(
                "artists", List.of("a lake", "a tent", "a tree", "the sea"),
                "mediums", List.of("a beach", "a building", "a field", "a forest", "a house", "a street", "water"),
                "movements", List.of("blue sky", "grey sky", "orange sky", "rain", "smoke"),
                "flavors", phrases,
                "negative", List.of("a collapsed building", "black smoke", "deep water"));
        for (Map.Entry<String, Collection<String>> list : lists.entrySet()) {
            text(folder.resolve("lists").resolve(list.getKey() + ".txt"), String.join("\n", list.getValue()) + "\n");
        }
    }

    private String readme() {
        return """
                Drawn pictures, not photographs: nothing here has happened anywhere.

                'telltale demo' has drawn them and written the captions by a few fixed rules, with the seed %d.
                tasks/disaster_types and tasks/damage_severity label %d pictures to train with, %d to choose by and
                %d to test with, in tables such as CrisisNLP's. captions.csv has captions of these and of %d more
                pictures, which captioners learn from. lists has the labels of the interrogator.
                """.formatted(seed, counts.train, counts.dev, counts.test, counts.captioned);
    }
}
