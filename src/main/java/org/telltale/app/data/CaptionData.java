package org.telltale.app.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Pictures with captions, from lists. Nothing is decoded here. */
public final class CaptionData {
    private static final String TABLE = "captions.txt";
    private static final String IMAGES = "Images";

    private CaptionData() {}

    /**
     * The captions of a list, CSV, TSV or JSONL, with fields named image (a path from the list's folder on), caption and
     * maybe split; or of a folder in the layout of Flickr8k: {@code captions.txt}, such a list, and {@code Images}. A
     * picture may have any number of captions, all in one split.
     *
     * @param shares divides the pictures, with all their captions, when the list names no splits
     */
    public static Dataset<Sample.Captioned> read(Path data, Shares shares) {
        boolean folder = Files.isDirectory(data);
        Path list = folder ? data.resolve(TABLE) : data;
        Path above = list.toAbsolutePath().getParent();
        Path root = folder ? data.resolve(IMAGES) : above == null ? Path.of("") : above;
        Map<String, Split> splits = new HashMap<>();
        Map<String, List<Sample.Captioned>> byImage = new LinkedHashMap<>();
        List<String> missing = new ArrayList<>();
        for (Listing.Row row : Listing.read(list, List.of("image", "caption"), List.of("split"))) {
            String image = row.get("image");
            List<Sample.Captioned> own = byImage.computeIfAbsent(image, i -> new ArrayList<>());
            Path file = own.isEmpty()
                    ? PictureData.below(root, image, row.where())
                    : own.getFirst().file();
            if (own.isEmpty() && !Files.exists(file)) {
                missing.add(file.toString());
            }
            own.add(new Sample.Captioned(image + "#" + own.size(), file, row.get("caption")));
            Listing.split(row).ifPresent(s -> {
                Split before = splits.putIfAbsent(image, s);
                if (before != null && before != s) {
                    throw new DataException(row.where() + ": a caption of \"" + image + "\" in " + s.word()
                            + ", but another is in " + before.word() + "; expected all in one split");
                }
            });
        }
        if (splits.isEmpty()) {
            divide(List.copyOf(byImage.keySet()), shares, splits);
        }
        Map<Split, List<Sample.Captioned>> samples = new EnumMap<>(Split.class);
        byImage.forEach((image, own) -> samples.computeIfAbsent(splits.get(image), s -> new ArrayList<>())
                .addAll(own));
        if (!samples.containsKey(Split.TRAIN)) {
            throw new DataException(list + ": no caption in train, expected some to learn from");
        }
        List<Finding> findings = new ArrayList<>();
        if (!missing.isEmpty()) {
            findings.add(new Finding(
                    Finding.Kind.MISSING_FILES,
                    list + ": " + missing.size() + " pictures do not exist: " + Dataset.some(missing)));
        }
        return new Dataset<>(List.of(), samples, findings);
    }

    private static void divide(List<String> images, Shares shares, Map<String, Split> splits) {
        int[] order = Shuffle.permutation(images.size(), shares.seed(), 0);
        int next = 0;
        for (Split split : Split.values()) {
            for (int k = shares.of(split, images.size()); k > 0; k--) {
                splits.put(images.get(order[next++]), split);
            }
        }
    }
}
