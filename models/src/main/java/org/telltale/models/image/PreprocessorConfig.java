package org.telltale.models.image;

import java.util.Map;
import java.util.Set;
import org.telltale.models.image.Preprocess.CropRule;
import org.telltale.models.image.Preprocess.Resampling;
import org.telltale.models.image.Preprocess.Scale;
import tools.jackson.databind.JsonNode;

/** Reads a {@code preprocessor_config.json}: the defaults are those of the processor classes of transformers. */
final class PreprocessorConfig {
    private static final int MAX_SIZE = 4096;
    private static final double[] HALF = {0.5, 0.5, 0.5};
    private static final Map<Integer, Resampling> BY_CODE =
            Map.of(0, Resampling.PILLOW_NEAREST, 2, Resampling.PILLOW_BILINEAR, 3, Resampling.PILLOW_BICUBIC);
    private static final Map<String, Resampling> BY_NAME = Map.of(
            "nearest", Resampling.PILLOW_NEAREST,
            "bilinear", Resampling.PILLOW_BILINEAR,
            "bicubic", Resampling.PILLOW_BICUBIC,
            "tf_bilinear", Resampling.TENSORFLOW_BILINEAR);
    private static final Set<String> KNOWN_STEPS =
            Set.of("do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb");

    private enum Kind {
        BLIP,
        CLIP,
        VIT,
        MOBILE_NET_V2,
        EFFICIENT_NET,
        TELLTALE
    }

    private final String source;
    private final JsonNode config;

    PreprocessorConfig(String source, JsonNode config) {
        this.source = source;
        this.config = config;
    }

    Preprocess read(int modelSize) {
        if (!config.isObject()) {
            throw wrong("holds no JSON object");
        }
        Kind kind = kind();
        refuseOtherSteps(kind);
        boolean cropsByDefault = kind == Kind.CLIP || kind == Kind.MOBILE_NET_V2;
        boolean crop = flag("do_center_crop", cropsByDefault);
        Scale scale = flag("do_resize", true) ? scale(kind) : new Scale.None();
        Resampling resampling = scale instanceof Scale.None ? Resampling.PILLOW_NEAREST : resampling(kind);
        Scale.Squash output = output(kind, scale, crop, modelSize);
        if (resampling == Resampling.TENSORFLOW_BILINEAR && (crop || !(scale instanceof Scale.Squash))) {
            throw wrong("resample \"tf_bilinear\" with a crop or a shortest edge, expected a size of height and width"
                    + " and no crop");
        }
        double factor = 1;
        double shift = 0;
        if (flag("do_rescale", true)) {
            factor = number("rescale_factor", 1 / 255.0);
            shift = kind == Kind.EFFICIENT_NET && flag("rescale_offset", false) ? -1 : 0;
        }
        double[] mean = {0, 0, 0};
        double[] std = {1, 1, 1};
        if (flag("do_normalize", true)) {
            boolean clip = kind == Kind.BLIP || kind == Kind.CLIP;
            mean = triple("image_mean", clip ? Preprocess.CLIP_MEAN : HALF);
            std = triple("image_std", clip ? Preprocess.CLIP_STD : HALF);
        }
        // include_top repeats the division by the deviation, with mean 0 (SPEC 7.2).
        double[] again = kind == Kind.EFFICIENT_NET && flag("include_top", true)
                ? triple("image_std", HALF)
                : new double[] {1, 1, 1};
        double[] factors = new double[3];
        double[] offsets = new double[3];
        for (int c = 0; c < 3; c++) {
            double divisor = std[c] * again[c];
            if (divisor == 0) {
                throw wrong("image_std holds 0, expected three numbers other than 0");
            }
            factors[c] = factor / divisor;
            offsets[c] = (shift - mean[c]) / divisor;
        }
        return new Preprocess(
                scale, resampling, crop, cropRule(kind), output.width(), output.height(), factors, offsets);
    }

    private Kind kind() {
        JsonNode type = config.hasNonNull("image_processor_type")
                ? config.get("image_processor_type")
                : config.path("feature_extractor_type");
        if (!type.isString()) {
            throw wrong("names no image_processor_type");
        }
        String name = type.asString().replaceFirst("(ImageProcessor(Fast|Pil)?|FeatureExtractor)$", "");
        return switch (name) {
            case "Blip" -> Kind.BLIP;
            case "CLIP" -> Kind.CLIP;
            case "ViT" -> Kind.VIT;
            case "MobileNetV2" -> Kind.MOBILE_NET_V2;
            case "EfficientNet" -> Kind.EFFICIENT_NET;
            case "Telltale" -> Kind.TELLTALE;
            default ->
                throw wrong("image_processor_type \"" + type.asString()
                        + "\" is unknown, expected Blip, CLIP, ViT, MobileNetV2, EfficientNet or Telltale"
                        + "ImageProcessor");
        };
    }

    /** A step that is not known here would silently change what the model sees. */
    private void refuseOtherSteps(Kind kind) {
        for (Map.Entry<String, JsonNode> entry : config.properties()) {
            if (entry.getKey().startsWith("do_")
                    && !KNOWN_STEPS.contains(entry.getKey())
                    && entry.getValue().isBoolean()
                    && entry.getValue().asBoolean()) {
                throw wrong(entry.getKey() + " is not supported for " + kind);
            }
        }
    }

