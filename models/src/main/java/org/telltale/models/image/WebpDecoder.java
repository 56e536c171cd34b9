package org.telltale.models.image;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageInputStream;

/** The container of WebP: a single picture, or the first frame of an animation on its canvas. */
final class WebpDecoder {
    private final byte[] b;
    private final ByteBuffer data;

    WebpDecoder(byte[] bytes) {
        b = bytes;
        data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    Pixels decode() throws IOException {
        long declared = Integer.toUnsignedLong(data.getInt(4)) + 8;
        if (declared > b.length) {
            throw new ImageException("truncated WebP: " + b.length + " bytes, expected " + declared);
        }
        int end = (int) declared;
        int canvasWidth = 0;
        int canvasHeight = 0;
        int at = 12;
        while (at + 8 <= end) {
            int body = at + 8;
            int length = chunkLength(at, end);
            switch (chunkName(at)) {
                case "VP8X" -> {
                    require(length >= 10, "a VP8X chunk of " + length + " bytes, expected 10");
                    canvasWidth = u24(body + 4) + 1;
                    canvasHeight = u24(body + 7) + 1;
                    ImageReader.checkSize(canvasWidth, canvasHeight);
                }
                case "VP8 ", "VP8L" -> {
                    Pixels picture = picture(at, length);
                    require(
                            canvasWidth == 0 || (picture.width() == canvasWidth && picture.height() == canvasHeight),
                            "a picture of " + picture.width() + "x" + picture.height() + ", expected " + canvasWidth
                                    + "x" + canvasHeight);
                    return picture;
                }
                case "ANMF" -> {
                    require(length >= 24 && canvasWidth > 0, "an animation frame without header or canvas");
                    return frame(body, body + length, canvasWidth, canvasHeight);
                }
                default -> {
                    // Metadata: profiles, EXIF, alpha that is dropped anyway.
                }
            }
            at = body + length + (length & 1);
        }
        throw new ImageException("broken WebP: no picture in it, expected a chunk VP8, VP8L or ANMF");
    }

    private Pixels frame(int start, int end, int canvasWidth, int canvasHeight) throws IOException {
        int left = u24(start) * 2;
        int top = u24(start + 3) * 2;
        int at = start + 16;
        while (at + 8 <= end) {
            int length = chunkLength(at, end);
            if (chunkName(at).startsWith("VP8")) {
                Pixels picture = picture(at, length);
                require(
                        left + picture.width() <= canvasWidth && top + picture.height() <= canvasHeight,
                        "a frame of " + picture.width() + "x" + picture.height() + " at " + left + "," + top
                                + ", expected it within " + canvasWidth + "x" + canvasHeight);
                byte[] canvas = new byte[canvasWidth * canvasHeight * 3];
                int row = picture.width() * 3;
                for (int y = 0; y < picture.height(); y++) {
                    System.arraycopy(picture.rgb(), y * row, canvas, ((top + y) * canvasWidth + left) * 3, row);
                }
                return new Pixels(canvasWidth, canvasHeight, canvas);
            }
            at += 8 + length + (length & 1);
        }
        throw new ImageException("broken WebP: no picture in the first frame");
    }

    private Pixels picture(int chunk, int length) throws IOException {
        return chunkName(chunk).equals("VP8L")
                ? lossless(chunk, length)
                : new Vp8Decoder(b, chunk + 8, chunk + 8 + length).decode();
    }

    /** The library reads lossless pictures exactly; it gets nothing but the picture, so that no profile is applied. */
    private Pixels lossless(int chunk, int length) throws IOException {
        int padded = length + (length & 1);
        ByteBuffer bare = ByteBuffer.allocate(20 + padded).order(ByteOrder.LITTLE_ENDIAN);
        bare.put("RIFF".getBytes(StandardCharsets.US_ASCII)).putInt(12 + padded);
        bare.put("WEBP".getBytes(StandardCharsets.US_ASCII)).put(b, chunk, 8 + length);
        javax.imageio.ImageReader reader =
                ImageIO.getImageReadersByFormatName("webp").next();
        BufferedImage image;
        try (var stream = new MemoryCacheImageInputStream(new ByteArrayInputStream(bare.array()))) {
            reader.setInput(stream, true, true);
            ImageReader.checkSize(reader.getWidth(0), reader.getHeight(0));
            image = reader.read(0);
        } catch (RuntimeException e) {
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
            for (int i = 0; i < width * 3; i++) {
                rgb[y * width * 3 + i] = (byte) row[i / 3 * bands + i % 3];
            }
        }
        return new Pixels(width, height, rgb);
    }

    private int chunkLength(int at, int end) throws ImageException {
        int length = data.getInt(at + 4);
        require(
                length >= 0 && length <= end - at - 8,
                "chunk " + chunkName(at).strip() + " of " + Integer.toUnsignedLong(length) + " bytes, expected at most "
                        + (end - at - 8));
        return length;
    }

    private String chunkName(int at) {
        return new String(b, at, 4, StandardCharsets.ISO_8859_1).replaceAll("[^ -~]", "?");
    }

    private int u24(int at) {
        return (b[at] & 0xff) | (b[at + 1] & 0xff) << 8 | (b[at + 2] & 0xff) << 16;
    }

    private static void require(boolean good, String found) throws ImageException {
        if (!good) {
            throw new ImageException("broken WebP: " + found);
        }
    }
}
