package org.telltale.models.image;

import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.DirectColorModel;
import java.awt.image.IndexColorModel;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageInputStream;

/** BMP through the JDK's reader; the colours are taken from the raster, since 5-bit channels widen as in Pillow. */
final class BmpDecoder {
    private BmpDecoder() {}

    static Pixels decode(byte[] b) throws IOException {
        if (b.length < 26) {
            throw new ImageException("truncated BMP: " + b.length + " bytes, expected a header of at least 26");
        }
        ByteBuffer header = ByteBuffer.wrap(b).order(ByteOrder.LITTLE_ENDIAN);
        if (header.getInt(14) == 12) {
            ImageReader.checkSize(header.getShort(18) & 0xffff, header.getShort(20) & 0xffff);
        } else {
            ImageReader.checkSize(header.getInt(18), Math.abs((long) header.getInt(22)));
        }
        javax.imageio.ImageReader reader =
                ImageIO.getImageReadersByFormatName("bmp").next();
        BufferedImage image;
        try (MemoryCacheImageInputStream stream = new MemoryCacheImageInputStream(new ByteArrayInputStream(b))) {
            reader.setInput(stream, true, true);
            image = reader.read(0);
        } catch (IOException | RuntimeException e) {
            throw new ImageException("broken BMP: " + e.getMessage(), e);
        } finally {
            reader.dispose();
        }
        int width = image.getWidth();
        int height = image.getHeight();
        byte[] rgb = new byte[width * height * 3];
        ColorModel colors = image.getColorModel();
        int bands = image.getRaster().getNumBands();
        int[] row = new int[width * bands];
        for (int y = 0; y < height; y++) {
            image.getRaster().getPixels(0, y, width, 1, row);
            int to = y * width * 3;
            for (int x = 0; x < width; x++, to += 3) {
                for (int c = 0; c < 3; c++) {
                    rgb[to + c] = (byte) channel(colors, row, x * bands, bands == 1 ? 0 : c, c);
                }
            }
        }
        return new Pixels(width, height, rgb);
    }

    private static int channel(ColorModel colors, int[] row, int at, int band, int c) {
        if (colors instanceof IndexColorModel palette) {
            return palette.getRGB(row[at]) >> (16 - 8 * c);
        }
        int v = row[at + band];
        return colors instanceof DirectColorModel ? v * 255 / ((1 << colors.getComponentSize(c)) - 1) : v;
    }
}
