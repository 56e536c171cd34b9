package org.telltale.models.image;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * JPEG with Huffman codes, sequential or progressive: grey, YCbCr, RGB, CMYK and YCCK, as libjpeg-turbo decodes it for
 * Pillow. The JDK's decoder wraps around on strong contrasts, and stumbles over profiles that Pillow ignores.
 */
final class JpegDecoder {
    private static final int SOS = 0xda;
    private static final int EOI = 0xd9;

    private final byte[] b;
    private int width;
    private int height;
    private int maxH = 1;
    private int maxV = 1;
    private int unitColumns;
    private int unitRows;
    private int restart;
    private boolean progressive;
    private final List<JpegComponent> components = new ArrayList<>();
    private final int[][] quantizers = new int[4][0];
    private final @Nullable JpegHuffman[] codes = new JpegHuffman[8];
    private boolean jfif;
    private int adobeTransform = -1;

    JpegDecoder(byte[] bytes) {
        b = bytes;
    }

    Pixels decode() throws ImageException {
        readScans();
        for (JpegComponent c : components) {
            c.transform();
        }
        int n = components.size();
        byte[] rgb = new byte[width * height * 3];
        int[][] rows = new int[n][width];
        int[] pixel = new int[4];
        JpegColors colors = JpegColors.of(n, jfif, adobeTransform, namedRgb());
        for (int y = 0; y < height; y++) {
            for (int c = 0; c < n; c++) {
                components.get(c).row(y, maxH, maxV, rows[c]);
            }
            int to = y * width * 3;
            for (int x = 0; x < width; x++, to += 3) {
                for (int c = 0; c < n; c++) {
                    pixel[c] = rows[c][x];
                }
                colors.convert(pixel, rgb, to);
            }
        }
        return new Pixels(width, height, rgb);
    }

