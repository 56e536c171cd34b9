package org.telltale.models.image;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageInputStream;

final class WebpDecoder {
    private final byte[] b;

    WebpDecoder(byte[] bytes) {
        b = bytes;
    }

    Pixels decode() throws IOException {
        javax.imageio.ImageReader reader =
                ImageIO.getImageReadersByFormatName("webp").next();
        BufferedImage image;
        try (MemoryCacheImageInputStream stream = new MemoryCacheImageInputStream(new ByteArrayInputStream(b))) {
            reader.setInput(stream, true, true);
            ImageReader.checkSize(reader.getWidth(0), reader.getHeight(0));
            image = reader.read(0);
        } catch (IOException | RuntimeException e) {
            throw new ImageException("broken WebP: " + e.getMessage(), e);
        } finally {
            reader.dispose();
        }
        int width = image.getWidth();
        int height = image.getHeight();
        byte[] rgb = new byte[width * height * 3];
        int bands = image.getRaster().getNumBands();
        int[] row = new int[width * bands];
        for (int y = 0; y < height; y++) {
            image.getRaster().getPixels(0, y, width, 1, row);
            for (int x = 0; x < width; x++) {
                for (int c = 0; c < 3; c++) {
                    rgb[(y * width + x) * 3 + c] = (byte) row[x * bands + c];
                }
            }
        }
        return new Pixels(width, height, rgb);
    }
}