    private Scale scale(Kind kind) {
        JsonNode size = config.path("size");
        if (size.isMissingNode() || size.isNull()) {
            return switch (kind) {
                case BLIP -> new Scale.Squash(384, 384);
                case CLIP -> new Scale.Shortest(224);
                case VIT -> new Scale.Squash(224, 224);
                case MOBILE_NET_V2 -> new Scale.Shortest(256);
                case EFFICIENT_NET -> new Scale.Squash(346, 346);
                case TELLTALE -> throw wrong("names no size");
            };
        }
        if (size.isIntegralNumber()) {
            int side = length(size, "size");
            return kind == Kind.CLIP || kind == Kind.MOBILE_NET_V2
                    ? new Scale.Shortest(side)
                    : new Scale.Squash(side, side);
        }
        if (size.has("shortest_edge") && !size.has("longest_edge")) {
            return new Scale.Shortest(length(size.get("shortest_edge"), "size.shortest_edge"));
        }
        if (size.has("height") && size.has("width")) {
            return new Scale.Squash(length(size.get("width"), "size.width"), length(size.get("height"), "size.height"));
        }
        throw wrong("size is " + size + ", expected height and width, or shortest_edge");
    }

    /** The model's own input, where the processor leaves the size to it. */
    private Scale.Squash own(int modelSize) {
        if (modelSize < 1 || modelSize > MAX_SIZE) {
            throw wrong("the model's input side is " + modelSize + ", expected 1 to " + MAX_SIZE);
        }
        return new Scale.Squash(modelSize, modelSize);
    }

    private Scale.Squash output(Kind kind, Scale scale, boolean crop, int modelSize) {
        if (crop) {
            JsonNode size = config.path("crop_size");
            if (size.isMissingNode() || size.isNull()) {
                return switch (kind) {
                    case BLIP, VIT, TELLTALE -> own(modelSize);
                    case CLIP, MOBILE_NET_V2 -> new Scale.Squash(224, 224);
                    case EFFICIENT_NET -> new Scale.Squash(289, 289);
                };
            }
            if (size.isIntegralNumber()) {
                int side = length(size, "crop_size");
                return new Scale.Squash(side, side);
            }
            return new Scale.Squash(
                    length(size.path("width"), "crop_size.width"), length(size.path("height"), "crop_size.height"));
        }
        return switch (scale) {
            case Scale.Squash squash -> squash;
            case Scale.None none -> own(modelSize);
            case Scale.Shortest shortest ->
                throw wrong("scales the shorter side to " + shortest.length()
                        + " without a crop, expected inputs of one size");
        };
    }

    private Resampling resampling(Kind kind) {
        JsonNode value = config.path("resample");
        if (value.isMissingNode() || value.isNull()) {
            return switch (kind) {
                case BLIP, CLIP, EFFICIENT_NET -> Resampling.PILLOW_BICUBIC;
                case VIT, MOBILE_NET_V2 -> Resampling.PILLOW_BILINEAR;
                case TELLTALE -> throw wrong("names no resample");
            };
        }
        Resampling known = kind == Kind.TELLTALE && value.isString()
                ? BY_NAME.get(value.asString())
                : value.isIntegralNumber() ? BY_CODE.get(value.asInt()) : null;
        if (known == null) {
            throw wrong("resample " + value + " is unknown, expected "
                    + (kind == Kind.TELLTALE
                            ? "\"nearest\", \"bilinear\", \"bicubic\" or \"tf_bilinear\""
                            : "0 (nearest), 2 (bilinear) or 3 (bicubic)"));
        }
        return known;
    }

    private CropRule cropRule(Kind kind) {
        if (kind != Kind.TELLTALE || !config.hasNonNull("crop_rule")) {
            return CropRule.HUGGING_FACE;
        }
        return switch (config.get("crop_rule").asString("")) {
            case "hugging_face" -> CropRule.HUGGING_FACE;
            case "torchvision" -> CropRule.TORCHVISION;
            default ->
                throw wrong("crop_rule " + config.get("crop_rule")
                        + " is unknown, expected \"hugging_face\" or \"torchvision\"");
        };
    }

    private boolean flag(String key, boolean whenAbsent) {
        JsonNode value = config.path(key);
        if (value.isMissingNode() || value.isNull()) {
            return whenAbsent;
        }
        if (!value.isBoolean()) {
            throw wrong(key + " is " + value + ", expected true or false");
        }
        return value.asBoolean();
    }

    private double number(String key, double whenAbsent) {
        JsonNode value = config.path(key);
        if (value.isMissingNode() || value.isNull()) {
            return whenAbsent;
        }
        if (!value.isNumber() || !Double.isFinite(value.asDouble())) {
            throw wrong(key + " is " + value + ", expected a number");
        }
        return value.asDouble();
    }

    private double[] triple(String key, double[] whenAbsent) {
        JsonNode value = config.path(key);
        if (value.isMissingNode() || value.isNull()) {
            return whenAbsent;
        }
        double[] out = new double[3];
        if (!value.isArray() || value.size() != 3) {
            throw wrong(key + " is " + value + ", expected three numbers");
        }
        for (int c = 0; c < 3; c++) {
            if (!value.get(c).isNumber() || !Double.isFinite(value.get(c).asDouble())) {
                throw wrong(key + " is " + value + ", expected three numbers");
            }
            out[c] = value.get(c).asDouble();
        }
        return out;
    }

    private int length(JsonNode value, String key) {
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.asInt() < 1 || value.asInt() > MAX_SIZE) {
            throw wrong(key + " is " + value + ", expected 1 to " + MAX_SIZE);
        }
        return value.asInt();
    }

    private IllegalArgumentException wrong(String what) {
        return new IllegalArgumentException(source + ": " + what);
    }
}