    /** Decodes all scans up to the end-of-image marker, without which the file is cut off. */
    private void readScans() throws ImageException {
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
                return;
            }
            if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
                at += 2;
                continue;
            }
            int length = at + 3 < b.length ? u16(at + 2) : 0;
            int end = at + 2 + length;
            if (length < 2 || end > b.length) {
                throw truncated();
            }
            readSegment(marker, at + 4, length - 2);
            if (marker == SOS) {
                int data = end;
                end = endOfScan(data);
                if (end == b.length) {
                    throw truncated();
                }
                scan(at + 4, length - 2, data, end);
                scanned = true;
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
        switch (marker) {
            case 0xe0 -> jfif |= length >= 14 && startsWith(at, "JFIF");
            case 0xee -> {
                if (length >= 12 && startsWith(at, "Adobe")) {
                    adobeTransform = b[at + 11] & 0xff;
                }
            }
            case 0xdb -> readQuantizers(at, at + length);
            case 0xc4 -> readCodes(at, at + length);
            case 0xdd -> restart = length >= 2 ? u16(at) : 0;
            case 0xc0, 0xc1, 0xc2 -> {
                progressive = marker == 0xc2;
                readFrame(at, length);
            }
            case 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf ->
                throw new ImageException("unsupported JPEG: process SOF" + (marker - 0xc0)
                        + ", expected baseline, extended sequential or progressive with Huffman codes");
            default -> {
                // Application data and comments say nothing about the pixels.
            }
        }
    }

    private boolean startsWith(int at, String name) {
        for (int i = 0; i < name.length(); i++) {
            if (b[at + i] != name.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    private void readQuantizers(int from, int end) throws ImageException {
        int at = from;
        while (at < end) {
            int wide = (b[at] & 0xf0) != 0 ? 2 : 1;
            int table = b[at] & 15;
            at++;
            if (table > 3 || at + 64 * wide > end) {
                throw new ImageException("broken JPEG: quantization table " + table + " is cut off or not 0 to 3");
            }
            int[] steps = new int[64];
            for (int i = 0; i < 64; i++, at += wide) {
                steps[JpegScan.ZIGZAG[i]] = wide == 2 ? u16(at) : b[at] & 0xff;
            }
            quantizers[table] = steps;
        }
    }

    private void readCodes(int from, int end) throws ImageException {
        int at = from;
        while (at + 17 <= end) {
            int table = b[at] & 0xff;
            int[] counts = new int[16];
            int total = 0;
            for (int i = 0; i < 16; i++) {
                counts[i] = b[at + 1 + i] & 0xff;
                total += counts[i];
            }
            at += 17;
            if ((table & 0xef) > 3 || total > 256 || at + total > end) {
                throw new ImageException("broken JPEG: a Huffman table is cut off, too large or not 0 to 3");
            }
            codes[(table >> 4) * 4 + (table & 3)] = new JpegHuffman(counts, Arrays.copyOfRange(b, at, at + total));
            at += total;
        }
    }

    private void readFrame(int at, int length) throws ImageException {
        if (!components.isEmpty()) {
            throw new ImageException("broken JPEG: a second frame header");
        }
        if (length < 6 || length < 6 + 3 * (b[at + 5] & 0xff)) {
            throw truncated();
        }
        height = u16(at + 1);
        width = u16(at + 3);
        int n = b[at + 5] & 0xff;
        ImageReader.checkSize(width, height);
        if (b[at] != 8 || (n != 1 && n != 3 && n != 4)) {
            throw new ImageException(
                    "unsupported JPEG: " + n + " components of " + b[at] + " bits, expected 1, 3 or 4 of 8 bits");
        }
        for (int i = 0; i < n; i++) {
            maxH = Math.max(maxH, b[at + 7 + 3 * i] >> 4 & 15);
            maxV = Math.max(maxV, b[at + 7 + 3 * i] & 15);
        }
        unitColumns = divideUp(width, 8 * maxH);
        unitRows = divideUp(height, 8 * maxV);
        long blocks = 0;
        for (int i = 0; i < n; i++) {
            int h = b[at + 7 + 3 * i] >> 4 & 15;
            int v = b[at + 7 + 3 * i] & 15;
            if (h < 1 || v < 1 || maxH > 4 || maxV > 4 || maxH % h != 0 || maxV % v != 0) {
                throw new ImageException("unsupported JPEG: sampling factors " + h + "x" + v + " of " + maxH + "x"
                        + maxV + ", expected divisors, 1 to 4");
            }
            blocks += (long) unitColumns * h * unitRows * v;
        }
        // Every block takes a bit at least, so a small file cannot make us allocate a large picture.
        if (blocks > 8L * b.length) {
            throw new ImageException(
                    "truncated JPEG: " + b.length + " bytes cannot hold " + width + "x" + height + " pixels");
        }
        for (int i = 0; i < n; i++) {
            int h = b[at + 7 + 3 * i] >> 4 & 15;
            int v = b[at + 7 + 3 * i] & 15;
            components.add(new JpegComponent(
                    b[at + 6 + 3 * i] & 0xff,
                    h,
                    v,
                    b[at + 8 + 3 * i] & 0xff,
                    divideUp(width * h, maxH),
                    divideUp(height * v, maxV),
                    unitColumns * h,
                    unitRows * v));
        }
    }

    private void scan(int at, int length, int data, int end) throws ImageException {
        int n = length > 0 ? b[at] & 0xff : 0;
        if (n < 1 || n > 4 || length < 4 + 2 * n) {
            throw new ImageException("broken JPEG: a scan of " + n + " components, expected 1 to 4");
        }
        int from = b[at + 1 + 2 * n] & 0xff;
        int to = b[at + 2 + 2 * n] & 0xff;
        int high = b[at + 3 + 2 * n] >> 4 & 15;
        int low = b[at + 3 + 2 * n] & 15;
        if (progressive && (from > to || to > 63 || (from == 0 && to != 0) || (from > 0 && n != 1) || low > 13)) {
            throw new ImageException("broken JPEG: a progressive scan of " + n + " components, positions " + from
                    + " to " + to + ", bit " + low);
        }
        List<JpegScan.Part> parts = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            int id = b[at + 1 + 2 * i] & 0xff;
            int tables = b[at + 2 + 2 * i] & 0x33;
            JpegComponent component = component(id);
            if (component.steps.length == 0) {
                int[] steps = component.quantizer < 4 ? quantizers[component.quantizer] : new int[0];
                if (steps.length == 0) {
                    throw new ImageException(
                            "broken JPEG: quantization table " + component.quantizer + " is not defined");
                }
                component.steps = steps;
            }
            parts.add(new JpegScan.Part(component, codes[tables >> 4], codes[4 + (tables & 3)]));
        }
        new JpegScan(b, data, end, parts, progressive, from, to, high, low).decode(unitColumns, unitRows, restart);
    }

    private JpegComponent component(int id) throws ImageException {
        for (JpegComponent c : components) {
            if (c.id == id) {
                return c;
            }
        }
        throw new ImageException("broken JPEG: a scan of component " + id + ", which no frame header declares before");
    }

    private boolean namedRgb() {
        return components.size() == 3
                && components.get(0).id == 'R'
                && components.get(1).id == 'G'
                && components.get(2).id == 'B';
    }

    private static int divideUp(int a, int b) {
        return (a + b - 1) / b;
    }

    private int u16(int at) {
        return (b[at] & 0xff) << 8 | (b[at + 1] & 0xff);
    }

    private static ImageException truncated() {
        return new ImageException("truncated JPEG: the file ends before the end-of-image marker");
    }
}
