package org.telltale.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.telltale.app.Tiny;

/** CLIP's handle with tiny checkpoints of both namings. */
class ClipEncoderTest {
    private static final List<String> TEXTS = List.of(
            "a flooded street",
            "",
            "a group of people standing on top of a building",
            "A FLOODED   street",
            "burning house, ".repeat(40),
            "fire");

    @Test
    void aTextHasTheSameBitsAloneAndInABatch() {
        try (ClipEncoder clip = ClipEncoder.open(Tiny.CLIP, ModelOptions.DEFAULT)) {
            List<String> many = new ArrayList<>(TEXTS);
            for (int i = 0; i < 300; i++) {
                many.add("flood " + i + " of water");
            }
            float[][] together = clip.encode(many);
            for (int i = 0; i < TEXTS.size(); i++) {
                assertThat(clip.encode(TEXTS.get(i))).as(TEXTS.get(i)).isEqualTo(together[i]);
            }
            assertThat(together[3]).isEqualTo(together[0]);
            for (float[] vector : together) {
                double square = 0;
                for (float v : vector) {
                    square += (double) v * v;
                }
                assertThat(square).isCloseTo(1, within(1e-5));
            }
            assertThat(clip.fills(TEXTS.get(4))).isTrue();
            assertThat(clip.fills(TEXTS.get(2))).isFalse();
        }
    }

    @Test
    void theNumberOfThreadsDoesNotMatter() throws Exception {
        float[][] texts;
        float[] picture;
        try (ClipEncoder one = ClipEncoder.open(Tiny.CLIP, ModelOptions.DEFAULT.threads(1))) {
            texts = one.encode(TEXTS);
            picture = one.encode(Path.of(Tiny.PICTURE));
        }
        try (ClipEncoder three = ClipEncoder.open(Tiny.CLIP, ModelOptions.DEFAULT.threads(3));
                ExecutorService callers = Executors.newFixedThreadPool(4)) {
            List<Future<float[][]>> answers = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                answers.add(callers.submit(() -> three.encode(TEXTS)));
            }
            for (Future<float[][]> answer : answers) {
                assertThat(answer.get()).isDeepEqualTo(texts);
            }
            assertThat(three.encode(Path.of(Tiny.PICTURE))).isEqualTo(picture);
        }
    }

    @Test
    void bothNamingsOfTheSameWeightsAgree() throws Exception {
        try (ClipEncoder face = ClipEncoder.open(Tiny.CLIP, ModelOptions.DEFAULT);
                ClipEncoder open = ClipEncoder.open(Tiny.OPEN_CLIP, ModelOptions.DEFAULT)) {
            for (String text : TEXTS) {
                assertThat(open.encode(text)).containsExactly(face.encode(text), within(1e-5f));
            }
            assertThat(open.encode(Path.of(Tiny.PICTURE)))
                    .containsExactly(face.encode(Path.of(Tiny.PICTURE)), within(1e-4f));
        }
    }
}
