package org.telltale.models.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.telltale.models.image.Preprocess.CropRule;
import tools.jackson.databind.json.JsonMapper;

class PreprocessTest {
    private static final String HALF = "'image_mean': [0.5, 0.5, 0.5], 'image_std': [0.5, 0.5, 0.5]";

    private static Preprocess json(String text, int modelSize) {
        return Preprocess.fromJson(
                "preprocessor_config.json", JsonMapper.builder().build().readTree(text.replace('\'', '"')), modelSize);
    }

    private static Pixels grey(int width, int height, int value) {
        byte[] rgb = new byte[width * height * 3];
        Arrays.fill(rgb, (byte) value);
        return new Pixels(width, height, rgb);
    }

    private static float[] run(Preprocess chain, Pixels in) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(chain.height() * chain.width() * 12L, 4);
            chain.into(in, out, 0);
            return out.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    @Test
    void blipSquashesToASquareAndNormalises() {
        Preprocess chain = json("{'image_processor_type': 'BlipImageProcessor'}", 0);
        assertThat(chain.height()).isEqualTo(384);
        assertThat(chain.width()).isEqualTo(384);
        float[] out = run(chain, grey(5, 9, 255));
        assertThat(out[0]).isCloseTo((float) ((1 - 0.48145466) / 0.26862954), within(1e-6f));
        assertThat(out[2]).isCloseTo((float) ((1 - 0.40821073) / 0.27577711), within(1e-6f));
        assertThat(out).isEqualTo(run(Preprocess.blip(384), grey(5, 9, 255)));
    }

    @Test
    void clipsOlderConfigurationHoldsPlainNumbers() {
        Preprocess chain = json("{'feature_extractor_type': 'CLIPFeatureExtractor', 'size': 24, 'crop_size': 20}", 0);
        assertThat(chain.width()).isEqualTo(20);
        assertThat(chain.resized(grey(48, 96, 7))).isEqualTo(grey(20, 20, 7));
    }

    @Test
    void aMissingIncludeTopMeansTheSecondDivision() {
        String config = "{'image_processor_type': 'EfficientNetImageProcessor', 'size': {'height': 2, 'width': 3},"
                + " 'image_mean': [0, 0, 0], 'image_std': [0.5, 0.5, 0.5]";
        assertThat(run(json(config + "}", 0), grey(4, 4, 255))[0]).isEqualTo(4);
        assertThat(run(json(config + ", 'include_top': false}", 0), grey(4, 4, 255))[0])
                .isEqualTo(2);
        assertThat(run(json(config + ", 'rescale_offset': true}", 0), grey(4, 4, 0))[0])
                .isEqualTo(-4);
    }

    @Test
    void aKerasChainIsExpressible() {
        Preprocess chain = json(
                "{'image_processor_type': 'TelltaleImageProcessor', 'size': {'height': 16, 'width': 16},"
                        + " 'resample': 'tf_bilinear', " + HALF + "}",
                0);
        byte[] rgb = new byte[40 * 30 * 3];
        for (int i = 0; i < rgb.length; i++) {
            rgb[i] = (byte) (i * 31);
        }
        Pixels in = new Pixels(40, 30, rgb);
        float[] out = run(chain, in);
        float[] resized = Resize.tensorflow(in, 16, 16);
        for (int i = 0; i < out.length; i++) {
            assertThat(out[i]).isCloseTo(resized[i] / 127.5f - 1, within(1e-6f));
        }
        assertThat(out).isEqualTo(run(Preprocess.kerasMinusOneToOne(16), in));
    }

    @Test
    void aTeachableMachineChainIsExpressible() {
        Preprocess chain = json(
                "{'image_processor_type': 'TelltaleImageProcessor', 'size': {'height': 224, 'width': 224},"
                        + " 'resample': 'bilinear', " + HALF + "}",
                0);
        Pixels in = grey(256, 427, 51);
        assertThat(run(chain, in)).hasSize(224 * 224 * 3).containsOnly(51 / 127.5f - 1);
    }

    @Test
    void picturesSmallerThanTheCropArePaddedWithBlack() {
        for (CropRule rule : CropRule.values()) {
            Preprocess chain = Preprocess.normalizing(
                    new Preprocess.Scale.None(),
                    Preprocess.Resampling.PILLOW_NEAREST,
                    true,
                    rule,
                    4,
                    4,
                    1,
                    new double[] {1, 1, 1},
                    new double[] {1, 1, 1});
            float[] out = run(chain, grey(1, 4, 9));
            int left = rule == CropRule.HUGGING_FACE ? 2 : 1;
            for (int x = 0; x < 4; x++) {
                assertThat(out[3 * x]).isEqualTo(x == left ? 8 : -1);
            }
        }
    }

    @Test
    void withoutResizeThePictureMustHaveTheModelsSize() {
        Preprocess chain = json("{'image_processor_type': 'ViTImageProcessor', 'do_resize': false, " + HALF + "}", 32);
        assertThat(run(chain, grey(32, 32, 255))).hasSize(32 * 32 * 3).containsOnly(1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> run(chain, grey(33, 32, 0)))
                .withMessageContaining("33x32")
                .withMessageContaining("expected 32x32");
    }

    @Test
    void anElongatedPictureCostsOnlyItsCrop() {
        float[] out = run(Preprocess.clip(224, CropRule.TORCHVISION), grey(1, 900_000, 128));
        assertThat(out).hasSize(224 * 224 * 3);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {'image_processor_type': 'DonutImageProcessor'} | DonutImageProcessor
            {'size': 3} | image_processor_type
            {'image_processor_type': 'ViTImageProcessor', 'resample': 1} | resample 1
            {'image_processor_type': 'ViTImageProcessor', 'resample': 'tf_bilinear'} | tf_bilinear
            {'image_processor_type': 'TelltaleImageProcessor', 'size': 8, 'resample': 'lanczos'} | lanczos
            {'image_processor_type': 'TelltaleImageProcessor', 'size': 8} | resample
            {'image_processor_type': 'TelltaleImageProcessor', 'resample': 'bicubic'} | size
            {'image_processor_type': 'TelltaleImageProcessor', 'size': {'shortest_edge': 8}, 'resample': 'tf_bilinear', 'do_center_crop': true} | tf_bilinear
            {'image_processor_type': 'ViTImageProcessor', 'do_pad': true} | do_pad
            {'image_processor_type': 'ViTImageProcessor', 'size': {'shortest_edge': 8}} | shorter side
            {'image_processor_type': 'ViTImageProcessor', 'size': {'longest_edge': 8}} | longest_edge
            {'image_processor_type': 'ViTImageProcessor', 'size': -4} | size is -4
            {'image_processor_type': 'ViTImageProcessor', 'size': 99999999} | 99999999
            {'image_processor_type': 'ViTImageProcessor', 'image_std': [0, 1, 1]} | image_std
            {'image_processor_type': 'ViTImageProcessor', 'image_mean': [0.5]} | image_mean
            {'image_processor_type': 'ViTImageProcessor', 'do_resize': 1} | do_resize
            [] | object
            """)
    void anUnknownOrWrongConfigurationIsRefusedByName(String config, String named) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> json(config, 32))
                .withMessageStartingWith("preprocessor_config.json: ")
                .withMessageContaining(named);
    }
}
