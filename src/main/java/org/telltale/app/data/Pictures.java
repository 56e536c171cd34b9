package org.telltale.app.data;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** The pictures that a command's arguments name, each once. A picture's id is its path as it was given. */
public final class Pictures {
    private static final List<String> SUFFIXES = List.of(".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp");
    private static final int MAX_PATH = 1 << 16;

    private Pictures() {}

    /**
     * The ids of the pictures.
     *
     * @param arguments files, folders (all pictures below them, in the order of their names, hidden ones left out), and
     *     {@code -} for paths from standard input, one a line
     * @throws InputNotFoundException if a folder holds no picture, or standard input names none
     */
    public static List<String> find(List<String> arguments, InputStream in) {
        Set<String> ids = new LinkedHashSet<>();
        for (String a : arguments) {
            if (a.equals("-")) {
                standardInput(in, ids);
            } else {
                add(a, ids);
            }
        }
        return List.copyOf(ids);
    }

    private static void add(String argument, Set<String> ids) {
        if (isFolder(argument)) {
            folder(Path.of(argument), ids);
        } else {
            ids.add(argument);
        }
    }

    private static boolean isFolder(String argument) {
        try {
            return Files.isDirectory(Path.of(argument));
        } catch (InvalidPathException e) {
            return false;
        }
    }

    private static void folder(Path folder, Set<String> ids) {
        try (Stream<Path> walk = Files.walk(folder)) {
            List<String> found = walk.filter(p -> isPicture(folder, p))
                    .map(Path::toString)
                    .sorted()
                    .toList();
            if (found.isEmpty()) {
                throw new InputNotFoundException(
                        folder + ": no picture in this folder, expected files named " + String.join(" ", SUFFIXES));
            }
            ids.addAll(found);
        } catch (IOException e) {
            throw new DataException(folder + ": cannot be listed: " + Reasons.of(e), e);
        } catch (UncheckedIOException e) {
            throw new DataException(folder + ": cannot be listed: " + e.getMessage(), e);
        }
    }

    private static boolean isPicture(Path folder, Path file) {
        for (Path part : folder.relativize(file)) {
            if (part.toString().startsWith(".")) {
                return false;
            }
        }
        return hasPictureName(file) && Files.isRegularFile(file);
    }

    /** Whether a file's name ends as a picture's. */
    static boolean hasPictureName(Path file) {
        String name = file.toString().toLowerCase(Locale.ROOT);
        return SUFFIXES.stream().anyMatch(name::endsWith);
    }

    private static void standardInput(InputStream in, Set<String> ids) {
        Lines lines = new Lines(new BufferedInputStream(in), "standard input", MAX_PATH);
        try {
            int before = ids.size();
            for (Optional<String> line = lines.next(); line.isPresent(); line = lines.next()) {
                if (!line.get().isBlank()) {
                    add(line.get(), ids);
                }
            }
            if (ids.size() == before) {
                throw new InputNotFoundException("standard input: no path, expected one a line");
            }
        } catch (IOException e) {
            throw new DataException("standard input: cannot be read: " + Reasons.of(e), e);
        }
    }
}
