package org.telltale.models;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The references that are part of the repository, so that a clone alone proves each model. */
class SmallModelsTest {
    private static final Path FOLDER = Path.of("src/test/resources/golden");

    @TestFactory
    List<DynamicTest> bertEqualsTheOriginal() throws IOException {
        return BertGoldenTest.small(FOLDER.resolve("bert"));
    }

    @TestFactory
    List<DynamicTest> bertReadsTextsAsTheOriginalDoes() {
        return BertGoldenTest.texts(FOLDER.resolve("bert"));
    }

    @TestFactory
    List<DynamicTest> blipEqualsTheOriginal() throws IOException {
        return BlipGoldenTest.small(FOLDER.resolve("blip"));
    }

    @TestFactory
    List<DynamicTest> mobileNetAndEfficientNetEqualTheOriginals() throws IOException {
        return CnnGoldenTest.small(FOLDER.resolve("cnn"));
    }

    @TestFactory
    List<DynamicTest> theAttentionGruCaptionerEqualsTheOriginal() {
        return AttentionGruGoldenTest.small(FOLDER.resolve("captioner"));
    }

    @TestFactory
    List<DynamicTest> theAttentionGruCaptionerLearnsAsTheOriginalDoes() {
        return AttentionGruGoldenTest.learned(FOLDER.resolve("captioner"));
    }

    @Test
    void theAttentionGruCaptionerTellsWhatTheOriginalDoes() {
        AttentionGruGoldenTest.greedy(FOLDER.resolve("captioner"));
    }
}
