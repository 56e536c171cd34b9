package org.telltale.models.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.telltale.models.image.Resize.Filter;

/** SPEC 17.3: what the original libraries make of a picture of 7x5. */
class ResizeTest {
    private static final Pixels IN = made(7, 5);

    private static Pixels made(int width, int height) {
        byte[] rgb = new byte[width * height * 3];
        for (int n = 0; n < rgb.length; n++) {
            rgb[n] = (byte) (37 * n + 11);
        }
        return new Pixels(width, height, rgb);
    }

    private static int[] red(Pixels p, int row) {
        int[] out = new int[p.width()];
        for (int x = 0; x < out.length; x++) {
            out[x] = p.get(x, row, 0);
        }
        return out;
    }

    @Test
    void bicubicShrinksAsPillow() {
        Pixels out = Resize.pillow(IN, 4, 3, Filter.BICUBIC);
        assertThat(red(out, 0)).containsExactly(68, 185, 140, 121);
        assertThat(red(out, 1)).containsExactly(82, 165, 156, 136);
        assertThat(red(out, 2)).containsExactly(91, 63, 174, 151);
    }

    @Test
    void bicubicGrowsAsPillow() {
        Pixels out = Resize.pillow(IN, 10, 8, Filter.BICUBIC);
        assertThat(red(out, 0)).containsExactly(3, 62, 155, 232, 129, 117, 196, 77, 96, 171);
        assertThat(red(out, 5)).containsExactly(30, 105, 127, 15, 69, 163, 223, 104, 123, 198);
    }

    @Test
    void bilinearShrinksAsPillow() {
        Pixels out = Resize.pillow(IN, 4, 3, Filter.BILINEAR);
        assertThat(red(out, 0)).containsExactly(73, 174, 143, 123);
        assertThat(red(out, 1)).containsExactly(84, 158, 157, 137);
        assertThat(red(out, 2)).containsExactly(89, 69, 171, 151);
    }

    @Test
    void nearestShrinksAsPillow() {
        Pixels out = Resize.pillow(IN, 4, 3, Filter.NEAREST);
        assertThat(red(out, 0)).containsExactly(11, 233, 199, 165);
        assertThat(red(out, 1)).containsExactly(29, 251, 217, 183);
        assertThat(red(out, 2)).containsExactly(47, 13, 235, 201);
    }

    @Test
    void nearestAddsTheScaleUpInsteadOfMultiplying() {
        int[] indices = Resize.nearestIndices(2, 7, 0, 7);
        int[] closedForm = new int[7];
        for (int i = 0; i < 7; i++) {
            closedForm[i] = (int) ((i + 0.5) * 2 / 7);
        }
        assertThat(indices).isNotEqualTo(closedForm);
    }

    @Test
    void tensorflowsBilinearHasNoAntialiasing() {
        float[] out = Resize.tensorflow(IN, 4, 3);
        float[] red = {
            55.625f, 217.875f, 188.125f, 126.375f, 70.625f, 232.875f, 203.125f, 141.375f, 85.625f, 23.875f, 218.125f,
            156.375f
        };
        for (int i = 0; i < red.length; i++) {
            assertThat(out[3 * i]).isCloseTo(red[i], within(1e-4f));
        }
        float[] grown = Resize.tensorflow(IN, 10, 8);
        float[] row = {11, 72.05f, 149.75f, 227.45f, 138.75f, 126.85f, 191.75f, 90.25f, 103.95f, 165};
        for (int i = 0; i < row.length; i++) {
            assertThat(grown[3 * i]).isCloseTo(row[i], within(1e-4f));
        }
    }

    @Test
    void theSameSizeGivesTheSamePicture() {
        for (Filter filter : Filter.values()) {
            assertThat(Resize.pillow(IN, 7, 5, filter)).isEqualTo(IN);
        }
    }

    @Test
    void aWindowIsCutFromTheWholeResizedPicture() {
        Random random = new Random(7);
        for (Filter filter : Filter.values()) {
            Pixels whole = Resize.pillow(IN, 31, 23, filter);
            int left = random.nextInt(20);
            int top = random.nextInt(15);
            Pixels window = Resize.pillow(IN, 31, 23, filter, left, top, 11, 8);
            for (int y = 0; y < 8; y++) {
                for (int x = 0; x < 11; x++) {
                    assertThat(window.get(x, y, 1)).isEqualTo(whole.get(left + x, top + y, 1));
                }
            }
        }
    }

    @Test
    void sizesWithoutPixelsAreRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> Resize.tensorflow(IN, 0, 3));
        assertThatIllegalArgumentException().isThrownBy(() -> Resize.pillow(IN, 4, 0, Filter.NEAREST));
        assertThatIllegalArgumentException().isThrownBy(() -> Resize.pillow(IN, -1, 3, Filter.BICUBIC));
    }
}
