package org.telltale.app.data;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The rows of a file of captions: COCO's JSON where the file is named so, lines such as Flickr8k's
 * {@code picture.jpg#0<TAB>caption} where the first is one, else what {@link Listing} reads.
 */
final class CaptionList {
    /** COCO's largest, the captions of train2017, has 91 MB. */
    private static final long MAX_BYTES = 256L << 20;

    private static final int MAX_CAPTIONS = 10_000_000;
    private static final Pattern TOKEN = Pattern.compile("(.+)#\\d{1,9}\\t(.*)");
    private static final String IMAGES = "images";
    private static final String ANNOTATIONS = "annotations";

    private CaptionList() {}

    /**
     * A caption.
     *
     * @param where file and line, or file and entry
     * @param image as the file names it
     */
    record Row(String where, String image, String caption, Optional<Split> split) {}

    static List<Row> read(Path file) {
        if (!Files.exists(file)) {
            throw new InputNotFoundException(file + ": no such file");
        }
        try {
            long size = Files.size(file);
            if (size > MAX_BYTES) {
                throw new DataException(file + ": " + size + " bytes, expected at most " + MAX_BYTES);
            }
            if (file.toString().toLowerCase(Locale.ROOT).endsWith(".json")) {
                return coco(file);
            }
            return TOKEN.matcher(firstLine(file)).matches() ? tokens(file) : listing(file);
        } catch (IOException e) {
            throw new DataException(file + ": cannot be read: " + Reasons.of(e), e);
        }
    }

    private static List<Row> listing(Path file) {
        return Listing.read(file, List.of("image", "caption"), List.of("split")).stream()
                .map(r -> new Row(r.where(), r.get("image"), r.get("caption"), Listing.split(r)))
                .toList();
    }

    private static String firstLine(Path file) throws IOException {
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
            return new Lines(in, file.toString(), Records.MAX_LINE).next().orElse("");
        }
    }

    /** Flickr8k.token.txt, and Flickr30k's results of the same form. */
    private static List<Row> tokens(Path file) throws IOException {
        List<Row> rows = new ArrayList<>();
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
            Lines lines = new Lines(in, file.toString(), Records.MAX_LINE);
            for (Optional<String> line = lines.next(); line.isPresent(); line = lines.next()) {
                if (!line.get().isBlank()) {
                    Matcher m = TOKEN.matcher(line.get());
                    if (!m.matches()) {
                        throw new DataException(
                                lines.where() + ": expected a picture, # and a number, a tab and a caption"
                                        + " as in the first line");
                    }
                    rows.add(row(lines.where(), m.group(1), m.group(2), rows.size()));
                }
            }
        }
        return rows;
    }

    private static Row row(String where, String image, String caption, int before) {
        if (caption.isBlank()) {
            throw new DataException(where + ": an empty caption");
        }
        if (image.isBlank()) {
            throw new DataException(where + ": an empty name of a picture");
        }
        if (before == MAX_CAPTIONS) {
            throw new DataException(where + ": more than " + MAX_CAPTIONS + " captions");
        }
        return new Row(where, image, caption, Optional.empty());
    }

    private record Annotation(String where, long image, String caption) {}

    /**
     * COCO's annotations: {@code images} with {@code id} and {@code file_name}, {@code annotations} with {@code image_id}
     * and {@code caption}, in either order. Entries are read one by one; what else they hold is skipped.
     */
    private static List<Row> coco(Path file) throws IOException {
        Map<Long, String> images = new HashMap<>();
        List<Annotation> annotations = new ArrayList<>();
        try (InputStream in = Files.newInputStream(file);
                JsonParser p = JsonMapper.shared().createParser(in)) {
            try {
                coco(file, p, images, annotations);
            } catch (JacksonException e) {
                // what exceeds the parser's limits, such as its depth, has no place of its own
                TokenStreamLocation at = e.getLocation() == null ? p.currentLocation() : e.getLocation();
                throw new DataException(
                        file + ":" + at.getLineNr() + ": not JSON: "
                                + String.valueOf(e.getOriginalMessage())
                                        .lines()
                                        .findFirst()
                                        .orElse(""),
                        e);
            }
        }
        if (images.isEmpty() || annotations.isEmpty()) {
            throw new DataException(file + ": " + images.size() + " images and " + annotations.size()
                    + " annotations, expected some of both, as in COCO's captions_*.json");
        }
        List<Row> rows = new ArrayList<>();
        for (Annotation a : annotations) {
            String image = images.get(a.image);
            if (image == null) {
                throw new DataException(a.where + ": the image_id " + a.image + ", but no image has this id");
            }
            rows.add(row(a.where, image, a.caption.strip(), rows.size()));
        }
        return rows;
    }

    private static void coco(Path file, JsonParser p, Map<Long, String> images, List<Annotation> annotations) {
        if (p.nextToken() != JsonToken.START_OBJECT) {
            throw new DataException(file + ": expected a JSON object with " + IMAGES + " and " + ANNOTATIONS);
        }
        while (p.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = p.currentName();
            p.nextToken();
            switch (name) {
                case IMAGES ->
                    entries(file, name, p, (where, e) -> {
                        String before = images.putIfAbsent(id(e, "id"), Fields.text(e, "file_name"));
                        if (before != null) {
                            throw new DataException(
                                    "the id " + e.path("id") + " is that of \"" + before + "\" already");
                        }
                    });
                case ANNOTATIONS ->
                    entries(
                            file,
                            name,
                            p,
                            (where, e) -> annotations.add(
                                    new Annotation(where, id(e, "image_id"), Fields.text(e, "caption"))));
                default -> p.skipChildren();
            }
        }
        if (p.nextToken() != null) {
            throw new DataException(file + ": more than one JSON value");
        }
    }

    /** What becomes of an entry. */
    private interface Use {
        void of(String where, JsonNode entry);
    }

    private static void entries(Path file, String list, JsonParser p, Use use) {
        if (p.currentToken() != JsonToken.START_ARRAY) {
            throw new DataException(file + ": \"" + list + "\" is no list");
        }
        int index = 0;
        while (p.nextToken() != JsonToken.END_ARRAY) {
            String where = file + ": " + list + "[" + index + "]";
            if (index++ == MAX_CAPTIONS) {
                throw new DataException(where + ": expected at most " + MAX_CAPTIONS);
            }
            JsonNode entry = p.readValueAsTree();
            try {
                use.of(where, entry);
            } catch (DataException e) {
                throw new DataException(where + ": " + e.getMessage(), e);
            }
        }
    }

    private static long id(JsonNode entry, String key) {
        JsonNode value = entry.path(key);
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw new DataException("\"" + key + "\" is " + (value.isMissingNode() ? "missing" : "no whole number"));
        }
        return value.longValue();
    }
}
