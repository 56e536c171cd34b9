package org.telltale.models.text;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The words of a captioner that learns from captions (SPEC §9.3), with the marks {@code <start>} and {@code <end>} among
 * them. Id 0 is padding and id 1 any other word.
 */
public final class CaptionVocabulary {
    /** What a caption begins with. */
    public static final String START = "<start>";

    /** What it ends with. */
    public static final String END = "<end>";

    public static final int PADDING = 0;
    public static final int UNKNOWN = 1;

    private final Standard standard;
    private final List<String> words;
    private final Map<String, Integer> ids = new HashMap<>();

    /** How a text becomes words, and how words are put in order. */
    public enum Standard {
        /**
         * Keras' TextVectorization as the later tutorial uses it: only ASCII letters become small, words are split at ASCII
         * white space, and punctuation stays (the tutorial's pattern never matches). Of equally frequent words the one with
         * the greater UTF-8 bytes comes first. The limit counts padding and the unknown word.
         */
        TEXT_VECTORIZATION("", "[UNK]") {
            @Override
            List<String> split(String text) {
                return words(ASCII_SPACE.split(lower(text)));
            }

            @Override
            Comparator<Map.Entry<String, Integer>> order() {
                return BY_COUNT.thenComparing(
                        e -> e.getKey().getBytes(StandardCharsets.UTF_8), (a, b) -> Arrays.compareUnsigned(b, a));
            }
        },
        /**
         * Keras' Tokenizer as the earlier tutorial uses it: all letters become small, punctuation but angle brackets becomes
         * spaces, and words are split at spaces alone. Of equally frequent words the first to appear comes first.
         */
        TOKENIZER("<pad>", "<unk>") {
            @Override
            List<String> split(String text) {
                return words(FILTERED.matcher(PythonStrings.lower(text))
                        .replaceAll(" ")
                        .split(" ", -1));
            }

            @Override
            Comparator<Map.Entry<String, Integer>> order() {
                return BY_COUNT;
            }
        };

        private static final Comparator<Map.Entry<String, Integer>> BY_COUNT =
                Map.Entry.<String, Integer>comparingByValue().reversed();
        private static final Pattern ASCII_SPACE = Pattern.compile("[ \\t\\n\\u000b\\f\\r]+");
        private static final Pattern FILTERED = Pattern.compile("[!\"#$%&()*+.,\\-/:;=?@\\[\\\\\\]^_`{|}~]");

        private final String padding;
        private final String unknown;

        Standard(String padding, String unknown) {
            this.padding = padding;
            this.unknown = unknown;
        }

        abstract List<String> split(String text);

        abstract Comparator<Map.Entry<String, Integer>> order();

        private static List<String> words(String[] parts) {
            return Arrays.stream(parts).filter(p -> !p.isEmpty()).toList();
        }

        private static String lower(String text) {
            StringBuilder b = new StringBuilder(text);
            for (int i = 0; i < b.length(); i++) {
                char c = b.charAt(i);
                if (c >= 'A' && c <= 'Z') {
                    b.setCharAt(i, (char) (c + 32));
                }
            }
            return b.toString();
        }
    }

    private CaptionVocabulary(Standard standard, List<String> words) {
        this.standard = standard;
        this.words = List.copyOf(words);
        for (int i = 0; i < words.size(); i++) {
            if (ids.put(words.get(i), i) != null) {
                throw new TokenizerException("the vocabulary has '" + words.get(i) + "' twice");
            }
        }
        if (words.size() < 4 || !ids.containsKey(START) || !ids.containsKey(END)) {
            throw new TokenizerException("the vocabulary of " + words.size() + " words has no " + START + " or no "
                    + END + "; expected both beside padding and the unknown word");
        }
    }

    /**
     * The vocabulary with these words in the order of their ids.
     *
     * @throws TokenizerException if one is there twice, or a mark is missing
     */
    public static CaptionVocabulary of(Standard standard, List<String> words) {
        return new CaptionVocabulary(standard, words);
    }

    /**
     * The most frequent words of captions, which get the marks here.
     *
     * @param limit the most ids, padding and the unknown word included
     * @throws TokenizerException if the marks are not among them
     */
    public static CaptionVocabulary build(Standard standard, Iterable<String> captions, int limit) {
        Map<String, Integer> counts = new LinkedHashMap<>();
        for (String caption : captions) {
            standard.split(marked(caption)).forEach(word -> counts.merge(word, 1, Integer::sum));
        }
        counts.remove(standard.unknown);
        List<String> words = new ArrayList<>(List.of(standard.padding, standard.unknown));
        counts.entrySet().stream()
                .sorted(standard.order())
                .limit(Math.max(limit - 2, 0))
                .forEach(e -> words.add(e.getKey()));
        return new CaptionVocabulary(standard, words);
    }

    private static String marked(String caption) {
        return START + " " + caption + " " + END;
    }

    public Standard standard() {
        return standard;
    }

    /** The words in the order of their ids. */
    public List<String> words() {
        return words;
    }

    public int size() {
        return words.size();
    }

    public int start() {
        return ids.getOrDefault(START, UNKNOWN);
    }

    public int end() {
        return ids.getOrDefault(END, UNKNOWN);
    }

    /** The word of an id; the unknown word for ids beyond the vocabulary, which the older tutorial's model has one of. */
    public String word(int id) {
        return id < words.size() ? words.get(id) : standard.unknown;
    }

    /** The ids of a text's words, as many as there are. */
    public int[] ids(String text) {
        return standard.split(text).stream()
                .mapToInt(word -> ids.getOrDefault(word, UNKNOWN))
                .toArray();
    }

    /** The ids of a caption between its marks, cut or filled up to a length. */
    public int[] encode(String caption, int length) {
        return Arrays.copyOf(ids(marked(caption)), length);
    }

    /** The words of ids with spaces between them, without marks and padding. */
    public String decode(int[] sequence) {
        List<String> out = new ArrayList<>();
        for (int id : sequence) {
            if (id != PADDING && id != start() && id != end()) {
                out.add(word(id));
            }
        }
        return String.join(" ", out);
    }
}
