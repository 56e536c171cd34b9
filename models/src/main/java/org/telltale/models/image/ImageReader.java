package org.telltale.models.image;

import com.drew.imaging.ImageMetadataReader;
import com.drew.imaging.ImageProcessingException;
import com.drew.lang.ByteArrayReader;
import com.drew.lang.KeyValuePair;
import com.drew.metadata.Metadata;
import com.drew.metadata.exif.ExifDirectoryBase;
import com.drew.metadata.exif.ExifIFD0Directory;
import com.drew.metadata.exif.ExifReader;
import com.drew.metadata.png.PngDirectory;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * Reads JPEG, PNG, GIF (the first frame), BMP and WebP files into the pixels that Pillow's
 * {@code Image.open(file).convert("RGB")} gives: alpha and transparent colours are dropped and not blended, 16-bit grey
 * is cut off at 255, 16-bit colours keep their high byte, colour profiles are ignored. Proven by
 * {@code DecodeGoldenTest}.
 *
 * <p>Nothing is held between calls, so any number of threads may read at once. No temporary files are written.
 */
public final class ImageReader {
    private static final long MAX_BYTES = 1L << 30;

    private ImageReader() {}

    /**
     * The pixels of a file.
     *
     * @throws ImageException when the file is missing, is no picture of a known format, is broken or cut off, or is
     *     larger than {@link Pixels#MAX_COUNT} pixels
     */
    public static Pixels read(Path file, Exif exif) throws ImageException {
        if (!Files.exists(file)) {
            throw new ImageException(file + ": no such file, expected a picture");
        }
        if (!Files.isRegularFile(file)) {
            throw new ImageException(file + ": " + (Files.isDirectory(file) ? "a directory" : "not a regular file")
                    + ", expected a picture");
        }
        byte[] bytes;
        try {
            long size = Files.size(file);
            if (size > MAX_BYTES) {
                throw new ImageException(file + ": " + size + " bytes, expected a picture of at most " + MAX_BYTES);
            }
            bytes = Files.readAllBytes(file);
        } catch (ImageException e) {
            throw e;
        } catch (IOException e) {
            throw new ImageException(file + ": cannot be read: " + e, e);
        }
        return read(file.toString(), bytes, exif);
    }

    /**
     * The pixels of a file's bytes.
     *
     * @param name stands for the file in error messages
     * @throws ImageException as {@link #read(Path, Exif)}
     */
    public static Pixels read(String name, byte[] bytes, Exif exif) throws ImageException {
        Pixels pixels;
        try {
            pixels = decode(bytes);
        } catch (IOException | RuntimeException e) {
            String what = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
            throw new ImageException(name + ": " + what.lines().findFirst().orElse("broken picture"), e);
        }
        return switch (exif) {
            case APPLY -> pixels.upright(orientation(bytes));
            case IGNORE -> pixels;
        };
    }

    private static Pixels decode(byte[] b) throws IOException {
        if (b.length == 0) {
            throw new ImageException("an empty file, expected a picture");
        }
        if (startsWith(b, 0, "\u00ff\u00d8\u00ff")) {
            return new JpegDecoder(b).decode();
        }
        if (startsWith(b, 0, "\u0089PNG\r\n\u001a\n")) {
            return new PngDecoder(b).decode();
        }
        if (startsWith(b, 0, "GIF87a") || startsWith(b, 0, "GIF89a")) {
            return new GifDecoder(b).decode();
        }
        if (startsWith(b, 0, "BM")) {
            return BmpDecoder.decode(b);
        }
        if (startsWith(b, 0, "RIFF") && startsWith(b, 8, "WEBP")) {
            return new WebpDecoder(b).decode();
        }
        throw new ImageException("not a picture: starts with " + start(b) + ", expected JPEG, PNG, GIF, BMP or WebP");
    }

    private static boolean startsWith(byte[] b, int at, String magic) {
        byte[] wanted = magic.getBytes(StandardCharsets.ISO_8859_1);
        return b.length >= at + wanted.length && Arrays.equals(b, at, at + wanted.length, wanted, 0, wanted.length);
    }

    private static String start(byte[] b) {
        StringBuilder text = new StringBuilder("bytes");
        for (int i = 0; i < Math.min(b.length, 8); i++) {
            text.append(String.format(" %02x", b[i]));
        }
        return text.toString();
    }

    /** The EXIF orientation, or 1 where there is none or it cannot be read: damaged EXIF never spoils a picture. */
    static int orientation(byte[] bytes) {
        try {
            Metadata metadata = ImageMetadataReader.readMetadata(new ByteArrayInputStream(bytes), bytes.length);
            readRawProfile(metadata);
            for (ExifIFD0Directory d : metadata.getDirectoriesOfType(ExifIFD0Directory.class)) {
                Integer orientation = d.getInteger(ExifDirectoryBase.TAG_ORIENTATION);
                if (orientation != null) {
                    return orientation;
                }
            }
        } catch (ImageProcessingException | IOException | RuntimeException e) {
            return 1;
        }
        return 1;
    }

    /** ImageMagick writes EXIF into PNG files as text: a name, a length, hexadecimal digits. */
    private static void readRawProfile(Metadata metadata) {
        for (PngDirectory d : List.copyOf(metadata.getDirectoriesOfType(PngDirectory.class))) {
            if (d.getObject(PngDirectory.TAG_TEXTUAL_DATA) instanceof List<?> texts) {
                for (Object text : texts) {
                    if (text instanceof KeyValuePair pair && pair.getKey().equals("Raw profile type exif")) {
                        String[] parts = pair.getValue().toString().strip().split("\\s+", 3);
                        byte[] exif = HexFormat.of().parseHex(parts[2].replaceAll("\\s", ""));
                        boolean prefixed = startsWith(exif, 0, "Exif\0\0");
                        new ExifReader().extract(new ByteArrayReader(exif, prefixed ? 6 : 0), metadata, 0);
                    }
                }
            }
        }
    }

    /** Refuses a picture by its declared size, before anything is allocated for it. */
    static void checkSize(long width, long height) throws ImageException {
        if (width < 1 || height < 1) {
            throw new ImageException("declares " + width + "x" + height + " pixels, expected at least 1x1");
        }
        if (width > Pixels.MAX_COUNT || height > Pixels.MAX_COUNT || width * height > Pixels.MAX_COUNT) {
            throw new ImageException(
                    "declares " + width + "x" + height + " pixels, expected at most " + Pixels.MAX_COUNT);
        }
    }
}
