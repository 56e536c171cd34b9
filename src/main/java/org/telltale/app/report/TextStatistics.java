package org.telltale.app.report;

import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the texts of a captioner are like. A word is a run of letters, digits, apostrophes and hyphens, in lower case.
 *
 * @param captions how many pictures have one
 * @param words of all captions
 * @param distinct words that differ
 * @param texts captions that differ
 * @param shared captions whose text some other picture has too
 * @param frequent the most frequent words and how often they stand, without {@linkplain #FUNCTION_WORDS function words}; of
 *     equally frequent ones those first in the alphabet
 */
record TextStatistics(
        String captioner, int captions, long words, int distinct, int texts, int shared, List<Word> frequent) {
    private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{N}]+(?:['\u2019-][\\p{L}\\p{N}]+)*");
    private static final int FREQUENT = 12;

    /** English words that tell nothing of a picture. */
    private static final Set<String> FUNCTION_WORDS = Set.copyOf(List.of("""
            a an the this that these those there here it its he she they them his her their we you i me my your our and or
            but nor so as than then if of in on at by to from with without into onto over under up down out off about above
            below between through near next behind beside for around along across front side top is are was were be been being
            has have had having do does did will would can could may might who which what where when while some any each
            other another one two very no not""".split("\\s+")));

    /** A word and how often it stands. */
    record Word(String word, int count) {}

    static TextStatistics of(String captioner, Collection<String> captions) {
        Map<String, int[]> words = new HashMap<>();
        Map<String, Integer> texts = new HashMap<>();
        long count = 0;
        for (String caption : captions) {
            texts.merge(caption.strip(), 1, Integer::sum);
            Matcher m = WORD.matcher(caption.toLowerCase(Locale.ROOT));
            while (m.find()) {
                words.computeIfAbsent(m.group(), w -> new int[1])[0]++;
                count++;
            }
        }
        List<Word> frequent = words.entrySet().stream()
                .filter(e -> !FUNCTION_WORDS.contains(e.getKey()))
                .map(e -> new Word(e.getKey(), e.getValue()[0]))
                .sorted(Comparator.comparingInt((Word w) -> -w.count).thenComparing(Word::word))
                .limit(FREQUENT)
                .toList();
        int shared = texts.values().stream().filter(n -> n > 1).mapToInt(n -> n).sum();
        return new TextStatistics(captioner, captions.size(), count, words.size(), texts.size(), shared, frequent);
    }

    /** Words a caption; 0 without captions. */
    double meanWords() {
        return captions == 0 ? 0 : (double) words / captions;
    }

    /** Distinct words by words, which falls with the amount of text; 0 without words. */
    double typeTokenRatio() {
        return words == 0 ? 0 : (double) distinct / words;
    }

    /** The share of captions whose text some other picture has too. */
    double sharedRatio() {
        return captions == 0 ? 0 : (double) shared / captions;
    }
}
