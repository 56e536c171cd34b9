package org.telltale.models.text;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * CLIP's byte-pair tokenizer, SPEC §11.3: id for id that of open_clip ({@code TokenizersGoldenTest}), which the CLIP
 * Interrogator uses. The marks {@code <start_of_text>} and {@code <end_of_text>} in a text are read as their ids, as there.
 * Immutable, and safe to share between threads.
 */
public final class ClipBpe {
    /** Ids that are no merges: each byte within a word and at its end, and the two marks. */
    static final int BASE = 2 * 256 + 2;

    private static final String START = "<start_of_text>";
    private static final String END = "<end_of_text>";
    private static final String WORD_END = "</w>";
    private static final Pattern WORDS = Pattern.compile(
            START + "|" + END + "|'s|'t|'re|'ve|'m|'ll|'d|\\p{L}+|\\p{N}|[^\\s\\p{L}\\p{N}]+",
            Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE | Pattern.UNICODE_CHARACTER_CLASS);

    private final List<String> tokens = new ArrayList<>();
    private final Map<Long, Integer> ranks = new HashMap<>();
    private final int[] merged;
    private final int[] inner = new int[256];
    private final int[] last = new int[256];
    private final Map<Character, Integer> bytes = new HashMap<>();

    /** @param merges pairs of symbols, the first to be merged first */
    ClipBpe(List<String> merges, String source) {
        Map<String, Integer> ids = HashMap.newHashMap(merges.size() + BASE);
        char[] symbols = symbols();
        for (int b = 0; b < 256; b++) {
            bytes.put(symbols[b], b);
        }
        // Printable bytes come first, in their order, and then the others.
        List<Integer> order = new ArrayList<>();
        for (int b = 0; b < 256; b++) {
            if (symbols[b] == b) {
                order.add(b);
            }
        }
        for (int b = 0; b < 256; b++) {
            if (symbols[b] != b) {
                order.add(b);
            }
        }
        for (int b : order) {
            inner[b] = add(String.valueOf(symbols[b]), ids);
        }
        for (int b : order) {
            last[b] = add(symbols[b] + WORD_END, ids);
        }
        merged = new int[merges.size()];
        for (int rank = 0; rank < merges.size(); rank++) {
            String[] pair = merges.get(rank).split(" ", -1);
            Integer left = ids.get(pair[0]);
            Integer right = pair.length == 2 ? ids.get(pair[1]) : null;
            if (left == null || right == null) {
                throw new TokenizerException(source + ": merge " + (rank + 1) + " is \"" + shortened(merges.get(rank))
                        + "\", expected two symbols that bytes or earlier merges make");
            }
            merged[rank] = add(pair[0] + pair[1], ids);
            ranks.putIfAbsent(key(left, right), rank);
        }
        add(START, ids);
        add(END, ids);
    }

    private int add(String token, Map<String, Integer> ids) {
        tokens.add(token);
        ids.put(token, tokens.size() - 1);
        return tokens.size() - 1;
    }

    private static String shortened(String line) {
        return line.length() <= 60 ? line : line.substring(0, 60) + "...";
    }

    private static long key(int left, int right) {
        return ((long) left << 32) | right;
    }

    /** A printable character for each byte: itself, or one from U+0100 on. */
    private static char[] symbols() {
        char[] symbols = new char[256];
        int next = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
            symbols[b] = (char) (printable ? b : next++);
        }
        return symbols;
    }

    /**
     * Reads the merges of a model's folder: {@code bpe_simple_vocab*.txt.gz}, {@code merges.txt} or
     * {@code tokenizer.json}. Where {@code vocab.json} is there it must say the same.
     *
     * @param vocabulary how many ids the model has
     * @throws TokenizerException if there is no such file, or it is malformed, or it does not make that many ids
     */
    public static ClipBpe read(Path modelFolder, int vocabulary) {
        return ClipBpeFiles.read(modelFolder, vocabulary);
    }

    /** How many ids there are. */
    public int vocabularySize() {
        return tokens.size();
    }

    List<String> tokens() {
        return tokens;
    }

    /** The id that a text begins with. */
    public int startId() {
        return tokens.size() - 2;
    }

    /** The id that a text ends with, the largest of all. */
    public int endId() {
        return tokens.size() - 1;
    }

    /**
     * The ids of a text between the two marks, not padded. Of a longer text the first ones are left, the last of them
     * replaced by the end mark.
     *
     * @param context the most ids to return, at least 2
     */
    public int[] encode(String text, int context) {
        int[] words = tokenize(text);
        int[] ids = new int[Math.min(words.length + 2, context)];
        ids[0] = startId();
        System.arraycopy(words, 0, ids, 1, ids.length - 2);
        ids[ids.length - 1] = endId();
        return ids;
    }

    /** The ids of a text, without the marks around it. */
    public int[] tokenize(String text) {
        int[] ids = new int[16];
        int count = 0;
        Matcher words = WORDS.matcher(ClipCleaning.clean(text));
        while (words.find()) {
            int[] word = word(words.group());
            if (count + word.length > ids.length) {
                ids = Arrays.copyOf(ids, Math.max(count + word.length, 2 * count));
            }
            System.arraycopy(word, 0, ids, count, word.length);
            count += word.length;
        }
        return Arrays.copyOf(ids, count);
    }

    private int[] word(String word) {
        int mark = word.equals(START) ? startId() : word.equals(END) ? endId() : -1;
        if (mark >= 0) {
            return new int[] {mark};
        }
        byte[] utf8 = word.getBytes(StandardCharsets.UTF_8);
        int[] ids = new int[utf8.length];
        for (int i = 0; i < utf8.length; i++) {
            ids[i] = (i == utf8.length - 1 ? last : inner)[utf8[i] & 0xFF];
        }
        int length = ids.length;
        while (length > 1) {
            Integer best = null;
            for (int i = 0; i + 1 < length; i++) {
                Integer rank = ranks.get(key(ids[i], ids[i + 1]));
                best = rank != null && (best == null || rank < best) ? rank : best;
            }
            if (best == null) {
                break;
            }
            length = merge(ids, length, best);
        }
        return Arrays.copyOf(ids, length);
    }

    /** Merges all pairs of a rank, from the left; the new length. */
    private int merge(int[] ids, int length, int rank) {
        int to = 0;
        for (int from = 0; from < length; from++) {
            Integer found = from + 1 < length ? ranks.get(key(ids[from], ids[from + 1])) : null;
            if (found != null && found == rank) {
                ids[to++] = merged[rank];
                from++;
            } else {
                ids[to++] = ids[from];
            }
        }
        return to;
    }

    /** The text of ids, a blank after each word; bytes that are no UTF-8 become U+FFFD. */
    public String decode(int... ids) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int id : ids) {
            if (id < 0 || id >= tokens.size()) {
                throw new IllegalArgumentException("the token id " + id + " is none of " + tokens.size());
            }
            String token = tokens.get(id);
            for (int i = 0; i < token.length(); i++) {
                out.write(byteOf(token.charAt(i)));
            }
        }
        return out.toString(StandardCharsets.UTF_8).replace(WORD_END, " ");
    }

    private int byteOf(char symbol) {
        @Nullable Integer b = bytes.get(symbol);
        if (b == null) {
            throw new IllegalStateException("no byte for " + (int) symbol);
        }
        return b;
    }

    @Override
    public String toString() {
        return "CLIP's byte pairs, " + tokens.size() + " tokens";
    }
}
