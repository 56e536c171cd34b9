package org.telltale.app.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.telltale.models.image.Exif;
import org.telltale.models.image.ImageException;
import org.telltale.models.image.ImageReader;

/**
 * A download of CrisisNLP's pictures against the tables that name them: what is missing, what cannot be read, what is there
 * twice, and what is in two splits of a task.
 */
public final class CrisisCheck {
    private final Path root;
    private final Path tables;
    private final CrisisTask.Division division;

    /** All pictures that some table names, in the order of their first mention. */
    private final Map<String, Picture> pictures = new LinkedHashMap<>();

    private final List<TaskReport> tasks = new ArrayList<>();
    private final Set<String> missingTables = new LinkedHashSet<>();

    /** A picture and, for every task, the splits and ids that it has there. */
    private static final class Picture {
        private final String path;
        private final Path file;
        private final Map<CrisisTask, Set<Split>> splits = new EnumMap<>(CrisisTask.class);

        Picture(String path, Path file) {
            this.path = path;
            this.file = file;
        }
    }

    /**
     * What a task's tables say.
     *
     * @param counts of pictures, by split and label
     * @param cut how many rows have a longer path than from {@code data} on
     * @param idsInSeveralSplits image ids of more than one split
     */
    public record TaskReport(
            CrisisTask task, Map<Split, Map<String, Integer>> counts, int cut, List<String> idsInSeveralSplits) {
        /** How many rows a split has. */
        public int rows(Split split) {
            return counts.getOrDefault(split, Map.of()).values().stream()
                    .mapToInt(i -> i)
                    .sum();
        }

        public int count(Split split, String label) {
            return counts.getOrDefault(split, Map.of()).getOrDefault(label, 0);
        }
    }

    /** A picture that is there and cannot be read. */
    public record Unreadable(String path, String reason) {}

    /** Pictures of the same bytes, of which some are in one split of a task and some in another. */
    public record Leak(CrisisTask task, Set<Split> splits, List<String> paths) {}

    /**
     * What was found.
     *
     * @param named how many pictures the tables name
     * @param missingTables that were looked for
     * @param missing pictures that are named and not there
     * @param duplicates groups of pictures of the same bytes
     */
    public record Report(
            CrisisTask.Division division,
            List<TaskReport> tasks,
            int named,
            List<String> missingTables,
            List<String> missing,
            List<Unreadable> unreadable,
            List<List<String>> duplicates,
            List<Leak> leaks) {
        /** Whether all that is named is there and can be read. */
        public boolean complete() {
            return missingTables.isEmpty() && missing.isEmpty() && unreadable.isEmpty() && named > 0;
        }
    }

    /**
     * @param root the folder that has {@code data} in it
     * @param tables a folder with the tables in it, as {@code tasks} of the archive has them or all in one folder
     */
    public CrisisCheck(Path root, Path tables, CrisisTask.Division division) {
        this.root = root;
        this.tables = tables;
        this.division = division;
    }

    /**
     * Reads a task's tables. Where the official name is not there, one with {@code .subset} behind it will do.
     *
     * @throws DataException if a table is malformed; the message names file and line
     */
    public void read(CrisisTask task) {
        Map<Split, Map<String, Integer>> counts = new EnumMap<>(Split.class);
        Map<String, Set<Split>> ids = new TreeMap<>();
        int cut = 0;
        for (Split split : Split.values()) {
            for (CrisisTask.TableName name : task.tables(division, split)) {
                Optional<Path> table = find(task, name);
                if (table.isEmpty()) {
                    missingTables.add("tasks/" + task.word() + "/" + name.folder() + "/" + name.name() + ".tsv");
                    continue;
                }
                for (CrisisTsv.Row row : CrisisTsv.read(table.get(), Set.copyOf(task.classes()))) {
                    String where = table.get() + ":" + row.line();
                    Path file = PictureData.below(root, row.path(), where);
                    pictures.computeIfAbsent(row.path(), p -> new Picture(p, file))
                            .splits
                            .computeIfAbsent(task, t -> EnumSet.noneOf(Split.class))
                            .add(split);
                    ids.computeIfAbsent(row.id(), i -> EnumSet.noneOf(Split.class))
                            .add(split);
                    counts.computeIfAbsent(split, s -> new TreeMap<>()).merge(row.label(), 1, Integer::sum);
                    cut += row.cut() ? 1 : 0;
                }
            }
        }
        List<String> twice = ids.entrySet().stream()
                .filter(e -> e.getValue().size() > 1)
                .map(Map.Entry::getKey)
                .toList();
        tasks.add(new TaskReport(task, counts, cut, twice));
    }

