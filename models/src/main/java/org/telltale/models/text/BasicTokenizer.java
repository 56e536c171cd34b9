package org.telltale.models.text;

import java.text.Normalizer;
import java.util.ArrayList;
import java.util.List;

/**
 * BERT's first step, SPEC §8.2: clean-up, white space, CJK characters, case and accents, punctuation. Source: Hugging
 * Face {@code tokenization_bert_legacy.py}, class BasicTokenizer, whose results it equals ({@code TokenizersGoldenTest}).
 *
 * @param lowerCase whether letters are lower-cased
 * @param stripAccents whether nonspacing marks are dropped after canonical decomposition
 * @param splitChinese whether each CJK ideograph is a word of its own
 */
record BasicTokenizer(boolean lowerCase, boolean stripAccents, boolean splitChinese) {

    /** The words and punctuation marks of a text, without white space. */
    List<String> words(String text) {
        List<String> words = new ArrayList<>();
        // NFC before lower-casing: a composed capital and its decomposition are one character, in the original too.
        String clean = Normalizer.normalize(clean(text), Normalizer.Form.NFC);
        for (String token : PythonStrings.split(clean)) {
            String word = lowerCase ? PythonStrings.lower(token) : token;
            splitPunctuation(stripAccents ? withoutMarks(word) : word, words);
        }
        return words;
    }

    private String clean(String text) {
        StringBuilder out = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            if (isSpace(c)) {
                out.append(' ');
            } else if (c == 0xFFFD || isControl(c)) {
                return;
            } else if (splitChinese && isChinese(c)) {
                out.append(' ').appendCodePoint(c).append(' ');
            } else {
                out.appendCodePoint(c);
            }
        });
        return out.toString();
    }

    private static String withoutMarks(String word) {
        StringBuilder out = new StringBuilder(word.length());
        Normalizer.normalize(word, Normalizer.Form.NFD)
                .codePoints()
                .filter(c -> Character.getType(c) != Character.NON_SPACING_MARK)
                .forEach(out::appendCodePoint);
        return out.toString();
    }

    private static void splitPunctuation(String word, List<String> out) {
        int start = 0;
        int next;
        for (int i = 0; i < word.length(); i = next) {
            int c = word.codePointAt(i);
            next = i + Character.charCount(c);
            if (isPunctuation(c)) {
                if (start < i) {
                    out.add(word.substring(start, i));
                }
                out.add(word.substring(i, next));
                start = next;
            }
        }
        if (start < word.length()) {
            out.add(word.substring(start));
        }
    }

    /** Space, tab, line ends and Unicode's space separators; U+2028 and U+2029 are left to the split. */
    private static boolean isSpace(int c) {
        return c == '\t' || c == '\n' || c == '\r' || Character.getType(c) == Character.SPACE_SEPARATOR;
    }

    private static boolean isControl(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED -> true;
            default -> false;
        };
    }

    /** The ranges of the reference: an ideograph of a block added later is a letter like any other. */
    private static boolean isChinese(int c) {
        return (c >= 0x4E00 && c <= 0x9FFF)
                || (c >= 0x3400 && c <= 0x4DBF)
                || (c >= 0x20000 && c <= 0x2A6DF)
                || (c >= 0x2A700 && c <= 0x2B73F)
                || (c >= 0x2B740 && c <= 0x2B81F)
                || (c >= 0x2B820 && c <= 0x2CEAF)
                || (c >= 0xF900 && c <= 0xFAFF)
                || (c >= 0x2F800 && c <= 0x2FA1F);
    }

    /** Unicode's punctuation, and all of ASCII that is neither letter, digit, space nor control. */
    private static boolean isPunctuation(int c) {
        if (c < 0x80) {
            return c > ' ' && c < 0x7F && !Character.isLetterOrDigit(c);
        }
        return switch (Character.getType(c)) {
            case Character.CONNECTOR_PUNCTUATION,
                    Character.DASH_PUNCTUATION,
                    Character.START_PUNCTUATION,
                    Character.END_PUNCTUATION,
                    Character.INITIAL_QUOTE_PUNCTUATION,
                    Character.FINAL_QUOTE_PUNCTUATION,
                    Character.OTHER_PUNCTUATION -> true;
            default -> false;
        };
    }
}
