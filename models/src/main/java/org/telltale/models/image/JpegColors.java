package org.telltale.models.image;

/** From a JPEG file's components to RGB: libjpeg's integer conversions, and Pillow's from CMYK without a profile. */
enum JpegColors {
    GREY,
    RGB,
    YCBCR,
    CMYK,
    /** CMYK as Adobe's programs store it: inverted. */
    INVERTED_CMYK,
    /** YCbCr and an inverted black. */
    YCCK;

    /**
     * What the markers say, by libjpeg's rules.
     *
     * @param adobeTransform the number in Adobe's marker, or -1 without one
     * @param rgbNames whether the components are called R, G and B
     */
    static JpegColors of(int components, boolean jfif, int adobeTransform, boolean rgbNames) {
        return switch (components) {
            case 1 -> GREY;
            case 3 -> !jfif && (adobeTransform < 0 ? rgbNames : adobeTransform == 0) ? RGB : YCBCR;
            default -> adobeTransform < 0 ? CMYK : adobeTransform == 0 ? INVERTED_CMYK : YCCK;
        };
    }

    /** Writes the RGB bytes of one pixel, given its components' values. */
    void convert(int[] in, byte[] out, int to) {
        switch (this) {
            case GREY -> {
                out[to] = (byte) in[0];
                out[to + 1] = (byte) in[0];
                out[to + 2] = (byte) in[0];
            }
            case RGB -> {
                out[to] = (byte) in[0];
                out[to + 1] = (byte) in[1];
                out[to + 2] = (byte) in[2];
            }
            case YCBCR -> fromYcc(in, out, to);
            case CMYK -> fromInks(in[0], in[1], in[2], 255 - in[3], out, to);
            case INVERTED_CMYK -> fromInks(255 - in[0], 255 - in[1], 255 - in[2], in[3], out, to);
            case YCCK -> {
                fromYcc(in, out, to);
                fromInks(out[to] & 0xff, out[to + 1] & 0xff, out[to + 2] & 0xff, in[3], out, to);
            }
        }
    }

    /** 16 fractional bits, as in libjpeg. */
    private static void fromYcc(int[] in, byte[] out, int to) {
        int cb = in[1] - 128;
        int cr = in[2] - 128;
        out[to] = (byte) Math.clamp(in[0] + ((91_881 * cr + 32_768) >> 16), 0, 255);
        out[to + 1] = (byte) Math.clamp(in[0] + ((-22_554 * cb - 46_802 * cr + 32_768) >> 16), 0, 255);
        out[to + 2] = (byte) Math.clamp(in[0] + ((116_130 * cb + 32_768) >> 16), 0, 255);
    }

    private static void fromInks(int cyan, int magenta, int yellow, int white, byte[] out, int to) {
        out[to] = (byte) (white - divideBy255(cyan * white));
        out[to + 1] = (byte) (white - divideBy255(magenta * white));
        out[to + 2] = (byte) (white - divideBy255(yellow * white));
    }

    private static int divideBy255(int v) {
        int t = v + 128;
        return ((t >> 8) + t) >> 8;
    }
}
