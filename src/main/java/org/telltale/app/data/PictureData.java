package org.telltale.app.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Labelled pictures from tables, lists and folders. Nothing is decoded here. All readers refuse a sample that stands twice,
 * within a split or across splits, a label without an id and a train split without samples, with file and line.
 */
public final class PictureData {
    private static final int MAX_FILES = 5_000_000;
    private static final String HIDDEN = ".";

    private PictureData() {}

    /**
     * Pictures of CrisisNLP tables ({@link CrisisTsv}); a picture's id is its {@code image_path}.
     *
     * @param tables of each split, read one after the other
     * @param column of the labels, {@link CrisisTsv#LABEL} in most tables
     * @param root the folder that has {@code data} in it
     * @param labels the labels in the order of their ids, or nothing: the sorted labels of train
     */
    public static Dataset<Sample.Picture> tables(
            Map<Split, List<Path>> tables, String column, Path root, Optional<List<String>> labels) {
        Dataset.Builder<Sample.Picture> builder = new Dataset.Builder<>(root.toString(), labels);
        List<String> missing = new ArrayList<>();
        for (Split split : Split.values()) {
            for (Path table : tables.getOrDefault(split, List.of())) {
                for (CrisisTsv.Row row : CrisisTsv.read(table, column)) {
                    String where = table + ":" + row.line();
                    Path file = below(root, row.path(), where);
                    note(file, missing);
                    builder.add(split, new Sample.Picture(row.path(), file, row.label()), where);
                }
            }
        }
        tell(missing, builder);
        return builder.build();
    }

    /**
     * Pictures of a list, CSV, TSV or JSONL, with fields named image (a path from the root on), label and maybe split; a
     * picture's id is its path as it is written.
     *
     * @param shares divides the pictures when the list names no splits
     */
    public static Dataset<Sample.Picture> list(Path list, Path root, Shares shares, Optional<List<String>> labels) {
        Dataset.Builder<Sample.Picture> builder = new Dataset.Builder<>(list.toString(), labels);
        List<String> missing = new ArrayList<>();
        for (Listing.Row row : Listing.read(list, List.of("image", "label"), List.of("split"))) {
            Path file = below(root, row.get("image"), row.where());
            note(file, missing);
            Sample.Picture picture = new Sample.Picture(row.get("image"), file, row.get("label"));
            Listing.split(row)
                    .ifPresentOrElse(
                            s -> builder.add(s, picture, row.where()), () -> builder.add(picture, row.where()));
        }
        tell(missing, builder);
        builder.divide(shares);
        return builder.build();
    }

    /**
     * Pictures in folders that are named as their labels; a picture's id is its path from the folder on, with slashes.
     *
     * @param folder with a folder for each label in it, or with {@code train} and maybe {@code dev} and {@code test},
     *     which hold them
     * @param shares divides the pictures when there is no folder {@code train}
     */
    public static Dataset<Sample.Picture> folder(Path folder, Shares shares, Optional<List<String>> labels) {
        Dataset.Builder<Sample.Picture> builder = new Dataset.Builder<>(folder.toString(), labels);
        Folders folders = new Folders(folder, builder);
        if (Files.isDirectory(folder.resolve(Split.TRAIN.word()))) {
            for (Path part : folders.list(folder)) {
                Optional<Split> split = Split.of(name(part));
                if (!Files.isDirectory(part)) {
                    folders.ignored.add(name(part));
                } else if (split.isPresent()) {
                    folders.classes(part, split);
                } else {
                    throw new DataException(part + ": a folder beside train, expected dev or test");
                }
            }
        } else {
            folders.classes(folder, Optional.empty());
        }
        folders.tell();
        builder.divide(shares);
        return builder.build();
    }

    private static final class Folders {
        private final Path root;
        private final Dataset.Builder<Sample.Picture> builder;
        private final List<String> ignored = new ArrayList<>();
        private final Map<String, Split> seen = new HashMap<>();
        private final List<String> twice = new ArrayList<>();
        private int files;

        Folders(Path root, Dataset.Builder<Sample.Picture> builder) {
            this.root = root;
            this.builder = builder;
        }

        List<Path> list(Path folder) {
            if (!Files.isDirectory(folder)) {
                throw new InputNotFoundException(folder + ": no such folder");
            }
            try (Stream<Path> all = Files.list(folder)) {
                List<Path> found = all.filter(p -> !name(p).startsWith(HIDDEN))
                        .limit(MAX_FILES + 1L)
                        .sorted()
                        .toList();
                files += found.size();
                if (files > MAX_FILES) {
                    throw new DataException(root + ": more than " + MAX_FILES + " files");
                }
                return found;
            } catch (IOException e) {
                throw new DataException(folder + ": cannot be listed: " + Reasons.of(e), e);
            } catch (UncheckedIOException e) {
                throw new DataException(folder + ": cannot be listed: " + e.getMessage(), e);
            }
        }

        void classes(Path folder, Optional<Split> split) {
            for (Path label : list(folder)) {
                if (!Files.isDirectory(label)) {
                    ignored.add(id(label));
                    continue;
                }
                for (Path file : list(label)) {
                    if (Pictures.hasPictureName(file) && Files.isRegularFile(file)) {
                        add(file, name(label), split);
                    } else {
                        ignored.add(id(file));
                    }
                }
            }
        }

        private void add(Path file, String label, Optional<Split> split) {
            Sample.Picture picture = new Sample.Picture(id(file), file, label);
            if (split.isEmpty()) {
                builder.add(picture, file.toString());
                return;
            }
            builder.add(split.get(), picture, file.toString());
            Split before = seen.putIfAbsent(name(file), split.get());
            if (before != null && before != split.get()) {
                twice.add(name(file));
            }
        }

        private String id(Path file) {
            List<String> parts = new ArrayList<>();
            root.relativize(file).forEach(p -> parts.add(p.toString()));
            return String.join("/", parts);
        }

        void tell() {
            if (!ignored.isEmpty()) {
                builder.find(
                        Finding.Kind.IGNORED_FILES,
                        ignored.size() + " files or folders are no pictures: " + Dataset.some(ignored));
            }
            if (!twice.isEmpty()) {
                builder.find(
                        Finding.Kind.SAME_NAME, twice.size() + " file names are in two splits: " + Dataset.some(twice));
            }
        }
    }

    private static void note(Path file, List<String> missing) {
        if (!Files.exists(file)) {
            missing.add(file.toString());
        }
    }

    private static void tell(List<String> missing, Dataset.Builder<Sample.Picture> builder) {
        if (!missing.isEmpty()) {
            builder.find(
                    Finding.Kind.MISSING_FILES, missing.size() + " pictures do not exist: " + Dataset.some(missing));
        }
    }

    private static String name(Path path) {
        return String.valueOf(path.getFileName());
    }

    /** A file may not lead out of the root that its user named. */
    static Path below(Path root, String path, String where) {
        try {
            Path file = root.resolve(path).normalize();
            if (file.startsWith(root.normalize()) && !file.equals(root.normalize())) {
                return file;
            }
        } catch (InvalidPathException e) {
            throw new DataException(where + ": \"" + path + "\" is not a path: " + e.getReason(), e);
        }
        throw new DataException(where + ": the picture \"" + path + "\" is not below " + root);
    }
}
