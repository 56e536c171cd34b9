package org.telltale.app.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Labelled texts from lists, and captions with the labels of their pictures. Refuses what {@link PictureData} refuses. */
public final class TextData {
    private TextData() {}

    /**
     * What a file calls its fields.
     *
     * @param id may be absent from the file: then a text is named by its line
     * @param label the true class
     */
    public record Columns(String id, String text, String label) {
        /** Of our own files: {@code id}, {@code text}, {@code label}. */
        public static final Columns PLAIN = new Columns("id", "text", "label");

        /** Of the CrisisNLP tweets: {@code tweet_id}, {@code tweet_text}, {@code label}. */
        public static final Columns TWEETS = new Columns("tweet_id", "tweet_text", "label");
    }

    /**
     * Texts of a list, CSV, TSV or JSONL, with the field {@code split} or without.
     *
     * @param shares divides the texts when the list names no splits
     * @param labels the labels in the order of their ids, or nothing: the sorted labels of train
     */
    public static Dataset<Sample.Text> list(Path list, Columns columns, Shares shares, Optional<List<String>> labels) {
        Dataset.Builder<Sample.Text> builder = new Dataset.Builder<>(list.toString(), labels);
        for (Listing.Row row : Listing.read(list, List.of(columns.text, columns.label), List.of(columns.id, "split"))) {
            Sample.Text text = new Sample.Text(
                    row.find(columns.id).orElse(String.valueOf(row.line())),
                    row.get(columns.text),
                    row.get(columns.label));
            Listing.split(row)
                    .ifPresentOrElse(s -> builder.add(s, text, row.where()), () -> builder.add(text, row.where()));
        }
        builder.divide(shares);
        return builder.build();
    }

    /**
     * The captions of labelled pictures, as {@code telltale caption} or {@code interrogate} writes them. A caption belongs to the picture with
     * its id or file, or with the part of its id from a folder {@code data} on.
     *
     * @throws DataException if two captions belong to one picture, or none belongs to any
     */
    public static Dataset<Sample.Text> captions(Path records, Dataset<Sample.Picture> pictures) {
        Map<String, String> texts = new HashMap<>();
        Map<String, String> from = new HashMap<>();
        Map<String, String> keys = keys(pictures);
        List<String> strangers = new ArrayList<>();
        for (Map.Entry<String, String> caption : Records.texts(records).entrySet()) {
            Optional<String> id = match(caption.getKey(), keys);
            if (id.isEmpty()) {
                strangers.add(caption.getKey());
                continue;
            }
            String before = from.putIfAbsent(id.get(), caption.getKey());
            if (before != null) {
                throw new DataException(records + ": the captions of \"" + before + "\" and \"" + caption.getKey()
                        + "\" belong to the same picture " + id.get());
            }
            texts.put(id.get(), caption.getValue());
        }
        if (texts.isEmpty()) {
            throw new DataException(records + ": no caption belongs to a picture of the data set, such as "
                    + Dataset.some(strangers.subList(0, Math.min(strangers.size(), 2))));
        }
        Dataset.Builder<Sample.Text> builder =
                new Dataset.Builder<>(records.toString(), Optional.of(pictures.labels()));
        Set<String> without = new HashSet<>();
        pictures.splits()
                .forEach((split, list) -> list.forEach(p -> {
                    String text = texts.get(p.id());
                    if (text == null) {
                        without.add(p.id());
                    } else {
                        builder.add(split, new Sample.Text(p.id(), text, p.label()), records.toString());
                    }
                }));
        tell(builder, without, " pictures have no caption: ");
        tell(builder, Set.copyOf(strangers), " captions belong to no picture: ");
        return builder.build();
    }

    private static void tell(Dataset.Builder<Sample.Text> builder, Set<String> ids, String what) {
        if (!ids.isEmpty()) {
            builder.find(
                    Finding.Kind.UNMATCHED,
                    ids.size() + what + Dataset.some(ids.stream().sorted().toList()));
        }
    }

    private static Map<String, String> keys(Dataset<Sample.Picture> pictures) {
        Map<String, String> keys = new HashMap<>();
        pictures.splits()
                .values()
                .forEach(list -> list.forEach(p -> {
                    keys.put(p.file().toString(), p.id());
                    keys.put(p.id(), p.id());
                }));
        return keys;
    }

    private static Optional<String> match(String id, Map<String, String> keys) {
        List<String> segments = List.of(id.split("/", -1));
        for (int i = 0; i < segments.size(); i++) {
            if (i == 0 || segments.get(i).equals("data")) {
                String found = keys.get(String.join("/", segments.subList(i, segments.size())));
                if (found != null) {
                    return Optional.of(found);
                }
            }
        }
        return Optional.empty();
    }
}
