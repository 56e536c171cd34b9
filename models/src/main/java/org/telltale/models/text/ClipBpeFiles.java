package org.telltale.models.text;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The files that a CLIP tokenizer is read from. */
final class ClipBpeFiles {
    private static final long MAX_JSON = 64L << 20;
    private static final int MAX_MERGES = 1_000_000;
    private static final int MAX_LINE = 10_000;
    private static final JsonMapper JSON = new JsonMapper();

    private ClipBpeFiles() {}

    static ClipBpe read(Path folder, int vocabulary) {
        int wanted = vocabulary - ClipBpe.BASE;
        if (wanted < 0) {
            throw new TokenizerException(folder + ": the model has " + vocabulary + " ids, but CLIP's tokenizer needs "
                    + ClipBpe.BASE + " for bytes and marks");
        }
        Optional<Path> zipped = zipped(folder);
        Path text = folder.resolve("merges.txt");
        Path json = folder.resolve("tokenizer.json");
        Path source = zipped.orElse(Files.exists(text) ? text : json);
        // OpenAI's file goes on after what CLIP uses; the others hold just that.
        List<String> merges =
                source.equals(json) ? fromJson(json) : lines(source, zipped.isPresent() ? wanted : MAX_MERGES);
        if (merges.size() != wanted) {
            throw new TokenizerException(
                    source + ": " + merges.size() + " merges, but the model's " + vocabulary + " ids need " + wanted);
        }
        ClipBpe tokenizer = new ClipBpe(merges, source.toString());
        check(folder.resolve("vocab.json"), tokenizer);
        return tokenizer;
    }

    private static Optional<Path> zipped(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(f -> String.valueOf(f.getFileName()).matches("bpe_simple_vocab.*\\.txt\\.gz"))
                    .sorted()
                    .findFirst();
        } catch (IOException e) {
            throw new TokenizerException(folder + ": cannot be listed: " + e.getMessage(), e);
        }
    }

    /** The first merges of a text file: one a line, after a header line. */
    private static List<String> lines(Path file, int most) {
        List<String> merges = new ArrayList<>();
        try (InputStream in = Files.newInputStream(file);
                InputStream plain = file.toString().endsWith(".gz") ? new GZIPInputStream(in) : in;
                BufferedReader reader =
                        new BufferedReader(new InputStreamReader(plain, StandardCharsets.UTF_8.newDecoder()))) {
            line(reader, file);
            for (String line = line(reader, file); line != null && merges.size() < most; line = line(reader, file)) {
                if (!line.isEmpty()) {
                    merges.add(line);
                }
            }
            return merges;
        } catch (CharacterCodingException e) {
            throw new TokenizerException(file + ": not UTF-8", e);
        } catch (IOException e) {
            throw new TokenizerException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /** A line of bounded length, or null at the end. */
    private static @Nullable String line(BufferedReader in, Path file) throws IOException {
        StringBuilder line = new StringBuilder();
        int c = in.read();
        if (c < 0) {
            return null;
        }
        for (; c >= 0 && c != '\n'; c = in.read()) {
            if (line.length() == MAX_LINE) {
                throw new TokenizerException(file + ": a line longer than " + MAX_LINE + " characters");
            }
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }

    private static List<String> fromJson(Path file) {
        JsonNode list = json(file).path("model").path("merges");
        List<String> merges = new ArrayList<>();
        for (JsonNode merge : list) {
            boolean pair = merge.isArray() && merge.size() == 2;
            merges.add(pair ? merge.get(0).asString("") + " " + merge.get(1).asString("") : merge.asString(""));
        }
        if (merges.isEmpty()) {
            throw new TokenizerException(file + ": no merges under \"model\", expected byte pairs as CLIP's");
        }
        return merges;
    }

    /** That the tokens have the ids that merging gives them; the marks' names differ between libraries. */
    private static void check(Path file, ClipBpe tokenizer) {
        if (!Files.exists(file)) {
            return;
        }
        JsonNode ids = json(file);
        List<String> tokens = tokenizer.tokens();
        if (ids.size() != tokens.size()) {
            throw new TokenizerException(file + ": " + ids.size() + " tokens, but the merges make " + tokens.size());
        }
        for (int id = 0; id < tokens.size() - 2; id++) {
            if (ids.path(tokens.get(id)).asInt(-1) != id) {
                throw new TokenizerException(file + ": the token \"" + tokens.get(id) + "\" has the id "
                        + ids.path(tokens.get(id)) + ", but the merges make it " + id);
            }
        }
    }

    private static JsonNode json(Path file) {
        if (!Files.exists(file)) {
            throw new TokenizerException(file.getParent()
                    + ": no tokenizer, expected bpe_simple_vocab_16e6.txt.gz, merges.txt or tokenizer.json");
        }
        try {
            if (Files.size(file) > MAX_JSON) {
                throw new TokenizerException(
                        file + ": " + Files.size(file) + " bytes, at most " + MAX_JSON + " are read");
            }
            return JSON.readTree(Files.readAllBytes(file));
        } catch (JacksonException e) {
            throw new TokenizerException(file + ": not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new TokenizerException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }
}
