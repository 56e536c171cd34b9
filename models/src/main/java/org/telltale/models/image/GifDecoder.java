package org.telltale.models.image;

import java.util.Arrays;

/**
 * The first frame of a GIF on its whole screen: what the frame leaves open shows the transparent colour, or colour 0,
 * as in Pillow.
 */
final class GifDecoder {
    private static final int MAX_CODES = 4096;

    private final byte[] b;
    private int at = 6;
    private byte[] palette = new byte[0];
    private int transparent;

    GifDecoder(byte[] bytes) {
        b = bytes;
    }

    Pixels decode() throws ImageException {
        int screenWidth = u16();
        int screenHeight = u16();
        int flags = u8();
        at += 2;
        if ((flags & 0x80) != 0) {
            palette = take(3 << ((flags & 7) + 1));
        }
        seekFrame();
        int left = u16();
        int top = u16();
        int width = u16();
        int height = u16();
        flags = u8();
        if ((flags & 0x80) != 0) {
            palette = take(3 << ((flags & 7) + 1));
        }
        screenWidth = Math.max(screenWidth, left + width);
        screenHeight = Math.max(screenHeight, top + height);
        ImageReader.checkSize(screenWidth, screenHeight);
        ImageReader.checkSize(width, height);
        if ((long) width * height > (long) b.length * MAX_CODES) {
            throw truncated();
        }
        byte[] frame = decompress(width * height);
        byte[] screen = new byte[screenWidth * screenHeight];
        Arrays.fill(screen, (byte) transparent);
        int row = 0;
        boolean interlaced = (flags & 0x40) != 0;
        int[] starts = interlaced ? new int[] {0, 4, 2, 1} : new int[] {0};
        int[] steps = interlaced ? new int[] {8, 8, 4, 2} : new int[] {1};
        for (int pass = 0; pass < starts.length; pass++) {
            for (int y = starts[pass]; y < height; y += steps[pass]) {
                System.arraycopy(frame, row++ * width, screen, (top + y) * screenWidth + left, width);
            }
        }
        return colored(screen, screenWidth, screenHeight);
    }

    private Pixels colored(byte[] screen, int width, int height) {
        byte[] rgb = new byte[screen.length * 3];
        for (int i = 0; i < screen.length; i++) {
            int index = screen[i] & 0xff;
            for (int c = 0; c < 3; c++) {
                if (palette.length == 0) {
                    rgb[i * 3 + c] = screen[i];
                } else if (index * 3 + c < palette.length) {
                    rgb[i * 3 + c] = palette[index * 3 + c];
                }
            }
        }
        return new Pixels(width, height, rgb);
    }

    private void seekFrame() throws ImageException {
        while (true) {
            int kind = u8();
            if (kind == ',') {
                return;
            }
            if (kind == ';') {
                throw new ImageException("broken GIF: no frame, expected at least one");
            }
            if (kind == '!') {
                int label = u8();
                int length = u8();
                byte[] block = take(length);
                if (label == 0xf9 && length >= 4 && (block[0] & 1) != 0) {
                    transparent = block[3] & 0xff;
                }
                while (length > 0) {
                    length = u8();
                    at += length;
                }
            }
        }
    }

    /** LZW with codes of growing length, least significant bits first, in blocks of at most 255 bytes. */
    private byte[] decompress(int count) throws ImageException {
        int bits = u8();
        if (bits < 1 || bits > 11) {
            throw new ImageException("broken GIF: codes of " + bits + " bits, expected 1 to 11");
        }
        byte[] out = new byte[count];
        int clear = 1 << bits;
        int[] prefix = new int[MAX_CODES];
        byte[] suffix = new byte[MAX_CODES];
        byte[] stack = new byte[MAX_CODES];
        int next = clear + 2;
        int size = bits + 1;
        int previous = -1;
        int first = 0;
        int buffer = 0;
        int held = 0;
        int block = 0;
        int n = 0;
        while (n < count) {
            while (held < size) {
                if (block == 0) {
                    block = u8();
                    if (block == 0) {
                        throw truncated();
                    }
                }
                buffer |= u8() << held;
                block--;
                held += 8;
            }
            int code = buffer & ((1 << size) - 1);
            buffer >>>= size;
            held -= size;
            if (code == clear) {
                next = clear + 2;
                size = bits + 1;
                previous = -1;
                continue;
            }
            if (code == clear + 1) {
                throw truncated();
            }
            if (code > next || (previous < 0 && code >= clear) || (code == next && next == MAX_CODES)) {
                throw new ImageException("broken GIF: code " + code + ", expected at most " + next);
            }
            int depth = 0;
            int walk = code;
            if (code == next) {
                stack[depth++] = (byte) first;
                walk = previous;
            }
            while (walk >= clear) {
                stack[depth++] = suffix[walk];
                walk = prefix[walk];
            }
            first = walk;
            stack[depth++] = (byte) first;
            while (depth > 0 && n < count) {
                out[n++] = stack[--depth];
            }
            if (previous >= 0 && next < MAX_CODES) {
                prefix[next] = previous;
                suffix[next] = (byte) first;
                next++;
                if (next == 1 << size && size < 12) {
                    size++;
                }
            }
            previous = code;
        }
        return out;
    }

    private int u8() throws ImageException {
        if (at >= b.length) {
            throw truncated();
        }
        return b[at++] & 0xff;
    }

    private int u16() throws ImageException {
        int low = u8();
        return low | u8() << 8;
    }

    private byte[] take(int length) throws ImageException {
        if (length > b.length - at) {
            throw truncated();
        }
        at += length;
        return Arrays.copyOfRange(b, at - length, at);
    }

    private static ImageException truncated() {
        return new ImageException("truncated GIF: the first frame ends early");
    }
}
