package org.telltale.models.image;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import tools.jackson.databind.JsonNode;

/**
 * Everything between a decoded picture and a model's input: resize, crop, and one multiplication and addition per
 * channel. Immutable and safe to share. Each chain is proven against its original library by
 * {@code PreprocessGoldenTest}.
 */
public final class Preprocess {
    /** How a centred crop rounds when the margins differ by one pixel, and on which side it pads what is too small. */
    public enum CropRule {
        /** Hugging Face: the margin is rounded down (SPEC 3.4). */
        HUGGING_FACE,
        /** torchvision: half a pixel goes to the even side (SPEC 3.4). */
        TORCHVISION
    }

    /** How the size after the resize follows from the picture's. */
    sealed interface Scale {
        /** Exactly this size, whatever the shape was. */
        record Squash(int width, int height) implements Scale {}

        /** The shorter side gets this length, the longer one keeps the shape, rounded down. */
        record Shortest(int length) implements Scale {}

        /** As it is: the picture must have the model's size already. */
        record None() implements Scale {}
    }

    /** Who resizes. */
    enum Resampling {
        PILLOW_NEAREST,
        PILLOW_BILINEAR,
        PILLOW_BICUBIC,
        TENSORFLOW_BILINEAR
    }

    static final double[] CLIP_MEAN = {0.48145466, 0.4578275, 0.40821073};
    static final double[] CLIP_STD = {0.26862954, 0.26130258, 0.27577711};

    private final Scale scale;
    private final Resampling resampling;
    private final boolean crop;
    private final CropRule rule;
    private final int width;
    private final int height;

    /** What a row of levels is multiplied with, and what is added then: three values, repeated for every pixel. */
    private final double[] factors;

    private final double[] offsets;

    /**
     * @param crop whether a centred crop to width x height follows the resize
     * @param factor and offset: output = pixel * factor + offset, per channel
     */
    Preprocess(
            Scale scale,
            Resampling resampling,
            boolean crop,
            CropRule rule,
            int width,
            int height,
            double[] factor,
            double[] offset) {
        this.scale = scale;
        this.resampling = resampling;
        this.crop = crop;
        this.rule = rule;
        this.width = width;
        this.height = height;
        factors = repeated(factor, width);
        offsets = repeated(offset, width);
    }

    private static double[] repeated(double[] channels, int pixels) {
        double[] row = new double[pixels * 3];
        for (int i = 0; i < row.length; i++) {
            row[i] = channels[i % 3];
        }
        return row;
    }

    /**
     * Reads a Hugging Face {@code preprocessor_config.json}, with the defaults of the named processor's class for what
     * it leaves out. Pillow's resampling is used, as the original (not "fast") processors do. Known processors:
     * {@code BlipImageProcessor}, {@code CLIPImageProcessor}, {@code ViTImageProcessor},
     * {@code MobileNetV2ImageProcessor}, {@code EfficientNetImageProcessor}, their older {@code ...FeatureExtractor}
     * and newer {@code ...Fast} names, and our own {@code TelltaleImageProcessor}.
     *
     * <p>{@code TelltaleImageProcessor} is what the weights converter writes for Keras and Teachable Machine models. It
     * squashes or scales to {@code size}, crops only when {@code do_center_crop} says so, and takes {@code resample} by
     * name: {@code "nearest"}, {@code "bilinear"}, {@code "bicubic"} (Pillow's) or {@code "tf_bilinear"} (TensorFlow's,
     * which only squashes); {@code size} and {@code resample} are required. {@code crop_rule} is
     * {@code "hugging_face"} (when absent) or {@code "torchvision"}. Keras' {@code x / 127.5 - 1} reads:
     *
     * <pre>{@code
     * {"image_processor_type": "TelltaleImageProcessor", "size": {"height": 160, "width": 160}, "resample": "tf_bilinear",
     *  "do_rescale": true, "rescale_factor": 0.00392156862745098,
     *  "do_normalize": true, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
     * }</pre>
     *
     * and a model that takes 0 to 255 has {@code do_rescale} and {@code do_normalize} false.
     *
     * @param source names the file in error messages
     * @param modelSize the side of the model's square input, which holds where nothing is resized or cropped
     * @throws IllegalArgumentException naming the processor, key or value that is unknown or out of range
     */
    public static Preprocess fromJson(String source, JsonNode config, int modelSize) {
        return new PreprocessorConfig(source, config).read(modelSize);
    }

