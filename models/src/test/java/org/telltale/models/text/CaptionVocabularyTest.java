package org.telltale.models.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.telltale.engine.testing.Golden;
import tools.jackson.databind.JsonNode;

/** Vocabularies of captions against those of Keras' TextVectorization and Tokenizer. */
class CaptionVocabularyTest {
    private static JsonNode golden() {
        return Golden.json(Path.of("src/test/resources/golden/captioner/vocabulary.json"));
    }

    /** The reference's captions without their marks. */
    private static List<String> captions(JsonNode golden) {
        return golden.get("captions")
                .valueStream()
                .map(JsonNode::stringValue)
                .map(c -> c.substring("<start> ".length(), c.length() - " <end>".length()))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "max_tokens_5000_length_50",
                "max_tokens_40_length_12",
                "max_tokens_206_length_20",
                "max_tokens_10_length_6"
            })
    void wordsAndIdsAreThoseOfTextVectorization(String key) {
        JsonNode golden = golden();
        String[] numbers = key.split("_", -1);
        int length = Integer.parseInt(numbers[4]);
        CaptionVocabulary v = CaptionVocabulary.build(
                CaptionVocabulary.Standard.TEXT_VECTORIZATION, captions(golden), Integer.parseInt(numbers[2]));
        assertThat(v.words())
                .containsExactlyElementsOf(golden.get(key)
                        .get("vocabulary")
                        .valueStream()
                        .map(JsonNode::stringValue)
                        .toList());
        golden.get(key)
                .get("probes")
                .forEach(p -> assertThat(Arrays.copyOf(v.ids(p.get("text").stringValue()), length))
                        .as(p.get("text").stringValue())
                        .containsExactly(Golden.ints(p.get("ids"))));
    }

    @ParameterizedTest
    @ValueSource(ints = {5000, 30})
    void wordsAndIdsAreThoseOfTheOlderTokenizer(int limit) {
        JsonNode golden = golden();
        JsonNode expected = golden.get("tokenizer_top_k_" + limit);
        List<String> captions = captions(golden);
        CaptionVocabulary v = CaptionVocabulary.build(CaptionVocabulary.Standard.TOKENIZER, captions, limit);
        for (Map.Entry<String, JsonNode> e : expected.get("word_index").properties()) {
            int id = e.getValue().intValue();
            if (id < limit) {
                assertThat(v.word(id)).isEqualTo(e.getKey());
            }
        }
        assertThat(v.size())
                .isEqualTo(Math.min(limit, expected.get("word_index").size()));
        expected.get("probes")
                .forEach(p -> assertThat(v.ids(p.get("text").stringValue()))
                        .as(p.get("text").stringValue())
                        .containsExactly(Golden.ints(p.get("ids"))));
        for (int i = 0; i < captions.size(); i++) {
            assertThat(v.encode(captions.get(i), expected.get("max_length").intValue()))
                    .containsExactly(Golden.ints(expected.get("sequences").get(i)));
        }
    }

    @Test
    void aTextLosesMarksAndPadding() {
        CaptionVocabulary v = CaptionVocabulary.build(
                CaptionVocabulary.Standard.TEXT_VECTORIZATION, List.of("A flooded road.", "a road"), 100);
        int[] ids = v.encode("a flooded road. today", 9);
        assertThat(ids).hasSize(9).endsWith(v.end(), 0, 0, 0);
        assertThat(v.decode(ids)).isEqualTo("a flooded road. [UNK]");
    }

    @Test
    void aVocabularyWithoutRoomForItsMarksIsRefused() {
        assertThatThrownBy(() ->
                        CaptionVocabulary.build(CaptionVocabulary.Standard.TEXT_VECTORIZATION, List.of("a a", "b"), 4))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining("has no <start> or no <end>");
    }
}
