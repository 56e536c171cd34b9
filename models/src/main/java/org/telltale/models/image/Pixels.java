package org.telltale.models.image;

import java.util.Arrays;

/** An RGB picture with 8 bits per channel, stored row by row, three bytes a pixel (HWC). Treated as immutable. */
public final class Pixels {
    /** Pillow refuses pictures with more pixels than this as decompression bombs; so does everything here. */
    public static final long MAX_COUNT = 178_956_970;

    private final int width;
    private final int height;
    private final byte[] rgb;

    /**
     * A picture over the given bytes, which are not copied and must not change afterwards.
     *
     * @param rgb [height, width, 3]
     */
    public Pixels(int width, int height, byte[] rgb) {
        if (width < 1 || height < 1 || (long) width * height > MAX_COUNT || rgb.length != width * height * 3) {
            throw new IllegalArgumentException("a picture of " + width + "x" + height + " pixels in " + rgb.length
                    + " bytes; expected 1 to " + MAX_COUNT + " pixels, 3 bytes each");
        }
        this.width = width;
        this.height = height;
        this.rgb = rgb;
    }

    public int width() {
        return width;
    }

    public int height() {
        return height;
    }

    /** One channel of one pixel, 0 to 255. */
    public int get(int x, int y, int channel) {
        return rgb[(y * width + x) * 3 + channel] & 0xff;
    }

    /** A copy of the bytes, [height, width, 3]. */
    public byte[] toBytes() {
        return rgb.clone();
    }

    /** The bytes themselves, to be read only. */
    byte[] rgb() {
        return rgb;
    }

    /**
     * The upright picture.
     *
     * @param orientation the EXIF tag 0x0112: 1 is upright, 2 to 8 are mirrored or turned; anything else means 1
     */
    Pixels upright(int orientation) {
        if (orientation < 2 || orientation > 8) {
            return this;
        }
        boolean transposed = orientation >= 5;
        int outWidth = transposed ? height : width;
        int outHeight = transposed ? width : height;
        boolean flipX = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
        boolean flipY = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
        byte[] out = new byte[rgb.length];
        int to = 0;
        for (int y = 0; y < outHeight; y++) {
            for (int x = 0; x < outWidth; x++) {
                int column = transposed ? y : x;
                int row = transposed ? x : y;
                int from = ((flipY ? height - 1 - row : row) * width + (flipX ? width - 1 - column : column)) * 3;
                out[to++] = rgb[from];
                out[to++] = rgb[from + 1];
                out[to++] = rgb[from + 2];
            }
        }
        return new Pixels(outWidth, outHeight, out);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Pixels other && width == other.width && Arrays.equals(rgb, other.rgb);
    }

    @Override
    public int hashCode() {
        return 31 * width + Arrays.hashCode(rgb);
    }

    @Override
    public String toString() {
        return width + "x" + height + " RGB";
    }
}
