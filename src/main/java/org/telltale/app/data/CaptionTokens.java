package org.telltale.app.data;

import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Pattern;
import org.telltale.models.text.ClipBpe;
import org.telltale.models.text.WordPiece;

/** Captions as the token ids of a model that learns from them, each filled up or cut to the same length. */
public sealed interface CaptionTokens {
    /** Tokens of a row. */
    int length();

    /** The tokens that are fed. */
    int[] fed(String caption);

    /**
     * For BLIP, which tells what follows each token: the beginning, a prompt, the caption and the end, as the original
     * makes them. What is fed lacks the last token, what follows the first.
     *
     * @param prompt that every caption begins with; nothing of it is learned
     * @param begin the id that a text begins with
     * @param most tokens of a text, both marks included; 40 in the original
     */
    record Told(WordPiece tokenizer, String prompt, int begin, int most) implements CaptionTokens {
        private static final Pattern PUNCTUATION = Pattern.compile("[.!\"()*#:;~]");
        private static final Pattern BLANKS = Pattern.compile("\\s+");
        private static final int MAX_WORDS = 30;

        public Told {
            int fixed = tokenizer.tokenize(prompt).length + 2;
            if (most <= fixed) {
                throw new IllegalArgumentException("texts of " + most + " tokens, expected more than the " + fixed
                        + " of the prompt and both marks");
            }
        }

        @Override
        public int length() {
            return most - 1;
        }

        /** Marks, prompt and caption, which is small letters without some punctuation, and at most 30 words. */
        private int[] all(String caption) {
            String plain = PUNCTUATION.matcher(caption.toLowerCase(Locale.ROOT)).replaceAll(" ");
            String[] words = BLANKS.split(plain.strip());
            String cut = String.join(" ", Arrays.asList(words).subList(0, Math.min(words.length, MAX_WORDS)));
            int[] ids = tokenizer.encode(prompt + cut, most);
            ids[0] = begin;
            return ids;
        }

        @Override
        public int[] fed(String caption) {
            int[] ids = all(caption);
            int[] row = new int[length()];
            Arrays.fill(row, tokenizer.padId());
            System.arraycopy(ids, 0, row, 0, ids.length - 1);
            return row;
        }

        /** What follows each token that is fed; {@link Minibatch#NO_LABEL} within the prompt and after the end. */
        int[] following(String caption) {
            int[] ids = all(caption);
            int[] row = new int[length()];
            Arrays.fill(row, Minibatch.NO_LABEL);
            int first = tokenizer.tokenize(prompt).length;
            System.arraycopy(ids, first + 1, row, first, ids.length - 1 - first);
            return row;
        }
    }

    /**
     * For CLIP, which reads a text up to its end.
     *
     * @param length the most tokens of a text, both marks included
     */
    record Matched(ClipBpe tokenizer, int length) implements CaptionTokens {
        @Override
        public int[] fed(String caption) {
            return Arrays.copyOf(tokenizer.encode(caption, length), length);
        }

        /** Where the text ends. */
        int end(String caption) {
            return tokenizer.encode(caption, length).length - 1;
        }
    }
}
