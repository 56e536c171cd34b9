package org.telltale.models.image;

import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import javax.imageio.ImageIO;
import javax.imageio.spi.IIORegistry;
import javax.imageio.spi.ImageReaderSpi;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * JPEG: the JDK's libjpeg gives the raw components (its inverse transform and chroma upsampling are Pillow's), the
 * colours are computed here. Application segments never reach the library, which stumbles over damaged profiles.
 */
final class JpegDecoder {
    private static final int SOS = 0xda;
    private static final int EOI = 0xd9;

    private final byte[] b;
    private int width;
    private int height;
    private byte[] ids = new byte[0];
    private boolean jfif;
    private int adobeTransform = -1;

    JpegDecoder(byte[] bytes) {
        b = bytes;
    }

    Pixels decode() throws IOException {
        byte[] bare = strip();
        Raster raster = readRaster(bare);
        int n = raster.getNumBands();
        if (n != ids.length || raster.getWidth() != width || raster.getHeight() != height) {
            throw new ImageException("broken JPEG: decodes to " + n + " components of " + raster.getWidth() + "x"
                    + raster.getHeight() + ", expected " + ids.length + " of " + width + "x" + height);
        }
        byte[] rgb = new byte[width * height * 3];
        int[] row = new int[width * n];
        for (int y = 0; y < height; y++) {
            raster.getPixels(0, y, width, 1, row);
            int to = y * width * 3;
            for (int x = 0; x < width; x++, to += 3) {
                convert(row, x * n, rgb, to);
            }
        }
        return new Pixels(width, height, rgb);
    }

    private static Raster readRaster(byte[] bare) throws IOException {
        ImageReaderSpi spi = (ImageReaderSpi) IIORegistry.getDefaultInstance().getServiceProviderByClass(jdkReader());
        javax.imageio.ImageReader reader = spi.createReaderInstance();
        try (MemoryCacheImageInputStream stream = new MemoryCacheImageInputStream(new ByteArrayInputStream(bare))) {
            reader.setInput(stream, true, true);
            return reader.readRaster(0, null);
        } finally {
            reader.dispose();
        }
    }

    private static Class<?> jdkReader() throws IOException {
        for (var readers = ImageIO.getImageReadersByFormatName("jpeg"); readers.hasNext(); ) {
            ImageReaderSpi spi = readers.next().getOriginatingProvider();
            if (spi.getClass().getModule().getName() != null) {
                return spi.getClass();
            }
        }
        throw new ImageException("this Java runtime has no JPEG reader");
    }

