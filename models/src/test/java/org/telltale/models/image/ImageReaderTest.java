package org.telltale.models.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImageReaderTest {
    @TempDir
    Path folder;

    private static BufferedImage painted(int width, int height, int type) {
        BufferedImage image = new BufferedImage(width, height, type);
        Random random = new Random(3);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                image.setRGB(x, y, 0xff000000 | (x * 9) << 16 | (y * 11) << 8 | random.nextInt(40));
            }
        }
        return image;
    }

    private static byte[] written(String format, int type) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(ImageIO.write(painted(23, 17, type), format, out)).isTrue();
        return out.toByteArray();
    }

    @ParameterizedTest
    @ValueSource(strings = {"png", "bmp"})
    void losslessFormatsGiveBackWhatWasWritten(String format) throws IOException {
        BufferedImage image = painted(23, 17, BufferedImage.TYPE_INT_RGB);
        Pixels out = ImageReader.read("made", written(format, BufferedImage.TYPE_INT_RGB), Exif.IGNORE);
        assertThat(out).hasToString("23x17 RGB");
        for (int y = 0; y < 17; y++) {
            for (int x = 0; x < 23; x++) {
                int rgb = out.get(x, y, 0) << 16 | out.get(x, y, 1) << 8 | out.get(x, y, 2);
                assertThat(rgb).isEqualTo(image.getRGB(x, y) & 0xffffff);
            }
        }
    }

    /** Made-up files and the SHA-256 of what Pillow 12.3 decodes them to. */
    @ParameterizedTest
    @CsvSource(textBlock = """
            base_420.jpg, 70cef2cb7376f1f81796a58c21ce5097c5627560357a07513ec56330aa4bfd3c
            prog_422.jpg, b09439fed7e65d13007ce8078cfc9d9a7203ec0b02d87c694f4fa246a83a83f7
            restart_blocks.jpg, ad1bd58d799201836fbe55e86175e236715a5d70f635a0a878a33ab36c5b7536
            keep_rgb.jpg, 3813731328c796c2b69838ab19bf518984b44bc8a51c56423dfa1c510018dd58
            cmyk.jpg, c749da734f912d291cb24f8ce06bfd84c00fe7b7179d2ba2f7f1fd6d525bfc65
            grey_prog.jpg, 6373063ecfbf19a754ab303e6168c9acee453620ba3f79ed4ccf56c2e37dc5fc
            exif_6.jpg, f3ce0ceb671def58d45ab3aacb67a705d8f0f653afa0d0df83952ae89b8f8f4e
            lossy.webp, a1c3fcd1a8f30c47f96353aa456b45ef41ac76af6562d2308a95033d04c04df9
            lossy_odd.webp, c674091e5ad273ae58506aa40e9b5fa9476cc4952eda26dcbd581ae162d13a0c
            lossy_alpha.webp, d71f7049b900f3c2248ef3f4483a3bbb4d56abee1aec5e9382eba76d7a4a013c
            animated.webp, 04a8c1ba82587ceb1661522cbf15d0bdb1c7f28ea0d1a74571811d76c5e59985
            lossless_alpha.webp, 0d40b0f34a9847eb00a351e0d0dad7ce0415a9188beaa177b0a86fb6904eb33b
            interlaced.gif, 0ac301111369f812b7346871d6de5e18d3f02ff04d8c21a1b9b8a3b4bb1f0d6b
            transparent.gif, 2be83ce9b586d4421bbc665423940e26b4156e427c4d65b714478e2a64cecbc6
            p8.bmp, d5ac32f5746aeb1d31567328b3f77695aa53cfca2a8172ee4ce64e09e8ba8e49
            rgba16_adam7.png, efd3be72338702d178e480a0642a4f3dfbf9f3e7bc24e3103ff1557d4872f5f6
            pal4_adam7.png, 8c026daffd1a74476047515d897f212ab243226990e65973b20a40fc18a5399e
            grey16_trns.png, 1cdce4e6f1072f26dce0b82e1c9cc9bde4f3f8515d6d1704c426f0b4a5577122
            la8_plain.png, 9cec93188083cdb164e158e8bc0523cce8f1838fc5997b2b22ebc0fa4bca43c3
            """)
    void filesOfEveryFormatDecodeAsInPillow(String name, String sha256) throws IOException {
        Pixels out = ImageReader.read(name, resource(name), Exif.IGNORE);
        assertThat(GoldenImages.sha256(out.toBytes())).isEqualTo(sha256);
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = Objects.requireNonNull(ImageReaderTest.class.getResourceAsStream(name))) {
            return in.readAllBytes();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "lossy.webp",
                "lossless_alpha.webp",
                "animated.webp",
                "prog_422.jpg",
                "cmyk.jpg",
                "interlaced.gif"
            })
    void damagedResourcesAreReadOrRefusedButNothingElseHappens(String name) throws IOException {
        damage(resource(name));
    }

    @ParameterizedTest
    @ValueSource(strings = {"lossy.webp", "lossless_alpha.webp", "prog_422.jpg"})
    void aResourceCutOffAnywhereIsRefused(String name) throws IOException {
        byte[] whole = resource(name);
        for (int length = 0; length < whole.length - 2; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThatExceptionOfType(ImageException.class)
                    .as("%d of %d bytes", length, whole.length)
                    .isThrownBy(() -> ImageReader.read("cut", cut, Exif.APPLY));
        }
    }

    @Test
    void greyIsReadFromTheRasterWithoutGamma() throws IOException {
        BufferedImage image = new BufferedImage(256, 1, BufferedImage.TYPE_BYTE_GRAY);
        for (int x = 0; x < 256; x++) {
            image.getRaster().setSample(x, 0, 0, x);
        }
        for (String format : List.of("png", "gif", "bmp")) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            ImageIO.write(image, format, out);
            Pixels pixels = ImageReader.read(format, out.toByteArray(), Exif.IGNORE);
            for (int x = 0; x < 256; x++) {
                assertThat(pixels.get(x, 0, 1)).as(format).isEqualTo(x);
            }
        }
    }

    @Test
    void sixteenBitGreyIsCutOffAt255() throws IOException {
        BufferedImage image = new BufferedImage(4, 1, BufferedImage.TYPE_USHORT_GRAY);
        int[] values = {3, 255, 256, 40_000};
        for (int x = 0; x < 4; x++) {
            image.getRaster().setSample(x, 0, 0, values[x]);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageIO.write(image, "png", out);
        Pixels pixels = ImageReader.read("grey16", out.toByteArray(), Exif.IGNORE);
        assertThat(IntStream.range(0, 4).map(x -> pixels.get(x, 0, 2))).containsExactly(3, 255, 255, 255);
    }

    @Test
    void alphaIsDroppedAndNotBlended() throws IOException {
        BufferedImage image = new BufferedImage(1, 1, BufferedImage.TYPE_INT_ARGB);
        image.setRGB(0, 0, 0x00102030);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageIO.write(image, "png", out);
        assertThat(ImageReader.read("alpha", out.toByteArray(), Exif.APPLY).toBytes())
                .containsExactly(0x10, 0x20, 0x30);
    }

    @Test
    void jpegIsReadAsTheJdkDoes() throws IOException {
        byte[] bytes = written("jpg", BufferedImage.TYPE_INT_RGB);
        BufferedImage image = ImageIO.read(new ByteArrayInputStream(bytes));
        Pixels out = ImageReader.read("made.jpg", bytes, Exif.IGNORE);
        for (int y = 0; y < 17; y++) {
            for (int x = 0; x < 23; x++) {
                int rgb = out.get(x, y, 0) << 16 | out.get(x, y, 1) << 8 | out.get(x, y, 2);
                assertThat(rgb).isEqualTo(image.getRGB(x, y) & 0xffffff);
            }
        }
    }

    @Test
    void anExifOrientationTurnsThePictureUnlessIgnored() throws IOException {
        byte[] jpeg = written("jpg", BufferedImage.TYPE_INT_RGB);
        for (int orientation = 1; orientation <= 8; orientation++) {
            byte[] turned = withOrientation(jpeg, orientation);
            Pixels stored = ImageReader.read("turned.jpg", turned, Exif.IGNORE);
            Pixels shown = ImageReader.read("turned.jpg", turned, Exif.APPLY);
            assertThat(stored).isEqualTo(ImageReader.read("plain.jpg", jpeg, Exif.APPLY));
            int[][] corner = {{0, 0}, {22, 0}, {22, 16}, {0, 16}, {0, 0}, {0, 16}, {22, 16}, {22, 0}};
            int[] from = corner[orientation - 1];
            assertThat(shown.width()).isEqualTo(orientation < 5 ? 23 : 17);
            for (int c = 0; c < 3; c++) {
                assertThat(shown.get(0, 0, c))
                        .as("orientation %d", orientation)
                        .isEqualTo(stored.get(from[0], from[1], c));
            }
            boolean transposed = orientation >= 5;
            int[] next = {from[0] == 0 ? 1 : 21, from[1] == 0 ? 1 : 15};
            assertThat(shown.get(1, 0, 0))
                    .isEqualTo(transposed ? stored.get(from[0], next[1], 0) : stored.get(next[0], from[1], 0));
        }
    }

    private static byte[] withOrientation(byte[] jpeg, int orientation) {
        byte[] tiff = {
            'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte) orientation, 0, 0, 0, 0, 0, 0
        };
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(jpeg, 0, 2);
        out.writeBytes(new byte[] {(byte) 0xff, (byte) 0xe1, 0, (byte) (8 + tiff.length), 'E', 'x', 'i', 'f', 0, 0});
        out.writeBytes(tiff);
        out.write(jpeg, 2, jpeg.length - 2);
        return out.toByteArray();
    }

    @Test
    void filesThatAreNoPicturesAreRefusedInOneLineThatNamesThem() throws IOException {
        refused(folder.resolve("missing.jpg"), "no such file");
        refused(folder, "a directory");
        refused(file("empty.png", new byte[0]), "an empty file");
        refused(file("text.jpg", "This is no picture.".getBytes(StandardCharsets.UTF_8)), "not a picture");
        refused(file("short.bmp", new byte[] {'B', 'M', 1}), "truncated BMP");
        refused(file("short.webp", "RIFF\4\0\0\0WEBP".getBytes(StandardCharsets.ISO_8859_1)), "no picture in it");
        refused(file("short.gif", "GIF89a".getBytes(StandardCharsets.ISO_8859_1)), "truncated GIF");
        refused(file("start.jpg", new byte[] {(byte) 0xff, (byte) 0xd8, (byte) 0xff}), "truncated JPEG");
    }

    @ParameterizedTest
    @ValueSource(strings = {"png", "jpg", "gif", "bmp"})
    void aFileCutOffAnywhereIsRefused(String format) throws IOException {
        byte[] whole = written(format, BufferedImage.TYPE_INT_RGB);
        // The last bytes may be a trailer or padding that Pillow does not ask for.
        int needed =
                whole.length - (format.equals("png") ? 24 : format.equals("gif") ? 8 : format.equals("bmp") ? 3 : 2);
        for (int length = 0; length < needed; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThatExceptionOfType(ImageException.class)
                    .as("%d of %d bytes", length, whole.length)
                    .isThrownBy(() -> ImageReader.read("cut", cut, Exif.APPLY))
                    .withMessageStartingWith("cut: ");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"png", "jpg", "gif", "bmp"})
    void damagedFilesAreReadOrRefusedButNothingElseHappens(String format) throws IOException {
        damage(written(format, BufferedImage.TYPE_INT_RGB));
    }

    private static void damage(byte[] whole) {
        Random random = new Random(11);
        PrintStream stderr = System.err;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        System.setErr(new PrintStream(printed, true, StandardCharsets.UTF_8));
        try {
            for (int i = 0; i < 400; i++) {
                byte[] bad = whole.clone();
                for (int k = random.nextInt(4); k >= 0; k--) {
                    bad[8 + random.nextInt(bad.length - 8)] = (byte) random.nextInt(256);
                }
                try {
                    ImageReader.read("bad", bad, Exif.APPLY);
                } catch (ImageException e) {
                    assertThat(e.getMessage()).startsWith("bad: ").doesNotContain("\n");
                }
            }
        } finally {
            System.setErr(stderr);
        }
        assertThat(printed.toString(StandardCharsets.UTF_8)).isEmpty();
    }

    @Test
    void hugeDeclaredSizesAreRefusedBeforeAnythingIsAllocated() throws IOException {
        byte[] png = written("png", BufferedImage.TYPE_INT_RGB);
        putInt(png, 16, 60_000);
        putInt(png, 20, 60_000);
        CRC32 crc = new CRC32();
        crc.update(png, 12, 17);
        putInt(png, 29, (int) crc.getValue());
        refused(file("huge.png", png), "60000x60000");

        byte[] gif = written("gif", BufferedImage.TYPE_INT_RGB);
        Arrays.fill(gif, 6, 10, (byte) 0xff);
        refused(file("huge.gif", gif), "65535x65535");

        byte[] bmp = written("bmp", BufferedImage.TYPE_INT_RGB);
        bmp[20] = 0x7f;
        bmp[24] = 0x7f;
        refused(file("huge.bmp", bmp), "declares");

        byte[] jpeg = written("jpg", BufferedImage.TYPE_INT_RGB);
        int sof = 0;
        while (jpeg[sof] != (byte) 0xff || jpeg[sof + 1] != (byte) 0xc0) {
            sof++;
        }
        Arrays.fill(jpeg, sof + 5, sof + 9, (byte) 0xff);
        refused(file("huge.jpg", jpeg), "65535x65535");
    }

    @Test
    void aSmallFileThatClaimsManyPixelsIsRefusedAsTruncated() throws IOException {
        byte[] png = written("png", BufferedImage.TYPE_INT_RGB);
        putInt(png, 16, 13_000);
        putInt(png, 20, 13_000);
        CRC32 crc = new CRC32();
        crc.update(png, 12, 17);
        putInt(png, 29, (int) crc.getValue());
        refused(file("claims.png", png), "truncated PNG");
    }

    @Test
    void manyThreadsReadTheSamePictures() throws IOException {
        byte[] jpeg = written("jpg", BufferedImage.TYPE_INT_RGB);
        byte[] png = written("png", BufferedImage.TYPE_INT_RGB);
        Pixels fromJpeg = ImageReader.read("a", jpeg, Exif.APPLY);
        Pixels fromPng = ImageReader.read("b", png, Exif.APPLY);
        List<Boolean> same = IntStream.range(0, 200)
                .parallel()
                .mapToObj(i -> {
                    try {
                        return ImageReader.read("a", jpeg, Exif.APPLY).equals(fromJpeg)
                                && ImageReader.read("b", png, Exif.APPLY).equals(fromPng);
                    } catch (ImageException e) {
                        return false;
                    }
                })
                .toList();
        assertThat(same).hasSize(200).containsOnly(true);
    }

    private Path file(String name, byte[] bytes) throws IOException {
        return Files.write(folder.resolve(name), bytes);
    }

    private static void refused(Path file, String found) {
        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> ImageReader.read(file, Exif.APPLY))
                .withMessageStartingWith(file + ": ")
                .withMessageContaining(found)
                .matches(e -> e.getMessage().lines().count() == 1, "one line");
    }

    private static void putInt(byte[] b, int at, int v) {
        for (int i = 0; i < 4; i++) {
            b[at + i] = (byte) (v >> (24 - 8 * i));
        }
    }
}
