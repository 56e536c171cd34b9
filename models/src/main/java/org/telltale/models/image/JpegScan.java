package org.telltale.models.image;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One scan of a JPEG file: Huffman codes into coefficients, sequential or progressive (ITU-T T.81, F.2 and G.2). */
final class JpegScan {
    /** The natural position of each zigzag position; a damaged run past the end lands on the last one. */
    static final int[] ZIGZAG = {
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14,
        21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60,
        61, 54, 47, 55, 62, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63
    };

    /** A component of the scan with its code tables, where it uses them. */
    record Part(
            JpegComponent component,
            @Nullable JpegHuffman dc,
            @Nullable JpegHuffman ac) {}

    private final byte[] b;
    private int at;
    private final int end;
    private final List<Part> parts;
    private final boolean progressive;
    private final int from;
    private final int to;
    private final int high;
    private final int low;
    private final int[] predictions;
    private int bits;
    private int held;
    private boolean exhausted;
    private int endOfBandRun;
    /** How many of the held bits are zeros past the end of the data. */
    private int padded;

    /** A scan whose coded data lies in b[at, end): spectral positions from..to, successive approximation high and low. */
    JpegScan(byte[] b, int at, int end, List<Part> parts, boolean progressive, int from, int to, int high, int low) {
        this.b = b;
        this.at = at;
        this.end = end;
        this.parts = parts;
        this.progressive = progressive;
        this.from = from;
        this.to = to;
        this.high = high;
        this.low = low;
        predictions = new int[parts.size()];
    }

    /**
     * @param columns minimum coded units in a row of an interleaved scan, and rows of them
     * @param restart units between restart markers, or 0
     */
    void decode(int columns, int rows, int restart) throws ImageException {
        boolean single = parts.size() == 1;
        JpegComponent only = parts.getFirst().component();
        int unitColumns = single ? (only.width + 7) / 8 : columns;
        int unitRows = single ? (only.height + 7) / 8 : rows;
        int expected = 0;
        for (int unit = 0; unit < unitColumns * unitRows; unit++) {
            if (restart > 0 && unit > 0 && unit % restart == 0) {
                restart(expected);
                expected = (expected + 1) & 7;
            }
            // As in libjpeg, once the data has run out the rest of the interval stays as it is.
            if (exhausted) {
                continue;
            }
            int column = unit % unitColumns;
            int row = unit / unitColumns;
            if (single) {
                decodeBlock(0, (row * only.blockColumns + column) * 64);
                continue;
            }
            for (int p = 0; p < parts.size(); p++) {
                JpegComponent c = parts.get(p).component();
                for (int y = 0; y < c.v; y++) {
                    for (int x = 0; x < c.h; x++) {
                        decodeBlock(p, ((row * c.v + y) * c.blockColumns + column * c.h + x) * 64);
                    }
                }
            }
        }
    }

    /** Goes to the next restart marker; a wrong one is handled by libjpeg's rules for lost and doubled markers. */
    private void restart(int expected) {
        held = 0;
        bits = 0;
        padded = 0;
        endOfBandRun = 0;
        Arrays.fill(predictions, 0);
        exhausted = true;
        while (at + 1 < end) {
            int next = b[at + 1] & 0xff;
            if (b[at] != (byte) 0xff || next < 0xd0 || next > 0xd7) {
                at++;
                continue;
            }
            int ahead = (next - 0xd0 - expected) & 7;
            if (ahead == 1 || ahead == 2) {
                return;
            }
            at += 2;
            if (ahead < 6) {
                exhausted = false;
                return;
            }
        }
    }

    private void decodeBlock(int part, int block) throws ImageException {
        short[] c = parts.get(part).component().coefficients;
        if (!progressive) {
            c[block] = (short) nextDc(part);
            decodeAc(part, c, block);
        } else if (from == 0) {
            if (high == 0) {
                c[block] = (short) (nextDc(part) << low);
            } else if (receive(1) != 0) {
                c[block] |= (short) (1 << low);
            }
        } else if (high == 0) {
            firstAc(part, c, block);
        } else {
            refineAc(part, c, block);
        }
    }

