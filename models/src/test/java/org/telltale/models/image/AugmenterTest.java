package org.telltale.models.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.telltale.models.CounterRandom;

/** What is drawn, and from what. */
class AugmenterTest {
    private static final int HEIGHT = 13;
    private static final int WIDTH = 17;

    private static float[] picture() {
        float[] values = new float[HEIGHT * WIDTH * 3];
        for (int i = 0; i < values.length; i++) {
            values[i] = CounterRandom.below(256, 1, i, 0, 0);
        }
        return values;
    }

    private static float[] changed(Augmenter augmenter, long seed, long epoch, long sample, long batch) {
        float[] values = picture();
        augmenter.apply(values, seed, epoch, sample, batch);
        return values;
    }

    @Test
    void aPictureDependsOnSeedEpochAndSampleAndOnNothingBefore() {
        Augmenter used = new Augmenter(Augmentation.efficientNet(), HEIGHT, WIDTH);
        Set<List<Float>> seen = new HashSet<>();
        for (int seed = 0; seed < 2; seed++) {
            for (int epoch = 0; epoch < 3; epoch++) {
                for (int sample = 0; sample < 4; sample++) {
                    float[] values = changed(used, seed, epoch, sample, 0);
                    Augmenter fresh = new Augmenter(Augmentation.efficientNet(), HEIGHT, WIDTH);
                    assertThat(changed(fresh, seed, epoch, sample, 7)).isEqualTo(values);
                    assertThat(seen.add(boxed(values)))
                            .as("seed %d epoch %d sample %d", seed, epoch, sample)
                            .isTrue();
                }
            }
        }
    }

    private static List<Float> boxed(float[] values) {
        Float[] boxed = new Float[values.length];
        for (int i = 0; i < values.length; i++) {
            boxed[i] = values[i];
        }
        return List.of(boxed);
    }

    @Test
    void aFactorPerBatchIsSharedByItsPicturesOnly() {
        Augmentation perBatch =
                new Augmentation(List.of(new Augmentation.Contrast(0.5, Augmentation.Sharing.PER_BATCH)));
        Augmenter augmenter = new Augmenter(perBatch, HEIGHT, WIDTH);
        float[] first = changed(augmenter, 1, 2, 10, 3);
        assertThat(changed(augmenter, 1, 2, 11, 3)).isEqualTo(first);
        assertThat(changed(augmenter, 1, 2, 10, 4)).isNotEqualTo(first);
    }

    @Test
    void halfOfThePicturesAreMirroredEachWay() {
        Augmenter augmenter =
                new Augmenter(new Augmentation(List.of(new Augmentation.Flip(true, true))), HEIGHT, WIDTH);
        float[] source = picture();
        int last = source.length - 3;
        int[] corners = new int[4];
        int n = 4000;
        for (int i = 0; i < n; i++) {
            float[] values = changed(augmenter, 5, 0, i, 0);
            int right = (WIDTH - 1) * 3;
            int[] from = {0, right, last - right, last};
            for (int k = 0; k < 4; k++) {
                corners[k] += values[0] == source[from[k]] && values[1] == source[from[k] + 1] ? 1 : 0;
            }
        }
        for (int count : corners) {
            assertThat(count).isBetween(n / 4 - 150, n / 4 + 150);
        }
        assertThat(corners[0] + corners[1] + corners[2] + corners[3]).isEqualTo(n);
    }

    @Test
    void levelsStayWithinTheirRangeAndRecipesAreThoseOfTheSpecification() {
        Augmenter augmenter = new Augmenter(Augmentation.efficientNet(), HEIGHT, WIDTH);
        for (int i = 0; i < 200; i++) {
            for (float v : changed(augmenter, 3, 1, i, i)) {
                assertThat(v).isBetween(0f, 255f);
            }
        }
        assertThat(Augmentation.mobileNet().transforms())
                .containsExactly(new Augmentation.Flip(true, false), new Augmentation.Rotation(0.2));
    }

    @Test
    void aPictureOfOnePixelSurvivesEveryChange() {
        Augmenter augmenter = new Augmenter(Augmentation.efficientNet(), 1, 1);
        float[] pixel = {10, 20, 30};
        augmenter.apply(pixel, 1, 2, 3, 4);
        assertThat(pixel).containsExactly(10, 20, 30);
    }

    @Test
    void aRangeThatMakesNoSenseIsRefused() {
        assertThatThrownBy(() -> new Augmentation.Rotation(-0.1)).hasMessage("a rotation of -0.1, expected 0 to 1.0");
        assertThatThrownBy(() -> new Augmentation.Contrast(Double.NaN, Augmentation.Sharing.PER_PICTURE))
                .hasMessageContaining("contrast of NaN");
    }

    @Test
    void numbersBelowABoundAreEvenAndTheirKeysCountInOrder() {
        int[] counts = new int[7];
        for (int i = 0; i < 70_000; i++) {
            counts[CounterRandom.below(7, 9, i, 1, 2)]++;
        }
        for (int count : counts) {
            assertThat(count).isBetween(9_600, 10_400);
        }
        assertThat(CounterRandom.bits(1, 2, 3, 4)).isNotEqualTo(CounterRandom.bits(1, 3, 2, 4));
    }
}
