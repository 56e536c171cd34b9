package org.telltale.models.image;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * PNG of every colour type and depth, interlaced or not. The JDK's own reader checks no checksums and blends some kinds
 * of transparency, so it cannot stand in for Pillow's.
 */
final class PngDecoder {
    /** Deflate cannot shrink data further than this. */
    private static final int MAX_RATIO = 1032;

    private static final int[] ADAM7_X = {0, 4, 0, 2, 0, 1, 0};
    private static final int[] ADAM7_Y = {0, 0, 4, 0, 2, 0, 1};
    private static final int[] ADAM7_STEP_X = {8, 8, 4, 4, 2, 2, 1};
    private static final int[] ADAM7_STEP_Y = {8, 8, 8, 4, 4, 2, 2};

    private final byte[] b;
    private int width;
    private int height;
    private int depth;
    private int colorType;
    private boolean interlaced;
    private byte[] palette = new byte[0];
    private byte[] rgb = new byte[0];

    PngDecoder(byte[] bytes) {
        b = bytes;
    }

    Pixels decode() throws ImageException {
        byte[] data = readChunks();
        long packed = (long) (rowBytes(width) + 1) * height;
        if (packed > (long) data.length * MAX_RATIO) {
            throw truncated();
        }
        rgb = new byte[width * height * 3];
        Inflater inflater = new Inflater();
        try {
            inflater.setInput(data);
            if (interlaced) {
                for (int pass = 0; pass < 7; pass++) {
                    readPass(inflater, ADAM7_X[pass], ADAM7_Y[pass], ADAM7_STEP_X[pass], ADAM7_STEP_Y[pass]);
                }
            } else {
                readPass(inflater, 0, 0, 1, 1);
            }
        } catch (DataFormatException e) {
            throw new ImageException("broken PNG: " + e.getMessage() + ", expected deflated rows", e);
        } finally {
            inflater.end();
        }
        return new Pixels(width, height, rgb);
    }

    /** Reads the header and the palette and returns the image data of all IDAT chunks. */
    private byte[] readChunks() throws ImageException {
        ByteArrayOutputStream data = new ByteArrayOutputStream(b.length);
        int at = 8;
        while (at + 12 <= b.length) {
            int length = int32(at);
            int type = int32(at + 4);
            int body = at + 8;
            if (length < 0 || length > b.length - body - 4) {
                // What a cut-off last IDAT chunk holds may still be complete.
                if (type == chunk("IDAT") && width > 0) {
                    data.write(b, body, b.length - body);
                }
                break;
            }
            // Pillow leaves the checksum of image data to zlib's own and reads all other chunks only if theirs is
            // right.
            if (type != chunk("IDAT")
                    && (type == chunk("IHDR") || data.size() == 0)
                    && !checksumMatches(at + 4, length)) {
                throw new ImageException("broken PNG: wrong checksum of chunk " + name(at + 4));
            }
            if (at == 8 && type != chunk("IHDR")) {
                throw new ImageException("broken PNG: starts with chunk " + name(at + 4) + ", expected IHDR");
            }
            if (type == chunk("IHDR")) {
                readHeader(body, length);
            } else if (type == chunk("PLTE") && data.size() == 0) {
                palette = Arrays.copyOfRange(b, body, body + length);
            } else if (type == chunk("IDAT")) {
                data.write(b, body, length);
            } else if (type == chunk("IEND")) {
                break;
            }
            at = body + length + 4;
        }
        if (width == 0) {
            throw truncated();
        }
        if (colorType == 3 && palette.length == 0) {
            throw new ImageException("broken PNG: no palette, expected chunk PLTE");
        }
        return data.toByteArray();
    }

    private void readHeader(int body, int length) throws ImageException {
        if (length < 13) {
            throw new ImageException("broken PNG: a header of " + length + " bytes, expected 13");
        }
        ImageReader.checkSize(Integer.toUnsignedLong(int32(body)), Integer.toUnsignedLong(int32(body + 4)));
        width = int32(body);
        height = int32(body + 4);
        depth = b[body + 8];
        colorType = b[body + 9];
        interlaced = b[body + 12] != 0;
        boolean known = switch (colorType) {
            case 0 -> depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
            case 3 -> depth == 1 || depth == 2 || depth == 4 || depth == 8;
            case 2, 4, 6 -> depth == 8 || depth == 16;
            default -> false;
        };
        if (!known || b[body + 10] != 0 || b[body + 11] != 0) {
            throw new ImageException("broken PNG: colour type " + colorType + " of depth " + depth + ", compression "
                    + b[body + 10] + ", filter method " + b[body + 11] + ", expected a kind that PNG defines");
        }
    }