    private int nextDc(int part) throws ImageException {
        int size = code(parts.get(part).dc()) & 15;
        predictions[part] += extend(receive(size), size);
        return predictions[part];
    }

    private void decodeAc(int part, short[] c, int block) throws ImageException {
        JpegHuffman table = parts.get(part).ac();
        for (int k = 1; k < 64; k++) {
            int code = code(table);
            int size = code & 15;
            k += code >> 4;
            if (size != 0) {
                c[block + ZIGZAG[k]] = (short) extend(receive(size), size);
            } else if (code >> 4 != 15) {
                return;
            }
        }
    }

    private void firstAc(int part, short[] c, int block) throws ImageException {
        if (endOfBandRun > 0) {
            endOfBandRun--;
            return;
        }
        JpegHuffman table = parts.get(part).ac();
        for (int k = from; k <= to; k++) {
            int code = code(table);
            int size = code & 15;
            int run = code >> 4;
            if (size != 0) {
                k += run;
                c[block + ZIGZAG[k]] = (short) (extend(receive(size), size) << low);
            } else if (run == 15) {
                k += 15;
            } else {
                endOfBandRun = (1 << run) + receive(run) - 1;
                return;
            }
        }
    }

    private void refineAc(int part, short[] c, int block) throws ImageException {
        int k = from;
        if (endOfBandRun == 0) {
            JpegHuffman table = parts.get(part).ac();
            while (k <= to) {
                int code = code(table);
                int run = code >> 4;
                int value = 0;
                if ((code & 15) != 0) {
                    value = receive(1) != 0 ? 1 << low : -(1 << low);
                } else if (run != 15) {
                    endOfBandRun = (1 << run) + receive(run);
                    break;
                }
                k = refineRun(c, block, k, run);
                if (value != 0) {
                    c[block + ZIGZAG[k]] = (short) value;
                }
                k++;
            }
        }
        if (endOfBandRun > 0) {
            refineRun(c, block, k, 64);
            endOfBandRun--;
        }
    }

    /** Refines the coefficients that are not zero, over so many that are, and returns the position after them. */
    private int refineRun(short[] c, int block, int start, int zeros) throws ImageException {
        int k = start;
        int left = zeros;
        while (k <= to) {
            int at = block + ZIGZAG[k];
            if (c[at] == 0) {
                if (left-- == 0) {
                    break;
                }
            } else if (receive(1) != 0 && (c[at] & (1 << low)) == 0) {
                c[at] += (short) (c[at] > 0 ? 1 << low : -(1 << low));
            }
            k++;
        }
        return k;
    }

    private static int extend(int value, int size) {
        return size > 0 && value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
    }

    private int code(@Nullable JpegHuffman table) throws ImageException {
        if (table == null) {
            throw new ImageException("broken JPEG: a scan uses a Huffman table that is not defined");
        }
        fill(17);
        int next = (bits >> (held - 16)) & 0xffff;
        int entry = table.lookup(next);
        take(entry >> 8);
        return entry & 0xff;
    }

    private int receive(int count) {
        if (count == 0) {
            return 0;
        }
        fill(count);
        take(count);
        return (bits >> held) & ((1 << count) - 1);
    }

    private void take(int count) {
        held -= count;
        if (held < padded) {
            exhausted = true;
            padded = held;
        }
    }

    /** After the last byte zeros follow, as many as are asked for. */
    private void fill(int wanted) {
        while (held < wanted) {
            bits = bits << 8 | nextByte();
            held += 8;
        }
    }

    private int nextByte() {
        while (at < end) {
            int v = b[at] & 0xff;
            if (v != 0xff) {
                at++;
                return v;
            }
            int next = at + 1 < end ? b[at + 1] & 0xff : 0xd9;
            if (next == 0xff) {
                at++;
            } else if (next == 0) {
                at += 2;
                return 0xff;
            } else {
                break;
            }
        }
        padded += 8;
        return 0;
    }
}
