package org.telltale.models.image;

import java.util.Arrays;

/** A canonical Huffman code with codes of up to 16 bits. */
final class JpegHuffman {
    private final int[] entries = new int[1 << 16];

    /** @param counts of codes by length 1 to 16, and all their symbols in order of their codes */
    JpegHuffman(int[] counts, byte[] symbols) throws ImageException {
        int code = 0;
        int next = 0;
        for (int length = 1; length <= 16; length++) {
            for (int i = 0; i < counts[length - 1]; i++, code++) {
                int first = code << (16 - length);
                int last = (code + 1) << (16 - length);
                if (last > 1 << 16) {
                    throw new ImageException("broken JPEG: a Huffman table with more codes than fit");
                }
                Arrays.fill(entries, first, last, (length << 8) | (symbols[next++] & 0xff));
            }
            code <<= 1;
        }
        for (int i = 0; i < entries.length; i++) {
            if (entries[i] == 0) {
                entries[i] = 17 << 8;
            }
        }
    }

    /** Length and symbol of the code at the front of 16 bits; a code that is not defined takes 17 bits and means 0. */
    int lookup(int bits) {
        return entries[bits];
    }
}