    private int channels() {
        return switch (colorType) {
            case 2 -> 3;
            case 4 -> 2;
            case 6 -> 4;
            default -> 1;
        };
    }

    private int rowBytes(int columns) {
        return Math.toIntExact(((long) columns * channels() * depth + 7) / 8);
    }

    private void readPass(Inflater inflater, int left, int top, int stepX, int stepY)
            throws ImageException, DataFormatException {
        int columns = (width - left + stepX - 1) / stepX;
        if (columns <= 0 || top >= height) {
            return;
        }
        int length = rowBytes(columns);
        int pixelBytes = Math.max(channels() * depth / 8, 1);
        byte[] row = new byte[length + 1];
        byte[] above = new byte[length + 1];
        for (int y = top; y < height; y += stepY) {
            int filled = 0;
            while (filled < row.length) {
                int n = inflater.inflate(row, filled, row.length - filled);
                if (n == 0) {
                    throw truncated();
                }
                filled += n;
            }
            unfilter(row, above, pixelBytes);
            for (int i = 0, to = (y * width + left) * 3; i < columns; i++, to += stepX * 3) {
                expand(row, i, to);
            }
            byte[] swap = above;
            above = row;
            row = swap;
        }
    }

    private static void unfilter(byte[] row, byte[] above, int pixelBytes) throws ImageException {
        int filter = row[0];
        if (filter < 0 || filter > 4) {
            throw new ImageException("broken PNG: filter " + filter + ", expected 0 to 4");
        }
        for (int i = 1; i < row.length; i++) {
            int a = i > pixelBytes ? row[i - pixelBytes] & 0xff : 0;
            int up = above[i] & 0xff;
            int corner = i > pixelBytes ? above[i - pixelBytes] & 0xff : 0;
            int predicted = switch (filter) {
                case 1 -> a;
                case 2 -> up;
                case 3 -> (a + up) >> 1;
                case 4 -> paeth(a, up, corner);
                default -> 0;
            };
            row[i] += (byte) predicted;
        }
    }

    private static int paeth(int a, int up, int corner) {
        int p = a + up - corner;
        int da = Math.abs(p - a);
        int du = Math.abs(p - up);
        int dc = Math.abs(p - corner);
        if (da <= du && da <= dc) {
            return a;
        }
        return du <= dc ? up : corner;
    }

    /** Turns pixel i of an unfiltered row into RGB. */
    private void expand(byte[] row, int i, int to) {
        int bytes = depth / 8;
        int at = 1 + i * channels() * bytes;
        switch (colorType) {
            case 0, 3 -> {
                int v = depth >= 8 ? row[at] & 0xff : (row[1 + i * depth / 8] & 0xff) >> (8 - depth - i * depth % 8);
                if (depth < 8) {
                    v &= (1 << depth) - 1;
                }
                if (colorType == 3) {
                    // An index beyond the palette is black, as in Pillow.
                    for (int c = 0; c < 3; c++) {
                        rgb[to + c] = v * 3 + c < palette.length ? palette[v * 3 + c] : 0;
                    }
                } else if (depth == 16) {
                    grey(v > 0 ? 255 : row[at + 1], to);
                } else {
                    grey(v * 255 / ((1 << depth) - 1), to);
                }
            }
            case 4 -> grey(row[at], to);
            default -> {
                rgb[to] = row[at];
                rgb[to + 1] = row[at + bytes];
                rgb[to + 2] = row[at + 2 * bytes];
            }
        }
    }

    private void grey(int v, int to) {
        rgb[to] = (byte) v;
        rgb[to + 1] = (byte) v;
        rgb[to + 2] = (byte) v;
    }

    private boolean checksumMatches(int at, int length) {
        CRC32 crc = new CRC32();
        crc.update(b, at, length + 4);
        return (int) crc.getValue() == int32(at + 4 + length);
    }

    private int int32(int at) {
        return (b[at] & 0xff) << 24 | (b[at + 1] & 0xff) << 16 | (b[at + 2] & 0xff) << 8 | (b[at + 3] & 0xff);
    }

    private static int chunk(String name) {
        return name.charAt(0) << 24 | name.charAt(1) << 16 | name.charAt(2) << 8 | name.charAt(3);
    }

    private String name(int at) {
        StringBuilder text = new StringBuilder();
        for (int i = at; i < at + 4; i++) {
            text.append(b[i] >= ' ' && b[i] < 127 ? (char) b[i] : '?');
        }
        return text.toString();
    }

    private static ImageException truncated() {
        return new ImageException("truncated PNG: the image data ends early");
    }
}
