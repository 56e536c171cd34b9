package org.telltale.models.text;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * BERT's and BLIP's tokenizer, SPEC §8.2 and §10.6: the reference (Python) algorithm of Hugging Face's
 * {@code BertTokenizer}, to the id ({@code TokenizersGoldenTest}). Its Rust twin differs in the final sigma.
 *
 * <p>A special token's name in the text, such as {@code [SEP]}, is read as punctuation and letters: text cannot forge
 * the marks between which it stands. Immutable, and safe to share between threads.
 */
public final class WordPiece {
    private static final int MAX_WORD = 100;
    private static final String CONTINUED = "##";

    private final BasicTokenizer basic;
    private final List<String> tokens;
    private final Map<String, Integer> starts = new HashMap<>();
    private final Map<String, Integer> continuations = new HashMap<>();
    private final Set<String> special;
    private final int longest;
    private final int padId;
    private final int unknownId;
    private final int classId;
    private final int separatorId;

    /** @param tokens the vocabulary by id, distinct but for empty strings, which stand for ids without a token */
    WordPiece(List<String> tokens, WordPieceConfig config, String source) {
        this.tokens = List.copyOf(tokens);
        this.basic = config.basic();
        this.special = config.special();
        Map<String, Integer> ids = HashMap.newHashMap(tokens.size());
        int longest = 0;
        for (int id = 0; id < tokens.size(); id++) {
            String token = tokens.get(id);
            if (token.isEmpty()) {
                continue;
            }
            Integer before = ids.putIfAbsent(token, id);
            if (before != null) {
                throw new TokenizerException(source + ": the token \"" + token + "\" stands on lines " + (before + 1)
                        + " and " + (id + 1) + ", a vocabulary has each once");
            }
            starts.put(token, id);
            if (token.length() > CONTINUED.length() && token.startsWith(CONTINUED)) {
                continuations.put(token.substring(CONTINUED.length()), id);
            }
            longest = Math.max(longest, token.length());
        }
        this.longest = longest;
        this.padId = id(ids, config.pad(), source);
        this.unknownId = id(ids, config.unknown(), source);
        this.classId = id(ids, config.cls(), source);
        this.separatorId = id(ids, config.sep(), source);
    }

    private static int id(Map<String, Integer> ids, String name, String source) {
        Integer id = ids.get(name);
        if (id == null) {
            throw new TokenizerException(source + ": no line for the special token " + name);
        }
        return id;
    }

    /**
     * Reads {@code vocab.txt} of a model's folder (UTF-8, one token a line, at most 64 MiB), and
     * {@code tokenizer_config.json} and {@code special_tokens_map.json} where they are there. Without them letters are
     * lower-cased and the special tokens have BERT's names; their ids always come from the vocabulary.
     *
     * @throws TokenizerException if the vocabulary is missing, or a file is malformed; the message names the file
     */
    public static WordPiece read(Path modelFolder) {
        Path vocabulary = modelFolder.resolve("vocab.txt");
        return new WordPiece(
                WordPieceConfig.readVocabulary(vocabulary), WordPieceConfig.read(modelFolder), vocabulary.toString());
    }

    /** Number of ids that the vocabulary file has; a model may have more. */
    public int vocabularySize() {
        return tokens.size();
    }

    /** The id of [PAD]. */
    public int padId() {
        return padId;
    }

    /** The id of [UNK]. */
    public int unknownId() {
        return unknownId;
    }

    /** The id of [CLS]. */
    public int classId() {
        return classId;
    }

    /** The id of [SEP]. */
    public int separatorId() {
        return separatorId;
    }

    /**
     * The ids of a text between [CLS] and [SEP], not padded. A longer text loses its end, but never [SEP].
     *
     * @param maxTokens the most ids to return, [CLS] and [SEP] included: at least 2
     */
    public int[] encode(String text, int maxTokens) {
        if (maxTokens < 2) {
            throw new IllegalArgumentException("maxTokens is " + maxTokens + ", but [CLS] and [SEP] take 2");
        }
        int[] inner = tokenize(text);
        int length = Math.min(inner.length, maxTokens - 2);
        int[] ids = new int[length + 2];
        ids[0] = classId;
        System.arraycopy(inner, 0, ids, 1, length);
        ids[length + 1] = separatorId;
        return ids;
    }

    /** The ids of a text, without special tokens. */
    public int[] tokenize(String text) {
        int[] ids = new int[16];
        int count = 0;
        for (String word : basic.words(text)) {
            if (count + word.length() > ids.length) {
                ids = Arrays.copyOf(ids, Math.max(count + word.length(), 2 * count));
            }
            count = appendPieces(word, ids, count);
        }
        return Arrays.copyOf(ids, count);
    }

    /** Longest match first; a word with a remainder that no piece begins is unknown as a whole. */
    private int appendPieces(String word, int[] ids, int count) {
        int length = word.length();
        if (length > MAX_WORD && word.codePointCount(0, length) > MAX_WORD) {
            ids[count] = unknownId;
            return count + 1;
        }
        int n = count;
        int start = 0;
        while (start < length) {
            Map<String, Integer> pieces = start == 0 ? starts : continuations;
            Integer id = null;
            int end = Math.min(length, start + longest);
            // An end between two surrogates never matches, as the vocabulary holds whole characters only.
            for (; end > start && id == null; end--) {
                id = pieces.get(word.substring(start, end));
            }
            if (id == null) {
                ids[count] = unknownId;
                return count + 1;
            }
            ids[n++] = id;
            start = end + 1;
        }
        return n;
    }

    /**
     * The text of ids: special tokens dropped, pieces joined, and the spaces before punctuation removed as the original
     * BLIP's tokenizer does (SPEC §10.6, §21). Ids beyond the vocabulary file, such as BLIP's [DEC] and [ENC], are
     * special.
     */
    public String decode(int[] ids) {
        return cleanUp(decodeWithoutCleanup(ids));
    }

    /** As {@link #decode}, with every token still between spaces. */
    public String decodeWithoutCleanup(int[] ids) {
        StringBuilder out = new StringBuilder();
        boolean first = true;
        for (int id : ids) {
            if (id < 0) {
                throw new IllegalArgumentException("the token id " + id + " is negative");
            }
            if (id >= tokens.size() || special.contains(tokens.get(id))) {
                continue;
            }
            String token = tokens.get(id);
            if (!first && token.startsWith(CONTINUED)) {
                out.append(token, CONTINUED.length(), token.length());
            } else {
                out.append(first ? "" : " ").append(token);
            }
            first = false;
        }
        return PythonStrings.strip(out.toString());
    }

    /** Hugging Face's {@code clean_up_tokenization}: the order of the replacements counts. */
    private static String cleanUp(String text) {
        return text.replace(" .", ".")
                .replace(" ?", "?")
                .replace(" !", "!")
                .replace(" ,", ",")
                .replace(" ' ", "'")
                .replace(" n't", "n't")
                .replace(" 'm", "'m")
                .replace(" 's", "'s")
                .replace(" 've", "'ve")
                .replace(" 're", "'re");
    }

    @Override
    public String toString() {
        return "WordPiece of " + tokens.size() + " tokens";
    }
}