    private Optional<Path> find(CrisisTask task, CrisisTask.TableName name) {
        Path official = tables.resolve(task.word()).resolve(name.folder());
        return Stream.of(".tsv", ".subset.tsv")
                .flatMap(end -> Stream.of(official, tables).map(f -> f.resolve(name.name() + end)))
                .filter(Files::isRegularFile)
                .findFirst();
    }

    /**
     * Looks at the pictures.
     *
     * @param decode whether all of a picture is decoded, and not its header only
     * @param progress told how many have been looked at
     * @throws CancellationException when cancelled
     */
    public Report run(boolean decode, IntConsumer progress, BooleanSupplier cancelled) {
        List<Picture> there =
                pictures.values().stream().filter(p -> Files.exists(p.file)).toList();
        List<String> missing = pictures.values().stream()
                .filter(p -> !Files.exists(p.file))
                .map(p -> p.path)
                .toList();
        AtomicInteger looked = new AtomicInteger();
        List<Unreadable> unreadable = there.parallelStream()
                .flatMap(p -> {
                    if (cancelled.getAsBoolean()) {
                        throw new CancellationException();
                    }
                    Optional<String> wrong = wrong(p.file, decode);
                    progress.accept(looked.incrementAndGet());
                    return wrong.map(w -> new Unreadable(p.path, w)).stream();
                })
                .toList();
        List<List<Picture>> same = same(there, cancelled);
        return new Report(
                division,
                List.copyOf(tasks),
                pictures.size(),
                List.copyOf(missingTables),
                missing,
                unreadable,
                same.stream().map(CrisisCheck::paths).toList(),
                leaks(same));
    }

    /** How many pictures the tables name. */
    public int named() {
        return pictures.size();
    }

    private static Optional<String> wrong(Path file, boolean decode) {
        if (!Files.isRegularFile(file)) {
            return Optional.of("not a file");
        }
        if (!decode) {
            return PictureHeader.wrong(file);
        }
        try {
            ImageReader.read(file, Exif.IGNORE);
            return Optional.empty();
        } catch (ImageException e) {
            String message = String.valueOf(e.getMessage());
            return Optional.of(message.startsWith(file + ": ") ? message.substring((file + ": ").length()) : message);
        }
    }

    /** Groups of the same bytes. Only files of one size are read for that. */
    private static List<List<Picture>> same(List<Picture> there, BooleanSupplier cancelled) {
        Map<Long, List<Picture>> bySize = new LinkedHashMap<>();
        for (Picture p : there) {
            try {
                if (Files.isRegularFile(p.file)) {
                    bySize.computeIfAbsent(Files.size(p.file), s -> new ArrayList<>())
                            .add(p);
                }
            } catch (IOException e) {
                // reported as unreadable
            }
        }
        Map<String, List<Picture>> byHash = bySize.values().parallelStream()
                .filter(g -> g.size() > 1)
                .flatMap(Collection::stream)
                .map(p -> {
                    if (cancelled.getAsBoolean()) {
                        throw new CancellationException();
                    }
                    try {
                        return Map.entry(Fingerprint.sha256(p.file), p);
                    } catch (IOException e) {
                        // reported as unreadable; equal to nothing
                        return Map.entry(p.path, p);
                    }
                })
                .collect(Collectors.groupingBy(
                        Map.Entry::getKey, TreeMap::new, Collectors.mapping(Map.Entry::getValue, Collectors.toList())));
        return byHash.values().stream().filter(g -> g.size() > 1).toList();
    }

    private static List<String> paths(List<Picture> group) {
        return group.stream().map(p -> p.path).sorted().toList();
    }

    private List<Leak> leaks(List<List<Picture>> same) {
        List<Leak> leaks = new ArrayList<>();
        for (TaskReport t : tasks) {
            Set<Picture> grouped = same.stream().flatMap(List::stream).collect(Collectors.toSet());
            Stream<List<Picture>> alone =
                    pictures.values().stream().filter(p -> !grouped.contains(p)).map(Collections::singletonList);
            Stream.concat(same.stream(), alone).forEach(group -> {
                Set<Split> splits = EnumSet.noneOf(Split.class);
                List<Picture> ofTask = group.stream()
                        .filter(p -> p.splits.containsKey(t.task()))
                        .toList();
                ofTask.forEach(p -> splits.addAll(p.splits.getOrDefault(t.task(), Set.of())));
                if (splits.size() > 1) {
                    leaks.add(new Leak(t.task(), splits, paths(ofTask)));
                }
            });
        }
        return leaks;
    }
}
