package org.telltale.models.image;

/** The arithmetic decoder of RFC 6386 section 7. */
final class Vp8BoolDecoder {
    private final byte[] b;
    private final int end;
    private int at;
    private int range = 255;
    private int value;
    private int held = -8;

    Vp8BoolDecoder(byte[] b, int start, int end) {
        this.b = b;
        this.at = start;
        this.end = end;
    }

    boolean bit(int probability) throws ImageException {
        if (held < 0) {
            if (at >= end) {
                throw new ImageException("truncated WebP: a VP8 partition ends early");
            }
            value = value << 8 | (b[at++] & 0xff);
            held += 8;
        }
        int split = 1 + (((range - 1) * probability) >> 8);
        boolean set = value >> held >= split;
        if (set) {
            value -= split << held;
            range -= split;
        } else {
            range = split;
        }
        int shift = Integer.numberOfLeadingZeros(range) - 24;
        range <<= shift;
        held -= shift;
        return set;
    }

    boolean bit() throws ImageException {
        return bit(128);
    }

    int literal(int bits) throws ImageException {
        int v = 0;
        for (int i = 0; i < bits; i++) {
            v = 2 * v + (bit() ? 1 : 0);
        }
        return v;
    }

    int signed(int bits) throws ImageException {
        int v = literal(bits);
        return bit() ? -v : v;
    }
}