    /** BLIP: bicubic squash, CLIP's mean and deviation (SPEC 10.3). */
    public static Preprocess blip(int size) {
        return squash(size, Resampling.PILLOW_BICUBIC, 1 / 255.0, CLIP_MEAN, CLIP_STD);
    }

    /** CLIP: shorter side to the size, bicubic, and a centred square (SPEC 11.2). open_clip crops like torchvision. */
    public static Preprocess clip(int size, CropRule rule) {
        return normalizing(
                new Scale.Shortest(size),
                Resampling.PILLOW_BICUBIC,
                true,
                rule,
                size,
                size,
                1 / 255.0,
                CLIP_MEAN,
                CLIP_STD);
    }

    /** Keras' MobileNetV2 and InceptionV3: TensorFlow's squash, x / 127.5 - 1 (SPEC 6.2 and 9.2). */
    public static Preprocess kerasMinusOneToOne(int size) {
        double[] half = {0.5, 0.5, 0.5};
        return squash(size, Resampling.TENSORFLOW_BILINEAR, 1 / 255.0, half, half);
    }

    /** Keras' EfficientNet as the model takes it: TensorFlow's squash, 0 to 255 (SPEC 7.2). */
    public static Preprocess kerasRaw(int size) {
        return squash(size, Resampling.TENSORFLOW_BILINEAR, 1, new double[] {0, 0, 0}, new double[] {1, 1, 1});
    }

    /**
     * Keras' EfficientNet behind its Rescaling and Normalization layers, for weights that leave them out (SPEC 7.2).
     *
     * @param twice whether the second division, which comes with {@code weights="imagenet"}, is made too
     */
    public static Preprocess kerasEfficientNet(int size, boolean twice) {
        double[] variance = {0.229, 0.224, 0.225};
        double[] std = new double[3];
        for (int c = 0; c < 3; c++) {
            std[c] = twice ? variance[c] : Math.sqrt(variance[c]);
        }
        double[] mean = {0.485, 0.456, 0.406};
        return squash(size, Resampling.TENSORFLOW_BILINEAR, 1 / 255.0, mean, std);
    }

    private static Preprocess squash(int size, Resampling resampling, double rescale, double[] mean, double[] std) {
        return normalizing(
                new Scale.Squash(size, size), resampling, false, CropRule.HUGGING_FACE, size, size, rescale, mean, std);
    }

    /** A chain that computes (pixel * rescale - mean) / std. */
    static Preprocess normalizing(
            Scale scale,
            Resampling resampling,
            boolean crop,
            CropRule rule,
            int width,
            int height,
            double rescale,
            double[] mean,
            double[] std) {
        double[] factor = new double[3];
        double[] offset = new double[3];
        for (int c = 0; c < 3; c++) {
            factor[c] = rescale / std[c];
            offset[c] = -mean[c] / std[c];
        }
        return new Preprocess(scale, resampling, crop, rule, width, height, factor, offset);
    }

    /** Rows of the model's input. */
    public int height() {
        return height;
    }

    /** Columns of the model's input. */
    public int width() {
        return width;
    }

    /**
     * Writes the model's input for one picture: height() x width() x 3 native-order floats, channels last. The same as
     * {@link #resizeInto} and then {@link #normalize}.
     *
     * @param out at least height() * width() * 12 bytes from byteOffset on
     * @throws IllegalArgumentException when nothing resizes the picture and it has not the model's size
     */
    public void into(Pixels in, MemorySegment out, long byteOffset) {
        float[] values = new float[width * height * 3];
        resizeInto(in, values);
        normalize(values, out, byteOffset);
    }

    /** Whether resized pictures have whole levels, as Pillow's do; TensorFlow does not round. */
    public boolean wholeLevels() {
        return resampling != Resampling.TENSORFLOW_BILINEAR;
    }

