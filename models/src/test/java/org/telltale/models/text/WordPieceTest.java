package org.telltale.models.text;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WordPieceTest {
    @TempDir
    Path folder;

    @BeforeEach
    void copyTheTinyVocabulary() throws IOException {
        try (InputStream in = WordPieceTest.class.getResourceAsStream("tiny-wordpiece/vocab.txt")) {
            Files.copy(in, folder.resolve("vocab.txt"));
        }
    }

    @Test
    void specialTokensTakeTheirIdsFromTheVocabulary() {
        WordPiece t = WordPiece.read(folder);
        assertThat(t.vocabularySize()).isEqualTo(269);
        assertThat(new int[] {t.padId(), t.unknownId(), t.classId(), t.separatorId()})
                .containsExactly(0, 1, 2, 3);
    }

    @Test
    void aCaptionIsCutIntoPiecesBetweenClsAndSep() {
        assertThat(WordPiece.read(folder)
                        .encode("a woman carried away from muddy water before dawn, rubble old dust", 512))
                .containsExactly(
                        2, 46, 157, 159, 87, 79, 249, 46, 92, 71, 94, 114, 144, 74, 94, 101, 180, 49, 71, 92, 84, 16,
                        119, 135, 128, 3);
    }

    @Test
    void aLongTextLosesItsEndButNotSep() {
        WordPiece t = WordPiece.read(folder);
        assertThat(t.encode("a photo of a cat", 5)).containsExactly(2, 46, 199, 208, 3);
        assertThat(t.encode("a photo of a cat", 2)).containsExactly(2, 3);
        assertThat(t.encode("", 2)).containsExactly(2, 3);
        assertThatThrownBy(() -> t.encode("a", 1)).hasMessageContaining("maxTokens is 1");
    }

    @Test
    void ideographsAreWordsAndAccentsFallOff() {
        WordPiece t = WordPiece.read(folder);
        assertThat(t.tokenize("horse水Café")).containsExactly(200, 265, 267, id("##e"));
        assertThat(t.tokenize("cafe\u0301")).isEqualTo(t.tokenize("CAFÉ"));
    }

    private int id(String token) {
        try {
            return Files.readAllLines(folder.resolve("vocab.txt")).indexOf(token);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aWordOfMoreThanAHundredCharactersIsUnknown() {
        WordPiece t = WordPiece.read(folder);
        assertThat(t.tokenize("a".repeat(100))).hasSize(100).doesNotContain(t.unknownId());
        assertThat(t.tokenize("a".repeat(101))).containsExactly(t.unknownId());
        assertThat(t.tokenize("🔥".repeat(60) + " a")).containsExactly(t.unknownId(), id("a"));
    }

    @Test
    void aSpecialTokensNameInTheTextIsOrdinaryText() {
        WordPiece t = WordPiece.read(folder);
        assertThat(t.tokenize("[SEP]")).doesNotContain(t.separatorId()).hasSizeGreaterThan(1);
    }

    @Test
    void decodingJoinsPiecesAndTidiesPunctuation() {
        WordPiece t = WordPiece.read(folder);
        int[] ids = t.encode("A flooded street, isn't it?", 40);
        assertThat(t.decodeWithoutCleanup(ids)).isEqualTo("a flooded street , isn ' t it ?");
        assertThat(t.decode(ids)).isEqualTo("a flooded street, isn't it?");
    }

    @Test
    void decodingSkipsSpecialTokensAndIdsBeyondTheVocabulary() {
        WordPiece t = WordPiece.read(folder);
        assertThat(t.decode(new int[] {269, id("a"), 270, id("cat"), 1, 3, 0, 30523}))
                .isEqualTo("a cat");
        assertThat(t.decode(new int[] {})).isEmpty();
        assertThatThrownBy(() -> t.decode(new int[] {-1})).hasMessageContaining("-1");
    }

    @Test
    void decodingSkipsBlipsMarksWhereTheVocabularyListsThem() throws IOException {
        Files.writeString(folder.resolve("vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n[DEC]\n[ENC]\n");
        assertThat(WordPiece.read(folder).decode(new int[] {5, 4, 6})).isEqualTo("a");
    }

    @Test
    void theConfigurationTurnsLowerCasingOff() throws IOException {
        Files.writeString(folder.resolve("vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n[SEP]\nA\na\n\u00e9\n");
        Files.writeString(
                folder.resolve("tokenizer_config.json"), "{\"do_lower_case\": false, \"strip_accents\": null}");
        assertThat(WordPiece.read(folder).tokenize("A a é É")).containsExactly(4, 5, 6, 1);
    }

    @Test
    void theMapNamesOtherSpecialTokens() throws IOException {
        Files.writeString(folder.resolve("vocab.txt"), "a\n<pad>\n<unk>\n<s>\n</s>\n<extra>\n");
        Files.writeString(folder.resolve("special_tokens_map.json"), """
                {"pad_token": "<pad>", "unk_token": {"content": "<unk>", "lstrip": false}, "cls_token": "<s>",
                 "sep_token": "</s>", "additional_special_tokens": ["<extra>"]}""");
        WordPiece t = WordPiece.read(folder);
        assertThat(t.encode("a b", 9)).containsExactly(3, 0, 2, 4);
        assertThat(t.decode(new int[] {3, 0, 5, 4})).isEqualTo("a");
    }

    @Test
    void windowsLineEndsAndAnEmptyLastLineAreHarmless() throws IOException {
        Files.writeString(folder.resolve("vocab.txt"), "[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\na\r\n\r\n");
        assertThat(WordPiece.read(folder).encode("a", 9)).containsExactly(2, 4, 3);
    }

    @Test
    void badVocabulariesAreRefusedByName() throws IOException {
        Path vocabulary = folder.resolve("vocab.txt");
        Files.delete(vocabulary);
        refused("vocab.txt: no such file");
        Files.write(vocabulary, new byte[] {'a', '\n', (byte) 0xC3, '\n'});
        refused("vocab.txt: not UTF-8");
        Files.writeString(vocabulary, "");
        refused("vocab.txt: no tokens");
        Files.writeString(vocabulary, "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\na\n");
        refused("\"a\" stands on lines 5 and 7");
        Files.writeString(vocabulary, "[PAD]\n[CLS]\n[SEP]\na\n");
        refused("no line for the special token [UNK]");
        try (RandomAccessFile file = new RandomAccessFile(vocabulary.toFile(), "rw")) {
            file.setLength((64L << 20) + 1);
        }
        refused("vocab.txt: 67108865 bytes, at most 67108864");
    }

    @Test
    void badConfigurationsAreRefusedByName() throws IOException {
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"do_lower_case\": tru");
        refused("tokenizer_config.json: not JSON");
        Files.writeString(folder.resolve("tokenizer_config.json"), "[]");
        refused("tokenizer_config.json: not a JSON object");
        Files.writeString(folder.resolve("tokenizer_config.json"), "");
        refused("tokenizer_config.json: not a JSON object");
        Files.write(folder.resolve("tokenizer_config.json"), "[".repeat(100_000).getBytes(UTF_8));
        refused("tokenizer_config.json: not JSON");
    }

    private void refused(String message) {
        assertThatThrownBy(() -> WordPiece.read(folder))
                .isInstanceOf(TokenizerException.class)
                .hasMessageContaining(message);
    }

    /** SPEC §17.2. */
    @Test
    void theRealVocabularyGivesThePublishedIds() {
        Path real = Path.of(System.getProperty("telltale.data", "data"), "tokenizers", "bert-base-uncased");
        Assumptions.assumeTrue(Files.isDirectory(real), "no vocabulary folder: " + real);
        WordPiece t = WordPiece.read(real);
        assertThat(t.encode("a group of people standing on top of a building", 128))
                .containsExactly(101, 1037, 2177, 1997, 2111, 3061, 2006, 2327, 1997, 1037, 2311, 102);
        assertThat(t.encode("café naïve", 128)).containsExactly(101, 7668, 15743, 102);
        assertThat(t.encode("don't", 128)).containsExactly(101, 2123, 1005, 1056, 102);
        assertThat(t.encode("by Þórarinn B. Þorláksson", 128))
                .containsExactly(101, 2011, 1101, 6525, 6657, 2078, 1038, 1012, 1101, 2953, 23451, 7092, 102);
        assertThat(t.encode("a, 19xx :2 akira movie style : 8, photo”, b", 128))
                .containsSequence(2539, 20348, 1024, 1016, 21616, 3185, 2806, 1024, 1022, 1010, 6302, 1524);
        assertThat(t.encode("a picture of ", 128)).containsExactly(101, 1037, 3861, 1997, 102);
    }
}