    /** Checks that the file is whole and returns it without application segments, comments and trailing bytes. */
    private byte[] strip() throws ImageException {
        ByteArrayOutputStream out = new ByteArrayOutputStream(b.length);
        out.write(b, 0, 2);
        boolean scanned = false;
        int at = 2;
        while (true) {
            // Any number of fill bytes may come before a marker, and Pillow's library skips other stray bytes too.
            while (at + 1 < b.length && (b[at] != (byte) 0xff || b[at + 1] == (byte) 0xff || b[at + 1] == 0)) {
                at++;
            }
            if (at + 1 >= b.length) {
                throw truncated();
            }
            int marker = b[at + 1] & 0xff;
            if (marker == EOI) {
                if (!scanned) {
                    throw new ImageException("broken JPEG: no scan, expected at least one");
                }
                out.write(b, at, 2);
                return out.toByteArray();
            }
            if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
                at += 2;
                continue;
            }
            if (at + 3 >= b.length) {
                throw truncated();
            }
            int length = u16(at + 2);
            int end = at + 2 + length;
            if (length < 2 || end > b.length) {
                throw truncated();
            }
            readSegment(marker, at + 4, length - 2);
            if (marker == SOS) {
                if (ids.length == 0) {
                    throw new ImageException("broken JPEG: a scan before the frame header");
                }
                scanned = true;
                end = endOfScan(end);
            }
            if (marker < 0xe0 || marker == 0xff) {
                out.write(b, at, end - at);
            }
            at = end;
        }
    }

    /** Entropy-coded data ends at the first marker that is no restart marker. */
    private int endOfScan(int from) {
        int at = from;
        while (at + 1 < b.length) {
            if (b[at] == (byte) 0xff) {
                int next = b[at + 1] & 0xff;
                if (next != 0 && next != 0xff && (next < 0xd0 || next > 0xd7)) {
                    return at;
                }
            }
            at++;
        }
        return b.length;
    }

    private void readSegment(int marker, int at, int length) throws ImageException {
        if (marker == 0xe0
                && length >= 14
                && b[at] == 'J'
                && b[at + 1] == 'F'
                && b[at + 2] == 'I'
                && b[at + 3] == 'F') {
            jfif = true;
        } else if (marker == 0xee && length >= 12 && b[at] == 'A' && b[at + 1] == 'd' && b[at + 2] == 'o') {
            adobeTransform = b[at + 11] & 0xff;
        } else if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc) {
            if (length < 6 || length < 6 + 3 * b[at + 5]) {
                throw truncated();
            }
            int precision = b[at];
            height = u16(at + 1);
            width = u16(at + 3);
            int n = b[at + 5];
            ImageReader.checkSize(width, height);
            if (precision != 8 || (n != 1 && n != 3 && n != 4)) {
                throw new ImageException("unsupported JPEG: " + n + " components of " + precision
                        + " bits, expected 1, 3 or 4 of 8 bits");
            }
            ids = new byte[n];
            for (int i = 0; i < n; i++) {
                ids[i] = b[at + 6 + 3 * i];
            }
        }
    }

    private void convert(int[] in, int from, byte[] out, int to) {
        switch (ids.length) {
            case 1 -> {
                out[to] = (byte) in[from];
                out[to + 1] = (byte) in[from];
                out[to + 2] = (byte) in[from];
            }
            case 3 -> {
                if (isRgb()) {
                    out[to] = (byte) in[from];
                    out[to + 1] = (byte) in[from + 1];
                    out[to + 2] = (byte) in[from + 2];
                } else {
                    toRgb(in, from, out, to);
                }
            }
            default -> {
                int k = in[from + 3];
                if (adobeTransform > 0) {
                    toRgb(in, from, out, to);
                    for (int c = 0; c < 3; c++) {
                        in[from + c] = 255 - (out[to + c] & 0xff);
                    }
                }
                // Files with Adobe's marker store inverted inks.
                boolean inverted = adobeTransform >= 0;
                int white = inverted ? k : 255 - k;
                for (int c = 0; c < 3; c++) {
                    int ink = inverted ? 255 - in[from + c] : in[from + c];
                    out[to + c] = (byte) (white - divide255(ink * white));
                }
            }
        }
    }

    private boolean isRgb() {
        if (jfif) {
            return false;
        }
        return adobeTransform >= 0 ? adobeTransform == 0 : ids[0] == 'R' && ids[1] == 'G' && ids[2] == 'B';
    }

    /** libjpeg's integer conversion from YCbCr, 16 fractional bits. */
    private static void toRgb(int[] in, int from, byte[] out, int to) {
        int y = in[from];
        int cb = in[from + 1] - 128;
        int cr = in[from + 2] - 128;
        out[to] = (byte) Math.clamp(y + ((91881 * cr + 32768) >> 16), 0, 255);
        out[to + 1] = (byte) Math.clamp(y + ((-22554 * cb - 46802 * cr + 32768) >> 16), 0, 255);
        out[to + 2] = (byte) Math.clamp(y + ((116130 * cb + 32768) >> 16), 0, 255);
    }

    private static int divide255(int v) {
        int t = v + 128;
        return ((t >> 8) + t) >> 8;
    }

    private int u16(int at) {
        return (b[at] & 0xff) << 8 | (b[at + 1] & 0xff);
    }

    private static ImageException truncated() {
        return new ImageException("truncated JPEG: the file ends before the end-of-image marker");
    }
}
