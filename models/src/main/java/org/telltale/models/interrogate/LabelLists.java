package org.telltale.models.interrogate;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.telltale.models.text.PythonStrings;

/**
 * The interrogator's lists, one label a line (SPEC §12.3): white space around a label is dropped, and nothing else;
 * empty labels and repeated ones stay, as in the original.
 *
 * @param names of artists
 * @param negative what no picture should be
 */
public record LabelLists(
        List<String> names, List<String> flavors, List<String> mediums, List<String> movements, List<String> negative) {
    private static final long MAX_BYTES = 256L << 20;
    private static final int MAX_LABELS = 1_000_000;

    /**
     * Reads {@code artists.txt}, {@code flavors.txt}, {@code mediums.txt}, {@code movements.txt}, {@code negative.txt}. As in
     * the original, U+FFFD stands for what is not UTF-8.
     *
     * @param warning is told of files that are not UTF-8, a line each
     * @throws LabelException if a file is missing, empty or too large
     */
    public static LabelLists read(Path folder, Consumer<String> warning) {
        return new LabelLists(
                list(folder.resolve("artists.txt"), warning),
                list(folder.resolve("flavors.txt"), warning),
                list(folder.resolve("mediums.txt"), warning),
                list(folder.resolve("movements.txt"), warning),
                list(folder.resolve("negative.txt"), warning));
    }

    /** First "by X" for all artists, then "inspired by X" for all. */
    public List<String> artists() {
        List<String> artists = new ArrayList<>();
        names.forEach(n -> artists.add("by " + n));
        names.forEach(n -> artists.add("inspired by " + n));
        return List.copyOf(artists);
    }

    /**
     * The labels of a file, at least one and at most a million.
     *
     * @throws LabelException if the file is missing, empty, too large or not UTF-8
     */
    public static List<String> list(Path file) {
        return list(file, problem -> {
            throw new LabelException(problem);
        });
    }

    private static List<String> list(Path file, Consumer<String> notUtf8) {
        byte[] bytes = bytes(file);
        int bad = firstMalformed(bytes);
        if (bad < bytes.length) {
            long line = PythonStrings.decode(Arrays.copyOf(bytes, bad))
                    .concat("?")
                    .lines()
                    .count();
            notUtf8.accept(file + ": line " + line + " is not UTF-8");
        }
        String text = PythonStrings.decode(bytes);
        if (text.indexOf('\0') >= 0) {
            throw new LabelException(file + ": a NUL character, expected UTF-8 text with one label a line");
        }
        List<String> labels = new ArrayList<>();
        // Lines end as Python's text mode ends them; String.lines does the same.
        text.lines().forEach(line -> {
            if (labels.size() == MAX_LABELS) {
                throw new LabelException(file + ": more than " + MAX_LABELS + " labels");
            }
            labels.add(PythonStrings.strip(line));
        });
        if (labels.isEmpty()) {
            throw new LabelException(file + ": empty, expected one label a line");
        }
        return List.copyOf(labels);
    }

    /** Where the first bytes are that are no UTF-8, or the length where all are. */
    private static int firstMalformed(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        StandardCharsets.UTF_8.newDecoder().decode(in, CharBuffer.allocate(bytes.length), true);
        return in.position();
    }

    private static byte[] bytes(Path file) {
        try {
            long size = Files.size(file);
            if (size > MAX_BYTES) {
                throw new LabelException(file + ": " + size + " bytes, a list has at most " + MAX_BYTES);
            }
            return Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw new LabelException(file + ": no such file, expected one label a line", e);
        } catch (IOException e) {
            throw new LabelException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }
}
