package org.telltale.app.data;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Pictures with captions, from lists. Nothing is decoded here. */
public final class CaptionData {
    private static final String TABLE = "captions.txt";
    private static final String TOKENS = "Flickr8k.token.txt";

    /** Where Flickr8k's pictures are, in this order; the second is what its archive calls the folder. */
    private static final List<String> PICTURES = List.of("Images", "Flicker8k_Dataset", "Flickr8k_Dataset");

    private static final String COCO = "annotations";
    private static final Pattern COCO_FILE = Pattern.compile("captions_(\\w+)\\.json");

    private CaptionData() {}

    /** A list, where its pictures are, and the split of all of them, if the list is of one. */
    private record Source(Path list, Path root, Optional<Split> split) {}

    /**
     * The captions of a list: CSV, TSV or JSONL with fields named image (a path from the list's folder on), caption and
     * maybe split; COCO's {@code captions_*.json}; or lines as in {@code Flickr8k.token.txt}. Or those of a folder in the
     * layout of Flickr8k, {@code captions.txt} or {@code Flickr8k.token.txt} beside {@code Images}, or of COCO,
     * {@code annotations/captions_train2014.json} beside {@code train2014}, with the captions of val for dev. A picture may
     * have any number of captions, all in one split.
     *
     * @param shares divides the pictures, with all their captions, when the list names no splits
     */
    public static Dataset<Sample.Captioned> read(Path data, Shares shares) {
        List<Source> sources = Files.isDirectory(data) ? folder(data) : List.of(file(data, Optional.empty()));
        Map<Path, Split> splits = new HashMap<>();
        Map<Path, List<Sample.Captioned>> byImage = new LinkedHashMap<>();
        List<String> missing = new ArrayList<>();
        for (Source source : sources) {
            for (CaptionList.Row row : CaptionList.read(source.list)) {
                Path file = PictureData.below(source.root, row.image(), row.where());
                List<Sample.Captioned> own = byImage.computeIfAbsent(file, i -> new ArrayList<>());
                if (own.isEmpty() && !Files.exists(file)) {
                    missing.add(file.toString());
                }
                own.add(new Sample.Captioned(row.image() + "#" + own.size(), file, row.caption()));
                row.split().or(() -> source.split).ifPresent(s -> {
                    Split before = splits.putIfAbsent(file, s);
                    if (before != null && before != s) {
                        throw new DataException(row.where() + ": a caption of \"" + row.image() + "\" in " + s.word()
                                + ", but another is in " + before.word() + "; expected all in one split");
                    }
                });
            }
        }
        if (splits.isEmpty()) {
            divide(List.copyOf(byImage.keySet()), shares, splits);
        }
        Map<Split, List<Sample.Captioned>> samples = new EnumMap<>(Split.class);
        byImage.forEach((image, own) -> samples.computeIfAbsent(splits.get(image), s -> new ArrayList<>())
                .addAll(own));
        if (!samples.containsKey(Split.TRAIN)) {
            throw new DataException(data + ": no caption in train, expected some to learn from");
        }
        List<Finding> findings = new ArrayList<>();
        if (!missing.isEmpty()) {
            findings.add(new Finding(
                    Finding.Kind.MISSING_FILES,
                    data + ": " + missing.size() + " pictures do not exist: " + Dataset.some(missing)));
        }
        return new Dataset<>(List.of(), samples, findings);
    }

    private static List<Source> folder(Path folder) {
        if (Files.exists(folder.resolve(TABLE))) {
            return List.of(new Source(folder.resolve(TABLE), folder.resolve(PICTURES.getFirst()), Optional.empty()));
        }
        if (Files.exists(folder.resolve(TOKENS))) {
            return List.of(file(folder.resolve(TOKENS), Optional.empty()));
        }
        Optional<Path> train = annotations(folder, Split.TRAIN, "captions_train*.json");
        if (train.isEmpty()) {
            throw new InputNotFoundException(folder + ": no " + TABLE + ", no " + TOKENS + " and no " + COCO
                    + "/captions_train*.json, expected one of them");
        }
        Optional<Path> dev = annotations(folder, Split.DEV, "captions_val*.json");
        List<Source> sources = new ArrayList<>();
        sources.add(file(train.get(), dev.map(d -> Split.TRAIN)));
        dev.ifPresent(d -> sources.add(file(d, Optional.of(Split.DEV))));
        return sources;
    }

    private static Optional<Path> annotations(Path folder, Split split, String pattern) {
        Path in = folder.resolve(COCO);
        if (!Files.isDirectory(in)) {
            return Optional.empty();
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(in, pattern)) {
            List<Path> found = new ArrayList<>();
            files.forEach(found::add);
            if (found.size() > 1) {
                throw new DataException(in + ": " + found.size() + " files " + pattern + ", expected one for "
                        + split.word() + "; name the file");
            }
            return found.stream().findFirst();
        } catch (IOException e) {
            throw new DataException(in + ": cannot be read: " + Reasons.of(e), e);
        }
    }

    /** The pictures of Flickr8k and of COCO are in a folder that the list does not name; others are below the list's. */
    private static Source file(Path list, Optional<Split> split) {
        Path absolute = list.toAbsolutePath().normalize();
        Path own = Optional.ofNullable(absolute.getParent()).orElse(absolute);
        Path above = Optional.ofNullable(own.getParent()).orElse(own);
        String name = String.valueOf(absolute.getFileName());
        List<Path> roots = new ArrayList<>();
        Matcher coco = COCO_FILE.matcher(name);
        if (coco.matches()) {
            roots.add(above.resolve(coco.group(1)));
            roots.add(own.resolve(coco.group(1)));
        } else if (name.equals(TOKENS)) {
            PICTURES.forEach(p -> roots.add(own.resolve(p)));
        }
        return new Source(
                list, roots.stream().filter(Files::isDirectory).findFirst().orElse(own), split);
    }

    private static void divide(List<Path> images, Shares shares, Map<Path, Split> splits) {
        int[] order = Shuffle.permutation(images.size(), shares.seed(), 0);
        int next = 0;
        for (Split split : Split.values()) {
            for (int k = shares.of(split, images.size()); k > 0; k--) {
                splits.put(images.get(order[next++]), split);
            }
        }
    }
}