    /**
     * The first half: resizes and crops, and leaves the levels from 0 to 255 as they are.
     *
     * @param out [height, width, 3]
     * @throws IllegalArgumentException when nothing resizes the picture and it has not the model's size
     */
    public void resizeInto(Pixels in, float[] out) {
        if (out.length != width * height * 3) {
            throw new IllegalArgumentException(
                    out.length + " values for a picture of " + width + "x" + height + ", expected three a pixel");
        }
        if (resampling == Resampling.TENSORFLOW_BILINEAR) {
            Resize.tensorflow(in, width, height, out);
            return;
        }
        byte[] rgb = resized(in).rgb();
        for (int i = 0; i < rgb.length; i++) {
            out[i] = rgb[i] & 0xff;
        }
    }

    /**
     * The second half: multiplies and adds per channel, which changes levels into what the model takes.
     *
     * @param levels [height, width, 3], 0 to 255; changed in place
     * @param out at least height() * width() * 12 bytes from byteOffset on
     */
    public void normalize(float[] levels, MemorySegment out, long byteOffset) {
        int row = width * 3;
        for (int from = 0; from < levels.length; from += row) {
            for (int i = 0; i < row; i++) {
                levels[from + i] = (float) (levels[from + i] * factors[i] + offsets[i]);
            }
        }
        MemorySegment.copy(levels, 0, out, ValueLayout.JAVA_FLOAT_UNALIGNED, byteOffset, levels.length);
    }

    /** What {@link #resizeInto} depends on, in words: two that are equal resize alike. */
    public String resizing() {
        return scale + " " + resampling + (crop ? " crop " + rule : "") + " " + width + "x" + height;
    }

    /** The resized and cropped picture before its values are scaled; only for Pillow's resampling. */
    Pixels resized(Pixels in) {
        int[] size = scaledSize(scale, in.width(), in.height());
        if (!crop) {
            if (size[0] != width || size[1] != height) {
                throw new PictureException("a picture of " + in.width() + "x" + in.height()
                        + " for a model without resizing, expected " + width + "x" + height);
            }
            return resample(in, size[0], size[1], 0, 0, width, height);
        }
        int left = margin(size[0], width, rule);
        int top = margin(size[1], height, rule);
        int columns = Math.min(size[0], width);
        int rows = Math.min(size[1], height);
        Pixels inner = resample(in, size[0], size[1], Math.max(left, 0), Math.max(top, 0), columns, rows);
        if (columns == width && rows == height) {
            return inner;
        }
        byte[] padded = new byte[width * height * 3];
        for (int y = 0; y < rows; y++) {
            int to = ((Math.max(-top, 0) + y) * width + Math.max(-left, 0)) * 3;
            System.arraycopy(inner.rgb(), y * columns * 3, padded, to, columns * 3);
        }
        return new Pixels(width, height, padded);
    }

    private Pixels resample(Pixels in, int toWidth, int toHeight, int left, int top, int columns, int rows) {
        Resize.Filter filter = switch (resampling) {
            case PILLOW_NEAREST -> Resize.Filter.NEAREST;
            case PILLOW_BILINEAR -> Resize.Filter.BILINEAR;
            case PILLOW_BICUBIC -> Resize.Filter.BICUBIC;
            case TENSORFLOW_BILINEAR -> throw new IllegalStateException("TensorFlow's resampling only squashes");
        };
        return Resize.pillow(in, toWidth, toHeight, filter, left, top, columns, rows);
    }

    /** Width and height after the resize. */
    static int[] scaledSize(Scale scale, int width, int height) {
        return switch (scale) {
            case Scale.None none -> new int[] {width, height};
            case Scale.Squash squash -> new int[] {squash.width(), squash.height()};
            case Scale.Shortest shortest -> {
                int length = shortest.length();
                long longer = (long) length * Math.max(width, height) / Math.min(width, height);
                if (longer > Integer.MAX_VALUE) {
                    throw new PictureException("a picture of " + width + "x" + height
                            + " is too elongated to be scaled to a shorter side of " + length);
                }
                yield width <= height ? new int[] {length, (int) longer} : new int[] {(int) longer, length};
            }
        };
    }

    /** The first row or column of a centred crop; negative: so many of padding come before the picture. */
    static int margin(int extent, int crop, CropRule rule) {
        return switch (rule) {
            case HUGGING_FACE -> Math.floorDiv(extent - crop, 2);
            case TORCHVISION -> extent < crop ? -((crop - extent) / 2) : (int) Math.rint((extent - crop) / 2.0);
        };
    }
}
