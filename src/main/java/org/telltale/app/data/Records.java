package org.telltale.app.data;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads files of records, JSONL: a header, then one record a line. Strict: every line is bounded in length and must be
 * just what a command writes; an id stands once. Errors name file and line.
 */
public final class Records {
    static final int MAX_LINE = 1 << 20;

    private static final JsonMapper STRICT = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Records() {}

    /** The captions of a file. */
    public static List<CaptionRecord> captions(Path file) {
        return read(file, Header.CAPTIONS, CaptionRecord::of);
    }

    /** The prompts of a file. */
    public static List<PromptRecord> prompts(Path file) {
        return read(file, Header.PROMPTS, PromptRecord::of);
    }

    /** The vectors of a file. */
    public static List<EmbeddingRecord> embeddings(Path file) {
        return read(file, Header.EMBEDDINGS, EmbeddingRecord::of);
    }

    /** The texts that tell of pictures, by the pictures' ids: the captions or the prompts of a file. */
    public static Map<String, String> texts(Path file) {
        Map<String, String> texts = new LinkedHashMap<>();
        if (kind(file).equals(Header.PROMPTS)) {
            prompts(file).forEach(p -> texts.put(p.id(), p.prompt()));
        } else {
            captions(file).forEach(c -> texts.put(c.id(), c.text()));
        }
        return texts;
    }

    /** The kind that a file's header names; empty where there is none. */
    private static String kind(Path file) {
        return header(file).path(Header.KIND).stringValue("");
    }

    /** The first line of a file of records. */
    public static JsonNode header(Path file) {
        if (!Files.exists(file)) {
            throw new InputNotFoundException(file + ": no such file");
        }
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
            Lines lines = new Lines(in, file.toString(), MAX_LINE);
            return parse(lines.next().orElse(""), lines.where());
        } catch (IOException e) {
            throw new DataException(file + ": cannot be read: " + Reasons.of(e), e);
        }
    }

    /** What reads the records of a kind. */
    static Function<JsonNode, ? extends Entry> reader(String kind) {
        return switch (kind) {
            case Header.CAPTIONS -> CaptionRecord::of;
            case Header.SCORES -> Scores::of;
            case Header.EMBEDDINGS -> EmbeddingRecord::of;
            case Header.PROMPTS -> PromptRecord::of;
            default -> throw new IllegalArgumentException("no records are called " + kind);
        };
    }

    /** The scores of a file, all of which have the labels of the first. */
    public static List<Scores> scores(Path file) {
        List<Scores> all = read(file, Header.SCORES, Scores::of);
        for (int i = 1; i < all.size(); i++) {
            if (!all.get(i)
                    .probabilities()
                    .keySet()
                    .equals(all.getFirst().probabilities().keySet())) {
                throw new DataException(file + ":" + (i + 2) + ": the labels "
                        + all.get(i).probabilities().keySet() + ", but the first record has "
                        + all.getFirst().probabilities().keySet());
            }
        }
        return all;
    }

    private static <R extends Entry> List<R> read(Path file, String kind, Function<JsonNode, R> record) {
        if (!Files.exists(file)) {
            throw new InputNotFoundException(file + ": no such file");
        }
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
            Lines lines = new Lines(in, file.toString(), MAX_LINE);
            JsonNode header = parse(lines.next().orElse(""), lines.where());
            String found = header.path(Header.KIND).stringValue("");
            if (!found.equals(kind)) {
                throw new DataException(
                        file + ":1: " + (found.isEmpty() ? "no header of telltale's" : "the header of " + found)
                                + ", expected the header of " + kind + " as \"telltale ... --output\" writes it");
            }
            List<R> records = new ArrayList<>();
            Map<String, Long> seen = new HashMap<>();
            for (Optional<String> line = lines.next(); line.isPresent(); line = lines.next()) {
                R r = record(line.get(), lines.where(), record);
                Long before = seen.putIfAbsent(r.id(), lines.number());
                if (before != null) {
                    throw new DataException(
                            lines.where() + ": the id \"" + r.id() + "\" stood already at " + lines.where(before));
                }
                records.add(r);
            }
            return records;
        } catch (IOException e) {
            throw new DataException(file + ": cannot be read: " + Reasons.of(e), e);
        }
    }

    static JsonNode parse(String line, String where) {
        try {
            JsonNode node = STRICT.readTree(line);
            if (!node.isObject()) {
                throw new DataException(where + ": not a JSON object");
            }
            return node;
        } catch (JacksonException e) {
            String what =
                    String.valueOf(e.getOriginalMessage()).lines().findFirst().orElse("");
            throw new DataException(where + ": not JSON: " + what, e);
        }
    }

    static <R extends Entry> R record(String line, String where, Function<JsonNode, R> record) {
        JsonNode node = parse(line, where);
        try {
            return record.apply(node);
        } catch (DataException e) {
            throw new DataException(where + ": " + e.getMessage(), e);
        }
    }
}
