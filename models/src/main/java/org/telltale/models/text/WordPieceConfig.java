package org.telltale.models.text;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The files of a WordPiece tokenizer.
 *
 * @param special every token that decoding drops
 */
record WordPieceConfig(BasicTokenizer basic, String pad, String unknown, String cls, String sep, Set<String> special) {
    private static final long MAX_VOCABULARY = 64L << 20;
    private static final long MAX_JSON = 16L << 20;
    private static final JsonMapper JSON = new JsonMapper();

    /** The settings of a model's folder; what its files leave open is as in bert-base-uncased. */
    static WordPieceConfig read(Path modelFolder) {
        JsonNode config = readJson(modelFolder.resolve("tokenizer_config.json"));
        JsonNode map = readJson(modelFolder.resolve("special_tokens_map.json"));
        boolean lowerCase = flag(config, "do_lower_case", true);
        BasicTokenizer basic = new BasicTokenizer(
                lowerCase, flag(config, "strip_accents", lowerCase), flag(config, "tokenize_chinese_chars", true));
        String pad = name(config, map, "pad_token", "[PAD]");
        String unknown = name(config, map, "unk_token", "[UNK]");
        String cls = name(config, map, "cls_token", "[CLS]");
        String sep = name(config, map, "sep_token", "[SEP]");
        String mask = name(config, map, "mask_token", "[MASK]");
        Set<String> special = new HashSet<>(Set.of(pad, unknown, cls, sep, mask));
        // BLIP adds these two in code: no file of a checkpoint needs to name them.
        special.add(name(config, map, "bos_token", "[DEC]"));
        special.add("[DEC]");
        special.add("[ENC]");
        for (JsonNode additional : map.path("additional_special_tokens")) {
            content(additional).ifPresent(special::add);
        }
        return new WordPieceConfig(basic, pad, unknown, cls, sep, Set.copyOf(special));
    }

    private static boolean flag(JsonNode config, String key, boolean otherwise) {
        JsonNode value = config.path(key);
        return value.isBoolean() ? value.booleanValue() : otherwise;
    }

    private static String name(JsonNode config, JsonNode map, String key, String standard) {
        return content(map.path(key)).or(() -> content(config.path(key))).orElse(standard);
    }

    /** A token is written as a string, or as an object with the string and how it is matched. */
    private static Optional<String> content(JsonNode token) {
        return token.isString()
                ? Optional.of(token.asString())
                : token.path("content").asStringOpt();
    }

    private static JsonNode readJson(Path file) {
        if (!Files.exists(file)) {
            return JSON.createObjectNode();
        }
        try {
            JsonNode node = JSON.readTree(readUtf8(file, MAX_JSON));
            if (!node.isObject()) {
                throw new TokenizerException(file + ": not a JSON object");
            }
            return node;
        } catch (JacksonException e) {
            throw new TokenizerException(file + ": not JSON: " + e.getOriginalMessage(), e);
        }
    }

    /** The tokens by id: line 1 is id 0. Lines may end in LF or CR LF; an empty one is an id without a token. */
    static List<String> readVocabulary(Path file) {
        List<String> tokens = readUtf8(file, MAX_VOCABULARY).lines().toList();
        if (tokens.stream().allMatch(String::isEmpty)) {
            throw new TokenizerException(file + ": no tokens in this vocabulary");
        }
        return tokens;
    }

    private static String readUtf8(Path file, long limit) {
        try {
            long size = Files.size(file);
            if (size > limit) {
                throw new TokenizerException(file + ": " + size + " bytes, at most " + limit + " are read");
            }
            byte[] bytes = Files.readAllBytes(file);
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (NoSuchFileException e) {
            throw new TokenizerException(file + ": no such file", e);
        } catch (CharacterCodingException e) {
            throw new TokenizerException(file + ": not UTF-8", e);
        } catch (IOException e) {
            throw new TokenizerException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }
}
