package org.telltale.app.data;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.telltale.models.image.Pixels;

/** The kind and the extents that a picture file states at its beginning. Whether its pixels can be decoded is another question. */
final class PictureHeader {
    private static final int JPEG = 0xffd8;
    private static final int START_OF_SCAN = 0xda;
    private static final int END_OF_IMAGE = 0xd9;
    private static final int PNG_END = 0x0d0a1a0a;
    private static final int IHDR = 0x49484452;

    private PictureHeader() {}

    /** What is wrong with a file's header, if something is. */
    static Optional<String> wrong(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return Optional.ofNullable(extents(new DataInputStream(new BufferedInputStream(in))))
                    .filter(e -> e.width < 1 || e.height < 1 || e.width * e.height > Pixels.MAX_COUNT)
                    .map(e -> "states " + e.width + "x" + e.height + " pixels");
        } catch (EOFException e) {
            return Optional.of("ends in its header");
        } catch (IOException e) {
            return Optional.of(Reasons.of(e));
        }
    }

    private record Extents(long width, long height) {}

    private static Extents extents(DataInputStream in) throws IOException {
        int first = in.readUnsignedShort();
        if (first == JPEG) {
            return jpeg(in);
        }
        int second = in.readUnsignedShort();
        String start = text(first) + text(second);
        return switch (start) {
            case "\u0089PNG" -> png(in);
            case "GIF8" -> {
                in.readUnsignedShort();
                yield new Extents(little(in, 2), little(in, 2));
            }
            case "RIFF" -> {
                in.skipNBytes(4);
                byte[] kind = in.readNBytes(8);
                if (!new String(kind, StandardCharsets.ISO_8859_1).startsWith("WEBPVP8")) {
                    throw new IOException("RIFF, but no WebP");
                }
                // the extents of the three kinds of WebP are read with their pixels only
                yield new Extents(1, 1);
            }
            default -> {
                if (start.startsWith("BM")) {
                    in.skipNBytes(14);
                    yield new Extents(little(in, 4), Math.abs((int) little(in, 4)));
                }
                throw new IOException("not a picture: starts with bytes " + String.format("%04x %04x", first, second)
                        + ", expected JPEG, PNG, GIF, BMP or WebP");
            }
        };
    }

    private static String text(int two) {
        return "" + (char) (two >> 8) + (char) (two & 0xff);
    }

    private static long little(DataInputStream in, int bytes) throws IOException {
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            value |= (long) in.readUnsignedByte() << (8 * i);
        }
        return value;
    }

    private static Extents png(DataInputStream in) throws IOException {
        if (in.readInt() != PNG_END) {
            throw new IOException("a PNG signature that is damaged");
        }
        in.readInt();
        if (in.readInt() != IHDR) {
            throw new IOException("PNG without IHDR");
        }
        return new Extents(in.readInt() & 0xffffffffL, in.readInt() & 0xffffffffL);
    }

    private static Extents jpeg(DataInputStream in) throws IOException {
        while (true) {
            if (in.readUnsignedByte() != 0xff) {
                throw new IOException("JPEG without a marker where one is expected");
            }
            int marker = in.readUnsignedByte();
            while (marker == 0xff) {
                marker = in.readUnsignedByte();
            }
            boolean alone = marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8);
            if (marker == START_OF_SCAN || marker == END_OF_IMAGE) {
                throw new IOException("JPEG without a frame header");
            }
            if (!alone) {
                int length = in.readUnsignedShort();
                if (length < 2) {
                    throw new IOException("JPEG with a segment of " + length + " bytes");
                }
                boolean frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
                if (frame) {
                    in.readUnsignedByte();
                    long height = in.readUnsignedShort();
                    return new Extents(in.readUnsignedShort(), height);
                }
                in.skipNBytes(length - 2L);
            }
        }
    }
}
